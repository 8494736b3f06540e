"""Looking for damage in what a commit or a merge reads, before anything is built on it."""

from collections.abc import Iterator
from hashlib import sha256

import pyarrow as pa

from muniment.archive.contents import read_tile
from muniment.archive.parquet import SegmentFile
from muniment.archive.segments import SegmentName
from muniment.archive.storage import Storage
from muniment.errors import NotEvidence
from muniment.merkle.tiles import TILE_WIDTH, Tile, differing_leaves
from muniment.merkle.tree import HASH_SIZE, hash_leaves

__all__ = ["demand_content", "demand_hashes", "demand_leaves"]


def demand_content(storage: Storage, name: SegmentName) -> bytes:
    """A segment file's bytes, if they have the hash in its name.

    Raises:
        Missing: It is gone.
        NotEvidence: They have another.
    """
    data = storage.read(name.path)
    if sha256(data).hexdigest()[:16] != name.digest:
        raise NotEvidence(f"{name.path}: its content does not have the hash in its name")
    return data


def demand_leaves(storage: Storage, name: SegmentName, data: bytes, size: int) -> None:
    """Check each leaf of a segment against the tree's tiles.

    Args:
        storage: Where the tiles are.
        name: The segment's.
        data: The segment's bytes.
        size: Of a tree that holds it.

    Raises:
        NotEvidence: A leaf, or a tile, is damaged; the first such leaf is named.
    """
    with SegmentFile(name, pa.BufferReader(data)) as segment:
        batches = segment.batches(name.first, name.end, ["leaf"], 8_192)
        hashes = b"".join(hash_leaves(batch.column(0).to_pylist()) for batch in batches)
    demand_hashes(storage, name.path, name.first, hashes, size)


def demand_hashes(storage: Storage, where: str, first: int, hashes: bytes, size: int) -> None:
    """Check leaf hashes, from index `first` on, against the tiles of a tree of `size` leaves.

    Raises:
        NotEvidence: One differs; `where`, the tile and the leaf are named.
    """
    for tile in _lowest_tiles(first, first + len(hashes) // HASH_SIZE, size):
        stored = read_tile(storage, tile)
        start = max(first, tile.leaves.start)
        end = min(first + len(hashes) // HASH_SIZE, tile.leaves.stop)
        made = hashes[(start - first) * HASH_SIZE : (end - first) * HASH_SIZE]
        kept = stored[(start - tile.leaves.start) * HASH_SIZE : (end - tile.leaves.start) * HASH_SIZE]
        if made != kept:
            differing = differing_leaves(Tile(0, 0, end - start), made, kept)
            raise NotEvidence(f"{where}: leaf {start + differing[0].start} is not the one that {tile.path} stands for")


def _lowest_tiles(first: int, end: int, size: int) -> Iterator[Tile]:
    for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
        yield Tile(0, index, min(TILE_WIDTH, size - index * TILE_WIDTH))
