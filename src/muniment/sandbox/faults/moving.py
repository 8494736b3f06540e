"""Faults of a population that moves while it is read."""

import datetime as dt
import threading
from functools import partial
from typing import Final

import msgspec

from muniment.api.backend import Backend, Found
from muniment.model import Query
from muniment.sandbox.backend import Passing
from muniment.sandbox.facts import read_facts
from muniment.sandbox.faults.fault import Fault, Ground, Layers
from muniment.sandbox.world import World

__all__ = ["FAULTS", "log_late"]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def log_late(world: World, count: int) -> tuple[str, ...]:
    """Log entries behind every reader, spread evenly over those that the log has; their ids.

    An empty log stays empty.
    """
    return tuple(entry_id for at in _moments(world, count) for entry_id in world.arrive_late(at))


def _moments(world: World, count: int) -> list[dt.datetime]:
    """The times of so many of the log's entries, evenly spread; only of those that have a time that can be read."""
    dated = Query(from_=dt.date.min, to=dt.date.max, limit=1)
    total = world.audit_log(dated).total
    offsets = [(2 * n + 1) * total // (2 * count) for n in range(count if total else 0)]
    pages = (world.audit_log(msgspec.structs.replace(dated, offset=offset)) for offset in offsets)
    return [_EPOCH + dt.timedelta(microseconds=read_facts(item).at) for page in pages for item in page.items]


class _LateEntries(Passing):
    """Logs entries behind the reader, as soon as everything that was there at the start has been served once."""

    def __init__(self, behind: Backend, *, world: World, count: int) -> None:
        super().__init__(behind)
        self._world = world
        self._count = count
        self._awaited = world.audit_log(Query(limit=0)).total
        self._served: set[int] = set()
        self._lock = threading.Lock()

    def audit_log(self, query: Query) -> Found:
        """Answer, and log the late ones if this answer held the last that the reader lacked."""
        found = super().audit_log(query)
        with self._lock:
            if self._count:
                self._served.update(map(hash, found.items))
                if len(self._served) >= self._awaited:
                    log_late(self._world, self._count)
                    self._count = 0
        return found


def _late(ground: Ground, count: int) -> Layers:
    return Layers(backend=partial(_LateEntries, world=ground.world, count=count))


FAULTS: Final = (
    Fault(
        "late",
        "logs N entries of all ages (3 unless told) once every entry has been served",
        _late,
        "N",
        default=3,
    ),
)
