"""Tiles: grown in any steps they are those of the definition, and every proof comes out of them."""

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import MerkleError
from muniment.merkle.tiles import (
    EMPTY_HEAD,
    Tile,
    TreeBuilder,
    TreeHead,
    consistency_proof,
    differing_leaves,
    extend,
    inclusion_proof,
    load_head,
    read_proven,
    tiles_of,
)
from muniment.merkle.tree import (
    EMPTY_ROOT,
    fold,
    hash_leaves,
    node_hash,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)

BORDERS = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_791, 65_792, 65_793, 70_003]
HASHES = hash_leaves(b"%d" % number for number in range(70_003))


class Folder:
    """Tiles as they lie on a disk: written once, read by exact place and width."""

    def __init__(self) -> None:
        self.tiles: dict[Tile, bytes] = {}
        self.reads: list[Tile] = []

    def read(self, tile: Tile) -> bytes:
        self.reads.append(tile)
        return self.tiles[tile]

    def write(self, tiles: dict[Tile, bytes]) -> None:
        assert not self.tiles.keys() & tiles.keys(), "a tile is written once"
        self.tiles.update(tiles)


def grow(folder: Folder, head: TreeHead, hashes: bytes) -> TreeHead:
    head, tiles = extend(head, hashes, folder.read)
    folder.write(tiles)
    return head


def defined_tile(tile: Tile, hashes: bytes) -> bytes:
    """C2SP's definition: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for each i."""
    span = 256**tile.level
    first = tile.index * 256
    roots = [hashes[(first + i) * span * 32 : (first + i + 1) * span * 32] for i in range(tile.width)]
    return b"".join(subtree_root(root) for root in roots)


@pytest.fixture(scope="module")
def large() -> tuple[TreeHead, Folder]:
    folder = Folder()
    return grow(folder, EMPTY_HEAD, HASHES), folder


# --- paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 5, 221), "tile/0/005.p/221"),
        (Tile(1, 999, 1), "tile/1/999.p/1"),
        (Tile(0, 1234), "tile/0/x001/234"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(63, 1_000_000, 255), "tile/63/x001/x000/000.p/255"),
        (Tile(0, 2**63 - 1), "tile/0/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_a_tile_lies_where_c2sp_says(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@settings(deadline=None)
@given(st.builds(Tile, st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256)))
def test_a_path_read_back_is_the_same_tile(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",  # noqa: RUF001 - digits, but not ours
        "tile/entries/000",
        "tile/8/0/000",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(MerkleError, match=r"^(not the path of a hash tile: |no tile has level 0, index )"):
        Tile.parse(path)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_the_path_of_its_tile_or_refused(text: str) -> None:
    with contextlib.suppress(MerkleError):
        assert Tile.parse(text).path == text


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_there_is_no_tile_outside_the_numbers_of_c2sp(level: int, index: int, width: int) -> None:
    with pytest.raises(MerkleError, match=f"^no tile has level {level}, index {index} and width {width}$"):
        Tile(level, index, width)


def test_a_tile_knows_the_leaves_that_it_stands_for() -> None:
    assert Tile(0, 3).leaves == range(768, 1024)
    assert Tile(1, 1, 17).leaves == range(65_536, 65_536 + 17 * 256)


# --- growing


def test_the_tiles_of_a_tree_are_those_of_the_example_of_c2sp() -> None:
    full = [Tile(0, index) for index in range(273)]
    assert list(tiles_of(70_000)) == [*full, Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", BORDERS)
def test_a_tree_grown_at_once_has_the_tiles_of_the_definition(size: int) -> None:
    hashes = HASHES[: size * 32]
    head, tiles = extend(EMPTY_HEAD, hashes, Folder().read)
    assert tiles == {tile: defined_tile(tile, hashes) for tile in tiles_of(size)}
    assert (head.size, head.root) == (size, subtree_root(hashes))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6), st.sampled_from([0, 255, 256, 65_000, 65_536]))
def test_a_tree_grown_in_any_steps_is_the_one_grown_at_once(steps: list[int], start: int) -> None:
    folder = Folder()
    head = grow(folder, EMPTY_HEAD, HASHES[: start * 32])
    for step in steps:
        before = head
        head = grow(folder, head, HASHES[head.size * 32 : (head.size + step) * 32])
        at_once, tiles = extend(EMPTY_HEAD, HASHES[: head.size * 32], Folder().read)
        assert head == at_once == load_head(head.size, folder.read)
        assert tiles.items() <= folder.tiles.items()
        if head.size == before.size:
            assert head == before


@pytest.mark.parametrize(("old", "new"), [(255, 256), (256, 257), (65_535, 65_536), (65_536, 65_537), (100, 70_003)])
def test_only_tiles_that_are_new_are_given(old: int, new: int) -> None:
    folder = Folder()
    head = grow(folder, EMPTY_HEAD, HASHES[: old * 32])
    _, tiles = extend(head, HASHES[old * 32 : new * 32], folder.read)
    assert set(tiles) == set(tiles_of(new)) - set(tiles_of(old))


