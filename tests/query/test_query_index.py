"""The index is derived: it speeds a search up, changes nothing that is found, and is thrown away whenever in doubt."""

import datetime as dt
import multiprocessing
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.query.site import BLOCK, POLICY, SOURCE, Site, entry, going_on, ids, searcher_on

from muniment.archive.reading import Archive
from muniment.archive.storage import LocalFolder
from muniment.errors import NotEvidence
from muniment.model import Query, Sort
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.index import Index, Policy, open_index
from muniment.query.search import Searcher, search

NEWEST = Sort("timestamp", "desc")
QUERIES = [
    Query(),
    Query(sort=NEWEST, offset=3),
    Query(action="LOGIN", offset=7),
    Query(resource_types=("APIKEY", "ROLE"), sort=Sort("status", "desc")),
    Query(resource_id="resource-3"),
    Query(user_name="user2", status="FAILURE"),
    Query(account_id="account-1", sort=Sort("action"), offset=5),
    Query(user_name="r1", sort=Sort("description", "desc")),
    Query(from_=dt.date(2026, 3, 1), to=dt.date(2026, 3, 1), limit=1000),
]


def agree(site: Site, corrections: Corrections = NO_CORRECTIONS, queries: Sequence[Query] = QUERIES) -> bool:
    """Whether searches by an index and without find the same; and none of them gave its index up to do so."""
    archive = site.reopen()
    with searcher_on(site, archive=archive) as indexed, Searcher(archive, None) as plain:
        for query in queries:
            with going_on(indexed, corrections):
                found = indexed.search(query, corrections)
            if found != plain.search(query, corrections):
                return False
    return True


def agree_in_the_end(site: Site, queries: Sequence[Query] = QUERIES) -> bool:
    """As `agree`, where an index may have to be given up."""
    archive = site.reopen()
    with searcher_on(site, archive=archive) as indexed, Searcher(archive, None) as plain:
        return all(indexed.search(query) == plain.search(query) for query in queries)


def filled(site: Site, count: int = 5 * BLOCK + 3) -> Site:
    site.add(entry(number) for number in range(count))
    return site


def test_what_is_found_is_the_same_with_an_index_and_without(site: Site) -> None:
    assert agree(filled(site))
    assert len(site.index_files()) == 1


def test_the_index_covers_the_final_segments_only(site: Site) -> None:
    index = filled(site, 5 * BLOCK - 1 + 3).index()
    assert index is not None
    assert index.end == 5 * BLOCK


def test_a_small_archive_needs_none(site: Site) -> None:
    filled(site, 2 * BLOCK)
    assert site.index(policy=Policy(layout=POLICY.layout)) is None
    assert not site.cache.exists()


def test_entries_that_came_after_it_was_made_are_found(site: Site) -> None:
    filled(site)
    assert agree(site)
    before = site.index_files()
    site.add([entry(1000), entry(1001, timestamp="2026-02-01T00:00:00Z")])
    assert agree(site)
    assert site.index_files() == before
    assert ids(site.find(Query(limit=1)).items) == ["entry-01001"]


