"""A scan gives everything that matches, exactly, in memory that does not grow."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.site import BLOCK, SOURCE, Site, entry

from muniment.archive.columns import columns_of
from muniment.archive.reading import Archive
from muniment.errors import NotEvidence
from muniment.model import SORT_FIELDS, Query, Sort
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.direct import Direct
from muniment.query.scan import Lines, scan
from muniment.query.sql import every_index

COUNT = 3 * BLOCK


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, list[bytes], list[int]]:
    """An archive with a user's snapshot and another source's entry among the entries; the last repeats a key."""
    site = Site(tmp_path_factory.mktemp("scan"))
    items = [entry(number) for number in range(COUNT)]
    first = site.add(items)
    site.add([b'{"id":"user-1","status":"ACTIVE"}'], kind="user")
    site.add([b'{"id": "odd" , "n":1e5}'], source="elsewhere")
    last = site.add([entry(3, description="changed")])
    payloads = [*items, b'{"id": "odd" , "n":1e5}', entry(3, description="changed")]
    return site.reopen(), payloads, [*range(first, first + COUNT), last - 1, last]


def payloads_of(found: Iterator[Lines]) -> list[bytes]:
    return [payload for lines in found for payload in lines.payloads]


def test_every_entry_comes_as_it_was_sent_in_the_order_of_arrival(held: tuple[Archive, list[bytes], list[int]]) -> None:
    archive, payloads, indices = held
    lines = list(scan(archive, Query()))
    assert payloads_of(iter(lines)) == payloads
    assert [index for some in lines for index in some.indices] == indices


def test_later_contents_are_left_out_unless_each_is_wanted(held: tuple[Archive, list[bytes], list[int]]) -> None:
    archive, payloads, indices = held
    corrections = Corrections(versions=[indices[-1]])
    assert payloads_of(scan(archive, Query(), corrections)) == payloads[:-1]
    assert payloads_of(scan(archive, Query(), corrections.with_every_version())) == payloads
    assert payloads_of(scan(archive, Query(resource_id="resource-3"), corrections))[-1] != payloads[-1]


def test_a_scan_of_one_source_has_no_other(held: tuple[Archive, list[bytes], list[int]]) -> None:
    archive, payloads, _ = held
    assert payloads_of(scan(archive, Query(), source="elsewhere")) == [payloads[-2]]
    assert len(payloads_of(scan(archive, Query(), source=SOURCE))) == COUNT + 1


QUERIES = st.builds(
    Query,
    action=st.none() | st.sampled_from(["LOGIN", "UPDATE", "NONE"]),
    user_name=st.none() | st.sampled_from(["user", "3@"]),
    from_=st.none() | st.sampled_from([dt.date(2026, 3, 1), dt.date(2026, 3, 2)]),
    sort=st.none() | st.builds(Sort, st.sampled_from(SORT_FIELDS), st.sampled_from(["asc", "desc"])),
)


@given(QUERIES, st.integers(0, COUNT + 3), st.none() | st.integers(0, COUNT + 3))
@settings(deadline=None, max_examples=25)
def test_a_scan_is_what_the_statement_finds_from_here_to_there(
    held: tuple[Archive, list[bytes], list[int]], query: Query, skip: int, take: int | None
) -> None:
    archive, _, _ = held
    asked = every_index(query)
    every = [index for rows in Direct(archive, 0, archive.size, NO_CORRECTIONS).run(asked) for (index,) in rows]
    expected = every[skip : None if take is None else skip + take]
    found = list(scan(archive, query, skip=skip, take=take))
    assert [index for lines in found for index in lines.indices] == expected
    assert payloads_of(iter(found)) == payloads_at(archive, expected)


def payloads_at(archive: Archive, indices: list[int]) -> list[bytes]:
    return [leaf.partition(b'"entry":')[2][:-1] for leaf in archive.leaves(indices)]


@pytest.mark.parametrize("sort", [None, Sort("description", "desc")])
def test_columns_that_are_not_kept_are_read_in_passing(
    held: tuple[Archive, list[bytes], list[int]], sort: Sort | None
) -> None:
    archive, _, _ = held
    for query in (Query(action="LOGIN", sort=sort, limit=7), Query(from_=dt.date(2026, 3, 1), sort=sort, offset=5)):
        kept, passing = (Direct(archive, 0, archive.size, NO_CORRECTIONS, kept=kept).ask(query) for kept in (1000, 0))
        assert kept.count() == passing.count()
        assert kept.rows(2, 5) == passing.rows(2, 5)


@pytest.mark.parametrize("kept", [0, 1000])
def test_damage_met_by_the_engine_is_told_as_damage(tmp_path: Path, kept: int) -> None:
    site = Site(tmp_path)
    site.add(entry(number) for number in range(COUNT))
    archive = site.reopen()
    segment = next((tmp_path / "archive" / "segment").glob(f"{BLOCK}-*"))
    segment.write_bytes(segment.read_bytes()[:-100])
    with pytest.raises(NotEvidence, match=f"segment/{BLOCK}-"):
        Direct(archive, 0, archive.size, NO_CORRECTIONS, kept=kept).ask(Query(action="LOGIN")).count()


def test_a_scan_reads_what_the_columns_say_of_odd_entries(tmp_path: Path) -> None:
    site = Site(tmp_path)
    odd = [b'{"id":7,"action":"LOGIN"}', b'{"action":["LOGIN"]}', b'"text"', b'{"action":"LOGIN","x":NaN}', b"\xff{"]
    first = site.add(odd)
    archive = site.reopen()
    assert payloads_of(scan(archive, Query())) == odd
    assert payloads_of(scan(archive, Query(action="LOGIN"))) == [odd[0], odd[3]]
    assert columns_of([archive.leaf(first)])["id"].to_pylist() == ["7"]
