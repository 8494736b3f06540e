"""Whatever is changed in an archive's files, it no longer verifies, and the file and the leaf are named."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence.world import World, failed, flipped, found, leaves_of, named, problems_of, result_of

from muniment.archive.segments import SegmentName
from muniment.evidence.keys import Trusted

SETTINGS = settings(
    deadline=None, max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("trusted", [None, Trusted()], ids=["with the key", "without a key"])
@SETTINGS
@given(data=st.data())
def test_one_flipped_bit_anywhere_never_verifies_and_the_file_is_named(
    sealed: World, trusted: Trusted | None, data: st.DataObject
) -> None:
    if not COVERED:
        COVERED.extend(sealed.covered())
    path = data.draw(st.sampled_from(COVERED))
    size = (sealed.archive / path).stat().st_size
    position, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 7))
    with sealed.harmed(path, lambda whole: flipped(whole, position, bit)):
        verdict = sealed.verify(trusted=trusted)
    assert not verdict.ok
    assert path in {file for file, _ in named(verdict)}


COVERED: list[str] = []
"""Asked for once: the archive is always put back as it was."""


def test_every_byte_of_a_small_archive_counts(tmp_path: Path) -> None:
    world = found(tmp_path)
    for path in ("checkpoint", "archive.toml", "tile/0/000.p/1"):
        for position in range((world.archive / path).stat().st_size):
            with world.harmed(path, lambda whole, at=position: flipped(whole, at, at % 8)):  # type: ignore[misc]
                verdict = world.verify(trusted=Trusted())
            assert not verdict.ok
            assert path in {file for file, _ in named(verdict)}


@pytest.mark.parametrize(
    ("what", "harm"),
    [
        ("cut by one byte", lambda data: data[:-1]),
        ("cut in half", lambda data: data[: len(data) // 2]),
        ("emptied", lambda _: b""),
        ("longer by a newline", lambda data: data + b"\n"),
        ("longer by a zero", lambda data: data + b"\0"),
        ("twice in a row", lambda data: data + data),
        ("begun with another byte", lambda data: b" " + data),
        ("zeroed", lambda data: bytes(len(data))),
    ],
)
def test_a_file_of_another_length_is_named(sealed: World, what: str, harm: Callable[[bytes], bytes]) -> None:
    for path in sealed.covered():
        with sealed.harmed(path, harm):
            verdict = sealed.verify()
        assert not verdict.ok, (path, what)
        assert path in {file for file, _ in named(verdict)}, (path, what)


def test_a_removed_file_is_named(sealed: World) -> None:
    for path in sealed.covered():
        with sealed.harmed(path, lambda _: None):
            verdict = sealed.verify()
        assert not verdict.ok, path
        # of a segment that no leaf seals yet, the name can only be told as far as its leaves
        assert any(path.startswith(file) for file, _ in named(verdict)), path


def test_a_removed_segment_that_is_sealed_is_named_in_full(sealed: World) -> None:
    path = next(path for path in sealed.segments() if path.startswith("segment/128-192."))
    with sealed.harmed(path, lambda _: None):
        verdict = sealed.verify()
    assert (path, 128) in named(verdict)
    assert result_of(verdict, "tree") == "fail"


def test_a_merged_file_that_is_gone_is_missed_only_if_a_leaf_seals_it(crowded: World) -> None:
    missed = {}
    for first in ("segment/0-64.", "segment/704-723."):
        path = next(path for path in crowded.segments() if path.startswith(first))
        with crowded.harmed(path, lambda _: None):
            missed[first] = failed(crowded.verify())
    # the leaves of both are in the files that were merged into them
    assert missed == {"segment/0-64.": {"seals"}, "segment/704-723.": set()}


def test_files_that_were_exchanged_are_both_named(sealed: World) -> None:
    covered = sealed.covered()
    segments = [path for path in covered if path.startswith("segment/")]
    pairs = [("tile/0/000", "tile/0/001"), (segments[0], segments[1]), (segments[2], segments[-1])]
    for one, other in pairs:
        there = (sealed.archive / other).read_bytes()
        here = (sealed.archive / one).read_bytes()
        with sealed.harmed(one, lambda _, data=there: data), sealed.harmed(other, lambda _, data=here: data):  # type: ignore[misc]
            verdict = sealed.verify()
        assert {one, other} <= {file for file, _ in named(verdict)}


def test_a_damaged_segment_is_read_all_the_same_to_say_which_leaf_differs(plain: World) -> None:
    (path,) = plain.segments()
    text = b"entry-105"
    whole = (plain.archive / path).read_bytes()
    leaf = next(index for index, each in enumerate(leaves_of(plain)) if text in each)
    # the leaf column is compressed: the byte is looked for by trying
    start = pq.ParquetFile(plain.archive / path).metadata.row_group(0).column(16).data_page_offset
    for position in range(start + 200, len(whole)):
        with plain.harmed(path, lambda data, at=position: flipped(data, at, 0)):  # type: ignore[misc]
            verdict = plain.verify()
        if (path, leaf) in named(verdict) and problems_of(verdict, "tree"):
            break
    else:
        pytest.fail("no flipped bit was ever traced to a leaf")
    assert any("sealed" in problem.what for problem in problems_of(verdict, "tree"))
    assert any("hash" in problem.what and problem.leaf is None for problem in problems_of(verdict, "segments"))


def test_a_damaged_tile_is_told_from_damaged_leaves(sealed: World) -> None:
    for path in ("tile/0/000", "tile/0/001", "tile/0/002.p/235", "tile/1/000.p/2"):
        assert path in sealed.covered()
        with sealed.harmed(path, lambda data: flipped(data, 40, 3)):
            verdict = sealed.verify()
        assert {file for file, _ in named(verdict)} == {path}
        assert failed(verdict) == {"tiles"}


def test_a_damaged_tile_and_a_damaged_leaf_are_both_told(plain: World) -> None:
    (path,) = plain.segments()
    leaves = leaves_of(plain)
    tile = "tile/0/000.p/34"
    assert SegmentName.parse(path) == SegmentName(0, len(leaves), path[-24:-8])
    with plain.harmed(tile, lambda data: flipped(data, 5 * 32, 0)):
        verdict = plain.verify()
    assert named(verdict) == {(tile, None)}


def test_what_is_damaged_in_several_places_is_named_in_each(sealed: World) -> None:
    harmed = ["archive.toml", "tile/0/001", "tile/1/000.p/2", sealed.segments()[3], sealed.segments()[-1]]
    before = {path: (sealed.archive / path).read_bytes() for path in harmed}
    try:
        for path, data in before.items():
            (sealed.archive / path).write_bytes(flipped(data, len(data) // 2, 1))
        verdict = sealed.verify()
    finally:
        for path, data in before.items():
            (sealed.archive / path).write_bytes(data)
    assert set(harmed) <= {file for file, _ in named(verdict)}


def test_a_superseded_file_is_exempt_and_listed(crowded: World) -> None:
    path = next(path for path in crowded.verify().not_evidence if path.startswith("segment/"))
    with crowded.harmed(path, lambda data: flipped(data, 100)):
        verdict = crowded.verify()
    assert verdict.ok
    assert path in verdict.not_evidence


def test_without_its_checkpoint_the_rest_is_looked_at_all_the_same(sealed: World) -> None:
    tile = "tile/0/001"
    with sealed.harmed("checkpoint", lambda _: None), sealed.harmed(tile, lambda data: flipped(data, 0)):
        verdict = sealed.verify()
    assert {("checkpoint", None), (tile, None)} <= named(verdict)
    assert (verdict.tree_size, verdict.root) == (None, None)
    assert verdict.leaves == sealed.open().size
    assert result_of(verdict, "columns") == "pass"


def test_a_checkpoint_that_says_another_size_is_what_is_named(sealed: World) -> None:
    for size in (b"746", b"748", b"700", b"9223372036854775807", b"0"):
        with sealed.harmed("checkpoint", lambda data, said=size: data.replace(b"\n747\n", b"\n" + said + b"\n")):  # type: ignore[misc]
            verdict = sealed.verify()
        assert {file for file, _ in named(verdict)} == {"checkpoint"}, size
        assert verdict.leaves in (747, 746, 700)


def test_the_root_of_other_leaves_is_refused(sealed: World) -> None:
    for position in range(22, 60):
        with sealed.harmed("checkpoint", lambda data, at=position: flipped(data, at, 0)):  # type: ignore[misc]
            verdict = sealed.verify()
        assert {file for file, _ in named(verdict)} == {"checkpoint"}
