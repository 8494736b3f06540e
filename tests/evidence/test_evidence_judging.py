"""Which of several that disagree is named: leaf, tile or checkpoint, at every level of a large tree."""

import pytest
from tests.evidence.world import (
    World,
    failed,
    flipped,
    leaves_of,
    named,
    problems_of,
    result_of,
    rewrite,
    why_of,
    with_values,
)

from muniment.merkle.tree import leaf_hash, subtree_root

TILES = ["tile/0/000", "tile/0/255", "tile/0/256", "tile/1/000"]


def replaced(data: bytes, place: int, entry: bytes) -> bytes:
    """A tile with one hash replaced."""
    return data[: place * 32] + entry + data[(place + 1) * 32 :]


@pytest.mark.parametrize("path", TILES)
def test_a_damaged_tile_of_any_level_is_named_alone(wide: World, path: str) -> None:
    with wide.harmed(path, lambda data: flipped(data, len(data) - 1, 7)):
        verdict = wide.verify()
    assert failed(verdict) == {"tiles"}
    assert named(verdict) == {(path, None)}


def test_the_partial_tiles_at_the_right_edge_are_named_alone(wide: World) -> None:
    edge = [path for path in wide.covered() if ".p/" in path]
    assert {path.split("/")[1] for path in edge} == {"0", "1", "2"}
    for path in edge:
        with wide.harmed(path, lambda data: flipped(data, 0, 0)):
            verdict = wide.verify()
        assert named(verdict) == {(path, None)}


def test_missing_and_damaged_tiles_of_several_levels_at_once_are_all_named(wide: World) -> None:
    paths = ["tile/0/256", "tile/0/100", "tile/1/000", "tile/2/000.p/1"]
    before = {path: (wide.archive / path).read_bytes() for path in paths}
    try:
        for path, data in before.items():
            (wide.archive / path).write_bytes(flipped(data, 8, 0))
        (wide.archive / "tile/0/256").unlink()
        verdict = wide.verify()
    finally:
        for path, data in before.items():
            (wide.archive / path).write_bytes(data)
    assert {file for file, _ in named(verdict)} == set(paths)


def forged(world: World) -> tuple[str, bytes, bytes]:
    """Leaf 5 changed in a segment made anew; returns its path and the leaf before and after."""
    path = world.segments()[0]
    before = leaves_of(world)[5]
    after = before.replace(b"entry-", b"Entry-")
    assert before != after

    def change(table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - pyarrow has no types
        return with_values(with_values(table, "leaf", 5, after), "id", 5, "Entry-4")

    return rewrite(world, path, change), before, after


def test_a_leaf_changed_together_with_its_tile_shows_in_the_tile_above(world: World) -> None:
    _, _, after = forged(world)
    tile = world.archive / "tile/0/000"
    tile.write_bytes(replaced(tile.read_bytes(), 5, leaf_hash(after)))
    verdict = world.verify()
    (problem,) = problems_of(verdict, "tiles")
    assert problem.file == "tile/0/000"
    assert "fit each other, but not the tile above" in problem.what


def test_a_leaf_changed_together_with_all_tiles_shows_in_the_checkpoint(world: World) -> None:
    _, _, after = forged(world)
    tile = world.archive / "tile/0/000"
    tile.write_bytes(replaced(tile.read_bytes(), 5, leaf_hash(after)))
    above = world.archive / "tile/1/000.p/2"
    above.write_bytes(replaced(above.read_bytes(), 0, subtree_root(tile.read_bytes())))
    verdict = world.verify()
    assert {"tree", "seals"} <= failed(verdict)
    assert ("checkpoint", None) in named(verdict)
    assert result_of(verdict, "tiles") == "pass"


def test_a_leaf_and_the_tile_above_it_harmed_apart_are_both_named(world: World) -> None:
    path, _, _ = forged(world)
    above = world.archive / "tile/1/000.p/2"
    above.write_bytes(flipped(above.read_bytes(), 40, 1))
    verdict = world.verify()
    assert ("tile/1/000.p/2", None) in named(verdict)
    assert (path, 5) in named(verdict)


def test_a_leaf_and_its_own_tile_harmed_apart_are_both_named(world: World) -> None:
    path, _, _ = forged(world)
    tile = world.archive / "tile/0/000"
    tile.write_bytes(flipped(tile.read_bytes(), 200 * 32, 1))
    verdict = world.verify()
    assert ("tile/0/000", None) in named(verdict)
    assert (path, 5) in named(verdict)


def test_a_leaf_and_the_root_harmed_apart_are_both_named(world: World) -> None:
    path, _, _ = forged(world)
    note = world.archive / "checkpoint"
    note.write_bytes(flipped(note.read_bytes(), 30, 0))
    verdict = world.verify()
    assert ("checkpoint", None) in named(verdict)
    assert (path, 5) in named(verdict)


def test_where_a_segment_is_gone_the_other_leaves_and_the_tiles_are_compared_still(wide: World) -> None:
    path = wide.segments()[0]
    with wide.harmed(path, lambda _: None):
        verdict = wide.verify()
        assert "tiles" not in failed(verdict)
        assert {file for file, _ in named(verdict)} >= {"segment/0-65536"}
        assert "could not be read" in why_of(verdict, "tree")
        with wide.harmed("tile/0/007", lambda data: flipped(data, 9)):
            verdict = wide.verify()
        assert "tile/0/007" in {file for file, _ in named(verdict)}
    assert not problems_of(verdict, "tree")


def test_leaves_exchanged_far_apart_are_named_one_by_one(wide: World) -> None:
    path = wide.segments()[0]
    before = (wide.archive / path).read_bytes()

    def change(table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - pyarrow has no types
        order = list(range(65_536))
        order[700], order[40_000] = order[40_000], order[700]
        return table.take(order)

    new = rewrite(wide, path, change)
    try:
        verdict = wide.verify()
    finally:
        (wide.archive / new).unlink()
        (wide.archive / path).write_bytes(before)
    tree = {problem.leaf for problem in problems_of(verdict, "tree")}
    assert tree == {700, 40_000}
    assert not problems_of(verdict, "tiles")
