"""What waits to be sealed: pages less what was seen before, and where they went once they were sealed."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from muniment.archive.columns import LeafBatch
from muniment.archive.parquet import leaf_bytes
from muniment.collect.record import Finding
from muniment.merkle.tree import HASH_SIZE
from muniment.sweep.window import Window, Words

__all__ = ["Kept", "Placed", "Waiting", "some_rows"]


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


class Kept:
    """What one commit is to seal of pages, and which contents of which keys that is."""

    def __init__(self) -> None:
        self.batches: list[Waiting] = []
        self.firsts: list[int] = []
        """The index of each batch's first leaf, once they have any."""
        self.rows = 0
        self.leaf_bytes = 0
        self._contents: dict[int, int] = {}
        self._further: dict[int, set[int]] = {}  # of keys with several contents

    def add(self, batch: Waiting) -> None:
        """Keep a batch; its contents are noted by themselves, while the page is judged."""
        self.batches.append(batch)
        self.rows += len(batch.leaves.leaves)
        self.leaf_bytes += leaf_bytes(batch.leaves.record_batch)

    def note(self, key: int, content: int) -> None:
        """Note that this content of a key is kept."""
        if self._contents.setdefault(key, content) != content:
            self._further.setdefault(key, set()).add(content)

    def note_new(self, keys: Sequence[int], contents: Sequence[int]) -> None:
        """As `note`, many at once; of keys that are all new."""
        self._contents.update(zip(keys, contents, strict=True))

    def keys_among(self, keys: AbstractSet[int]) -> AbstractSet[int]:
        """Those of some keys of which a content is kept."""
        return self._contents.keys() & keys

    def has(self, key: int) -> bool:
        """Whether a content of this key is kept."""
        return key in self._contents

    def holds(self, key: int, content: int) -> bool:
        """Whether this content of this key is kept."""
        return self._contents.get(key) == content or content in self._further.get(key, ())

    def places(self, key: int) -> Iterator[tuple[int, int]]:
        """Each batch, by its number, and row that has this key."""
        for number, batch in enumerate(self.batches):
            for row in np.flatnonzero(batch.keys == key).tolist():
                yield number, row

    def leaf(self, key: int) -> bytes | None:
        """The first leaf with this key; None where there is none."""
        place = next(self.places(key), None)
        return None if place is None else self.batches[place[0]].leaves.leaves[place[1]]

    def latest(self, key: int, most: int) -> list[bytes]:
        """The last leaves with this key, latest first."""
        found: list[bytes] = []
        for batch in reversed(self.batches):
            rows = np.flatnonzero(batch.keys == key)[::-1][: most - len(found)]
            found += [batch.leaves.leaves[row] for row in rows.tolist()]
        return found

    def leaves_of(self, keys: Words) -> set[int]:
        """Where rows with these keys went."""
        return {
            first + row
            for batch, first in zip(self.batches, self.firsts, strict=False)
            for row in np.flatnonzero(np.isin(batch.keys, keys)).tolist()
        }


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
