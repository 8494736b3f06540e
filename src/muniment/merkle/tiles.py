"""The tree as C2SP tlog-tiles: 256 hashes a file, from which any root and any proof is made.

A tile of level L holds the roots of the perfect subtrees of 256^L leaves, 256 of them side by side; the rightmost tile
of a level is partial. Nothing here reads or writes: tiles come from a `ReadTile` and go back as a mapping.

Source: C2SP, tlog-tiles, "Merkle Tree".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from muniment.errors import MerkleError
from muniment.merkle.canonical import MAX_SIZE
from muniment.merkle.tree import EMPTY_ROOT, HASH_SIZE, fold, parents, perfect_roots, subtree_root

__all__ = [
    "EMPTY_HEAD",
    "TILE_BYTES",
    "TILE_WIDTH",
    "ReadTile",
    "Tile",
    "TreeBuilder",
    "TreeHead",
    "consistency_proof",
    "differing_leaves",
    "extend",
    "inclusion_proof",
    "load_head",
    "read_proven",
    "tiles_of",
]

TILE_WIDTH: Final = 256
TILE_BYTES: Final = TILE_WIDTH * HASH_SIZE

_HEIGHT: Final = 8  # of the subtree that one tile spans: 2^8 = TILE_WIDTH
_PATH = re.compile(
    r"tile/(?P<level>[0-9]|[1-5][0-9]|6[0-3])/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which hashes a tile holds; ordered by level, then index, then width.

    Raises:
        MerkleError: No tile has this level, index or width.
    """

    level: int
    index: int
    width: int = TILE_WIDTH
    """Number of hashes, 1 to 256; less than 256 for a partial tile."""

    def __post_init__(self) -> None:
        if not (0 <= self.level <= 63 and 0 <= self.index <= MAX_SIZE and 1 <= self.width <= TILE_WIDTH):
            raise MerkleError(f"no tile has level {self.level}, index {self.index} and width {self.width}")

    @property
    def path(self) -> str:
        """Where it lies in a log, such as ``tile/0/x001/234`` or ``tile/0/005.p/221``."""
        head, last = divmod(self.index, 1000)
        parts = [f"{last:03}"]
        while head:
            head, group = divmod(head, 1000)
            parts.append(f"x{group:03}")
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{'/'.join(reversed(parts))}{suffix}"

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """The tile that lies at a path.

        Raises:
            MerkleError: No tile's path is written so (``tile/entries/…``, leading zeros, a width of 256 …).
        """
        match = _PATH.fullmatch(path)
        if match:
            index = int(match["index"].replace("/", "").replace("x", ""))
            tile = cls(int(match["level"]), index, int(match["width"] or TILE_WIDTH))
            # one spelling only: x000/001 and .p/256 come back as 001 and nothing
            if tile.path == path:
                return tile
        raise MerkleError(f"not the path of a hash tile: {path[:100]!r}")

    @property
    def leaves(self) -> range:
        """The leaf indices that its hashes stand for."""
        span = TILE_WIDTH**self.level
        first = self.index * TILE_WIDTH * span
        return range(first, first + self.width * span)


ReadTile = Callable[[Tile], bytes]
"""Gives a tile's hashes, exactly ``width * 32`` bytes (the first ones of a wider tile will do), or raises."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A tree in as few hashes as let it grow."""

    size: int
    edge: tuple[bytes, ...]
    """Roots of the perfect subtrees that the leaves fall into, largest first: one for each bit of `size`."""
    root: bytes


EMPTY_HEAD: Final = TreeHead(0, (), EMPTY_ROOT)


