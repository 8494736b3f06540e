"""Folders filled by somebody who wants the verifier to crash, to hang, to read elsewhere or to pass over something."""

import os
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.evidence.world import World, failed, found, named, put, rewrite, why_of

from muniment.archive.segments import SegmentName
from muniment.errors import BadInput
from muniment.evidence.archive import verify_archive
from muniment.evidence.files import looks_like_archive
from muniment.evidence.folder import Folder
from muniment.evidence.target import kind_of


def what_of(world: World, path: str) -> str:
    """What is said of a file."""
    verdict = world.verify()
    assert not verdict.ok
    return "; ".join(problem.what for problem in verdict.problems if problem.file == path)


@pytest.mark.parametrize("path", ["checkpoint", "archive.toml", "tile/0/000", "tile/0/002.p/235"])
def test_a_link_in_place_of_a_file_is_refused_even_to_the_same_bytes(world: World, path: str) -> None:
    file = world.archive / path
    elsewhere = world.path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert "symbolic link" in what_of(world, path)


def test_what_a_link_leads_to_is_never_read(world: World) -> None:
    file = world.archive / "checkpoint"
    file.rename(world.path / "elsewhere")
    file.symlink_to(world.path / "elsewhere")
    assert world.verify().tree_size is None


def test_a_linked_segment_is_refused(world: World) -> None:
    path = world.segments()[2]
    (world.archive / path).rename(world.path / "elsewhere")
    (world.archive / path).symlink_to(world.path / "elsewhere")
    verdict = world.verify()
    assert (path, None) in named(verdict)


@pytest.mark.parametrize("name", ["segment", "tile"])
def test_a_linked_folder_is_refused(world: World, name: str) -> None:
    (world.archive / name).rename(world.path / "elsewhere")
    (world.archive / name).symlink_to(world.path / "elsewhere")
    assert what_of(world, name) == "is a symbolic link"


def test_a_link_to_nowhere_and_a_circle_of_links_are_refused(world: World) -> None:
    (world.archive / "tile/0/000").unlink()
    (world.archive / "tile/0/000").symlink_to("000")
    (world.archive / "segment/x").symlink_to("nowhere")
    verdict = world.verify()
    assert {("tile/0/000", None), ("segment/x", None)} <= named(verdict)


def test_a_pipe_is_not_waited_for(world: World) -> None:
    for path in ("checkpoint", "tile/0/001", world.segments()[1]):
        file = world.archive / path
        data = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        verdict = world.verify()
        assert path in {each for each, _ in named(verdict)}
        file.unlink()
        file.write_bytes(data)


@pytest.mark.parametrize("path", ["checkpoint", "archive.toml", "tile/0/000"])
def test_a_folder_in_place_of_a_file_is_named(world: World, path: str) -> None:
    (world.archive / path).unlink()
    (world.archive / path).mkdir()
    (world.archive / path / "x").write_bytes(b"x")
    verdict = world.verify()
    assert {(path, None), (f"{path}/x", None)} <= named(verdict)


def test_a_file_in_place_of_a_folder_is_named(plain: World) -> None:
    for name in ("segment", "tile"):
        for path in sorted((plain.archive / name).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (plain.archive / name).rmdir()
        (plain.archive / name).write_bytes(b"x")
    verdict = plain.verify()
    assert {"segment", "tile"} <= {each for each, _ in named(verdict)}
    assert verdict.leaves == 0


@pytest.mark.parametrize(
    "path",
    [
        "segment/notes.txt",
        "segment/0-64.0000000000000000.parquet.bak",
        "segment/00-64.0000000000000000.parquet",
        "segment/64-64.0000000000000000.parquet",
        "segment/0-64.ABCDEF0000000000.parquet",
        "segment/more/0-64.0000000000000000.parquet",
        "segment/0-65537.0000000000000000.parquet",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/x000/000",
        "tile/entries/000",
        "tile/x",
        "tile/0/000.p/1/2",
        "tile/64/000",
    ],
)
def test_a_file_that_has_no_business_there_is_named(world: World, path: str) -> None:
    file = world.archive / path
    if (world.archive / "tile/0/000.p").exists():
        pytest.fail("the archive has no partial tile there")
    if path != "tile/0/000.p/1/2":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    else:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
    verdict = world.verify()
    assert failed(verdict) == {"files"}
    assert named(verdict) == {(path, None)}


@pytest.mark.parametrize(
    "path", ["notes.txt", ".DS_Store", "anchor/747/tsa.tsr", "index/entries.duckdb", "tmp/12.ab.0"]
)
def test_a_file_beside_the_evidence_is_listed_and_no_more(world: World, path: str) -> None:
    (world.archive / path).parent.mkdir(parents=True, exist_ok=True)
    (world.archive / path).write_bytes(b"x")
    verdict = world.verify()
    assert verdict.ok
    assert path in verdict.not_evidence


def test_names_that_are_no_text_are_listed_in_writing(world: World) -> None:
    strange = os.fsencode(world.archive) + b"/a\xffb\n\x1b"
    with open(strange, "wb"):  # noqa: PTH123 - bytes
        pass
    inside = os.fsencode(world.archive) + b"/tile/\xfe"
    with open(inside, "wb"):  # noqa: PTH123 - bytes
        pass
    verdict = world.verify()
    assert "a\\xffb\n\x1b" in verdict.not_evidence
    assert ("tile/\\xfe", None) in named(verdict)
    "".join(verdict.not_evidence).encode()


def test_a_name_that_claims_endless_leaves_is_refused_at_once(world: World) -> None:
    for name in ("0-9223372036854775807", "9223372036854710272-9223372036854775807"):
        (world.archive / f"segment/{name}.0000000000000000.parquet").write_bytes(b"x")
    verdict = world.verify()
    assert "segment/0-9223372036854775807.0000000000000000.parquet" in {each for each, _ in named(verdict)}
    assert verdict.leaves == 747


def test_a_checkpoint_and_a_name_that_claim_endless_leaves_are_refused_at_once(plain: World) -> None:
    size = 9223372036854775807
    data = (plain.archive / plain.segments()[0]).read_bytes()
    put(plain, plain.segments()[0], data)
    (plain.archive / f"segment/{size - 3}-{size}.0000000000000000.parquet").write_bytes(data)
    with plain.harmed("checkpoint", lambda whole: whole.replace(b"\n34\n", b"\n%d\n" % size)):
        verdict = plain.verify()
    assert not verdict.ok
    assert ("checkpoint", None) in named(verdict)


def test_a_file_with_more_rows_than_its_name_says_is_read_no_further(plain: World) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: pa.concat_tables([table] * 3000), row_group_size=200_000)
    verdict = plain.verify()
    assert "more than a segment has" in "; ".join(problem.what for problem in verdict.problems)
    assert new in {each for each, _ in named(verdict)}


