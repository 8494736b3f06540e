"""A block of leaves, read from its files and compared with the tiles that stand for it."""

from pathlib import Path

import msgspec

from muniment.archive.segments import SegmentName
from muniment.evidence.account import BlockAccount, Kept
from muniment.evidence.extent import Piece
from muniment.evidence.folder import Folder
from muniment.evidence.segment import read_segment
from muniment.evidence.tiles import StoredTiles
from muniment.merkle.tiles import TILE_BYTES, TILE_WIDTH, Tile
from muniment.merkle.tree import HASH_SIZE, perfect_roots, subtree_root

__all__ = ["BlockJob", "lower_tiles", "read_block"]


class BlockJob(msgspec.Struct, frozen=True):
    """What to read: flat values, that one process can hand to another."""

    root: str
    """The archive's folder."""
    first: int
    end: int
    pieces: tuple[tuple[int, int, str, int, int], ...]
    """Of each its file's first, end and digest, and the leaves [start, end) to read from it."""
    keep_hashes: bool = False

    @classmethod
    def of(cls, root: Path, first: int, end: int, pieces: tuple[Piece, ...], *, keep_hashes: bool = False) -> "BlockJob":
        """A job for leaves [first, end)."""
        flat = tuple((each.name.first, each.name.end, each.name.digest, each.start, each.end) for each in pieces)
        return cls(str(root), first, end, flat, keep_hashes)


def read_block(job: BlockJob) -> Kept:
    """Read a block; whatever is wrong with it is in the outcome."""
    folder = Folder(Path(job.root))
    account = BlockAccount(job.first, job.end)
    for first, end, digest, start, stop in job.pieces:
        read_segment(folder, Piece(SegmentName(first, end, digest), start, stop), account)
    tiles = StoredTiles(folder)
    _stand_in(account, tiles)
    hashes = bytes(account.hashes)
    made = lower_tiles(job.first, hashes)
    return Kept(
        first=job.first,
        end=job.end,
        hashes=hashes if job.keep_hashes else b"",
        roots=list(perfect_roots(hashes)),
        tiles_differ=any(tiles.exact(tile) != data for tile, data in made.items()),
        read=account.read,
        problems=list(account.problems.listed()),
        segments=account.segments,
        gone=account.gone,
        kinds=dict(account.kinds),
        entries=account.entry_bits(),
        links=account.links,
        tellings=account.tellings,
        genesis=account.genesis,
    )


def lower_tiles(first: int, hashes: bytes) -> dict[Tile, bytes]:
    """The tiles of levels 0 and 1 over the leaves of a block.

    Args:
        first: Index of its first leaf.
        hashes: Its leaf hashes.
    """
    tiles: dict[Tile, bytes] = {}
    roots = b""
    for start in range(0, len(hashes), TILE_BYTES):
        data = hashes[start : start + TILE_BYTES]
        tiles[Tile(0, first // TILE_WIDTH + start // TILE_BYTES, len(data) // HASH_SIZE)] = data
        if len(data) == TILE_BYTES:
            roots += subtree_root(data)
    if roots:
        tiles[Tile(1, first // TILE_WIDTH**2, len(roots) // HASH_SIZE)] = roots
    return tiles


def _stand_in(account: BlockAccount, tiles: StoredTiles) -> None:
    """Give leaves that could not be read the hashes in their tiles, so that the tree above them can be compared still."""
    for first, end in account.missing():
        while first < end:
            tile_end = min(end, first - first % TILE_WIDTH + TILE_WIDTH)
            index, at = divmod(first, TILE_WIDTH)
            width = min(TILE_WIDTH, account.end - index * TILE_WIDTH)
            stored = tiles.read(Tile(0, index, width))[at * HASH_SIZE : (tile_end - index * TILE_WIDTH) * HASH_SIZE]
            place = (first - account.first) * HASH_SIZE
            account.hashes[place : place + len(stored)] = stored
            first = tile_end
