"""The tree made again from leaf hashes, beside the one that is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.evidence.account import Kept
from muniment.evidence.block import lower_tiles
from muniment.evidence.extent import BLOCK
from muniment.merkle.tiles import Tile, TreeBuilder
from muniment.merkle.tree import fold

__all__ = ["MadeTree", "make_tree"]

_LOWER_LEVELS = 2
"""Levels whose tiles lie within one block: 256^2 leaves."""


@dataclass(frozen=True, slots=True)
class MadeTree:
    """A tree, as its leaves give it."""

    size: int
    root: bytes
    block_roots: Sequence[bytes]
    """Of the whole blocks, in their order."""
    upper: dict[Tile, bytes]
    """All tiles above the blocks."""
    edge: dict[Tile, bytes]
    """The partial tiles, one a level at most: together they give the root."""


def make_tree(size: int, blocks: Sequence[Kept]) -> MadeTree:
    """Make a tree from its blocks.

    Args:
        size: Number of leaves.
        blocks: All of them, in their order; a last one that is not whole with its hashes.
    """
    whole = [block for block in blocks if block.end - block.first == BLOCK]
    builder = TreeBuilder()
    full = builder.absorb(b"".join(block.roots[0] for block in whole))
    partial = [(_raise(tile), data) for tile, data in builder.partial_tiles()]
    edge = dict(partial)
    rest = blocks[len(whole) :]
    for block in rest:
        edge |= {tile: data for tile, data in lower_tiles(block.first, block.hashes).items() if tile.width < 256}
    return MadeTree(
        size=size,
        root=fold([*builder.head().edge, *(root for block in rest for root in block.roots)]),
        block_roots=[block.roots[0] for block in whole],
        upper={_raise(tile): data for tile, data in full} | dict(partial),
        edge=edge,
    )


def _raise(tile: Tile) -> Tile:
    return Tile(tile.level + _LOWER_LEVELS, tile.index, tile.width)
