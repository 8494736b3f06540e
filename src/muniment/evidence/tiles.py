"""The tiles as they lie in the folder."""

from muniment.errors import MerkleError
from muniment.evidence.folder import Folder, Gone, Unreadable
from muniment.merkle.tiles import TILE_BYTES, TILE_WIDTH, Tile, load_head
from muniment.merkle.tree import HASH_SIZE

__all__ = ["StoredTiles"]


class StoredTiles:
    """Reads tiles; one that is not there, or cannot be read, is empty.

    Args:
        folder: The archive's.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def exact(self, tile: Tile) -> bytes:
        """All that is stored in a tile's place, which may be more or less than a tile.

        Where a partial tile is gone because it has grown, it is the beginning of the wider one.
        """
        data = self._stored(tile)
        if data is None and tile.width < TILE_WIDTH:
            data = self._beginning_of_wider(tile)
        return data or b""

    def read(self, tile: Tile) -> bytes:
        """A tile's hashes; fewer where it is damaged, none where it is missing."""
        return self.exact(tile)[: tile.width * HASH_SIZE]

    def demand(self, tile: Tile) -> bytes:
        """A tile's hashes, for `merkle.tiles`.

        Raises:
            MerkleError: It is missing or too short.
        """
        data = self.read(tile)
        if len(data) != tile.width * HASH_SIZE:
            raise MerkleError(f"{tile.path}: {len(data)} bytes, not {tile.width * HASH_SIZE}")
        return data

    def fit(self, size: int, root: bytes) -> bool:
        """Whether the tiles at the right edge of a tree of `size` leaves give this root."""
        try:
            return load_head(size, self.demand).root == root
        except MerkleError:
            return False

    def _stored(self, tile: Tile) -> bytes | None:
        try:
            return self._folder.read(tile.path, TILE_BYTES + 1)
        except Gone:
            return None
        except Unreadable:
            return b""

    def _beginning_of_wider(self, tile: Tile) -> bytes | None:
        full = Tile(tile.level, tile.index)
        widths = [found.path.rpartition("/")[2] for found in self._folder.walk(f"{full.path}.p")]
        wider = sorted(int(width) for width in widths if width.isdecimal() and tile.width < int(width) < TILE_WIDTH)
        for candidate in [*(Tile(tile.level, tile.index, width) for width in wider), full]:
            data = self._stored(candidate)
            if data:
                return data[: tile.width * HASH_SIZE]
        return None
