import contextlib
import resource
import shutil
import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.world import SOURCE, found, item, opened, page, seal, writer_on

from muniment.archive.columns import entry_batch, leaf_batch
from muniment.archive.identity import content_hashes, key_hashes, row_keys
from muniment.archive.keys import KeyRuns
from muniment.archive.reading import Archive
from muniment.archive.runs import Run, Words, look_up, map_run, merge_runs, sorted_run, write_run

AT = "2026-03-02T23:56:45Z"
rows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=60)


def seen(runs: KeyRuns, *payloads: bytes, source: str = SOURCE) -> list[tuple[int, int]]:
    """The first leaf of each item's key, and the leaf of its very content."""
    ids = entry_batch(source, AT, payloads).record_batch.column("id").to_pylist()
    found_leaves = runs.look_up(key_hashes(source, ids, payloads), content_hashes(payloads))
    assert found_leaves.same.tolist() == [version >= 0 for version in found_leaves.versions.tolist()]
    return list(zip(found_leaves.leaves.tolist(), found_leaves.versions.tolist(), strict=True))


def run_of(table: list[tuple[int, int]], first_leaf: int = 0) -> Run:
    keys = np.array([key for key, _ in table], np.uint64)
    contents = np.array([content for _, content in table], np.uint64)
    return sorted_run(keys, np.arange(first_leaf, first_leaf + len(table), dtype=np.uint64), contents)


@given(st.lists(rows, max_size=5), rows)
@settings(deadline=None)
def test_a_look_up_finds_the_first_leaf_of_a_key_and_of_a_content(
    tables: list[list[tuple[int, int]]], asked: list[tuple[int, int]]
) -> None:
    runs: list[Run] = []
    everything: list[tuple[int, int]] = []
    for table in tables:
        runs.append(run_of(table, len(everything)))
        everything += table
    found_leaves = look_up(runs, run_columns(asked)[0], run_columns(asked)[1])
    leaf_of_key = {key: leaf for leaf, (key, _) in reversed(list(enumerate(everything)))}
    leaf_of_row = {row: leaf for leaf, row in reversed(list(enumerate(everything)))}
    assert found_leaves.leaves.tolist() == [leaf_of_key.get(key, -1) for key, _ in asked]
    assert found_leaves.versions.tolist() == [leaf_of_row.get(row, -1) for row in asked]


def run_columns(table: list[tuple[int, int]]) -> tuple[Words, Words]:
    return np.array([key for key, _ in table], np.uint64), np.array([content for _, content in table], np.uint64)


@given(one=rows, other=rows)
@settings(max_examples=40, deadline=None)
def test_merged_runs_hold_the_rows_of_both_in_order(
    tmp_path_factory: pytest.TempPathFactory, one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    place = tmp_path_factory.mktemp("runs")
    write_run(place / "1.run", run_of(one))
    write_run(place / "2.run", run_of(other, 1_000))
    count = merge_runs(place / "3.run", place / "1.run", place / "2.run", part=7)
    assert count == len(one) + len(other)
    if count:
        merged = map_run(place / "3.run", count)
        assert sorted(zip(*(column.tolist() for column in merged.columns), strict=True)) == sorted(
            [
                *((key, leaf, content) for leaf, (key, content) in enumerate(one)),
                *((key, 1_000 + leaf, content) for leaf, (key, content) in enumerate(other)),
            ]
        )
        assert merged.keys.tolist() == sorted(merged.keys.tolist())


def test_entries_of_all_writers_are_known_and_nothing_else(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    nameless = b'{"note":"no id"}'
    seal(writer, page(0, 3), leaf_batch("user", SOURCE, AT, [b'{"id":"entry-9"}']), receipt=b'{"id":"entry-8"}')
    seal(writer, entry_batch("other", AT, [item(0), nameless]))
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, item(0), item(2), item(9), item(8), b'{"id":"entry-1"}') == [
            (1, 1),
            (3, 3),
            (-1, -1),
            (-1, -1),
            (2, -1),
        ]
        assert seen(runs, item(0), nameless, item(1), source="other") == [(6, 6), (7, 7), (-1, -1)]
        seal(writer, entry_batch(SOURCE, AT, [b'{"id":"entry-1"}', item(3)]))
        assert seen(runs, item(3)) == [(-1, -1)]
        runs.catch_up(archive)
        assert seen(runs, item(1), b'{"id":"entry-1"}', item(3)) == [(2, 2), (2, 8), (9, 9)]
        assert runs.size == archive.size


def test_what_the_caller_sealed_is_not_read_again(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        seal(writer_on(opened(tmp_path)[0], home), page(50, 1))
        batch = page(0, 3)
        with writer.transaction() as transaction:
            first = transaction.add(batch)
            transaction.add(entry_batch("other", AT, [item(0)]))
            transaction.add_record("receipt", b"{}", AT)
        # what is told is taken on trust: keys that no leaf has show that it was
        told = row_keys(page(90, 3).record_batch)
        runs.catch_up(archive, [(first, told, content_hashes([item(n) for n in (90, 91, 92)]))])
        assert seen(runs, item(50), item(91), item(0)) == [(1, 1), (3, 3), (-1, -1)]
        assert seen(runs, item(0), source="other") == [(5, 5)]
        assert runs.size == 7


def test_the_index_is_kept_for_the_next_time_and_only_the_tail_is_read_then(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    seal(writer, page(0, 3_000))
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, item(2_999)) == [(3_000, 3_000)]
    seal(writer, page(3_000, 5))
    # a cache that is wrong shows that it is believed: nothing is read again that it names
    (run,) = (tmp_path / "cache").rglob("*.run")
    data = np.fromfile(run, dtype="<u8").reshape(3, -1)
    data[1] += np.uint64(7)
    before, after = zlib.crc32(run.read_bytes()), zlib.crc32(data.tobytes())
    data.tofile(run)
    (manifest,) = (tmp_path / "cache").rglob("keys.json")
    manifest.write_bytes(manifest.read_bytes().replace(b"%d" % before, b"%d" % after))
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, item(10), item(3_002)) == [(18, 18), (3_003, 3_003)]


def test_the_index_of_another_tree_is_thrown_away(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 3))
    shutil.copytree(tmp_path / "archive", tmp_path / "older")
    seal(writer_on(archive, home), page(3, 3_000))
    KeyRuns.open(archive, tmp_path / "cache").close()
    older = Archive.open(tmp_path / "older")
    with KeyRuns.open(older, tmp_path / "cache") as runs:
        assert seen(runs, item(2), item(3)) == [(3, 3), (-1, -1)]
    shutil.rmtree(tmp_path / "home/signed")
    seal(writer_on(older, home), page(5_000, 4_000))
    with KeyRuns.open(older, tmp_path / "cache") as runs:
        assert seen(runs, item(3), item(5_000)) == [(-1, -1), (4, 4)]
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, item(3), item(5_000)) == [(4, 4), (-1, -1)]


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-8],
    "zeros": lambda data: bytes(len(data)),
    "one bit": lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
    "backwards": lambda data: data[::-1],
}


