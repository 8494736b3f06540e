"""Faults of a population that moves while it is read, or between two readings.

What a collection has to hold afterwards, as `Box.truth` tells it:

- ``late``, ``late-midway``, ``late-during``, ``live-head``: what came, from the moment that it is there; a run that
  ended before lacks it, and the next one must not. With ``live-head`` something came after any run's last question,
  so the truth is asked for up to the last day that is over.
- ``retention``, ``vanish``, ``vanish-later``: what is left, and of what is gone whatever had been given to a client;
  what vanished unseen may be held by nobody.
- ``swap``: the one that came, and the one that is gone, since it had just been given.
- ``reappear``: the entry that was away, whether it is back or not.
- ``rewritten``, ``moved``: the content that was given first; the other content too, once that was given as well.
- ``respelled``: the bytes that were given first; the other spelling may be held, as it says the same.

An entry that is logged twice (``twins``) has to be held once; the ids of ``unlike-twins`` with both contents.
No other fault changes the truth: what a page, a total or a lagging replica says is not what there is.
"""

import datetime as dt
import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from muniment.model import Query
from muniment.sandbox.backend import Passing, Sheet, Source
from muniment.sandbox.dice import Dice
from muniment.sandbox.facts import read_facts
from muniment.sandbox.faults.content import is_sound
from muniment.sandbox.faults.fault import Fault, Ground, Layers, Value, count
from muniment.sandbox.world import World

__all__ = ["FAULTS", "log_late"]

