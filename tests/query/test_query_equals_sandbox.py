"""Looking at an archive gives what the sandbox gives, ties and odd entries included, with an index or without."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.site import POLICY, Site, going_on, searcher_on

from muniment.model import ACTIONS, RESOURCE_TYPES, SORT_FIELDS, STATUSES, Query, Sort
from muniment.query.search import Searcher
from muniment.sandbox.store import Store
from muniment.sandbox.world import World

TEXTS = st.sampled_from(["", "a", "B", "ab", "é", "\u00df", "\x00", "😀", "￿", "'; --", "%", "success", "FAILURE"])
MAYBE = st.none() | TEXTS
TIMES: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 5).map(lambda n: f"2026-03-0{1 + n // 3}T23:59:5{n}Z"),
    st.integers(0, 5).map(lambda n: f"2026-03-02T01:00:00.{n}+02:00"),
    st.integers(1772400000, 1772400003),
    st.integers(1772400000000, 1772400001000),
    st.sampled_from([None, "yesterday", "", [], True]),
)
IDS = st.text("ab-é", min_size=1, max_size=3)


def named(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, "nobody", 7]) | st.fixed_dictionaries({"id": texts, "name": texts})


ENTRIES = st.fixed_dictionaries(
    {"timestamp": TIMES},
    optional={
        "account": named(MAYBE),
        "resource_type": MAYBE | st.just(3),
        "resource_id": MAYBE,
        "action": MAYBE,
        "user": named(MAYBE),
        "description": MAYBE,
        "status": MAYBE | st.sampled_from(["failure", "Success", "sUCCESS"]),
    },
)
LOGS = st.lists(
    st.tuples(st.none() | IDS, ENTRIES), min_size=16, max_size=50, unique_by=lambda entry: entry[0] or object()
)
DAYS = st.dates(dt.date(2026, 2, 28), dt.date(2026, 3, 4))
STATUSES_ASKED = st.sampled_from(["SUCCESS", "FAILURE", "success", "É", "B"])
FILTERS = st.one_of(
    *(st.tuples(st.just(name), TEXTS) for name in ("user_name", "action", "resource_id", "account_id")),
    st.tuples(st.just("resource_types"), st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.tuples(st.just("status"), STATUSES_ASKED),
    st.tuples(st.sampled_from(["from_", "to"]), DAYS),
)
SORTS = st.none() | st.builds(Sort, st.sampled_from(SORT_FIELDS), st.sampled_from(["asc", "desc"]))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Most find something: no more than two filters, and few pages begin behind the end."""
    filters = dict(draw(st.lists(FILTERS, max_size=2)))
    offset, limit = draw(st.sampled_from([0, 0, 1, 5, 20, 60])), draw(st.sampled_from([0, 1, 7, 50]))
    return msgspec.structs.replace(Query(sort=draw(SORTS), offset=offset, limit=limit), **filters)


ASKED = st.lists(queries(), min_size=8, max_size=8)


@given(LOGS, ASKED)
@settings(deadline=None, max_examples=14)
def test_odd_entries_are_found_and_ordered_as_the_sandbox_does(
    log: list[tuple[str | None, dict[str, Any]]], asked: list[Query]
) -> None:
    items = [json.dumps(said if known is None else {"id": known, **said}).encode() for known, said in log]
    store = Store.empty()
    store.add(items)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.add(items)
        with searcher_on(site) as indexed, Searcher(site.archive, None) as plain:
            for query in asked:
                expected = store.search(query)
                for searcher in (indexed, plain):
                    with going_on(searcher):
                        found = searcher.search(query)
                    assert (found.total, list(found.items)) == (expected.total, list(expected.items)), query


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, 20, 1200, dt.date(2026, 4, 1))


@pytest.fixture(scope="module")
def searchers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Searcher, Searcher]]:
    site = Site(tmp_path_factory.mktemp("world"))
    for offset in (0, 1000):
        site.add(world.audit_log(Query(offset=offset, limit=1000)).items)
    with searcher_on(site, replace(POLICY, few=100)) as indexed, Searcher(site.archive, None) as plain:
        yield indexed, plain
    assert site.index_files(), "the queries went by an index"


WORLD_DAYS = st.none() | st.dates(dt.date(2026, 3, 10), dt.date(2026, 4, 1))
WORLD_QUERIES = st.builds(
    Query,
    user_name=st.none() | st.sampled_from(["a", "an", "e", "svc", "@", "nobody"]),
    action=st.none() | st.sampled_from(ACTIONS),
    resource_types=st.lists(st.sampled_from(RESOURCE_TYPES), max_size=4).map(tuple),
    status=st.none() | st.sampled_from(STATUSES),
    from_=WORLD_DAYS,
    to=WORLD_DAYS,
    sort=SORTS,
    offset=st.integers(0, 1300),
    limit=st.sampled_from([0, 1, 20, 100, 1000]),
)


@given(query=WORLD_QUERIES | st.builds(Query, sort=SORTS, offset=st.integers(0, 1300)), number=st.integers(0, 1199))
@settings(deadline=None, max_examples=40)
def test_a_world_is_found_page_by_page(
    world: World, searchers: tuple[Searcher, Searcher], query: Query, number: int
) -> None:
    some = json.loads(world.audit_log(Query(offset=number, limit=1)).items[0])
    by_ids = [Query(resource_id=some["resource_id"]), Query(account_id=some["account"]["id"], limit=100)]
    for asked in (query, *by_ids):
        expected = world.audit_log(asked)
        for searcher in searchers:
            with going_on(searcher):
                found = searcher.search(asked)
            assert (found.total, list(found.items)) == (expected.total, list(expected.items))
