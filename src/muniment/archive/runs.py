"""Sorted runs: many 64-bit keys, each with a leaf and a content hash, in files that memory need not hold.

A run's file is three columns of unsigned 64-bit numbers (little-endian), one after the other: keys ascending, leaf
indices, content hashes.
"""

import heapq
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Indices",
    "Run",
    "Seen",
    "Words",
    "joined",
    "latest",
    "look_up",
    "map_run",
    "merge_runs",
    "sorted_run",
    "write_run",
]

Words = NDArray[np.uint64]
Indices = NDArray[np.int64]

ROW_BYTES: Final = 24
_NONE: Final = np.uint64(2**64 - 1)
"""No leaf: as a signed number -1."""
_PART: Final = 262_144
_RESIDENT: Final = 16 << 20
"""Keys beyond so many bytes are let go of after each look-up, so that memory stays flat."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Rows in the order of their keys."""

    keys: Words
    leaves: Words
    contents: Words
    mapped: mmap.mmap | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.keys)

    @property
    def columns(self) -> tuple[Words, Words, Words]:
        """Keys, leaves, contents."""
        return self.keys, self.leaves, self.contents


class Seen(NamedTuple):
    """What a look-up found, a row each."""

    leaves: Indices
    """The first leaf with this key; -1 where there is none."""
    versions: Indices
    """The first leaf with this key and this content; -1 where there is none."""

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether this content was there under this key."""
        return self.versions >= 0


def sorted_run(keys: Words, leaves: Words, contents: Words) -> Run:
    """A run in memory."""
    order = np.argsort(keys, kind="stable")
    return Run(keys[order], leaves[order], contents[order])


def joined(runs: Sequence[Run]) -> Run:
    """Several runs as one, in memory."""
    if len(runs) == 1:
        return runs[0]
    keys, leaves, contents = (np.concatenate(columns) for columns in zip(*(run.columns for run in runs), strict=True))
    return sorted_run(keys, leaves, contents)


def write_run(path: Path, run: Run) -> None:
    """Write a run's file, durably."""
    with path.open("xb") as file:
        for column in run.columns:
            file.write(_bytes(column))
        file.flush()
        os.fsync(file.fileno())


def map_run(path: Path, count: int) -> Run:
    """Open a run's file.

    Raises:
        ValueError: It has not this many rows.
        OSError: It is not there.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != count * ROW_BYTES:
            raise ValueError(f"{path} has not {count} rows")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_RANDOM)
    columns = np.frombuffer(mapped, dtype="<u8").reshape(3, count)
    return Run(columns[0], columns[1], columns[2], mapped)


def merge_runs(path: Path, older: Path, newer: Path, *, part: int = _PART) -> int:
    """Merge two runs' files into one; returns the number of rows.

    Args:
        path: Of the new file.
        older: One run's file.
        newer: The other's.
        part: So many rows of each are in memory at once.
    """
    with older.open("rb") as first, newer.open("rb") as second, path.open("xb") as out:
        sides = (_Side(first, part), _Side(second, part))
        total = sides[0].count + sides[1].count
        written = 0
        while written < total:
            merged = _next_part(sides)
            for number, column in enumerate(merged.columns):
                out.seek((number * total + written) * 8)
                out.write(_bytes(column))
            written += merged.count
        out.flush()
        os.fsync(out.fileno())
    return total


class _Side:
    """A run's file, read from its beginning on."""

    def __init__(self, file: BinaryIO, part: int) -> None:
        self._part = part
        self.count = os.fstat(file.fileno()).st_size // ROW_BYTES
        self._file = file
        self._at = 0

    @property
    def ends(self) -> bool:
        """Whether the next part is its last."""
        return self._at + self._part >= self.count

    def keys(self) -> Words:
        """Of the next part, which is not taken yet."""
        return self._read(0, self._part)

    def take(self, rows: int) -> Run:
        """The next rows."""
        taken = Run(self._read(0, rows), self._read(1, rows), self._read(2, rows))
        self._at += rows
        return taken

    def _read(self, column: int, rows: int) -> Words:
        self._file.seek((column * self.count + self._at) * 8)
        return np.frombuffer(self._file.read(min(rows, self.count - self._at) * 8), dtype="<u8")


def _next_part(sides: Sequence[_Side]) -> Run:
    """The next rows of both, up to the smaller of the last keys in hand: all that are below it are in hand too."""
    heads = [side.keys() for side in sides]
    limit = min((head[-1] for side, head in zip(sides, heads, strict=True) if not side.ends), default=None)
    takes = [len(head) if limit is None else int(np.searchsorted(head, limit, side="right")) for head in heads]
    return joined([side.take(rows) for side, rows in zip(sides, takes, strict=True)])


def look_up(runs: Sequence[Run], keys: Words, contents: Words) -> Seen:
    """Look keys up in all runs.

    Args:
        runs: In any order.
        keys: Whose leaves are asked for.
        contents: Of each key.
    """
    leaves, versions = np.full(len(keys), _NONE), np.full(len(keys), _NONE)
    order = np.argsort(keys)  # neighbours in a run are asked for together
    for run in runs:
        for asked, rows in _hits(run.keys, keys[order]):
            places, found = order[asked], run.leaves[rows]
            leaves[places] = np.minimum(leaves[places], found)
            same = run.contents[rows] == contents[places]
            versions[places[same]] = np.minimum(versions[places[same]], found[same])
    _let_go(runs)
    return Seen(leaves.view(np.int64), versions.view(np.int64))


def latest(runs: Sequence[Run], key: int, most: int) -> list[int]:
    """The last leaves with a key, latest first: in a run those of one key stand in their order."""
    wanted = np.uint64(key)
    ends = [(run, run.keys.searchsorted(wanted, "left"), run.keys.searchsorted(wanted, "right")) for run in runs]
    return heapq.nlargest(
        most, (int(leaf) for run, low, high in ends for leaf in run.leaves[max(low, high - most) : high])
    )


def _hits(keys: Words, wanted: Words) -> Iterator[tuple[Indices, Indices]]:
    """Which of the wanted keys are there, and in which rows; once more for those that have a further row, and so on."""
    rows = np.searchsorted(keys, wanted)  # fast because what is wanted is sorted
    asked = np.arange(len(wanted))
    while len(asked):
        inside = rows < len(keys)
        asked, rows = asked[inside], rows[inside]
        hit = keys[rows] == wanted[asked]
        asked, rows = asked[hit], rows[hit]
        yield asked, rows
        rows = rows + 1


def _let_go(runs: Sequence[Run]) -> None:
    if sum(run.keys.nbytes for run in runs) > _RESIDENT:
        for run in runs:
            if run.mapped is not None:
                run.mapped.madvise(mmap.MADV_DONTNEED)


def _bytes(column: Words) -> memoryview:
    return np.ascontiguousarray(column, dtype="<u8").data
