"""The ways a sandbox misbehaves on request."""

import datetime as dt
import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import urllib3
from tests.sandbox.reading import API, NOON, Clock

from muniment.api.openapi import describe
from muniment.errors import BadInput
from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES, Entry
from muniment.sandbox.faults.catalogue import FAULTS, list_faults, read_faults
from muniment.sandbox.keys import KEYS

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

    BoxMaker = Callable[..., Box]


def ask(pool: urllib3.PoolManager, box: "Box", path: str = "audit-log?limit=1000") -> urllib3.BaseHTTPResponse:
    return pool.request("GET", box.url + API + path, headers={"x-api-key": KEYS["AM_VIEW_ONLY"]})


def test_a_rate_limit_bears_so_many_in_any_second_and_says_how_long_to_wait(
    http: urllib3.PoolManager, make_box: "BoxMaker"
) -> None:
    clock = Clock()
    box = make_box(entries=10, faults=["rate-limit=2"], clock=clock)
    statuses = []
    for pause in (0, 0.4, 0.3, 0.2, 0.2, 0.1):  # at 0.0, 0.4, 0.7, 0.9, 1.1, 1.2
        clock.move(pause)
        statuses.append(ask(http, box).status)
    assert statuses == [200, 200, 429, 429, 200, 429]
    refused = ask(http, box)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"] == [{"code": "request_limit_exceeded", "message": "Too many requests."}]
    clock.move(float(refused.headers["retry-after"]))
    assert ask(http, box).status == 200


def test_a_rate_limit_may_say_it_as_a_date_that_is_never_too_early(
    http: urllib3.PoolManager, make_box: "BoxMaker"
) -> None:
    clock = Clock()
    box = make_box(entries=10, faults=["rate-limit-date=1"], clock=clock)
    clock.move(0.25)
    assert ask(http, box).status == 200
    told = parsedate_to_datetime(ask(http, box).headers["retry-after"])
    assert told == NOON + dt.timedelta(seconds=2)
    clock.now = told
    assert ask(http, box).status == 200


def test_latency_delays_each_answer_and_none_for_another(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=10, faults=["latency=150"])
    begun = time.monotonic()
    assert ask(http, box).status == 200
    assert ask(http, box, "nowhere").status == 404
    assert 0.3 <= time.monotonic() - begun < 3


def test_late_entries_come_once_everything_was_served(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=1500, faults=["late=4"])
    first = ask(http, box).json()
    assert ask(http, box).json() == first  # the same page again is not the rest
    rest = ask(http, box, "audit-log?limit=1000&offset=1000").json()
    assert (first["total"], rest["total"]) == (1500, 1500)
    again = [e for n in (0, 1000) for e in ask(http, box, f"audit-log?limit=1000&offset={n}").json()["items"]]
    assert len(again) == 1504
    old = {entry["id"] for entry in first["items"] + rest["items"]}
    new = [entry for entry in again if entry["id"] not in old]
    assert len({entry["id"] for entry in new}) == 4
    assert [e["timestamp"] for e in new] == [again[n]["timestamp"] for n in (188, 564, 940, 1316)]
    assert ask(http, box, "audit-log?limit=1").json()["total"] == 1504


def test_late_takes_three_unless_told(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=10, faults=["late"])
    assert [ask(http, box).json()["total"] for _ in range(3)] == [10, 13, 13]


def test_unknown_fields_stand_beside_known_ones_that_stay_as_they_were(
    http: urllib3.PoolManager, make_box: "BoxMaker"
) -> None:
    plain, faulty = make_box(entries=50), make_box(entries=50, faults=["unknown-fields"])
    was, now = ask(http, plain).json(), ask(http, faulty).json()
    for old, new in zip([was, *was["items"]], [now, *now["items"]], strict=True):
        known = {name: value for name, value in new.items() if name in old and name != "items"}
        assert known == {name: value for name, value in old.items() if name != "items"}
        assert set(new) - set(old) == {"ip_address", "details"}
    account = was["items"][0]["account"]["id"]
    assert set(ask(http, faulty, f"account/{account}").json()) > {"id", "ip_address"}
    assert ask(http, faulty, "user/nobody").json() == {"errors": [{"code": "not_found", "message": "User not found."}]}
    assert http.request("GET", faulty.url + "/openapi.json").json() == json.loads(msgspec.json.encode(describe()))


def test_odd_items_are_logged_beside_the_others(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    plain, faulty = make_box(entries=50), make_box(entries=50, faults=["odd-items"])
    was, now = ask(http, plain).json()["items"], ask(http, faulty).json()["items"]
    odd = [entry for entry in now if entry not in was]
    assert len(now) == 50 + len(odd)
    assert [entry for entry in now if entry in was] == was
    assert all(set(entry) >= set(was[0]) for entry in odd)
    assert any(entry["action"] not in ACTIONS for entry in odd)
    assert any(entry["resource_type"] not in RESOURCE_TYPES for entry in odd)
    assert any(entry["status"].upper() not in STATUSES for entry in odd)
    assert any(entry["user"] is None for entry in odd)
    assert {type(entry["timestamp"]) for entry in odd} == {str, int, type(None)}
    assert any("\0" in (entry["description"] or "") for entry in odd)
    assert max(len(entry["description"] or "") for entry in odd) >= 100_000
    msgspec.json.decode(msgspec.json.encode(odd), type=list[Entry])  # odd, but such as the model reads


def test_odd_items_with_odd_times_lie_outside_the_days(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=50, faults=["odd-items"])
    whole = ask(http, box).json()["total"]
    before = ask(http, box, "audit-log?to=2025-12-31").json()["total"]
    days = ask(http, box, "audit-log?from=2026-01-01&to=2026-04-01").json()["total"]
    after = ask(http, box, "audit-log?from=2026-04-02").json()["total"]
    assert min(before, days, after) > 0
    assert before + days + after < whole


def test_faults_on_an_empty_log_do_nothing(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=0, faults=["late", "odd-items", "unknown-fields"])
    answer: Any = ask(http, box).json()
    assert (answer["total"], answer["items"]) == (0, [])


def test_faults_add_up(http: urllib3.PoolManager, make_box: "BoxMaker") -> None:
    box = make_box(entries=10, faults=["unknown-fields", "odd-items", "rate-limit=1"], clock=Clock())
    assert all("ip_address" in entry for entry in ask(http, box).json()["items"])
    assert ask(http, box).status == 429


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("no-such-fault", "there is no fault 'no-such-fault'"),
        ("", "there is no fault ''"),
        ("latency", "the fault latency=MS takes a whole number from 1, not ''"),
        ("latency=", "the fault latency=MS takes a whole number from 1, not ''"),
        ("latency=fast", "the fault latency=MS takes a whole number from 1, not 'fast'"),
        ("late=0", "the fault late[=N] takes a whole number from 1, not '0'"),
        ("late=-1", "the fault late[=N] takes a whole number from 1, not '-1'"),
        ("odd-items=3", "the fault odd-items takes no value, but was given '3'"),
    ],
)
def test_a_fault_that_cannot_be_laid_is_refused_by_name(wish: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_faults(["odd-items", wish])
    assert refused.value.message == message


def test_the_list_has_a_line_for_each_fault() -> None:
    lines = list_faults().splitlines()
    assert [line.split("  ")[0].rstrip() for line in lines] == [fault.usage for fault in FAULTS.values()]
    assert all(len(line) <= 120 for line in lines)
    assert {"rate-limit", "rate-limit-date", "latency", "late", "unknown-fields", "odd-items"} <= set(FAULTS)
