"""What is known of entries beyond their own words: which repeat a known key, and whose day is another."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NO_CORRECTIONS", "Corrections"]

_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Corrections:
    """Leaves that are to be read otherwise than they stand there.

    Attributes:
        versions: Indices of entries that are further contents of a known key: no filter and no count sees them.
        displaced: Ranges [first, end) of leaves whose day is another than the date of their timestamp, because the
            source served them under it; the later of two that overlap holds.
    """

    versions: Sequence[int] = ()
    displaced: Sequence[tuple[int, int, dt.date]] = field(default=())

    def with_every_version(self) -> "Corrections":
        """The same without a word on versions: each counts."""
        return replace(self, versions=())

    def digest(self, end: int) -> str:
        """16 hex digits that stand for all that is said of the leaves before `end`."""
        versions = self._versions[self._versions < end]
        firsts, ends, days = self._ranges
        within = firsts < end
        said = blake2b(versions.tobytes(), digest_size=8)
        for numbers in (firsts[within], np.minimum(ends[within], end), days[within]):
            said.update(b"|" + numbers.tobytes())
        return said.hexdigest()

    def first_contents(self, indices: Any) -> Any:
        """Which of these leaves are no later versions, as an array of booleans.

        Args:
            indices: int64, ascending.
        """
        return ~np.isin(indices, self._versions, assume_unique=True)

    def days(self, indices: Any, days: "pa.Array") -> "pa.Array":
        """The days that count, of leaves that have these days by their timestamps.

        Args:
            indices: int64, ascending.
            days: date32, one for each.
        """
        firsts, ends, other = self._ranges
        places = np.searchsorted(firsts, indices, side="right") - 1
        displaced = (places >= 0) & (indices < ends[places]) if len(firsts) else np.zeros(len(indices), np.bool_)
        if not displaced.any():
            return days
        import pyarrow as pa  # noqa: PLC0415 - start-up
        import pyarrow.compute as pc  # noqa: PLC0415 - start-up

        moved = pa.array(other[places].astype(np.int32), pa.int32()).cast(pa.date32())
        return pc.if_else(pa.array(displaced), moved, days)

    @cached_property
    def _versions(self) -> Any:
        return np.unique(np.asarray(self.versions, np.int64))

    @cached_property
    def _ranges(self) -> tuple[Any, Any, Any]:
        """Ranges that do not overlap, ascending: their first and end indices, and their days since 1970."""
        given = np.array([(first, end, day.toordinal() - _EPOCH) for first, end, day in self.displaced], np.int64)
        return _disjoint(given.reshape(-1, 3))


NO_CORRECTIONS = Corrections()


def _disjoint(ranges: Any) -> tuple[Any, Any, Any]:
    """Lay ranges over each other in the order given, and cut what comes of it into the fewest pieces."""
    edges = np.unique(ranges[:, :2])
    holder = np.full(max(len(edges) - 1, 0), -1, np.int64)
    starts, stops = np.searchsorted(edges, ranges[:, 0]), np.searchsorted(edges, ranges[:, 1])
    for number, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        holder[start:stop] = number
    held = np.flatnonzero(holder >= 0)
    firsts, ends, days = edges[held], edges[held + 1], ranges[holder[held], 2]
    begins = np.ones(len(held), np.bool_)
    begins[1:] = (firsts[1:] != ends[:-1]) | (days[1:] != days[:-1])
    closes = np.roll(begins, -1) if len(begins) else begins
    return firsts[begins], ends[closes], days[begins]
