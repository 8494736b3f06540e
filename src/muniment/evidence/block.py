"""A block of leaves, read from its files and compared with the tiles that stand for it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from muniment.archive.segments import SegmentName
from muniment.evidence.account import BlockAccount, Kept
from muniment.evidence.extent import Piece
from muniment.evidence.folder import Folder
from muniment.evidence.segment import read_segment
from muniment.evidence.tiles import StoredTiles
from muniment.merkle.tiles import TILE_BYTES, TILE_WIDTH, Tile
from muniment.merkle.tree import HASH_SIZE, parents, perfect_roots

__all__ = ["BlockJob", "lower_tiles", "read_block", "unread_block"]


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
    def of(
        cls, root: Path, first: int, end: int, pieces: tuple[Piece, ...], *, keep_hashes: bool = False
    ) -> "BlockJob":
        """A job for leaves [first, end)."""
        flat = tuple((each.name.first, each.name.end, each.name.digest, each.start, each.end) for each in pieces)
        return cls(str(root), first, end, flat, keep_hashes)


def read_block(job: BlockJob) -> Kept:
    """Read a block; whatever is wrong with it is in the outcome."""
    folder = Folder(Path(job.root))
    account = BlockAccount(job.first, job.end)
    pieces = [Piece(SegmentName(first, end, digest), start, stop) for first, end, digest, start, stop in job.pieces]
    for piece in pieces:
        read_segment(folder, piece, account)
    for first, end in () if account.gone else account.missing():
        _name_unread(account, pieces, first, end)
    return _conclude(job, account, folder)


def unread_block(job: BlockJob, why: str) -> Kept:
    """The outcome for a block that could not be read, for a reason that lies in its files or in nothing we know."""
    account = BlockAccount(job.first, job.end)
    for first, end, digest, start, _ in job.pieces:
        account.problems.add("segments", SegmentName(first, end, digest).path, why, start)
    return _conclude(job, account, Folder(Path(job.root)))


def lower_tiles(first: int, hashes: bytes) -> dict[Tile, bytes]:
    """The tiles of levels 0 and 1 over the leaves of a block.

    Args:
        first: Index of its first leaf.
        hashes: Its leaf hashes.
    """
    whole = len(hashes) - len(hashes) % TILE_BYTES
    tiles = {
        Tile(0, (first + start // HASH_SIZE) // TILE_WIDTH): hashes[start : start + TILE_BYTES]
        for start in range(0, whole, TILE_BYTES)
    }
    if whole < len(hashes):
        start, width = first + whole // HASH_SIZE, (len(hashes) - whole) // HASH_SIZE
        tiles[Tile(0, start // TILE_WIDTH, width)] = hashes[whole:]
    roots = hashes[:whole]
    for _ in range(TILE_WIDTH.bit_length() - 1):
        roots = parents(roots)
    if roots:
        tiles[Tile(1, first // TILE_WIDTH**2, len(roots) // HASH_SIZE)] = roots
    return tiles


def _roots_over(tiles: dict[Tile, bytes]) -> list[bytes]:
    """The roots of the perfect subtrees of a block, largest first: those over its level 1, then those over the rest."""
    over = [data for tile, data in tiles.items() if tile.level == 1]
    rest = [data for tile, data in tiles.items() if tile.level == 0 and tile.width < TILE_WIDTH]
    return [root for data in over + rest for root in perfect_roots(data)]


def _stand_in(account: BlockAccount, tiles: StoredTiles) -> None:
    """Give leaves that could not be read the hashes in their tiles, so that the tree above them can be compared."""
    for first, end in account.missing():
        for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
            tile = Tile(0, index, min(TILE_WIDTH, account.end - index * TILE_WIDTH))
            start, stop = max(first, tile.leaves.start), min(end, tile.leaves.stop)
            within = slice((start - tile.leaves.start) * HASH_SIZE, (stop - tile.leaves.start) * HASH_SIZE)
            stored = tiles.read(tile)[within]
            place = (start - account.first) * HASH_SIZE
            account.hashes[place : place + len(stored)] = stored


def _name_unread(account: BlockAccount, pieces: Sequence[Piece], first: int, end: int) -> None:
    for piece in pieces:
        start, stop = max(first, piece.start), min(end, piece.end)
        if start < stop:
            account.problems.add("segments", piece.name.path, f"leaves {start} to {stop - 1} cannot be read", start)


def _conclude(job: BlockJob, account: BlockAccount, folder: Folder) -> Kept:
    tiles = StoredTiles(folder)
    _stand_in(account, tiles)
    hashes = bytes(account.hashes)
    made = lower_tiles(job.first, hashes)
    return Kept(
        first=job.first,
        end=job.end,
        hashes=hashes if job.keep_hashes else b"",
        roots=_roots_over(made),
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
