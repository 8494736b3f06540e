"""Entries as columns of numbers, ordered by time and id."""

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "Table", "day_start", "parse_uuid", "uuid_text"]

_DAY_US: Final = 86_400_000_000
_FIRST_DAY: Final = dt.date(1970, 1, 1).toordinal()
_UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Rows(NamedTuple):
    """Some entries; all columns have the same length."""

    at: NDArray[np.int64]
    """Microseconds since 1970; `NEVER` without a readable timestamp."""
    shape: NDArray[np.int32]
    """Codes of `Shapes`."""
    high: NDArray[np.uint64]
    """First half of the id; of an odd entry, whose id its shape knows, 0."""
    low: NDArray[np.uint64]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]]) -> "Rows":
        """From (time, shape, high, low) of each entry."""
        at, shape, high, low = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            np.array(at, np.int64), np.array(shape, np.int32), np.array(high, np.uint64), np.array(low, np.uint64)
        )

    def take(self, positions: Any) -> "Rows":
        """Those at these positions, or where a mask is true."""
        return self._each(lambda column: column[positions])

    def without(self, positions: NDArray[np.intp]) -> "Rows":
        """All but those at these positions."""
        return self._each(lambda column: np.delete(column, positions)) if len(positions) else self

    def ordered(self) -> "Rows":
        """The same entries by time, then id; none of them may be odd."""
        return self.take(np.lexsort((self.low, self.high, self.at)))

    def first(self, size: int) -> "Rows":
        """This many from the first, as a view."""
        return self._each(lambda column: column[:size])

    def put(self, places: Sequence[int], new: "Rows") -> "Rows":
        """A copy with each new row before the one that is at its place now."""
        columns: Iterable[tuple[Any, Any]] = zip(self, new, strict=True)
        return Rows(*(np.insert(column, places, more) for column, more in columns))

    def with_room(self, capacity: int) -> "Rows":
        """A copy at the head of columns of this length."""
        grown = self._each(lambda column: np.empty(capacity, column.dtype))
        columns: Iterable[tuple[Any, Any]] = zip(grown, self, strict=True)
        for column, old in columns:
            column[: len(old)] = old
        return grown

    def id_texts(self) -> list[str]:
        """The ids, nothing of sense for odd entries."""
        digits = np.column_stack([self.high, self.low]).astype(">u8").tobytes().hex()
        return [_with_hyphens(digits[at : at + 32]) for at in range(0, len(digits), 32)]

    def window(self, from_: dt.date | None, to: dt.date | None, zone_us: int = 0) -> tuple[int, int]:
        """First and end position of the entries of these days, both inclusive.

        Entries without a time are in no day, but are there when no day is asked for.

        Args:
            from_: No earlier day.
            to: No later day.
            zone_us: How far the days are ahead of those of UTC.
        """
        first = 0 if from_ is None else int(np.searchsorted(self.at, day_start(from_) - zone_us))
        if to is None:
            end = len(self.at) if from_ is None else self.timed()
        else:
            end = int(np.searchsorted(self.at, day_start(to) + _DAY_US - zone_us))
        return first, max(first, end)

    def timed(self) -> int:
        """How many have a time; they come first."""
        return int(np.searchsorted(self.at, np.iinfo(np.int64).max))

    def place(self, at: int, entry_id: str, id_of: Callable[[int], str]) -> int:
        """Where an entry belongs: behind those with the same time and id."""
        first, end = (int(np.searchsorted(self.at, at, side)) for side in ("left", "right"))
        return bisect_right(range(first, end), entry_id, key=id_of) + first

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Rows":
        return Rows(change(self.at), change(self.shape), change(self.high), change(self.low))


class Table:
    """Rows that grow. Readers keep the `rows` they took: what is in them is never changed."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._buffers = rows

    def replace(self, rows: Rows) -> None:
        """Have these rows instead."""
        self.rows = self._buffers = rows

    def insert(self, places: Sequence[int], new: Rows) -> None:
        """Put each new row before the one that is at its place now."""
        size = len(self.rows.at)
        if all(place == size for place in places):
            self._append(new)  # the usual case, and the only one that does not copy all rows
        else:
            self.replace(self.rows.put(places, new))

    def _append(self, new: Rows) -> None:
        size = len(self.rows.at)
        end = size + len(new.at)
        if end > len(self._buffers.at):
            self._buffers = self.rows.with_room(end + end // 4 + 64)
        columns: Iterable[tuple[Any, Any]] = zip(self._buffers, new, strict=True)
        for buffer, column in columns:
            buffer[size:end] = column  # every view that somebody holds ends at `size` or before
        self.rows = self._buffers.first(end)


def day_start(day: dt.date) -> int:
    """Microseconds from 1970 to the beginning of a UTC day."""
    return (day.toordinal() - _FIRST_DAY) * _DAY_US


def uuid_text(high: int, low: int) -> str:
    """A UUID as text; the order of texts is the order of (high, low)."""
    return _with_hyphens(f"{high:016x}{low:016x}")


def parse_uuid(text: str) -> tuple[int, int] | None:
    """The halves of a UUID written as `uuid_text` writes it; None of any other text."""
    if not _UUID_TEXT.fullmatch(text):
        return None
    digits = text.replace("-", "")
    return int(digits[:16], 16), int(digits[16:], 16)


def _with_hyphens(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
