"""The sandbox's audit log: answers every query by the contract, and grows while it serves."""

import datetime as dt
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from muniment.model import Query, Sort
from muniment.sandbox.facts import Facts, microseconds, read_facts
from muniment.sandbox.rows import Rows, Table, day_start, parse_uuid, uuid_text
from muniment.sandbox.shapes import Shape, Shapes

__all__ = ["Habits", "Line", "Matches", "Replaced", "Store"]

_REMEMBERED: Final = 8  # selections kept, of at most 8 bytes an entry each
_BATCH: Final = 4096
_SECOND_US: Final = 1_000_000
_ODD: Final = (0, 0)  # stands for the id of an entry whose shape knows it


class Line(NamedTuple):
    """An entry to be logged: Unix time in seconds, the two halves of its id, and the rest."""

    at_s: int
    high: int
    low: int
    shape: Shape

    @property
    def id(self) -> str:
        """The entry's id."""
        return uuid_text(self.high, self.low)


class Matches(msgspec.Struct, frozen=True):
    """What a query found: how many entries match in all, and the exact bytes of those on the page."""

    total: int
    items: Sequence[bytes]


class Habits(NamedTuple):
    """How queries are read where the vendor says nothing, or something that may not be so."""

    zone_us: int = 0
    """How far its days are ahead of those of UTC."""
    any_case: bool = False
    """Upper and lower case are the same in ``user_name``."""


class Replaced(NamedTuple):
    """Content that was rewritten: the bytes before and after."""

    old: bytes
    new: bytes


class _Version:
    """The entries at one moment; equal to itself alone, so that a selection is remembered for it alone."""

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows


class _New(NamedTuple):
    """An entry on its way in, and its row."""

    at: int
    id: str
    row: tuple[int, int, int, int]


