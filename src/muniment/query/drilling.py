"""Finding a page in the query index without sorting what lies before it.

Entries are counted by the coarsest step of the order first, such as days; only in the step where the page begins are
they counted by the next finer one; a few thousand are sorted at last. The first count gives the total besides.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from muniment.model import Sort
from muniment.query.building import DAY_US, NEVER
from muniment.query.order import Row
from muniment.query.scope import Scope

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Drill"]

_WIDTHS: Final = (DAY_US, 5 * 60 * 1_000_000, 1_000_000)
"""Steps of time, in microseconds: a day, five minutes, a second."""


_RARE: Final = frozenset({"user_name", "resource_id"})
"""Columns most of whose values few entries have."""


class _Step(NamedTuple):
    """Entries that are next to each other in the order: a step of time by its number, or the code of a value."""

    place: int | None
    entries: int


class _Cut(NamedTuple):
    """What is wanted of some neighbouring steps."""

    places: list[int | None]
    entries: int
    skip: int
    take: int


class Drill:
    """One query to the index, for as long as it is asked.

    Args:
        db: The index.
        scope: What matches.
        sort: The order it is wanted in.
        few: So many rows are sorted without further ado.
    """

    def __init__(self, db: "DuckDBPyConnection", scope: Scope, sort: Sort, few: int) -> None:
        self._db = db
        self._few = few
        self._descending = sort.direction == "desc"
        self._field = None if sort.field == "timestamp" else sort.field
        self._levels: tuple[int | None, ...] = _WIDTHS if self._field is None else (None, *_WIDTHS)
        """What is counted by, the coarsest first: a step of time, or None for the field's values."""
        self._all = [] if scope.is_empty else self._list_few(scope)
        """All that match, in order, if that are very few; else None."""
        self._scope = scope
        self._top = self._steps(scope, 0) if self._all is None else []

    def count(self) -> int:
        """How many entries match."""
        return sum(step.entries for step in self._top) if self._all is None else len(self._all)

    def rows(self, skip: int, take: int) -> list[Row]:
        """At most `take` of the entries that match, in order, after the first `skip`; without their ids."""
        if self._all is not None:
            return self._all[skip : skip + take]
        return list(self._rows(self._scope, 0, self._top, skip, take))

    def _rows(self, scope: Scope, level: int, steps: Sequence[_Step], skip: int, take: int) -> Iterator[Row]:
        finer = level + 1
        for cut in _cuts(steps, skip, take, self._few):
            within = self._within(scope, level, cut.places)
            if cut.entries <= self._few or finer == len(self._levels):
                yield from self._sorted(within, cut.skip, cut.take)
            else:
                yield from self._rows(within, finer, self._steps(within, finer), cut.skip, cut.take)

    def _steps(self, scope: Scope, level: int) -> list[_Step]:
        """How many there are in each step of a level, in order."""
        width = self._levels[level]
        if width is None:
            return self._steps_of_values(scope, self._field or "")
        counted = self._db.execute(*scope.count_by_time(width)).fetchall()
        # equal values are by ascending time, whatever the direction
        return [_Step(*row) for row in sorted(counted, reverse=self._descending and self._field is None)]

    def _steps_of_values(self, scope: Scope, field: str) -> list[_Step]:
        counted = self._db.execute(*scope.count_by(field)).fetchall()
        texts = dict(self._db.execute(f"SELECT code, {field} FROM names_{field}").fetchall())
        counted.sort(key=lambda row: (row[0] is None, texts.get(row[0], "")), reverse=self._descending)
        return [_Step(*row) for row in counted]

    def _within(self, scope: Scope, level: int, places: Sequence[int | None]) -> Scope:
        width = self._levels[level]
        known = [place for place in places if place is not None]
        if width is not None:
            bounds = min(known) * width, min((max(known) + 1) * width - 1, NEVER)
            return scope.where("time", "time BETWEEN ? AND ?", bounds)
        field = self._field or ""
        among = f"{field} IN ({', '.join('?' for _ in known)})" if known else "FALSE"
        return scope.where(field, among if len(known) == len(places) else f"({among} OR {field} IS NULL)", known)

    def _list_few(self, scope: Scope) -> list[Row] | None:
        """What is likely to be rare is looked for once, not counted first; None where it is not rare."""
        if not scope.columns & _RARE:
            return None
        most = max(1, self._few // 10)
        asked = scope.select(f"{self._value()}, time, leaf, facts.rowid", " LIMIT ?", (most + 1,))
        found = self._db.execute(*asked).fetchall()
        if len(found) > most:
            return None
        found.sort(key=lambda row: row[3])
        if self._field is not None or self._descending:
            # a sort leaves equal ones as they are, backwards too
            found.sort(key=lambda row: (1,) if row[0] is None else (0, row[0]), reverse=self._descending)
        return [_row(*row[:3]) for row in found]

    def _sorted(self, scope: Scope, skip: int, take: int) -> list[Row]:
        way, nulls = ("DESC", "FIRST") if self._descending else ("ASC", "LAST")
        then = "" if self._field is None else "time ASC, "
        order = f" ORDER BY sorted_by {way} NULLS {nulls}, {then}facts.rowid LIMIT ? OFFSET ?"
        asked = scope.select(f"{self._value()} AS sorted_by, time, leaf", order, (take, skip))
        return [_row(*found) for found in self._db.execute(*asked).fetchall()]

    def _value(self) -> str:
        """What is sorted by, as SQL."""
        if self._field is None:
            return "time"
        return f"(SELECT {self._field} FROM names_{self._field} WHERE code = facts.{self._field})"


def _cuts(steps: Iterable[_Step], skip: int, take: int, few: int) -> Iterator[_Cut]:
    """The steps that hold what is wanted, and no others; neighbours together as long as they are few."""
    cut = _Cut([], 0, 0, 0)
    for place, entries in steps:
        if take <= 0:
            break
        if skip >= entries:
            skip -= entries
            continue
        taken = min(take, entries - skip)
        if cut.places and cut.entries + entries > few:
            yield cut
            cut = _Cut([], 0, 0, 0)
        first = skip if not cut.places else cut.skip
        cut = _Cut([*cut.places, place], cut.entries + entries, first, cut.take + taken)
        take -= taken
        skip = 0
    if cut.places:
        yield cut


def _row(value: str | int | None, time: int, leaf: int) -> Row:
    known = None if time == NEVER else time
    return Row(known if value == time else value, known, None, leaf)
