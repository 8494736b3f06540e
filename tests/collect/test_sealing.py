"""What is kept of pages, where it cannot be seen from outside."""

import datetime as dt
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
import pytest

from muniment.archive.columns import entry_batch
from muniment.archive.disk import RealDisk
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.identity import content_hashes
from muniment.archive.keys import KeyRuns
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.storage import LocalFolder
from muniment.archive.writer import Writer
from muniment.collect.fetching import Fetched
from muniment.collect.sealing import Sealer
from muniment.errors import StorageError
from muniment.sweep.window import EVERYTHING, Ask, Sheet

NOW = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)


def page(*items: bytes, key: int) -> Fetched:
    """A page whose rows all have one key hash, as a collision would give them."""
    keys = np.full(len(items), key, dtype=np.uint64)
    sheet = Sheet(total=len(items), offset=0, limit=1000, keys=keys, contents=content_hashes(items))
    return Fetched(sheet, entry_batch("s", "2026-04-02T12:00:00Z", items))


def test_two_ids_whose_hashes_collide_are_both_entries_and_neither_a_version_of_the_other(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    archive = initialise(tmp_path / "archive", home, "test.example/log", now=NOW)
    with Writer(archive, home) as writer, KeyRuns.open(archive, tmp_path / "cache") as keys:
        sealer = Sealer(writer, keys, source="s", run="r", seen_values={"x"}, twins=set(), clock=lambda: NOW)
        sealer.take(Ask(EVERYTHING, 0, 1000), page(b'{"id":"one","action":"LOGIN"}', key=7))
        sealer.take(Ask(EVERYTHING, 0, 1000), page(b'{"id":"two","action":"LOGIN"}', key=7))
        sealer.seal([], lambda _: None)
        sealer.settle()
        assert sealer.new == 2
        assert list(sealer.odd) == ["two ids share the 64 bits that stand for a key: both are kept"]
    assert [leaf for leaf, _ in archive.record()] == [], "no finding says that one changed into the other"


@pytest.fixture
def sealer(tmp_path: Path) -> Iterator[Sealer]:
    home = Home(tmp_path / "home")
    archive = initialise(tmp_path / "archive", home, "test.example/log", now=NOW)
    with Writer(archive, home) as writer, KeyRuns.open(archive, tmp_path / "cache") as keys:
        made = Sealer(writer, keys, source="s", run="r", seen_values={"x"}, twins=set(), clock=lambda: NOW)
        yield made
        made.close()


def entries(archive: Archive) -> list[bytes]:
    parsed = [parse_leaf(leaf) for leaf in archive.leaves(range(archive.size))]
    return [leaf.payload for leaf in parsed if leaf.kind == "entry"]


def findings(archive: Archive) -> list[tuple[str, list[int]]]:
    told = [msgspec.json.decode(leaf.payload) for _, leaf in archive.record() if leaf.kind == "finding"]
    return sorted((each["kind"], each.get("leaves", [])) for each in told if each["kind"] != "unknown_value")


OLD, NEW = b'{"id":"one","status":"a"}', b'{"id":"one","status":"b"}'


def test_an_entry_that_one_page_holds_with_two_contents_is_kept_with_both_and_a_finding_names_them(
    sealer: Sealer,
) -> None:
    sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, NEW, OLD, key=7))
    sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [OLD, NEW]
    assert findings(sealer.archive) == [("content_changed", [1, 2]), ("twin", [])]


def test_what_comes_again_while_it_is_being_sealed_is_not_sealed_twice(sealer: Sealer) -> None:
    sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, key=7))
    sealer.seal([], lambda _: None)
    sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, key=7))
    sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [OLD]
    assert sealer.new == 1