@pytest.mark.parametrize("damage", ["manifest", "gone", "version", *SPOILT])
def test_an_index_that_is_damaged_is_made_again(tmp_path: Path, damage: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 2_000))
    KeyRuns.open(archive, tmp_path / "cache").close()
    (manifest,) = (tmp_path / "cache").rglob("keys.json")
    (run,) = (tmp_path / "cache").rglob("*.run")
    if damage == "manifest":
        manifest.write_bytes(b"\xff{")
    elif damage in SPOILT:
        run.write_bytes(SPOILT[damage](run.read_bytes()))
    elif damage == "gone":
        run.unlink()
    else:
        manifest.write_bytes(manifest.read_bytes().replace(b'"version":2', b'"version":1'))
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, item(7), item(1_999)) == [(8, 8), (2_000, 2_000)]
    assert len(list((tmp_path / "cache").rglob("*.run"))) == 1


def test_a_second_process_reads_the_index_and_keeps_what_is_new_to_itself(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    seal(writer, page(0, 2_000))
    with KeyRuns.open(archive, tmp_path / "cache") as first, KeyRuns.open(archive, tmp_path / "cache") as second:
        seal(writer, page(2_000, 2_000))
        files = sorted((tmp_path / "cache").rglob("*.run"))
        second.catch_up(archive)
        second.save(archive)
        assert sorted((tmp_path / "cache").rglob("*.run")) == files
        assert seen(first, item(3_000)) == [(-1, -1)]
        first.catch_up(archive)
        first.save(archive)
        assert seen(first, item(3_000), item(5)) == seen(second, item(3_000), item(5)) == [(3_001, 3_001), (6, 6)]


def test_runs_stay_few_and_memory_flat_however_many_times_it_is_saved(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    with KeyRuns.open(archive, tmp_path / "cache", flush_rows=500) as runs:
        for number in range(25):
            seal(writer, page(100 * number, 100))
            runs.catch_up(archive)
            runs.save(archive, least=1 if number % 3 else 1_000)
        assert len(list((tmp_path / "cache").rglob("*.run"))) <= 4
        assert sum(run.count for run in runs._recent) < 500
        numbers = range(0, 2_500, 50)
        assert seen(runs, *[item(number) for number in numbers]) == [(number + 1, number + 1) for number in numbers]


@pytest.mark.parametrize("place", ["a file", "below a file", "nowhere"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, place: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 2_000))
    (tmp_path / "file").write_text("a file")
    cache = {"a file": tmp_path / "file", "below a file": tmp_path / "file/cache", "nowhere": Path("/proc/nowhere")}
    with KeyRuns.open(archive, cache[place], flush_rows=500) as runs:
        seal(writer_on(archive, home), page(2_000, 2_000))
        runs.catch_up(archive)
        runs.save(archive)
        assert seen(runs, item(7), item(3_999), item(4_000)) == [(8, 8), (4_000, 4_000), (-1, -1)]


@contextlib.contextmanager
def files_below(size_bytes: int) -> Iterator[None]:
    """A disk that has no room for larger files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room_bytes", [4_000, 20_000], ids=["for no run", "for no merged run"])
def test_a_cache_whose_disk_is_full_is_done_without_from_then_on(tmp_path: Path, room_bytes: int) -> None:
    archive, home = found(tmp_path)
    wanted = [item(7), item(700), item(1_799), item(1_800)]
    with KeyRuns.open(archive, tmp_path / "cache", flush_rows=500) as runs:
        for first in (0, 600, 1_200):
            seal(writer_on(archive, home), page(first, 600))
            with files_below(room_bytes):
                runs.catch_up(archive)
                runs.save(archive, least=1)
        assert seen(runs, *wanted) == [(8, 8), (701, 701), (1_800, 1_800), (-1, -1)]
    with KeyRuns.open(archive, tmp_path / "cache") as runs:
        assert seen(runs, *wanted) == [(8, 8), (701, 701), (1_800, 1_800), (-1, -1)]
    assert len(list((tmp_path / "cache").rglob("*.run"))) == 1
