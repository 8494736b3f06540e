"""A sandbox as its users meet it: over real sockets, by its four keys."""

import datetime as dt
import gc
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.model import ACTIONS, RESOURCE_TYPES, SORT_FIELDS, Query, Sort
from muniment.sandbox.keys import KEYS
from muniment.sandbox.server import serve
from muniment.sandbox.world import World

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

    BoxMaker = Callable[..., Box]

API = "/account/api/v1/"
NOBODY = "00000000-0000-4000-8000-000000000000"


def ask(
    pool: urllib3.PoolManager, box: "Box", path: str, role: str = "AM_VIEW_ONLY", method: str = "GET"
) -> urllib3.BaseHTTPResponse:
    return pool.request(method, box.url + API + path, headers={"x-api-key": KEYS.get(role, role)})


def page(pool: urllib3.PoolManager, box: "Box", **params: Any) -> Any:
    query = "&".join(f"{name.strip('_')}={value}" for name, value in params.items())
    answer = ask(pool, box, f"audit-log?{query}")
    assert answer.status == 200
    return answer.json()


@pytest.fixture(scope="module")
def everything(shared_box: "Box") -> list[Any]:
    """Every entry of `shared_box`, by (timestamp, id)."""
    with urllib3.PoolManager() as pool:
        pages = [page(pool, shared_box, sort="timestamp:asc", limit=1000, offset=offset) for offset in (0, 1000)]
    entries = [entry for one in pages for entry in one["items"]]
    assert len({entry["id"] for entry in entries}) == pages[0]["total"] == 1200
    return entries


# ---- keys


@pytest.mark.parametrize("role", ["AM_ACCOUNT_ADMIN", "AM_VIEW_ONLY", "AM_USER_MANAGER"])
def test_each_role_may_make_all_three_calls(
    http: urllib3.PoolManager, shared_box: "Box", everything: list[Any], role: str
) -> None:
    known = next(e for e in everything if e["user"] and shared_box.world.user(e["user"]["id"]))
    for path in ("audit-log", f"user/{known['user']['id']}", f"account/{known['account']['id']}"):
        assert ask(http, shared_box, path, role).status == 200


@pytest.mark.parametrize(("key", "refusal"), [("none", (403, "access_denied")), ("x", (401, "invalid_api_key"))])
@pytest.mark.parametrize("path", ["audit-log", f"user/{NOBODY}", f"account/{NOBODY}"])
def test_a_key_without_a_role_is_403_and_an_unknown_one_401_on_all_three_calls(
    http: urllib3.PoolManager, shared_box: "Box", path: str, key: str, refusal: tuple[int, str]
) -> None:
    answer = ask(http, shared_box, path, key)
    assert (answer.status, answer.json()["errors"][0]["code"]) == refusal


# ---- the contract, on a world


def test_two_sandboxes_of_the_same_seed_answer_byte_for_byte_alike(
    http: urllib3.PoolManager, shared_box: "Box", make_box: "BoxMaker", everything: list[Any]
) -> None:
    twin, other = make_box(), make_box(seed=8)
    people = {f"user/{e['user']['id']}" for e in everything if e["user"]}
    places = {f"account/{e['account']['id']}" for e in everything if e["account"]}
    for path in ("audit-log?limit=1000", "audit-log?limit=1000&sort=description:desc&offset=500", *people, *places):
        assert ask(http, shared_box, path).data == ask(http, twin, path).data
    assert ask(http, shared_box, "audit-log").data != ask(http, other, "audit-log").data


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, (1200, 0, 20, 20)),
        ({"limit": 1}, (1200, 0, 1, 1)),
        ({"limit": 0}, (1200, 0, 0, 0)),
        ({"limit": 1000}, (1200, 0, 1000, 1000)),
        ({"limit": 1001}, (1200, 0, 1000, 1000)),
        ({"limit": 5000, "offset": 1000}, (1200, 1000, 1000, 200)),
        ({"offset": 1195}, (1200, 1195, 20, 5)),
        ({"offset": 1200}, (1200, 1200, 20, 0)),
        ({"offset": 9999}, (1200, 9999, 20, 0)),
        ({"action": "login"}, (0, 0, 20, 0)),
        ({"status": "success"}, (0, 0, 20, 0)),
        ({"resource_types": "user"}, (0, 0, 20, 0)),
        ({"from": "2026-03-01", "to": "2026-02-01"}, (0, 0, 20, 0)),
        ({"from": "1999-01-01", "to": "1999-12-31"}, (0, 0, 20, 0)),
    ],
)
def test_total_offset_and_limit_are_echoed_and_the_cap_is_silent(
    http: urllib3.PoolManager, shared_box: "Box", params: dict[str, Any], told: tuple[int, ...]
) -> None:
    got = page(http, shared_box, **params)
    assert (got["total"], got["offset"], got["limit"], len(got["items"])) == told


def queries(everything: list[Any]) -> st.SearchStrategy[Query]:
    """Queries whose filters name what some entry has, or nothing that any has."""
    entries = st.sampled_from(everything)

    def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.none() | values

    names = entries.map(lambda e: e["user"]["name"] if e["user"] else "nobody")
    days = st.dates(dt.date(2025, 12, 25), dt.date(2026, 4, 5))
    return st.builds(
        Query,
        user_name=maybe(names | names.map(lambda name: name[1:5])),
        action=maybe(st.sampled_from((*ACTIONS, "login"))),
        resource_types=st.lists(st.sampled_from(RESOURCE_TYPES), max_size=6).map(tuple),
        resource_id=maybe(entries.map(lambda e: e["resource_id"])),
        status=maybe(st.sampled_from(("SUCCESS", "FAILURE", "success"))),
        account_id=maybe(entries.map(lambda e: e["account"]["id"])),
        from_=maybe(days),
        to=maybe(days),
        sort=maybe(st.builds(Sort, st.sampled_from(SORT_FIELDS), st.sampled_from(("asc", "desc")))),
        offset=st.integers(0, 60),
        limit=st.integers(0, 1200),
    )


