"""What reading a block of leaves gives: flat values, that one process can hand to another."""

from collections import Counter
from typing import Final

import msgspec
import numpy as np

from muniment.archive.leaf import RECORD_KINDS
from muniment.archive.parquet import Marks
from muniment.evidence.envelopes import TakenApart
from muniment.evidence.verdict import Problem, Problems
from muniment.merkle.tree import HASH_SIZE, leaf_hash

__all__ = ["BlockAccount", "Kept", "Link", "SegmentSeen", "Span", "Telling"]

Span = tuple[int, int]
"""Leaves [first, end)."""

_KEPT: Final = frozenset({"receipt", "key", "recovery", "segment"})
"""Kinds whose payloads say something that is checked once all leaves are known."""


class Link(msgspec.Struct, frozen=True):
    """A leaf of the record, and which one it names as the one before."""

    leaf: int
    kind: str
    previous: int | None


class Telling(msgspec.Struct, frozen=True):
    """A leaf whose payload says something about other leaves or files."""

    leaf: int
    file: str
    kind: str
    payload: bytes


class SegmentSeen(msgspec.Struct, frozen=True):
    """A segment file, as far as it could be read."""

    path: str
    first: int
    end: int
    digest: str
    """SHA-256 of its bytes, in hex."""
    columns_version: int | None
    marks: Marks
    """As it says."""


class Kept(msgspec.Struct, frozen=True):
    """The outcome for one block."""

    first: int
    end: int
    hashes: bytes
    """Leaf hashes; of a leaf that could not be read, the one in its tile. Empty unless asked for."""
    roots: list[bytes]
    """Roots of the perfect subtrees that the leaves fall into, largest first."""
    tiles_differ: bool
    read: list[Span]
    problems: list[Problem]
    segments: list[SegmentSeen]
    gone: bool
    """Whether a file went while it was being read, as a writer lets superseded ones go."""
    kinds: dict[str, int]
    entries: bytes
    """A bit a leaf, first leaf highest: whether it is an entry."""
    links: list[Link]
    tellings: list[Telling]
    genesis: bytes | None
    """Leaf 0, of the first block."""


class BlockAccount:
    """Takes in the leaves of one block.

    Args:
        first: Index of its first leaf.
        end: Index after its last one.
    """

    def __init__(self, first: int, end: int) -> None:
        self.first = first
        self.end = end
        self.hashes = bytearray((end - first) * HASH_SIZE)
        self.problems = Problems()
        self.read: list[Span] = []
        self.segments: list[SegmentSeen] = []
        self.gone = False
        self.kinds: Counter[str] = Counter()
        self.is_entry = np.zeros(end - first, dtype=bool)
        self.links: list[Link] = []
        self.tellings: list[Telling] = []
        self.genesis: bytes | None = None

    def take_hashes(self, first: int, hashes: bytes) -> None:
        """Take in leaf hashes, from index `first` on."""
        start = (first - self.first) * HASH_SIZE
        self.hashes[start : start + len(hashes)] = hashes
        end = first + len(hashes) // HASH_SIZE
        if self.read and self.read[-1][1] == first:
            first = self.read.pop()[0]
        self.read.append((first, end))

    def take_leaves(self, file: str, first: int, taken: TakenApart) -> None:
        """Take in what leaves are, from index `first` on.

        Args:
            file: Which file they are in.
            first: Index of the first one.
            taken: The leaves.
        """
        if first == 0:
            self.genesis = taken.leaves[0]
        for run in taken.runs:
            self.kinds[run.kind] += run.end - run.start
            start = first + run.start
            if run.kind == "entry":
                self.is_entry[start - self.first : first + run.end - self.first] = True
            if run.kind in RECORD_KINDS and isinstance(run.previous, int | None):
                self.links.append(Link(start, run.kind, run.previous))
            if run.kind in _KEPT:
                rows = range(run.start, run.end)
                self.tellings += [Telling(first + row, file, run.kind, taken.payloads[row]) for row in rows]

    def missing(self) -> list[Span]:
        """Leaves that could not be read."""
        holes: list[Span] = []
        at = self.first
        for first, end in self.read:
            if at < first:
                holes.append((at, first))
            at = end
        return [*holes, (at, self.end)] if at < self.end else holes

    def entry_bits(self) -> bytes:
        """See `Kept.entries`."""
        return np.packbits(self.is_entry).tobytes()

    @property
    def genesis_hash(self) -> bytes | None:
        """Hash of leaf 0."""
        return None if self.genesis is None else leaf_hash(self.genesis)
