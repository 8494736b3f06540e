"""The store answers as a plain list would that is filtered, sorted and cut by the contract's own words."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muniment.model import SORT_FIELDS, Query, Sort
from muniment.sandbox.shapes import Shape
from muniment.sandbox.store import Line, Store
from muniment.sandbox.world import World

DAY = dt.date(2026, 3, 2)
MIDNIGHT = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


# ---- the contract, as a list


class Listed:
    """One entry of the reference: what it is, and since when it is known."""

    def __init__(self, item: bytes) -> None:
        self.item = item
        try:
            found = json.loads(item)
        except ValueError:
            found = {}
        self.entry: dict[str, Any] = found if isinstance(found, dict) else {}

    def text(self, *path: str) -> str | None:
        value: Any = self.entry
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    @property
    def time(self) -> dt.datetime | None:
        value = self.entry.get("timestamp")
        if isinstance(value, str) and value[:4].isdigit() and "02-30" not in value:
            return dt.datetime.fromisoformat(value)
        if isinstance(value, int) and not isinstance(value, bool):
            seconds = value / 1000 if value >= 10**11 else value
            return dt.datetime.fromtimestamp(seconds, dt.UTC) if 0 <= seconds < 253_402_300_800 else None
        return None

    @property
    def place(self) -> tuple[bool, dt.datetime, str]:
        return self.time is None, self.time or MIDNIGHT, self.text("id") or ""

    def matches(self, query: Query) -> bool:
        day = None if self.time is None else self.time.astimezone(dt.UTC).date()
        name, status = self.text("user", "name"), self.text("status")
        return all(
            (
                query.user_name is None or (name is not None and query.user_name in name),
                query.action in (None, self.text("action")),
                not query.resource_types or self.text("resource_type") in query.resource_types,
                query.resource_id in (None, self.text("resource_id")),
                query.status is None or (status is not None and query.status == status.upper()),
                query.account_id in (None, self.text("account", "id")),
                query.from_ is None or (day is not None and day >= query.from_),
                query.to is None or (day is not None and day <= query.to),
            )
        )


def answer(entries: list[Listed], query: Query) -> tuple[int, list[bytes]]:
    found = sorted((one for one in entries if one.matches(query)), key=lambda one: one.place)
    sort = query.sort or Sort()

    def value(one: Listed) -> tuple[bool, Any]:
        given: Any = one.time if sort.field == "timestamp" else one.text(sort.field)
        return given is None, "" if given is None else given

    values = sorted({value(one) for one in found}, key=lambda v: (v[0], "" if v[0] else v[1]))
    rank = {v: place for place, v in enumerate(values)}
    found.sort(key=lambda one: rank[value(one)] if sort.direction == "asc" else -rank[value(one)])
    return len(found), [one.item for one in found][query.offset : query.offset + query.limit]


# ---- what entries and queries can be

WORDS = st.sampled_from(["LOGIN", "login", "CREATE", "żółć", "", "a"])
ODD: st.SearchStrategy[Any] = st.sampled_from([None, 7, [], {}, True])
TIMES = st.sampled_from(
    [
        *(f"2026-03-0{day}T{time}" for day in (1, 2, 3) for time in ("00:00:00Z", "23:59:59Z", "12:00:00.123456Z")),
        "2026-03-03T01:30:00+02:00",
        "yesterday",
        "2026-02-30T00:00:00Z",
        1_772_400_000,
        1_772_400_000_123,
        None,
        False,
        -1,
        10**30,
    ]
)
IDS = st.sampled_from(
    ["0a000000-0000-4000-8000-000000000001", "b", "", "00000000-0000-0000-0000-000000000000", None, 3]
)
NAMED = st.one_of(ODD, st.fixed_dictionaries({"id": WORDS | ODD, "name": WORDS | ODD}))
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "id": IDS,
    "account": st.fixed_dictionaries({"id": WORDS, "name": WORDS}),
    "resource_type": WORDS,
    "resource_id": WORDS,
    "action": WORDS,
    "user": st.none() | st.fixed_dictionaries({"id": WORDS, "name": WORDS}),
    "timestamp": TIMES,
    "description": WORDS,
    "status": st.sampled_from(["success", "failure", "Success"]),
}
UNUSUAL = {name: NAMED if name in ("account", "user") else values | ODD for name, values in USUAL.items()}
ENTRIES = st.one_of(
    st.fixed_dictionaries(USUAL), st.fixed_dictionaries(USUAL), st.fixed_dictionaries({}, optional=UNUSUAL)
).map(lambda entry: json.dumps(entry, ensure_ascii=False).encode())
GARBAGE = st.sampled_from(
    [b"null", b"[1]", b"{", b'"\xff"', b'{"id":"\\ud800"}', b'{"a":NaN,"id":"b"}', b'{"id":"a\\u0000"}']
)
ITEMS = st.one_of(ENTRIES, ENTRIES, ENTRIES, GARBAGE)
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "user_name": WORDS,
    "action": WORDS,
    "resource_types": st.lists(WORDS, min_size=1, max_size=2).map(tuple),
    "resource_id": WORDS,
    "status": st.sampled_from(["SUCCESS", "FAILURE", "success", "Failure"]),
    "account_id": WORDS,
    "from_": st.dates(dt.date(2026, 2, 28), dt.date(2026, 3, 4)),
    "to": st.dates(dt.date(2026, 2, 28), dt.date(2026, 3, 4)),
    "sort": st.builds(
        Sort, st.sampled_from(["timestamp", "action", "status", "description"]), st.sampled_from(["asc", "desc"])
    ),
    "offset": st.integers(0, 9),
}


def query_of(given: dict[str, Any]) -> Query:
    return Query(**given)


ALL: dict[str, st.SearchStrategy[Any]] = {"limit": st.just(50)}
QUERIES = st.one_of(
    *(st.fixed_dictionaries({**ALL, name: values}) for name, values in FILTERS.items()),
    st.fixed_dictionaries({"limit": st.integers(0, 20)}, optional=FILTERS),
).map(query_of)
LINES = st.builds(
    Line,
    st.sampled_from([int(MIDNIGHT.timestamp()), int(MIDNIGHT.timestamp()) + 43_200]),
    st.sampled_from([0x0A00000000004000, 0x0B00000000004000]),
    st.sampled_from([0x8000000000000001, 0x8000000000000002]),
    st.builds(
        Shape,
        st.tuples(WORDS, WORDS),
        WORDS,
        WORDS,
        WORDS,
        WORDS,
        st.none() | st.tuples(WORDS, WORDS),
        WORDS,
        st.sampled_from(["success", "failure"]),
    ),
)
Change = Callable[[Store, list[Listed]], list[Listed]]


def added(items: list[bytes]) -> Change:
    def change(store: Store, listed: list[Listed]) -> list[Listed]:
        store.add(items)
        return [*listed, *map(Listed, items)]

    return change


def logged(lines: list[Line]) -> Change:
    def change(store: Store, listed: list[Listed]) -> list[Listed]:
        store.log(lines)
        return [*listed, *(Listed(written(line)) for line in lines)]

    return change


def removed(entry_id: str) -> Change:
    def change(store: Store, listed: list[Listed]) -> list[Listed]:
        kept = [one for one in listed if (one.text("id") or "") != entry_id]
        assert store.remove(entry_id) == len(listed) - len(kept)
        return kept

    return change


def rewritten(entry_id: str, item: bytes) -> Change:
    def change(store: Store, listed: list[Listed]) -> list[Listed]:
        kept = [one for one in listed if (one.text("id") or "") != entry_id]
        assert store.rewrite(entry_id, item) == len(listed) - len(kept)
        return [*kept, *(Listed(item) for _ in range(len(listed) - len(kept)))]

    return change


def forgotten(day: dt.date) -> Change:
    def change(store: Store, listed: list[Listed]) -> list[Listed]:
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        kept = [one for one in listed if one.time is None or one.time >= start]
        assert store.forget_before(day) == len(listed) - len(kept)
        return kept

    return change


def written(line: Line) -> bytes:
    """A line as the tutorial lists its members."""
    account, user = line.shape.account, line.shape.user
    entry = {
        "id": line.id,
        "account": {"id": account[0], "name": account[1]},
        "resource_type": line.shape.resource_type,
        "resource_id": line.shape.resource_id,
        "resource_name": line.shape.resource_name,
        "action": line.shape.action,
        "user": None if user is None else {"id": user[0], "name": user[1]},
        "timestamp": f"{dt.datetime.fromtimestamp(line.at_s, dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "description": line.shape.description,
        "status": line.shape.status,
    }
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()


TEXT_IDS = st.sampled_from(["0a000000-0000-4000-8000-000000000001", "b", "", "00000000-0000-0000-0000-000000000000"])
CHANGES = st.one_of(
    st.lists(ITEMS, max_size=8).map(added),
    st.lists(LINES, max_size=8).map(logged),
    TEXT_IDS.map(removed),
    st.builds(rewritten, TEXT_IDS, ITEMS),
    st.just(DAY).map(forgotten),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=8), st.lists(QUERIES, min_size=1, max_size=8))
@example([added([b"{}"] * 3)], [Query(sort=Sort("timestamp", "desc"), offset=1, limit=1)])
def test_after_any_changes_any_query_is_answered_as_a_list_would(changes: list[Change], queries: list[Query]) -> None:
    store, listed = Store.empty(), list[Listed]()
    for change in changes:
        listed = change(store, listed)
        assert len(store) == len(listed)
    for query in queries:
        found = store.search(query)
        total, items = answer(listed, query)
        assert found.total == total
        assert list(found.items) == items


# ---- every filter and sort over a whole world, odd entries among it

ODDITIES = [
    b'{"id":"1","timestamp":"2026-03-20T00:00:00Z","action":null,"status":"SUCCESS","user":{"name":"Svc"}}',
    b'{"id":"2","timestamp":1773964800000,"action":"login","status":"failure","description":"~","resource_type":7}',
    b'{"id":"3","timestamp":"soon","action":"LOGIN","status":null,"account":"none"}',
    b'{"timestamp":"2026-03-20T00:00:00Z","description":null}',
    b'{"id":"4","timestamp":"2026-03-20T00:00:00+09:00","action":"LOGOUT","status":"success"}',
]


def asked(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Filters that this entry passes, and the same in another case or by a part, which only `user_name` may pass."""
    day, user, account = dt.date.fromisoformat(entry["timestamp"][:10]), entry["user"]["name"], entry["account"]["id"]
    return [
        *({name: entry[name].upper()} for name in ("action", "status", "resource_id")),
        *({name: entry[name].lower()} for name in ("action", "status", "resource_id")),
        *({name: entry[name][1:]} for name in ("action", "resource_id")),
        *({"user_name": name} for name in (user, user.swapcase(), user[1:-1])),
        *({"account_id": text} for text in (account, account.upper(), account[1:])),
        *({"resource_types": kinds} for kinds in ((entry["resource_type"], "APIKEY"), ("user",))),
        *({"from_": day}, {"to": day}, {"from_": day, "to": day}, {"from_": day, "to": dt.date(2026, 1, 1)}),
        {"user_name": user, "action": entry["action"], "from_": day},
    ]