def test_growing_by_nothing_gives_nothing(large: tuple[TreeHead, Folder]) -> None:
    head, folder = large
    assert extend(head, b"", folder.read) == (head, {})
    assert extend(EMPTY_HEAD, b"", folder.read) == (EMPTY_HEAD, {})
    assert load_head(0, folder.read) == EMPTY_HEAD


def test_growing_reads_the_partial_tiles_and_no_others(large: tuple[TreeHead, Folder]) -> None:
    head, folder = large
    folder.reads.clear()
    extend(head, HASHES[:320], folder.read)
    assert folder.reads == [Tile(0, 273, 115), Tile(1, 1, 17), Tile(2, 0, 1)]


def append_one(size: int, edge: list[bytes], leaf: bytes) -> None:
    """Append to a compact range: a carry for each low bit of the size that is set."""
    while size & 1:
        leaf = node_hash(edge.pop(), leaf)
        size >>= 1
    edge.append(leaf)


@pytest.mark.parametrize("size", [256**3 - 3, 256**4 - 1, 256**7 - 2, 2**62 - 300, 256**3 + 255, 12_345_678_901])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 300, 1000])
def test_a_large_tree_carries_over_every_level_at_once(size: int, count: int) -> None:
    noise = random.Random(size)
    folder = Folder()
    folder.tiles = {
        Tile(level, size >> 8 * (level + 1), width): noise.randbytes(width * 32)
        for level in range(8)
        if (width := (size >> 8 * level) & 255)
    }
    head = load_head(size, folder.read)
    edge = list(head.edge)
    for number in range(count):
        append_one(size + number, edge, HASHES[number * 32 : (number + 1) * 32])
    grown = grow(folder, head, HASHES[: count * 32])
    assert grown == TreeHead(size + count, tuple(edge), fold(edge))
    assert load_head(size + count, folder.read) == grown
    proof = consistency_proof(size, size + count, folder.read)
    verify_consistency(size, size + count, proof, head.root, grown.root)


def test_a_partial_tile_that_was_changed_is_named_before_anything_grows_on_it(
    large: tuple[TreeHead, Folder],
) -> None:
    head, folder = large
    for tile in (Tile(0, 273, 115), Tile(1, 1, 17), Tile(2, 0, 1)):
        for bit in (0, tile.width * 32 * 8 - 1):
            damaged = Folder()
            damaged.tiles = {**folder.tiles, tile: flip(folder.tiles[tile], bit)}
            with pytest.raises(MerkleError, match=f"^{tile.path} does not belong to the tree of 70003 leaves$"):
                extend(head, HASHES[:32], damaged.read)
            assert load_head(head.size, damaged.read).root != head.root


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_a_tile_of_another_length_is_named(large: tuple[TreeHead, Folder], change: int) -> None:
    head, folder = large
    damaged = Folder()
    damaged.tiles = {**folder.tiles, Tile(1, 1, 17): (folder.tiles[Tile(1, 1, 17)] + bytes(32))[: 17 * 32 + change]}
    message = f"^tile/1/001.p/17 has {17 * 32 + change} bytes, not {17 * 32}$"
    with pytest.raises(MerkleError, match=message):
        load_head(head.size, damaged.read)
    with pytest.raises(MerkleError, match=message):
        extend(head, b"", damaged.read)
    with pytest.raises(MerkleError, match=message):
        inclusion_proof(69_000, head.size, damaged.read)


def test_half_a_hash_is_no_leaf() -> None:
    with pytest.raises(MerkleError, match=r"^33 bytes are no whole number of hashes of 32 bytes$"):
        extend(EMPTY_HEAD, bytes(33), Folder().read)


# --- making a tree again, as a verifier does


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 70_003), st.integers(1, 9_000))
def test_a_builder_gives_every_tile_of_a_tree_once(size: int, step: int) -> None:
    builder = TreeBuilder()
    made: list[tuple[Tile, bytes]] = []
    for first in range(0, size, step):
        made.extend(builder.absorb(HASHES[first * 32 : min(first + step, size) * 32]))
    made.extend(builder.partial_tiles())
    head, tiles = extend(EMPTY_HEAD, HASHES[: size * 32], Folder().read)
    assert sorted(made) == sorted(tiles.items())
    assert (builder.size, builder.head()) == (size, head)


def test_a_builder_holds_one_partial_tile_a_level() -> None:
    builder = TreeBuilder()
    for _ in range(100):
        builder.absorb(HASHES[: 5_000 * 32])
        assert sum(len(hashes) for hashes in builder._held) <= 3 * 255 * 32


def test_leaves_that_differ_are_named_by_their_index() -> None:
    tile = Tile(0, 3, 10)
    made = HASHES[:320]
    assert differing_leaves(tile, made, made) == ()
    assert differing_leaves(tile, made, flip(made, 0)) == (range(768, 769),)
    assert differing_leaves(tile, made, flip(flip(made, 32 * 8), 64 * 8 + 5)) == (range(769, 771),)
    assert differing_leaves(tile, made, made[:-33]) == (range(776, 778),)
    assert differing_leaves(tile, made, b"") == (range(768, 778),)
    assert differing_leaves(Tile(1, 1, 10), made, flip(made, 32 * 8)) == (range(65_792, 66_048),)


