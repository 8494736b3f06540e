"""A source of two copies, of which one lags."""

import itertools
from typing import Final

from muniment.model import Query
from muniment.sandbox.backend import Search
from muniment.sandbox.faults.fault import Fault, Ground, Layers, count
from muniment.sandbox.store import Matches

__all__ = ["FAULTS"]


def _replicas(ground: Ground, lag: int) -> Layers:
    numbers = itertools.count()

    def around(search: Search) -> Search:
        def answer(query: Query) -> Matches:
            if next(numbers) % 2:
                return ground.world.store.without_newest(lag).search(query)
            found = search(query)
            return Matches(found.total, found.items)

        return answer

    return Layers(search=around)


FAULTS: Final = (
    Fault(
        "replicas",
        "answers every second request from a copy that lacks the N newest entries (3 unless told)",
        _replicas,
        count(default=3),
    ),
)
