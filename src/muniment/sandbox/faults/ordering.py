"""Faults of order: ties that come out differently each time, other orders than asked for, and none at all."""

import itertools
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import numpy as np

from muniment.model import Query, Sort
from muniment.sandbox.backend import Search
from muniment.sandbox.dice import Dice, scatter
from muniment.sandbox.faults.fault import Fault, Ground, Layers, count
from muniment.sandbox.store import Matches

__all__ = ["FAULTS"]

Coarse = Callable[[re.Match[bytes]], bytes]

_TIME: Final = re.compile(rb'"timestamp":"(\d{4}-\d{2}-\d{2}T)(\d{2}):(\d{2}):(\d{2})Z"')
_DAY_S: Final = 86_400
_FIRST_REACH: Final = 64
_SCATTERED: Final = 8  # up to this share of the rows, each is fetched by itself


def _ties(ground: Ground, span_s: int) -> Layers:
    numbers = itertools.count()
    coarse = partial(_coarse, span_s=span_s)
    return Layers(
        item=lambda item: _TIME.sub(coarse, item, count=1),
        search=lambda search: lambda query: _shuffle_ties(search, query, coarse, ground.dice("ties", next(numbers))),
    )


def _coarse(found: re.Match[bytes], span_s: int) -> bytes:
    """The beginning of the span of the day that a timestamp lies in."""
    time = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    time -= time % span_s
    return b'"timestamp":"%s%02d:%02d:%02dZ"' % (found[1], time // 3600, time // 60 % 60, time % 60)


def _shuffle_ties(search: Search, query: Query, coarse: Coarse, dice: Dice) -> Matches:
    """A page whose rows of equal timestamps are drawn from all there are of each timestamp."""
    if query.sort is not None and query.sort.field != "timestamp":
        found = search(query)
        return Matches(found.total, found.items)

    def time_of(item: bytes) -> bytes:
        timed = _TIME.search(item)
        return coarse(timed) if timed else item

    total, first, items = _whole_ties(search, query, time_of)
    mixed = [item for _, tied in itertools.groupby(items, time_of) for item in dice.shuffled(list(tied))]
    return Matches(total, mixed[query.offset - first : query.offset - first + query.limit])


def _whole_ties(search: Search, query: Query, time_of: Callable[[bytes], bytes]) -> tuple[int, int, Sequence[bytes]]:
    """A page, grown at both ends until no timestamp reaches beyond it: total, position and rows."""
    first, end, reach = query.offset, query.offset + query.limit, _FIRST_REACH
    while True:
        found = search(msgspec.structs.replace(query, offset=first, limit=end - first))
        times = [time_of(item) for item in found.items]
        page = times[query.offset - first :][: query.limit]
        before = bool(page) and first > 0 and times[0] == page[0]
        behind = bool(page) and first + len(times) < found.total and times[-1] == page[-1]
        if not before and not behind:
            return found.total, first, found.items
        first, end, reach = max(0, first - reach * before), end + reach * behind, reach * 4


def _unordered(ground: Ground, _value: None) -> Layers:
    return Layers(search=lambda search: lambda query: _drawn(search, query, ground.dice("unordered")))


def _no_order(ground: Ground, _value: None) -> Layers:
    numbers = itertools.count()
    return Layers(search=lambda search: lambda query: _drawn(search, query, ground.dice("no-order", next(numbers))))


def _drawn(search: Search, query: Query, dice: Dice) -> Matches:
    """A page of an order that the dice decide."""
    total = search(msgspec.structs.replace(query, limit=0)).total
    order = np.argsort(scatter(dice, total))[query.offset : query.offset + query.limit].tolist()
    if len(order) * _SCATTERED < total:
        alone = (search(msgspec.structs.replace(query, offset=place, limit=1)).items for place in order)
        return Matches(total, [item for items in alone for item in items])
    everything = search(msgspec.structs.replace(query, offset=0, limit=total)).items
    return Matches(total, [everything[place] for place in order if place < len(everything)])


def _newest_first(_ground: Ground, _value: None) -> Layers:
    newest = Sort("timestamp", "desc")
    return Layers(search=lambda search: lambda query: search(msgspec.structs.replace(query, sort=newest)))


FAULTS: Final = (
    Fault("newest-first", "ignores sort: the newest first, always", _newest_first),
    Fault("unordered", "ignores sort: an order by chance, the same while the total stands", _unordered),
    Fault("no-order", "ignores sort: another order with each request", _no_order),
    Fault(
        "ties",
        "cuts timestamps to S seconds (3600 unless told) and orders equal ones anew with each request",
        _ties,
        count("S", default=3600, most=_DAY_S),
    ),
)