def test_it_is_made_again_once_it_lacks_too_much_and_the_old_one_goes(site: Site) -> None:
    lazy = replace(POLICY, lag=2)
    filled(site, 4 * BLOCK)
    for blocks, covered in ((4, 4), (5, 4), (6, 4), (7, 7)):
        site.add(entry(1000 * blocks + number) for number in range(blocks * BLOCK - site.archive.size))
        index = site.index(policy=lazy)
        assert index is not None
        assert (site.archive.size // BLOCK, index.end // BLOCK) == (blocks, covered)
    assert len(site.index_files()) == 1


def test_an_index_of_another_tree_is_thrown_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = filled(Site(tmp_path / "other"))
    site.add(entry(number, description="not the same") for number in range(5 * BLOCK + 3))
    assert agree(other)
    shutil.copytree(other.cache, site.cache)
    assert agree(site)
    assert len(site.index_files()) == 1
    assert [file.name for file in site.index_files()] != [file.name for file in other.index_files()]


def test_a_copy_that_was_put_back_does_not_show_entries_that_it_lacks(site: Site, tmp_path: Path) -> None:
    filled(site, 2 * BLOCK)
    shutil.copytree(site.folder / "archive", tmp_path / "copy")
    site.add(entry(number) for number in range(2 * BLOCK, 6 * BLOCK))
    assert site.find(Query()).total == 6 * BLOCK
    old = Archive.open(tmp_path / "copy")
    assert search(old, Query(), site.cache, policy=POLICY) == search(old, Query())
    assert search(old, Query(), site.cache, policy=POLICY).total == 2 * BLOCK


def test_a_renamed_index_is_not_believed(site: Site) -> None:
    filled(site)
    site.find(Query())
    [path] = site.index_files()
    with duckdb.connect(str(path)) as db:
        db.execute("UPDATE tree SET said = replace(said, '\"size\":80', '\"size\":64')")
    assert agree(site)
    with duckdb.connect(str(path), read_only=True) as db:
        assert '"size":80' in db.execute("SELECT said FROM tree").fetchall()[0][0]


@pytest.mark.parametrize("harm", ["empty", "cut", "garbage", "text"])
def test_a_damaged_index_is_made_again(site: Site, harm: str) -> None:
    filled(site)
    site.find(Query())
    [path] = site.index_files()
    data = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "cut": data[: len(data) // 2], "garbage": os.urandom(len(data)), "text": b"hello\n"}[harm]
    )
    assert agree_in_the_end(site)
    [again] = site.index_files()
    with duckdb.connect(str(again), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM facts").fetchall() == [(5 * BLOCK - 1,)]


def test_an_index_with_any_block_damaged_never_changes_what_is_found(site: Site) -> None:
    filled(site)
    site.find(Query())
    [path] = site.index_files()
    data = path.read_bytes()
    for place in range(12 * 1024 + 100, len(data), 256 * 1024):  # in each of its blocks, behind the three headers
        broken = data[:place] + bytes(byte ^ 0x5A for byte in data[place : place + 64]) + data[place + 64 :]
        path.unlink()
        path.write_bytes(broken)
        assert agree_in_the_end(site, QUERIES[1:6:2]), place


def test_an_index_that_breaks_while_it_is_open_is_made_again(site: Site) -> None:
    filled(site)
    with searcher_on(site) as searcher:
        searcher.search(Query())
        state = searcher._current(NO_CORRECTIONS)
        assert state.index is not None
        state.index.close()  # as an engine that gives up: every question is an error from now on
        assert searcher.search(Query()) == site.find_plainly(Query())
        assert searcher._current(NO_CORRECTIONS) is not state


@pytest.mark.parametrize("obstacle", ["a file in its place", "a folder in the index's place"])
def test_a_cache_that_cannot_be_used_is_done_without(site: Site, obstacle: str) -> None:
    filled(site)
    if obstacle == "a file in its place":
        site.cache.write_text("")
    else:
        (site.cache / "query.unfinished").mkdir(parents=True)
        (site.cache / "query.unfinished" / "file").touch()
    assert agree(site)
    assert site.index() is None


def test_what_a_killed_builder_left_behind_is_in_nobodys_way(site: Site) -> None:
    site.cache.mkdir()
    (site.cache / "query.unfinished").write_bytes(b"half")
    assert agree(filled(site))
    assert len(site.index_files()) == 1
    assert not (site.cache / "query.unfinished").exists()


def test_nothing_is_written_into_the_archive(site: Site) -> None:
    filled(site)
    before = {path: path.stat().st_mtime_ns for path in (site.folder / "archive").rglob("*")}
    assert agree(site)
    assert {path: path.stat().st_mtime_ns for path in (site.folder / "archive").rglob("*")} == before


def find_all(folder: Path) -> list[tuple[int, list[str]]]:
    archive = Archive.open(folder / "archive")
    found = [search(archive, query, folder / "cache", policy=POLICY) for query in QUERIES]
    return [(each.total, ids(each.items)) for each in found]


def test_two_processes_may_make_it_at_once(site: Site) -> None:
    filled(site, 10 * BLOCK)
    expected = [(found.total, ids(found.items)) for found in map(site.find_plainly, QUERIES)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(find_all, [site.folder] * 2, chunksize=1) == [expected] * 2
    assert len(site.index_files()) == 1


def test_nobody_makes_it_while_another_does(site: Site) -> None:
    filled(site)
    site.cache.mkdir()
    made: list[Index | None] = []
    with LocalFolder(site.cache).lock("query", 0, "is making it"):
        waiting = threading.Thread(target=lambda: made.append(site.index()))
        waiting.start()
        waiting.join(0.4)
        assert [path.name for path in site.cache.iterdir()] == ["lock"]
    waiting.join()
    assert made[0] is not None
    assert made[0].end == 5 * BLOCK


def test_who_waits_for_another_maker_goes_by_what_that_one_made(site: Site) -> None:
    filled(site)
    said: list[str] = []
    first = open_index(site.archive, site.cache, NO_CORRECTIONS, policy=POLICY, announce=said.append)
    second = open_index(site.archive, site.cache, NO_CORRECTIONS, policy=POLICY, announce=said.append)
    assert first is not None
    assert second is not None
    assert said == ["making the query index of 80 leaves, once"]


def test_later_versions_are_in_no_filter_and_no_count(site: Site) -> None:
    filled(site)
    version = site.add([entry(3, description="changed since")])
    corrections = Corrections(versions=[version])
    assert agree(site, corrections)
    found = site.find(Query(limit=1000), corrections)
    assert (found.total, len(set(ids(found.items)))) == (5 * BLOCK + 3, 5 * BLOCK + 3)
    assert site.find(Query(limit=1000)).total == 5 * BLOCK + 4


def test_versions_that_lie_within_the_index_are_left_out_too(site: Site) -> None:
    filled(site, BLOCK)
    version = site.add([entry(3, description="changed since")])
    site.add(entry(number) for number in range(100, 100 + 3 * BLOCK))
    assert site.find(Query()).total == 4 * BLOCK + 1
    corrections = Corrections(versions=[version])
    assert agree(site, corrections)
    assert site.find(Query(), corrections).total == 4 * BLOCK
    assert len(site.index_files()) == 1


def test_a_day_is_the_one_under_which_the_source_served_the_entry(site: Site) -> None:
    filled(site)  # all of 1 March by their timestamps; leaf 0 is no entry
    corrections = Corrections(displaced=[(11, 31, dt.date(2026, 2, 28)), (80, 84, dt.date(2026, 3, 2))])
    for queried in (site.find, site.find_plainly):
        before = queried(Query(to=dt.date(2026, 2, 28), limit=1000), corrections)
        on = queried(Query(from_=dt.date(2026, 3, 1), to=dt.date(2026, 3, 1)), corrections)
        after = queried(Query(from_=dt.date(2026, 3, 2), action="LOGIN"), corrections)
        assert (before.total, on.total, after.total) == (20, 5 * BLOCK + 3 - 24, 2)
        assert list(before.leaves) == list(range(11, 31))
    assert agree(site, corrections)


def test_entries_of_one_source_are_told_from_those_of_another(site: Site) -> None:
    filled(site)
    site.add((entry(number, id=f"other-{number}") for number in range(2 * BLOCK)), source="elsewhere")
    assert site.find(Query(), source="elsewhere").total == 2 * BLOCK
    for source in ("elsewhere", SOURCE, "nowhere"):
        assert site.find(Query(offset=4), source=source) == site.find_plainly(Query(offset=4), source=source)


NULLS_BESIDE_ONE = [{"log": [None] * 10 + [one] * 10, "asked": one, "bits": 1} for one in "abcde"]


@example(**NULLS_BESIDE_ONE[0])
@example(**NULLS_BESIDE_ONE[1])
@example(**NULLS_BESIDE_ONE[2])
@example(**NULLS_BESIDE_ONE[3])
@example(**NULLS_BESIDE_ONE[4])
@given(
    log=st.lists(st.sampled_from(["", "a", "b", "c", "d", "e"]) | st.none(), min_size=20, max_size=60),
    asked=st.sampled_from(["", "a", "b", "e", "nowhere", "🙂"]),
    bits=st.sampled_from([1, 2, 4, 64]),
)
@settings(deadline=None, max_examples=6)
def test_resource_ids_of_one_hash_are_never_taken_for_each_other(
    tmp_path_factory: pytest.TempPathFactory, log: list[str | None], asked: str, bits: int
) -> None:
    site = Site(tmp_path_factory.mktemp("clash"))
    site.add(entry(number, resource_id=known) for number, known in enumerate(log))
    policy = replace(POLICY, hash_bits=bits)
    query = Query(resource_id=asked, limit=1000)
    found = search(site.archive, query, site.cache, policy=policy)
    assert (found.total, len(site.index_files())) == (log.count(asked), 1)
    assert found == site.find_plainly(query)


def test_a_part_of_a_name_that_many_users_have_finds_them_all(site: Site) -> None:
    names = [f"person-{number}" if number % 3 else "somebody" for number in range(9 * BLOCK)]
    site.add(entry(number, user={"id": name, "name": name}) for number, name in enumerate(names))
    asked = [
        Query(user_name="person"),
        Query(user_name="person", status="FAILURE", offset=5),
        Query(user_name="person", action="LOGIN", sort=NEWEST),
        Query(user_name="-1", sort=Sort("status", "desc"), limit=100),
    ]
    assert agree(site, queries=asked)
    assert site.find(asked[0]).total == 6 * BLOCK


def test_damage_in_the_archive_is_told_as_such(site: Site) -> None:
    filled(site)
    segment = next((site.folder / "archive" / "segment").glob(f"{BLOCK}-*"))
    data = segment.read_bytes()
    segment.write_bytes(data[: len(data) // 3] + bytes(64) + data[len(data) // 3 + 64 :])
    with pytest.raises(NotEvidence, match=f"segment/{BLOCK}-"):
        search(Archive.open(site.folder / "archive"), Query(limit=1000), site.cache, policy=POLICY)


def test_a_search_goes_on_from_what_an_earlier_one_read(site: Site) -> None:
    filled(site)
    with searcher_on(site) as searcher:
        for number in range(3):
            site.add([entry(2000 + number)])
            for query in QUERIES:
                assert searcher.search(query) == site.find_plainly(query)