def test_a_tile_is_proven_by_those_above_it(large: tuple[TreeHead, Folder]) -> None:
    head, folder = large
    for tile in tiles_of(head.size):
        assert read_proven(tile, head.size, head.root, folder.read) == folder.tiles[tile]


def test_a_changed_tile_is_never_proven_and_says_where_it_stops_fitting(large: tuple[TreeHead, Folder]) -> None:
    head, folder = large
    edge = "^the tiles at the right edge do not give the root of 70003 leaves$"
    for changed, message in (
        (Tile(0, 5), "^tile/0/005 does not belong to tile/1/000$"),
        (Tile(1, 0), "^(tile/0/005 does not belong to tile/1/000|tile/1/000 does not belong to tile/2/000.p/1)$"),
        (Tile(2, 0, 1), "^tile/1/000 does not belong to tile/2/000.p/1$"),
        (Tile(0, 273, 115), edge),
        (Tile(1, 1, 17), edge),
    ):
        damaged = Folder()
        damaged.tiles = {**folder.tiles, changed: flip(folder.tiles[changed], 5 * 256 + 7)}
        with pytest.raises(MerkleError, match=message):
            read_proven(Tile(0, 5), head.size, head.root, damaged.read)


@pytest.mark.parametrize("tile", [Tile(0, 273, 114), Tile(0, 5, 255), Tile(0, 274), Tile(2, 1, 1), Tile(3, 0, 1)])
def test_a_tile_that_the_tree_does_not_have_is_not_proven(large: tuple[TreeHead, Folder], tile: Tile) -> None:
    head, folder = large
    with pytest.raises(MerkleError, match=f"^a tree of 70003 leaves has no {tile.path}$"):
        read_proven(tile, head.size, head.root, folder.read)


# --- proofs


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_leaf_is_proven_in_every_tree_that_has_it(data: st.DataObject) -> None:
    size = data.draw(st.one_of(st.integers(1, 2_000), st.sampled_from(BORDERS[1:])))
    index = data.draw(st.integers(0, size - 1))
    _, tiles = extend(EMPTY_HEAD, HASHES[: size * 32], Folder().read)
    proof = inclusion_proof(index, size, tiles.__getitem__)
    verify_inclusion(HASHES[index * 32 : (index + 1) * 32], index, size, proof, subtree_root(HASHES[: size * 32]))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_tree_is_proven_to_extend_every_earlier_one(data: st.DataObject) -> None:
    size2 = data.draw(st.one_of(st.integers(1, 2_000), st.sampled_from(BORDERS[1:])))
    size1 = data.draw(st.integers(1, size2))
    _, tiles = extend(EMPTY_HEAD, HASHES[: size2 * 32], Folder().read)
    proof = consistency_proof(size1, size2, tiles.__getitem__)
    root1, root2 = subtree_root(HASHES[: size1 * 32]), subtree_root(HASHES[: size2 * 32])
    verify_consistency(size1, size2, proof, root1, root2)


def test_a_proof_in_an_earlier_tree_reads_nothing_that_came_later() -> None:
    folder = Folder()
    head = grow(folder, EMPTY_HEAD, HASHES[: 60_000 * 32])
    grow(folder, head, HASHES[60_000 * 32 :])
    folder.reads.clear()
    proof = inclusion_proof(59_999, 60_000, folder.read)
    verify_inclusion(HASHES[59_999 * 32 : 60_000 * 32], 59_999, 60_000, proof, head.root)
    assert set(folder.reads) <= set(tiles_of(60_000))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 299), st.integers(0, 256 * 256 - 1))
def test_a_flipped_bit_in_a_tile_that_a_proof_needs_never_verifies(index: int, bit: int) -> None:
    size = 300
    _, tiles = extend(EMPTY_HEAD, HASHES[: size * 32], Folder().read)
    leaf, root = HASHES[index * 32 : (index + 1) * 32], subtree_root(HASHES[: size * 32])
    whole = inclusion_proof(index, size, tiles.__getitem__)
    damaged = {tile: flip(hashes, bit) for tile, hashes in tiles.items()}
    proof = inclusion_proof(index, size, damaged.__getitem__)
    if proof == whole:  # it lay in a hash that this proof does not use
        return
    with pytest.raises(MerkleError):
        verify_inclusion(leaf, index, size, proof, root)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MerkleError, match=f"^leaf {index} is not in a tree of {size} leaves$"):
        inclusion_proof(index, size, Folder().read)


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 5), (-1, 5), (6, 5)])
def test_there_is_no_proof_from_nothing_or_backwards(size1: int, size2: int) -> None:
    with pytest.raises(MerkleError, match=f"^there is no consistency proof from {size1} to {size2} leaves$"):
        consistency_proof(size1, size2, Folder().read)


def test_the_empty_tree_has_the_empty_root() -> None:
    assert (EMPTY_HEAD.root, TreeBuilder().head()) == (EMPTY_ROOT, EMPTY_HEAD)


def flip(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)