class Store:
    """Entries by time and id; one writer at a time, any number of readers, who never wait.

    Where the vendor promises no order, the order is: without ``sort`` as with ``timestamp:asc``
    (assumed); equal values by timestamp, then id, both ascending, whatever the direction; what has no
    value, such as a timestamp that cannot be read, counts as the largest, as in PostgreSQL (assumed).

    Args:
        shapes: Those that the rows name.
        rows: In the order of `Rows.ordered`.
    """

    def __init__(self, shapes: Shapes, rows: Rows) -> None:
        self._shapes = shapes
        self._table = Table(rows)
        self._version = _Version(rows)
        self._select = lru_cache(_REMEMBERED)(self._select_anew)
        self._writing = threading.Lock()
        self._gone: list[Rows] = []
        self.replaced: list[Replaced] = []
        """What was rewritten, oldest first."""
        self.habits = Habits()
        """How it reads queries from now on."""

    @classmethod
    def empty(cls) -> "Store":
        """A store without entries."""
        return cls(Shapes(), Rows.of([]))

    def __len__(self) -> int:
        return len(self._version.rows.at)

    def search(self, query: Query) -> Matches:
        """The entries that match, and of them at most ``query.limit`` from ``query.offset``."""
        version, sort = self._version, query.sort or Sort()
        asked = msgspec.structs.replace(query, offset=0, limit=0, sort=None if sort.field == "timestamp" else sort)
        found = self._select(version, self.habits, asked)
        if sort == Sort("timestamp", "desc"):
            page = _newest_first(version.rows.at, found, query.offset, query.limit)
        else:
            page = np.asarray(found[query.offset : query.offset + query.limit], np.intp)
        return Matches(len(found), self._render(version.rows, page))

    def find(self, entry_id: str) -> tuple[bytes, ...]:
        """The bytes of every entry with this id."""
        rows = self._version.rows
        return tuple(self._render(rows, self._positions(rows, entry_id)))

    def everything(self, to: dt.date | None = None) -> Iterator[bytes]:
        """The bytes of every entry, or of those up to the end of a day, by time."""
        rows = self._version.rows
        return self._render_all(rows.first(rows.window(None, to, self.habits.zone_us)[1]))

    def departed(self) -> Iterator[bytes]:
        """The bytes of every entry that was removed, forgotten or rewritten, as they were; it may be back."""
        for rows in list(self._gone):
            yield from self._render_all(rows)

    def without_newest(self, count: int) -> "Store":
        """A copy as of now that lacks so many of the newest entries; both share their shapes."""
        rows = self._version.rows
        end = rows.timed()
        copy = Store(self._shapes, rows.without(np.arange(max(0, end - count), end)))
        copy.habits = self.habits
        return copy

    def log(self, lines: Iterable[Line]) -> None:
        """Log entries of the usual form, of any time."""
        with self._writing:
            self._publish(self._table.rows, [self._new(line) for line in lines])

    def add(self, items: Iterable[bytes], *, at: dt.datetime | None = None) -> None:
        """Log entries given as their exact bytes, which may be anything at all.

        Args:
            items: Each is served as it is; filters and sorts see of it what can be read.
            at: The time that the log keeps them under, where that is not their own timestamp.
        """
        with self._writing:
            self._publish(self._table.rows, [self._odd(item, at) for item in items])

    def add_as(self, items: Iterable[tuple[bytes, Facts]]) -> None:
        """Log entries given as their exact bytes, with what filters and sorts see of each whatever its bytes say."""
        with self._writing:
            self._publish(self._table.rows, [self._told(item, facts) for item, facts in items])

    def remove(self, entry_id: str, instead: Iterable[bytes] = ()) -> int:
        """Take every entry with this id away, and log others in the same moment; returns how many there were."""
        with self._writing:
            gone = self._positions(self._table.rows, entry_id)
            return self._let_go(gone, [self._odd(item, None) for item in instead])

    def rewrite(self, entry_id: str, item: bytes) -> int:
        """Put other bytes in the place of every entry with this id, in one step; returns how many there were.

        They are kept under their own timestamp, so a changed one moves the entry.
        """
        with self._writing:
            rows = self._table.rows
            gone = self._positions(rows, entry_id)
            self.replaced.extend(Replaced(old, item) for old in self._render(rows, gone))
            return self._let_go(gone, [self._odd(item, None) for _ in gone])

    def forget_before(self, day: dt.date) -> int:
        """Take away every entry before a UTC day, as retention does; returns how many there were."""
        with self._writing:
            return self._let_go(np.flatnonzero(self._table.rows.at < day_start(day)))

    def _select_anew(self, version: _Version, habits: Habits, asked: Query) -> NDArray[np.intp] | range:
        """Positions of all entries that match, in the order asked for; by time if no other."""
        rows, shapes = version.rows, self._shapes
        first, end = rows.window(asked.from_, asked.to, habits.zone_us)
        wanted = shapes.matching(asked, any_case=habits.any_case)
        if wanted is None and asked.sort is None:
            return range(first, end)
        found = np.arange(first, end) if wanted is None else first + np.flatnonzero(wanted[rows.shape[first:end]])
        if asked.sort is None:
            return found
        ranks = shapes.ranks(asked.sort.field)[rows.shape[found]]
        return found[np.argsort(ranks if asked.sort.direction == "asc" else ~ranks, kind="stable")]

    def _render(self, rows: Rows, positions: NDArray[np.intp]) -> list[bytes]:
        heads, tails, odd = self._shapes.heads, self._shapes.tails, self._shapes.odd
        page = rows.take(positions)
        times = np.datetime_as_string((page.at // _SECOND_US).astype("datetime64[s]")).tolist()
        return [
            odd[code] if code in odd else f'{{"id":"{entry_id}{heads[code]}{time}{tails[code]}'.encode()
            for entry_id, code, time in zip(page.id_texts(), page.shape.tolist(), times, strict=True)
        ]

    def _render_all(self, rows: Rows) -> Iterator[bytes]:
        for first in range(0, len(rows.at), _BATCH):
            yield from self._render(rows, np.arange(first, min(first + _BATCH, len(rows.at))))

    def _new(self, line: Line) -> _New:
        at = line.at_s * _SECOND_US
        return _New(at, line.id, (at, self._shapes.code_of(line.shape), line.high, line.low))

    def _odd(self, item: bytes, at: dt.datetime | None) -> _New:
        facts = read_facts(item)
        if at is not None:
            facts = facts._replace(at=microseconds(at))
        return self._told(item, facts)

    def _told(self, item: bytes, facts: Facts) -> _New:
        return _New(facts.at, facts.id, (facts.at, self._shapes.add_odd(item, facts), *_ODD))

    def _let_go(self, gone: NDArray[np.intp], instead: Sequence[_New] = ()) -> int:
        """Take the entries at these positions away, and show others in the same moment; the lock is held."""
        rows = self._table.rows
        if len(gone):
            self._gone.append(rows.take(gone))
        self._publish(rows.without(gone), instead)
        return len(gone)

    def _publish(self, rows: Rows, arriving: Sequence[_New]) -> None:
        """Show readers these rows and more, from now on; the lock is held."""
        table = self._table
        if rows is not table.rows:
            table.replace(rows)
        new = sorted(arriving, key=lambda one: (one.at, one.id))
        id_of = self._id_of(rows)
        places = [rows.place(one.at, one.id, id_of) for one in new]
        table.insert(places, Rows.of([one.row for one in new]))
        self._version = _Version(table.rows)
        self._select.cache_clear()

    def _positions(self, rows: Rows, entry_id: str) -> NDArray[np.intp]:
        """Where the entries with this id are."""
        codes = self._shapes.odd_with_id(entry_id)
        having = np.isin(rows.shape, codes) if codes else np.zeros(len(rows.shape), np.bool_)
        halves = parse_uuid(entry_id)
        if halves is not None and halves != _ODD:
            having |= (rows.high == np.uint64(halves[0])) & (rows.low == np.uint64(halves[1]))
        return np.flatnonzero(having)

    def _id_of(self, rows: Rows) -> Callable[[int], str]:
        def id_of(position: int) -> str:
            code = int(rows.shape[position])
            if code in self._shapes.odd:
                return self._shapes.odd_id(code)
            return uuid_text(int(rows.high[position]), int(rows.low[position]))

        return id_of


def _newest_first(at: NDArray[np.int64], found: Any, offset: int, limit: int) -> NDArray[np.intp]:
    """A page of what was found by time, turned round; entries of the same time stay by id.

    Sorting the whole would cost most of the time of an answer, so only the page is turned.
    """
    end = len(found) - offset
    first = max(0, end - limit)
    if end <= first:
        return np.empty(0, np.intp)

    def when(place: int) -> int:
        return int(at[found[place]])

    places = range(len(found))
    low, high = bisect_left(places, when(first), key=when), bisect_right(places, when(end - 1), key=when)
    ties_whole = np.asarray(found[low:high])
    turned = ties_whole[np.argsort(-at[ties_whole], kind="stable")]
    return turned[high - end : high - first]