SORTS = [Sort(field, direction) for field in SORT_FIELDS for direction in ("asc", "desc")]


@pytest.fixture(scope="module")
def odd_world() -> tuple[Store, list[Listed]]:
    world = World(seed=7, days=20, entries=1200, end=dt.date(2026, 4, 1))
    world.store.add(ODDITIES)
    items = [item for offset in (0, 1000) for item in world.audit_log(Query(offset=offset, limit=1000)).items]
    return world.store, [Listed(item) for item in items]


@pytest.mark.parametrize("sort", [None, *SORTS], ids=str)
def test_a_world_is_filtered_and_sorted_as_a_list_would_be(
    odd_world: tuple[Store, list[Listed]], sort: Sort | None
) -> None:
    store, listed = odd_world
    assert len(listed) == 1205
    named = [one.entry for one in listed if one.text("user", "id") and one.text("timestamp")]
    filters: list[dict[str, Any]] = [
        {},
        *(filter_ for entry in (named[5], named[600], named[-5]) for filter_ in asked(entry)),
    ]
    for filter_ in filters:
        total, items = answer(listed, Query(sort=sort, limit=2000, **filter_))
        for offset, limit in ((0, 1000), (3, 7), (1204, 5)):
            query = Query(sort=sort, offset=offset, limit=limit, **filter_)
            found = store.search(query)
            assert (found.total, list(found.items)) == (total, items[offset : offset + limit]), query


