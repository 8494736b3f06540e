"""Which of several that disagree is the damaged one: leaves, tiles and checkpoint each say the same tree in their way.

From the root down: what leads to the signed root is true. Where neither what the leaves give nor what is stored does,
an entry of a tile on which both agree is taken as it is, and of the others it cannot be told which one is damaged.
"""

from collections.abc import Callable, Sequence
from itertools import product

from muniment.evidence.tiles import StoredTiles
from muniment.evidence.tree import MadeTree
from muniment.evidence.verdict import Problems
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.tiles import TILE_WIDTH, Tile
from muniment.merkle.tree import HASH_SIZE, fold, perfect_roots, subtree_root

__all__ = ["Judge", "Truth"]

Truth = list[bytes | None]
"""The true hashes of a tile; None where they cannot be told."""


class Judge:
    """Names the tiles and leaves that differ.

    Args:
        made: The tree as the leaves give it.
        checkpoint: What is signed, None where it cannot be read or says another size.
        stored: The tiles.
        file_of: The path of the file that holds a leaf; None where there is none, or it could not be read.
        problems: Takes what is found.
    """

    def __init__(
        self,
        made: MadeTree,
        checkpoint: Checkpoint | None,
        stored: StoredTiles,
        file_of: Callable[[int], str | None],
        problems: Problems,
    ) -> None:
        self._made = made
        self._signed = None if checkpoint is None else checkpoint.root
        self._stored = stored
        self._file_of = file_of
        self._problems = problems
        self._truths: dict[tuple[int, int], Truth] = {}  # by level and index

    def judge_upper(self) -> None:
        """Judge the tiles above the blocks, and those at the right edge; before `judge_block`."""
        self._judge_edge()
        for tile in sorted(self._made.upper, reverse=True):
            self._truth_of(tile, self._made.upper[tile])

    def expected_root(self, block: int) -> bytes | None:
        """The root that a whole block must have; None where it cannot be told."""
        return self._expected(Tile(1, block))

    def judge_block(self, tiles: dict[Tile, bytes]) -> None:
        """Judge a block.

        Args:
            tiles: Its tiles of levels 0 and 1, as its leaves give them.
        """
        for tile in sorted(tiles, reverse=True):
            truth = self._truth_of(tile, tiles[tile])
            if tile.level == 0:
                self._name_leaves(tile, tiles[tile], truth)
        for tile in tiles:
            del self._truths[tile.level, tile.index]

    def _judge_edge(self) -> None:
        """The partial tiles give the root together: of each the stored or the made one is true, if any choice does."""
        made = sorted(self._made.edge.items(), reverse=True)
        choices = [list(dict.fromkeys([self._stored.read(tile), data])) for tile, data in made]
        signed = (choice for choice in product(*choices) if self._signed and _root_of_edge(choice) == self._signed)
        chosen = next(signed, None)
        for number, (tile, data) in enumerate(made):
            truth = self._judge(tile, data, None) if chosen is None else self._hold(tile, data, _split(chosen[number]))
            self._truths[tile.level, tile.index] = truth

    def _truth_of(self, tile: Tile, made: bytes) -> Truth:
        place = tile.level, tile.index
        if place not in self._truths:
            self._truths[place] = self._judge(tile, made, self._expected(tile))
        return self._truths[place]

    def _expected(self, tile: Tile) -> bytes | None:
        index, place = divmod(tile.index, TILE_WIDTH)
        above = self._truths.get((tile.level + 1, index), [])
        return above[place] if place < len(above) else None

    def _judge(self, tile: Tile, made: bytes, expected: bytes | None) -> Truth:
        stored = self._stored.read(tile)
        if expected is not None:
            for hashes in (stored, made):
                if len(hashes) == tile.width * HASH_SIZE and subtree_root(hashes) == expected:
                    return self._hold(tile, made, _split(hashes))
            if stored == made:
                self._problems.add("tiles", tile.path, f"it and {_leaves(tile)} fit each other, but not the tile above")
                return [None] * tile.width
        agreed = [
            here if here == there else None
            for here, there in zip(_split(stored, tile.width), _split(made), strict=True)
        ]
        return self._hold(tile, made, agreed)

    def _hold(self, tile: Tile, made: bytes, truth: Truth) -> Truth:
        """Hold a stored tile to the truth."""
        data = self._stored.exact(tile)
        if not data:
            self._problems.add("tiles", tile.path, "missing, or cannot be read")
        elif len(data) != tile.width * HASH_SIZE:
            self._problems.add("tiles", tile.path, f"it does not have {tile.width * HASH_SIZE} bytes")
        elif None in truth and data != made:
            self._problems.add(
                "tiles", tile.path, f"it does not fit {_leaves(tile)}, and which of them is right cannot be told"
            )
        elif None not in truth and data != b"".join(each for each in truth if each):
            self._problems.add("tiles", tile.path, f"its hashes are not those of {_leaves(tile)}")
        return truth

    def _name_leaves(self, tile: Tile, made: bytes, truth: Truth) -> None:
        stored = _split(self._stored.read(tile), tile.width)
        for leaf, here, true, said in zip(tile.leaves, _split(made), truth, stored, strict=True):
            if here != (true or said) and (file := self._file_of(leaf)):
                what = "its hash is not the one that was sealed" if true else f"its hash is not the one in {tile.path}"
                self._problems.add("tree", file, what, leaf)


def _root_of_edge(tiles: Sequence[bytes]) -> bytes | None:
    """The root over partial tiles, the highest level first; None where one is damaged so that it gives none."""
    if any(len(data) % HASH_SIZE for data in tiles):
        return None
    return fold([root for data in tiles for root in perfect_roots(data)])


def _split(hashes: bytes, width: int = 0) -> Truth:
    """Hashes one by one; up to `width` with None where there are too few."""
    whole: Truth = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes) - HASH_SIZE + 1, HASH_SIZE)]
    return whole + [None] * (width - len(whole))


def _leaves(tile: Tile) -> str:
    return f"leaves {tile.leaves.start} to {tile.leaves.stop - 1}"