def test_content_that_changes_while_the_first_is_being_sealed_is_a_finding_that_names_both_leaves(
    sealer: Sealer,
) -> None:
    sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, key=7))
    sealer.seal([], lambda _: None)
    sealer.take(Ask(EVERYTHING, 0, 1000), page(NEW, key=7))
    sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [OLD, NEW]
    told = findings(sealer.archive)
    assert [kind for kind, _ in told] == ["content_changed"]
    assert [parse_leaf(sealer.archive.leaf(leaf)).payload for leaf in told[0][1]] == [OLD, NEW]


def test_a_commit_that_the_disk_refuses_is_told_by_whatever_waits_for_it_and_leaves_the_archive_as_it_was(
    tmp_path: Path,
) -> None:
    home, disk = Home(tmp_path / "home"), Refusing()
    initialise(tmp_path / "archive", home, "test.example/log", now=NOW)
    archive = Archive.open(storage=LocalFolder(tmp_path / "archive", disk=disk))
    before = archive.note
    with Writer(archive, home) as writer, KeyRuns.open(archive, tmp_path / "cache") as keys:
        sealer = Sealer(writer, keys, source="s", run="r", seen_values={"x"}, twins=set(), clock=lambda: NOW)
        sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, key=7))
        disk.refuses = True
        sealer.seal([], lambda _: None)
        with pytest.raises(StorageError, match="No space left"):
            sealer.settle()
        sealer.close()
    assert sealer.new == 0
    assert Archive.open(tmp_path / "archive").note == before


class Refusing(RealDisk):
    """A disk that can be full."""

    refuses = False

    def write(self, files: Mapping[Path, bytes | memoryview], mode: int = 0o666) -> None:
        if self.refuses:
            raise OSError(errno.ENOSPC, "No space left on device", str(next(iter(files))))
        super().write(files, mode)


@pytest.mark.parametrize(
    ("odd", "item_id"),
    [
        (b'{"id":"odd","x":"\xff"}', "odd"),
        (b'{"id":"odd","x":NaN}', "odd"),
        (b'{"id":"odd","x":' + b"[" * 5000 + b"]" * 5000 + b"}", None),
        (b'{"x":1e999}', None),
    ],
    ids=["bad-utf8", "nan", "deep", "no-id"],
)
def test_a_twin_that_a_parser_refuses_or_that_has_no_id_is_told_of_once(
    sealer: Sealer, odd: bytes, item_id: str | None
) -> None:
    for _ in range(2):
        sealer.take(Ask(EVERYTHING, 0, 1000), page(odd, odd, key=7))
    sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [odd]
    told = [msgspec.json.decode(leaf.payload) for _, leaf in sealer.archive.record() if leaf.kind == "finding"]
    twins = [each for each in told if each["kind"] == "twin"]
    assert [each.get("id") for each in twins] == [item_id]


def test_a_few_large_entries_are_sealed_as_soon_as_they_take_much_memory(sealer: Sealer) -> None:
    for number in range(3):
        assert not sealer.due
        item = b'{"id":"%d","description":"%s"}' % (number, b"x" * (6 << 20))
        sealer.take(Ask(EVERYTHING, 0, 1000), page(item, key=number))
    assert sealer.due


def test_a_further_version_in_other_bytes_is_no_further_one(sealer: Sealer) -> None:
    for item in (OLD, NEW, NEW.replace(b":", b": "), b'{"status":"b","id":"one"}'):
        sealer.take(Ask(EVERYTHING, 0, 1000), page(item, key=7))
        sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [OLD, NEW]
    assert [kind for kind, _ in findings(sealer.archive)] == ["content_changed"]


def test_a_further_version_in_other_bytes_is_no_further_one_before_it_is_sealed_either(sealer: Sealer) -> None:
    sealer.take(Ask(EVERYTHING, 0, 1000), page(OLD, key=7))
    sealer.take(Ask(EVERYTHING, 0, 1000), page(NEW, key=7))
    sealer.take(Ask(EVERYTHING, 0, 1000), page(NEW.replace(b":", b": "), key=7))
    sealer.seal([], lambda _: None)
    assert entries(sealer.archive) == [OLD, NEW]