# ---- what the others cannot say as plainly


def plain(number: int, *, timestamp: str = "2026-03-02T08:00:00Z") -> bytes:
    return json.dumps({"id": f"{number:08d}", "timestamp": timestamp, "action": "LOGIN", "status": "success"}).encode()


def filled(size: int) -> Store:
    store = Store.empty()
    store.add(plain(n, timestamp=f"{MIDNIGHT + dt.timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}") for n in range(size))
    return store


def ids(store: Store, **asked: Any) -> list[str]:
    return [json.loads(item)["id"] for item in store.search(Query(**asked)).items]


def test_an_entry_logged_late_pushes_all_behind_it_to_the_next_offset() -> None:
    store = filled(30)
    first = ids(store, limit=10)
    store.add([plain(99, timestamp="2026-03-01T00:00:00Z")])
    second = ids(store, limit=10, offset=10)
    assert second[0] == first[-1]
    assert ids(store, limit=1) == ["00000099"]


def test_an_entry_logged_now_shows_on_the_last_page_and_in_the_total() -> None:
    store = filled(30)
    store.add([plain(99, timestamp="2026-03-04T00:00:00Z")])
    found = store.search(Query(offset=30))
    assert (found.total, len(found.items)) == (31, 1)


def test_entries_that_come_last_do_not_cost_a_copy_of_all_others() -> None:
    store = filled(30)
    columns = []
    for n in range(3):
        store.add([plain(n, timestamp="2026-03-04T00:00:00Z")])
        columns.append(store._table.rows.at)
    assert np.shares_memory(columns[1], columns[2])