def test_a_footer_that_claims_huge_sizes_is_refused(plain: World) -> None:
    (path,) = plain.segments()
    data = (plain.archive / path).read_bytes()
    for length in (0, 1, len(data), 2**31 - 1, 2**32 - 1):
        new = put(plain, path, data[:-8] + struct.pack("<I", length) + b"PAR1")
        verdict = plain.verify()
        assert new in {each for each, _ in named(verdict)}
        path = put(plain, new, data)
    assert plain.verify().ok


def test_a_row_group_that_claims_gigabytes_is_not_unpacked(plain: World) -> None:
    (path,) = plain.segments()
    metadata = pq.ParquetFile(plain.archive / path).metadata
    data = (plain.archive / path).read_bytes()
    size = metadata.row_group(0).column(16).total_uncompressed_size
    footer_at = len(data) - 8 - metadata.serialized_size
    body, footer = data[:footer_at], data[footer_at:]
    grown = footer.replace(_varint(size), _varint(1 << 40))
    assert grown != footer
    length = metadata.serialized_size + len(grown) - len(footer)
    new = put(plain, path, body + grown[:-8] + struct.pack("<I", length) + b"PAR1")
    verdict = plain.verify()
    assert any("more than a segment has" in problem.what for problem in verdict.problems)
    assert new in {each for each, _ in named(verdict)}


def _varint(number: int) -> bytes:
    """As Thrift's compact protocol writes a number."""
    zigzag = number << 1
    out = b""
    while zigzag >= 0x80:
        out += bytes([zigzag & 0x7F | 0x80])
        zigzag >>= 7
    return out + bytes([zigzag])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1", b"x" * 100, b"PAR1" + bytes(100) + b"PAR1"])
def test_a_segment_that_is_no_parquet_is_named_with_its_leaves(plain: World, data: bytes) -> None:
    new = put(plain, plain.segments()[0], data)
    verdict = plain.verify()
    assert new in {each for each, _ in named(verdict)}
    assert "34 leaves could not be read" in why_of(verdict, "tree") or "tree" in failed(verdict)


def test_two_segments_for_the_same_leaves_are_not_read_as_one_wishes(plain: World) -> None:
    (path,) = plain.segments()
    data = (plain.archive / path).read_bytes()
    for digest in ("0" * 16, "f" * 16):
        (plain.archive / SegmentName(0, 34, digest).path).write_bytes(data[:-1])
    used = {name.path for name in plain.open().covering} if plain.verify().ok else set()
    assert used in (set(), {path})


def test_an_empty_folder_a_file_and_nothing_are_no_archive(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty", "nothing", "file/in a file"):
        with pytest.raises(BadInput):
            kind_of(tmp_path / name)


def test_a_folder_that_lost_its_checkpoint_is_an_archive_still(plain: World) -> None:
    (plain.archive / "checkpoint").unlink()
    assert kind_of(plain.archive) == "archive"
    assert ("checkpoint", None) in named(plain.verify())


def test_whatever_part_of_an_archive_is_left_it_is_looked_at(tmp_path: Path) -> None:
    for name in ("checkpoint", "archive.toml", "segment", "tile"):
        world = found(tmp_path / name)
        for path in sorted(world.archive.rglob("*"), reverse=True):
            if path.relative_to(world.archive).parts[0] != name:
                path.rmdir() if path.is_dir() else path.unlink()
        assert looks_like_archive(Folder(world.archive))
        verdict = verify_archive(world.archive)
        assert not verdict.ok


def test_a_bag_is_a_package(tmp_path: Path) -> None:
    (tmp_path / "bagit.txt").write_text("BagIt-Version: 1.0\n")
    assert kind_of(tmp_path) == "package"