Deed = Callable[[Ground, int], None]
"""Changes the world, once or so many times."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY: Final = dt.timedelta(days=1)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_TIME: Final = re.compile(rb'"timestamp":"(\d{4}-\d{2}-\d{2})T')
_MIDWAY, _ONCE_READ = 50, 100  # of a hundred entries have been served
_TRIES: Final = 4_000
_MOST_DAYS: Final = 3_650
_SENSIBLE_US: Final = 10**17
_MOST_DURING: Final = 20
_STREAM: Final = 3  # rows that a page has at least, where somebody reads and does not just count


def log_late(world: World, number: int) -> tuple[str, ...]:
    """Log entries behind every reader, spread evenly over those that the log has; their ids.

    An empty log stays empty.
    """
    return tuple(entry_id for at in _moments(world, number) for entry_id in world.arrive_late(at))


def _moments(world: World, number: int) -> list[dt.datetime]:
    """The times of so many of the log's entries, evenly spread; only of those that have a time that can be read."""
    dated = Query(from_=dt.date.min, to=dt.date.max, limit=1)
    total = world.audit_log(dated).total
    offsets = [(2 * n + 1) * total // (2 * number) for n in range(number if total else 0)]
    pages = (world.audit_log(msgspec.structs.replace(dated, offset=offset)) for offset in offsets)
    times = (read_facts(item).at for page in pages for item in page.items)
    return [_EPOCH + at * _MICROSECOND for at in times if abs(at) < _SENSIBLE_US]


def _chosen(ground: Ground, name: str, number: int, *, served: bool) -> list[bytes]:
    """So many different entries that are in order, by chance: of those that have been served, or of all."""
    world, dice = ground.world, ground.dice(name, "choice")
    total = world.audit_log(Query(limit=0)).total
    drawn = (world.audit_log(Query(offset=dice.below(total), limit=1)).items for _ in range(_TRIES if total else 0))
    sound = (item for items in drawn for item in items if is_sound(item))
    wanted = (item for item in sound if not served or ground.progress.was_served(item))
    return list(islice(_different(wanted), number))


def _different(items: Iterator[bytes]) -> Iterator[bytes]:
    met: set[bytes] = set()
    for item in items:
        if item not in met:
            met.add(item)
            yield item


class _Watching(Passing):
    """Does something after answers, from the page that was given; one at a time."""

    def __init__(self, behind: Source, *, then: Callable[[Sheet], None]) -> None:
        super().__init__(behind)
        self._then = then
        self._lock = threading.Lock()

    def audit_log(self, query: Query) -> Sheet:
        """Answer; what is done shows in the next answer."""
        sheet = super().audit_log(query)
        with self._lock:
            self._then(sheet)
        return sheet


def _watching(then: Callable[[Sheet], None]) -> Layers:
    return Layers(backend=partial(_Watching, then=then))


def _once(percent: int, deed: Deed) -> Callable[[Ground, int], Layers]:
    """A deed that is done once, when so much of the log has been served."""

    def lay(ground: Ground, number: int) -> Layers:
        done = False

        def then(sheet: Sheet) -> None:
            nonlocal done
            ground.progress.note(sheet.items)
            if not done and ground.progress.reached(percent):
                done = True
                deed(ground, number)

        return _watching(then)

    return lay


def _come_late(ground: Ground, number: int) -> None:
    log_late(ground.world, number)


def _vanish(ground: Ground, number: int) -> None:
    for item in _chosen(ground, "vanish", number, served=False):
        ground.progress.forget([item])
        ground.world.store.remove(read_facts(item).id)


def _forget_days(ground: Ground, number: int) -> None:
    store = ground.world.store
    oldest = next(store.everything(), b"")
    at = read_facts(oldest).at
    if abs(at) < _SENSIBLE_US:
        kept_from = (_EPOCH + at * _MICROSECOND).date() + number * _DAY
        store.forget_before(kept_from)
        ground.progress.forget(store.departed())


def _rewrite(name: str, change: Callable[[bytes, int], bytes]) -> Deed:
    def deed(ground: Ground, number: int) -> None:
        for n, item in enumerate(_chosen(ground, name, number, served=True)):
            ground.world.store.rewrite(read_facts(item).id, change(item, n))

    return deed


def _changed(item: bytes, n: int) -> bytes:
    entry = msgspec.json.decode(item)
    more = {"reviewed": True} if n % 2 else {"description": f"{entry['description']} (changed afterwards)"}
    return msgspec.json.encode(entry | more)


def _respelled(item: bytes, _n: int) -> bytes:
    entry: dict[str, Any] = msgspec.json.decode(item)
    return json.dumps(dict(reversed(entry.items()))).encode()


def _on_another_day(item: bytes, _n: int) -> bytes:
    def earlier(found: re.Match[bytes]) -> bytes:
        day = dt.date.fromisoformat(found[1].decode()) - _DAY
        return b'"timestamp":"%sT' % day.isoformat().encode()

    return _TIME.sub(earlier, item, count=1)


def _late_during(ground: Ground, every: int) -> Layers:
    pages, left = 0, _MOST_DURING

    def then(sheet: Sheet) -> None:
        nonlocal pages, left
        if len(sheet.items) < _STREAM or not left:
            return
        pages += 1
        at = read_facts(sheet.items[len(sheet.items) // 2]).at
        if pages % every == 0 and abs(at) < _SENSIBLE_US:
            left -= 1
            ground.world.arrive_late(_EPOCH + at * _MICROSECOND)

    return _watching(then)


def _live_head(ground: Ground, every: int) -> Layers:
    pages = 0

    def then(sheet: Sheet) -> None:
        nonlocal pages
        pages += bool(sheet.items)
        if sheet.items and pages % every == 0:
            ground.world.arrive(ground.clock())

    return _watching(then)


def _swap(ground: Ground, number: int) -> Layers:
    dice, left = ground.dice("swap"), number

    def then(sheet: Sheet) -> None:
        nonlocal left
        ground.progress.note(sheet.items)
        reading = len(sheet.items) >= _STREAM and sheet.offset + len(sheet.items) < sheet.total
        if left and sheet.items and (reading or ground.progress.reached(_MIDWAY)):
            left -= _replace(ground.world, sheet.items[len(sheet.items) // 2], dice)

    return _watching(then)


def _replace(world: World, served: bytes, dice: Dice) -> bool:
    """Take an entry away, and log another of the same time in the same moment, if the entry is in order."""
    entry_id = read_facts(served).id
    item = next(iter(world.store.find(entry_id)), b"")
    if not is_sound(item):
        return False
    world.store.remove(entry_id, [msgspec.json.encode(msgspec.json.decode(item) | {"id": dice.uuid()})])
    return True


def _reappear(ground: Ground, answers: int) -> Layers:
    away: list[bytes] = []
    since = -1

    def then(sheet: Sheet) -> None:
        nonlocal since
        ground.progress.note(sheet.items)
        if since >= 0:
            since += 1
        elif ground.progress.reached(_ONCE_READ):
            since = 0
            away.extend(_chosen(ground, "reappear", 1, served=True))
            for item in away:
                ground.world.store.remove(read_facts(item).id)
        if since == answers:
            ground.world.store.add(away)

    return _watching(then)


_FEW: Final[Value[int]] = count(default=3)

FAULTS: Final = (
    Fault(
        "live-head", "logs a new entry, dated now, after every Nth page (2nd unless told)", _live_head, count(default=2)
    ),
    Fault(
        "late",
        "logs N entries of all ages (3 unless told) once every entry has been served",
        _once(_ONCE_READ, _come_late),
        _FEW,
    ),
    Fault(
        "late-midway",
        "logs N entries of all ages (3 unless told) once half of the entries have been served",
        _once(_MIDWAY, _come_late),
        _FEW,
    ),
    Fault(
        "late-during",
        f"logs an entry among those of every Nth page (2nd unless told) after it was given, {_MOST_DURING} in all",
        _late_during,
        count(default=2),
    ),
    Fault(
        "retention",
        "forgets the N oldest days (1 unless told) once half of the entries have been served",
        _once(_MIDWAY, _forget_days),
        count(default=1, most=_MOST_DAYS),
    ),
    Fault(
        "vanish",
        "lets N entries (3 unless told) of any age vanish once half of the entries have been served",
        _once(_MIDWAY, _vanish),
        _FEW,
    ),
    Fault(
        "vanish-later",
        "lets N entries (3 unless told) of any age vanish once every entry has been served",
        _once(_ONCE_READ, _vanish),
        _FEW,
    ),
    Fault(
        "swap",
        "has an entry that it just gave replaced by another in one moment, N times (1 unless told)",
        _swap,
        count(default=1),
    ),
    Fault(
        "reappear",
        "lets an entry vanish once all have been served, and come back N answers later (30 unless told)",
        _reappear,
        count(default=30),
    ),
    Fault(
        "rewritten",
        "changes N entries (3 unless told) that were served, or adds a member, once half have been served",
        _once(_MIDWAY, _rewrite("rewritten", _changed)),
        _FEW,
    ),
    Fault(
        "respelled",
        "spells N entries (3 unless told) that were served otherwise, once half have been served",
        _once(_MIDWAY, _rewrite("respelled", _respelled)),
        _FEW,
    ),
    Fault(
        "moved",
        "dates N entries (3 unless told) that were served a day earlier, once half have been served",
        _once(_MIDWAY, _rewrite("moved", _on_another_day)),
        _FEW,
    ),
)