def test_equal_timestamps_stay_by_id_in_both_directions() -> None:
    store = Store.empty()
    store.add(plain(n) for n in (3, 1, 2))
    assert ids(store, sort=Sort("timestamp", "asc")) == ids(store, sort=Sort("timestamp", "desc"))
    assert ids(store) == ["00000001", "00000002", "00000003"]


def test_an_entry_kept_under_another_time_than_its_own_is_in_that_day() -> None:
    store = Store.empty()
    store.add([plain(1)], at=dt.datetime(2026, 3, 5, 1, tzinfo=dt.UTC))
    assert ids(store, from_=DAY, to=DAY) == []
    assert ids(store, from_=dt.date(2026, 3, 5), to=dt.date(2026, 3, 5)) == ["00000001"]


@pytest.mark.parametrize(
    "item",
    [
        b'{"id":"x","timestamp":"2026-03-02T08:00:00Z","new":{"deep":[1.50,1e400]},"big":123456789012345678901234567890}',
        b' {"id" : "x", "timestamp":"2026-03-02T08:00:00Z" } ',
        b'{"id":"x","timestamp":"2026-03-02T08:00:00Z","user":null,"user":{"id":"1","name":"twice"}}',
        b'{"id":"x","description":"\\u0000\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"",
    ],
    ids=["unknown members", "spaces", "a member twice", "NUL and a lone surrogate", "BOM", "deep", "empty"],
)
def test_odd_items_are_served_as_the_very_bytes(item: bytes) -> None:
    store = filled(3)
    store.add([item])
    assert item in store.search(Query(limit=9)).items


def test_an_entry_is_found_by_its_id_with_all_its_twins() -> None:
    store = filled(3)
    store.add([plain(1), plain(1)])
    assert len(store.find("00000001")) == 3
    assert store.find("nobody") == ()


def test_readers_see_whole_pages_while_a_writer_adds_and_removes() -> None:
    store, over = filled(500), threading.Event()

    def write() -> None:
        for n in range(300):
            store.add([plain(1000 + n, timestamp="2026-03-09T00:00:00Z" if n % 3 else "2026-03-01T00:00:00Z")])
            store.remove(f"{n:08d}")
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        for sort in (Sort(), Sort("timestamp", "desc"), Sort("action", "desc")):
            found = store.search(Query(sort=sort, limit=1000))
            assert found.total == len(found.items) == len(set(found.items)) == pytest.approx(500, abs=1)
    writer.join()
    assert set(ids(store, limit=1000)) == {f"{n:08d}" for n in (*range(300, 500), *range(1000, 1300))}
