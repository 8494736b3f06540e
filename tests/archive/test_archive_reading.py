import os
import random
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.simulated_disk import SimulatedDisk
from tests.archive.world import SMALL, found, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.contents import list_segments
from muniment.archive.reading import Archive
from muniment.archive.writer import collect_lock
from muniment.errors import Busy, MunimentError, NotEvidence, StorageError

PLACE = Path("/disk")


@pytest.fixture(scope="module")
def grown() -> tuple[Archive, list[bytes]]:
    """An archive of 118 leaves in files of several sizes."""
    disk = SimulatedDisk()
    disk.make_folder(PLACE)
    archive, home = found(PLACE, disk=disk)
    writer = writer_on(archive, home, layout=SMALL)
    for number, count in enumerate((5, 40, 1, 1, 30, 3, 20, 1)):
        seal(writer, page(100 * number, count), receipt=b"{}")
    return archive, leaves_of(archive)


@given(first=st.integers(0, 130), length=st.integers(0, 130), rows=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_any_range_of_leaves_is_read_ascending_and_without_a_gap(
    grown: tuple[Archive, list[bytes]], first: int, length: int, rows: int
) -> None:
    archive, leaves = grown
    found_rows = [
        (row["index"], row["leaf"])
        for batch in archive.batches(first, first + length, ["index", "leaf"], rows=rows)
        for row in batch.to_pylist()
    ]
    assert found_rows == list(enumerate(leaves))[first : first + length]


@given(st.lists(st.integers(0, 110), max_size=12))
@settings(max_examples=30, deadline=None)
def test_leaves_are_found_by_index_in_the_order_asked(grown: tuple[Archive, list[bytes]], indices: list[int]) -> None:
    archive, leaves = grown
    assert archive.leaves(indices) == [leaves[index] for index in indices]


def test_threads_may_share_an_archive(grown: tuple[Archive, list[bytes]]) -> None:
    archive, leaves = grown
    chance = random.Random(5)
    asked = [[chance.randrange(len(leaves)) for _ in range(12)] for _ in range(60)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(archive.leaves, asked))
    assert answers == [[leaves[index] for index in indices] for indices in asked]


def test_a_leaf_that_there_is_not_is_an_index_error(grown: tuple[Archive, list[bytes]]) -> None:
    archive, leaves = grown
    assert archive.leaf(len(leaves) - 1) == leaves[-1]
    for index in (-1, len(leaves)):
        with pytest.raises(IndexError):
            archive.leaf(index)


def test_an_open_archive_stays_what_it_was_until_it_is_refreshed(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(0, 5))
    reader, _ = opened(tmp_path)
    note, leaves = reader.note, leaves_of(reader)
    for number in range(20):
        seal(writer, page(10 * number + 10, 3), receipt=b"{}")
    assert len(list_segments(archive.storage)) < 10  # what the reader had is merged away
    assert (reader.size, reader.note, leaves_of(reader)) == (6, note, leaves)
    assert reader.leaves([5, 0]) == [leaves[5], leaves[0]]
    assert (reader.last_record(), list(reader.record())) == (None, [])
    assert archive.extends(6, reader.root)
    assert not archive.extends(6, bytes(32))
    assert not archive.extends(7, reader.root)
    assert not reader.extends(archive.size, archive.root)
    reader.refresh()
    assert (reader.size, reader.root) == (archive.size, archive.root)
    assert len(list(reader.record())) == 20


def test_readers_see_whole_trees_while_a_writer_commits_and_merges(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 3))
    done = threading.Event()
    faults: list[BaseException] = []
    seen: list[int] = []

    def read() -> None:
        reader, _ = opened(tmp_path)
        try:
            while not done.is_set() or len(seen) < 3:
                reader.refresh()
                assert root_of(leaves_of(reader)) == reader.root
                seen.append(reader.size)
        except (AssertionError, MunimentError) as fault:
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    writer = writer_on(opened(tmp_path)[0], home, layout=SMALL)
    for number in range(40):
        seal(writer, page(100 * number, number % 7 + 1))
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(set(seen)) > 1


def test_everything_that_reads_works_on_a_read_only_folder() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        archive, home = found(place)
        seal(writer_on(archive, home), page(0, 5), receipt=b"{}")
        shutil.rmtree(place / "archive/lock")
        shutil.rmtree(place / "archive/tmp")
        place.chmod(0o755)
        folders = [path for path in (place / "archive").rglob("*") if path.is_dir()]
        for path in (*folders, place / "archive"):
            path.chmod(0o555)
        as_nobody = os.geteuid() == 0
        if as_nobody:
            os.seteuid(65_534)
        try:
            reader = Archive.open(place / "archive")
            assert root_of(leaves_of(reader)) == reader.root
            assert reader.leaf(6)
            assert [index for index, _ in reader.record()] == [6]
            with pytest.raises(StorageError, match="lock: Permission denied"), collect_lock(reader, "s"):
                pass
        finally:
            if as_nobody:
                os.seteuid(0)
            for path in (place / "archive", *folders):
                path.chmod(0o755)


def test_a_segment_that_is_gone_or_damaged_is_named(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    for number in range(3):
        seal(writer_on(archive, home), page(100 * number, 300))
    reader, _ = opened(tmp_path)
    middle = reader.covering[1]
    path = tmp_path / "archive" / middle.path
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 200) + whole[-100:])
    with pytest.raises(NotEvidence, match=middle.path):
        leaves_of(reader)
    path.unlink()
    with pytest.raises(NotEvidence, match=f"leaf {middle.first} is in no file"):
        leaves_of(reader)
    with pytest.raises(NotEvidence, match=f"leaf {middle.first} is in no file"):
        opened(tmp_path)


def test_a_chain_of_the_record_that_leads_elsewhere_is_told(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    with writer.transaction() as transaction:
        transaction.add(page(0, 2))
        transaction.marks = transaction.marks.after("receipt", 1, 1)
        transaction.add_record("receipt", b"{}", "2026-03-02T23:56:45Z")
    with pytest.raises(NotEvidence, match="leaf 1 is of kind entry"):
        list(archive.record())


def test_one_source_is_collected_by_one_process_at_a_time(tmp_path: Path) -> None:
    archive, _ = found(tmp_path)
    with collect_lock(archive, "one"):
        with pytest.raises(Busy, match=rf"process {os.getpid()} is collecting one"), collect_lock(archive, "one"):
            pass
        with collect_lock(archive, "two"):
            pass
    with collect_lock(archive, "one"):
        pass


def test_an_archive_is_opened_and_not_made_by_its_class(tmp_path: Path) -> None:
    archive, _ = found(tmp_path)
    with pytest.raises(RuntimeError, match=r"Archive\.open"):
        _ = Archive(archive.storage).size
    assert repr(archive) == f"Archive({archive.storage!r})"
