"""How many leaves an archive's files hold, and which file to read each from: by names and numbers, none believed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from muniment.archive.segments import LAYOUT, SegmentName, cover
from muniment.merkle.checkpoint import Checkpoint

__all__ = ["BLOCK", "MISSING_BLOCKS", "Piece", "blocks_of", "choose_size", "holes_in", "lay_out", "spans_blocks"]

BLOCK: Final = LAYOUT.block
"""Leaves of a block: 65,536, the perfect subtree that a final segment holds. No segment file reaches over its end."""
MISSING_BLOCKS: Final = 4_096
"""Of more blocks without any file nothing is compared: a name or a checkpoint may claim any number of leaves."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Leaves [start, end), to be read from one file."""

    name: SegmentName
    start: int
    end: int


def spans_blocks(name: SegmentName) -> bool:
    """Whether a name claims leaves of two blocks, which no segment has: else it could claim any number."""
    return name.first // BLOCK != (name.end - 1) // BLOCK


def choose_size(
    checkpoint: Checkpoint | None, names: Sequence[SegmentName], limit: int, tiles_fit: Callable[[int, bytes], bool]
) -> int:
    """The number of leaves to verify: the checkpoint's, if anything bears it out; else what the segments hold.

    Args:
        checkpoint: None where it cannot be read.
        names: The segment files.
        limit: Size of the present tree, which may have grown since the checkpoint was read.
        tiles_fit: Whether the tiles at the right edge of a tree of so many leaves give this root.
    """
    top = max((name.end for name in names), default=0)
    if checkpoint is not None:
        if cover(names, checkpoint.size, limit):
            return checkpoint.size
        # a hole, where files are gone; else the checkpoint's number is what is wrong
        if checkpoint.size - top <= MISSING_BLOCKS * BLOCK and tiles_fit(checkpoint.size, checkpoint.root):
            return checkpoint.size
    return top


def lay_out(names: Sequence[SegmentName], size: int, limit: int) -> tuple[Piece, ...]:
    """Which file to read each leaf from, ascending; leaves that no file holds are left out.

    Args:
        names: The segment files.
        size: How many leaves.
        limit: Size of the present tree: files up to there may stand in for those that were merged into them.
    """
    covering = cover(names, size, limit)
    if covering is not None:
        return tuple(Piece(name, name.first, min(name.end, size)) for name in covering)
    return tuple(_patch(sorted(names), size))


def holes_in(pieces: Iterable[Piece], size: int) -> list[tuple[int, int]]:
    """The ranges of leaves that no piece holds."""
    holes: list[tuple[int, int]] = []
    at = 0
    for piece in pieces:
        if at < piece.start:
            holes.append((at, piece.start))
        at = piece.end
    return [*holes, (at, size)] if at < size else holes


def blocks_of(pieces: Sequence[Piece]) -> dict[int, tuple[Piece, ...]]:
    """The pieces of each block that has any, by the block's number."""
    return {number: tuple(group) for number, group in groupby(pieces, lambda piece: piece.start // BLOCK)}


def _patch(names: Sequence[SegmentName], size: int) -> Iterator[Piece]:
    """As many leaves as can be had from files that do not fit together."""
    at = 0
    for name in sorted(names, key=lambda name: (name.first, -name.end)):
        start, end = max(at, name.first), min(name.end, size)
        if start < end:
            yield Piece(name, start, end)
            at = end