class TreeBuilder:
    """Grows a tree by leaf hashes and gives its tiles as they fill up; holds one partial tile a level, never more.

    From nothing it makes a whole tree's tiles again, as a verifier needs them; from a `TreeHead` it goes on.
    """

    def __init__(self) -> None:
        self._size = 0
        self._held: list[bytes] = []  # by level: the hashes of its partial tile, b"" where the last tile is full

    @classmethod
    def resume(cls, head: TreeHead, read: ReadTile) -> "TreeBuilder":
        """Go on from a head, reading its partial tiles.

        Raises:
            MerkleError: A partial tile does not belong to this head; its path is named.
        """
        builder = cls.load(head.size, read)
        above = 0
        for tile, hashes in reversed(builder.partial_tiles()):
            roots = perfect_roots(hashes)
            if roots != head.edge[above : above + len(roots)]:
                raise MerkleError(f"{tile.path} does not belong to the tree of {head.size} leaves")
            above += len(roots)
        return builder

    @classmethod
    def load(cls, size: int, read: ReadTile) -> "TreeBuilder":
        """Go on from whatever partial tiles there are for a size: compare the head's root before trusting it.

        Raises:
            MerkleError: A tile read has not its length; its path is named.
        """
        builder = cls()
        builder._size = size
        builder._held = [b""] * ((size.bit_length() + _HEIGHT - 1) // _HEIGHT)
        for tile in _partial_tiles_of(size):
            builder._held[tile.level] = _read_whole(tile, read)
        return builder

    @property
    def size(self) -> int:
        """Number of leaves so far."""
        return self._size

    def absorb(self, leaf_hashes: bytes) -> list[tuple[Tile, bytes]]:
        """Take in the next leaf hashes.

        Args:
            leaf_hashes: Any number of hashes; tens of thousands at a time are fastest.

        Returns:
            The full tiles that this completed, level by level, ascending.

        Raises:
            MerkleError: It is not a whole number of hashes.
        """
        if len(leaf_hashes) % HASH_SIZE:
            raise MerkleError(f"{len(leaf_hashes)} bytes are no whole number of hashes of {HASH_SIZE} bytes")
        full: list[tuple[Tile, bytes]] = []
        hashes, level = leaf_hashes, 0
        while hashes:
            hashes = self._absorb_level(level, hashes, full)
            level += 1
        self._size += len(leaf_hashes) // HASH_SIZE
        return full

    def _absorb_level(self, level: int, hashes: bytes, full: list[tuple[Tile, bytes]]) -> bytes:
        """Put hashes behind those that a level holds, move its full tiles to `full`, and return their roots."""
        if level == len(self._held):
            self._held.append(b"")
        held = self._held[level] + hashes
        end = len(held) - len(held) % TILE_BYTES
        first = self._size >> _HEIGHT * (level + 1)
        full.extend(
            (Tile(level, first + start // TILE_BYTES), held[start : start + TILE_BYTES])
            for start in range(0, end, TILE_BYTES)
        )
        self._held[level] = held[end:]
        roots = held[:end]
        for _ in range(_HEIGHT):
            roots = parents(roots)
        return roots

    def partial_tiles(self) -> list[tuple[Tile, bytes]]:
        """The partial tile of each level that has one, lowest level first."""
        return [(tile, self._held[tile.level]) for tile in _partial_tiles_of(self._size)]

    def head(self) -> TreeHead:
        """The tree so far."""
        edge = tuple(root for hashes in reversed(self._held) for root in perfect_roots(hashes))
        return TreeHead(self._size, edge, fold(edge))


def load_head(size: int, read: ReadTile) -> TreeHead:
    """The head of a tree from the partial tiles at its right edge: whether its root is the signed one is left to ask.

    Raises:
        MerkleError: A tile read has not its length; its path is named.
    """
    return TreeBuilder.load(size, read).head()


def extend(head: TreeHead, leaf_hashes: bytes, read: ReadTile) -> tuple[TreeHead, dict[Tile, bytes]]:
    """Append leaves to a tree.

    Args:
        head: The tree so far.
        leaf_hashes: Of the leaves to append, in order; none is allowed.
        read: Gives the partial tiles of `head`; nothing else is read.

    Returns:
        The new head and every tile that it needs and `head` does not have: full ones, and a partial one in each level
        that grew and whose last tile is not full.

    Raises:
        MerkleError: A partial tile does not belong to `head`, or the hashes are no whole number.
    """
    builder = TreeBuilder.resume(head, read)
    tiles = dict(builder.absorb(leaf_hashes))
    for tile, hashes in builder.partial_tiles():
        shift = _HEIGHT * tile.level
        if head.size >> shift != builder.size >> shift:
            tiles[tile] = hashes
    return builder.head(), tiles


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile that a tree of this size has, level by level, ascending."""
    level = 0
    while count := size >> _HEIGHT * level:
        for index in range(count // TILE_WIDTH):
            yield Tile(level, index)
        if count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)
        level += 1


def inclusion_proof(index: int, size: int, read: ReadTile) -> tuple[bytes, ...]:
    """Prove that a leaf is in the tree of `size` leaves: what `verify_inclusion` takes.

    Args:
        index: Of the leaf, counted from 0.
        size: Number of leaves; the tree may have grown beyond it since.
        read: Gives tiles of the tree of `size` leaves.

    Raises:
        MerkleError: There is no such leaf, or a tile read has not its length.

    Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise MerkleError(f"leaf {index} is not in a tree of {size} leaves")
    subtrees = _Subtrees(size, read)
    proof: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left_size(end - first)
        if index < middle:
            proof.append(subtrees.root(middle, end))
            end = middle
        else:
            proof.append(subtrees.root(first, middle))
            first = middle
    return tuple(reversed(proof))


def consistency_proof(size1: int, size2: int, read: ReadTile) -> tuple[bytes, ...]:
    """Prove that the tree of `size2` leaves extends that of `size1`: what `verify_consistency` takes.

    Args:
        size1: At least 1: everything extends the empty tree.
        size2: At least `size1`.
        read: Gives tiles of the tree of `size2` leaves.

    Raises:
        MerkleError: The sizes are no such pair, or a tile read has not its length.

    Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 < size1 <= size2:
        raise MerkleError(f"there is no consistency proof from {size1} to {size2} leaves")
    subtrees = _Subtrees(size2, read)
    proof: list[bytes] = []
    first, end = 0, size2
    while end != size1:
        middle = first + _left_size(end - first)
        if size1 <= middle:
            proof.append(subtrees.root(middle, end))
            end = middle
        else:
            proof.append(subtrees.root(first, middle))
            first = middle
    if first:
        proof.append(subtrees.root(first, end))
    return tuple(reversed(proof))


def read_proven(tile: Tile, size: int, root: bytes, read: ReadTile) -> bytes:
    """Read a tile and prove by the tiles above it that it belongs to a signed root.

    Args:
        tile: One of `tiles_of(size)`.
        size: Number of leaves of the tree.
        root: Its root hash, from a checkpoint that was verified.
        read: Gives tiles of that tree.

    Returns:
        The tile's hashes.

    Raises:
        MerkleError: The tree has no such tile, or this one or one above it was changed: the lowest that does not fit
            what lies above it is named.
    """
    if tile not in _tiles_at(tile.level, tile.index, size):
        raise MerkleError(f"a tree of {size} leaves has no {tile.path}")
    read_once = _ReadOnce(read)
    below = tile
    while below.width == TILE_WIDTH:
        (above,) = _tiles_at(below.level + 1, below.index // TILE_WIDTH, size)
        start = below.index % TILE_WIDTH * HASH_SIZE
        if subtree_root(read_once(below)) != read_once(above)[start : start + HASH_SIZE]:
            raise MerkleError(f"{below.path} does not belong to {above.path}")
        below = above
    if load_head(size, read_once).root != root:
        raise MerkleError(f"the tiles at the right edge do not give the root of {size} leaves")
    return read_once(tile)


def differing_leaves(tile: Tile, made: bytes, stored: bytes) -> tuple[range, ...]:
    """The leaves for which a stored tile has another hash than the one made from the leaves, as ranges of indices.

    Args:
        tile: Which one.
        made: Its hashes, from a `TreeBuilder`.
        stored: What was read in its place, of any length; surplus bytes concern no leaf.
    """
    span = TILE_WIDTH**tile.level
    ranges: list[range] = []
    for position in range(tile.width):
        place = slice(position * HASH_SIZE, (position + 1) * HASH_SIZE)
        if made[place] == stored[place]:
            continue
        first = tile.leaves.start + position * span
        if ranges and ranges[-1].stop == first:
            first = ranges.pop().start
        ranges.append(range(first, tile.leaves.start + (position + 1) * span))
    return tuple(ranges)


class _ReadOnce:
    """Reads each tile once, so that what was proven is what is given, and holds it to its length."""

    def __init__(self, read: ReadTile) -> None:
        self._read = read
        self._tiles: dict[Tile, bytes] = {}

    def __call__(self, tile: Tile) -> bytes:
        if tile not in self._tiles:
            self._tiles[tile] = _read_whole(tile, self._read)
        return self._tiles[tile]


class _Subtrees:
    """Subtree roots of one tree."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self._size = size
        self._read = _ReadOnce(read)

    def root(self, first: int, end: int) -> bytes:
        """The root of the subtree over leaves [first, end), where `first` is a multiple of its largest perfect part."""
        roots: list[bytes] = []
        while first < end:
            height = (end - first).bit_length() - 1
            roots.append(self._perfect_root(height, first >> height))
            first += 1 << height
        return fold(roots)

    def _perfect_root(self, height: int, index: int) -> bytes:
        level, within = divmod(height, _HEIGHT)
        tile_index, position = divmod(index << within, TILE_WIDTH)
        (tile,) = _tiles_at(level, tile_index, self._size)
        return subtree_root(self._read(tile)[position * HASH_SIZE : (position + (1 << within)) * HASH_SIZE])


def _tiles_at(level: int, index: int, size: int) -> tuple[Tile, ...]:
    """The tile at this place in a tree of this size, as wide as it is there; none beyond the tree."""
    width = min(TILE_WIDTH, (size >> _HEIGHT * level) - index * TILE_WIDTH)
    return (Tile(level, index, width),) if width > 0 else ()


def _partial_tiles_of(size: int) -> Iterator[Tile]:
    level = 0
    while count := size >> _HEIGHT * level:
        if count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)
        level += 1


def _read_whole(tile: Tile, read: ReadTile) -> bytes:
    hashes = read(tile)
    if len(hashes) != tile.width * HASH_SIZE:
        raise MerkleError(f"{tile.path} has {len(hashes)} bytes, not {tile.width * HASH_SIZE}")
    return hashes


def _left_size(size: int) -> int:
    """The largest power of two below `size`: how many leaves lie left of a tree's root."""
    return 1 << (size - 1).bit_length() - 1
