"""What waits to be sealed: pages less what was seen before, and where they went once they were sealed."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from muniment.archive.columns import LeafBatch
from muniment.collect.record import Finding
from muniment.merkle.tree import HASH_SIZE
from muniment.sweep.window import Window, Words

__all__ = ["Placed", "Waiting", "some_rows"]


class Waiting(msgspec.Struct, frozen=True):
    """New leaves of one page."""

    window: Window
    leaves: LeafBatch
    keys: Words
    contents: Words
    findings: dict[int, Finding]
    """What is to be said of a row's leaf."""

    def only(self, rows: list[int]) -> "Waiting":
        """Some of its rows."""
        place = {row: number for number, row in enumerate(rows)}
        return Waiting(
            self.window,
            some_rows(self.leaves, rows),
            self.keys[rows],
            self.contents[rows],
            {place[row]: told for row, told in self.findings.items() if row in place},
        )


class Placed(msgspec.Struct):
    """Where the new leaves of each window went, since the window was last asked about."""

    ranges: dict[Window, list[tuple[int, int]]] = {}

    def add(self, window: Window, first: int, end: int) -> None:
        """Leaves [first, end) came from this window."""
        ranges = self.ranges.setdefault(window, [])
        if ranges and ranges[-1][1] == first:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((first, end))

    def pop(self, window: Window) -> list[tuple[int, int]]:
        """The ranges of a window, which are then forgotten."""
        return self.ranges.pop(window, [])


class _Column(Sequence[bytes]):
    """The leaves of a page as its column has them: what waits to be sealed holds them once."""

    def __init__(self, column: pa.BinaryArray) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, row: Any) -> Any:
        found = self._column[row]
        return found.to_pylist() if isinstance(row, slice) else found.as_py()


def some_rows(page: LeafBatch, rows: list[int]) -> LeafBatch:
    """Some rows of a page: a slice where they are neighbours."""
    if rows and rows[-1] - rows[0] + 1 == len(rows):
        first, end = rows[0], rows[-1] + 1
        hashes = page.hashes[first * HASH_SIZE : end * HASH_SIZE]
        columns = page.record_batch.slice(first, end - first)
    else:
        hashes = b"".join(page.hashes[row * HASH_SIZE : (row + 1) * HASH_SIZE] for row in rows)
        columns = page.record_batch.take(pa.array(rows, pa.int64()))
    return LeafBatch(page.kind, _Column(columns["leaf"]), hashes, columns)