def matches(entry: Any, query: Query) -> bool:
    """The tutorial's table of parameters, read literally."""
    return (
        (query.user_name is None or bool(entry["user"] and query.user_name in entry["user"]["name"]))
        and query.action in {None, entry["action"]}
        and (not query.resource_types or entry["resource_type"] in query.resource_types)
        and query.resource_id in {None, entry["resource_id"]}
        and query.status in {None, entry["status"].upper()}
        and query.account_id in {None, entry["account"]["id"]}
        and (query.from_ is None or query.from_.isoformat() <= entry["timestamp"][:10])
        and (query.to is None or entry["timestamp"][:10] <= query.to.isoformat())
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_query_is_answered_as_the_tutorial_reads(
    http: urllib3.PoolManager, shared_box: "Box", everything: list[Any], data: st.DataObject
) -> None:
    query = data.draw(queries(everything))
    expected = [entry for entry in everything if matches(entry, query)]
    if query.sort is not None:
        field = query.sort.field
        expected.sort(key=lambda e: e[field], reverse=query.sort.direction == "desc")  # stable: ties by time and id
    answer = http.request(
        "GET", shared_box.url + API + "audit-log", headers={"x-api-key": KEYS["AM_VIEW_ONLY"]}, fields=query.to_params()
    ).json()
    limit = min(query.limit, 1000)
    assert (answer["total"], answer["offset"], answer["limit"]) == (len(expected), query.offset, limit)
    assert answer["items"] == expected[query.offset : query.offset + limit]


def test_changes_of_the_world_show_in_the_next_answer(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=100)
    first, second = page(http, box, limit=2)["items"]
    box.world.store.remove(first["id"])
    changed = json.dumps(second | {"description": "changed"}).encode()
    box.world.store.rewrite(second["id"], changed)
    after = page(http, box, limit=1)
    assert (after["total"], after["items"][0]["description"]) == (99, "changed")
    assert changed in ask(http, box, "audit-log").data


def test_late_entries_of_all_ages_appear_once_each(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=300)
    before = page(http, box, limit=1000)["items"]
    ids = box.log_late(5)
    after = page(http, box, limit=1000)["items"]
    late = [entry for entry in after if entry not in before]
    assert [entry["id"] for entry in late] == list(ids)
    assert len(set(ids)) == 5
    assert [entry for entry in after if entry in before] == before
    assert [entry["timestamp"] for entry in late] == [before[n]["timestamp"] for n in (30, 90, 150, 210, 270)]


def test_entries_arrive_at_about_the_rate_asked_for(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=50, live=40)
    begun = time.monotonic()
    while (total := page(http, box)["total"]) < 60:
        assert time.monotonic() - begun < 5
        time.sleep(0.02)
    assert total - 50 <= (time.monotonic() - begun) * 40 + 3
    newest = page(http, box, sort="timestamp:desc", limit=1)["items"][0]
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(newest["timestamp"])
    assert dt.timedelta(0) <= age < dt.timedelta(seconds=5)


# ---- what it remembers and what it leaves behind


def test_requests_are_counted_by_kind_and_remembered_without_their_key(
    http: urllib3.PoolManager, make_box: "BoxMaker"
) -> None:
    box = make_box(entries=10)
    ask(http, box, "audit-log?limit=1&user_name=Zo%C3%AB&to=")
    ask(http, box, "audit-log", "wrong")
    ask(http, box, f"user/{NOBODY}")
    ask(http, box, f"account/{NOBODY}", method="HEAD")
    http.request("GET", box.url + "/openapi.json")
    assert (box.requests.audit_log, box.requests.lookups) == (2, 2)
    assert list(box.requests.recent) == [
        (API + "audit-log", {"limit": "1", "user_name": "Zoë", "to": ""}),
        (API + "audit-log", {}),
        (API + f"user/{NOBODY}", {}),
        (API + f"account/{NOBODY}", {}),
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted through /proc")
def test_a_thousand_requests_over_one_connection_leave_nothing_behind(make_box: "BoxMaker") -> None:
    box = make_box(entries=100)
    link = http.client.HTTPConnection(box.url.removeprefix("http://"), timeout=10)

    def asked(times: int) -> tuple[int, int, int]:
        for _ in range(times):
            link.request("GET", API + "audit-log?limit=5", headers={"x-api-key": KEYS["AM_VIEW_ONLY"]})
            assert json.loads(link.getresponse().read())["total"] == 100
        box.requests.recent.clear()
        gc.collect()
        return len(gc.get_objects()), threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = asked(100)
    first = link.sock
    after = asked(1000)
    assert link.sock is first
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 500
    link.close()


def test_a_sandbox_that_ended_left_no_thread_and_no_socket() -> None:
    threads = set(threading.enumerate())
    with (
        serve(World(1, 5, 50, dt.date(2026, 4, 1)), live=10) as box,
        urllib3.PoolManager() as pool,
    ):
        page(pool, box)
        host, port = box.url.removeprefix("http://").split(":")
    begun = time.monotonic()
    while not set(threading.enumerate()) <= threads:  # those that answered are told to end, not waited for
        assert time.monotonic() - begun < 5
        time.sleep(0.01)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)
