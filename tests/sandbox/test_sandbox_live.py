"""The world goes on after the log's end: entries arrive now or late, people come and go."""

import datetime as dt
import json
import threading
from typing import Any

from muniment.model import Query, Sort
from muniment.sandbox.world import World

END = dt.date(2026, 4, 1)
MORNING = dt.datetime(2026, 4, 1, 9, 0, 30, 250_000, tzinfo=dt.UTC)
NEWEST = Query(sort=Sort("timestamp", "desc"), limit=1000)


def small() -> World:
    return World(seed=7, days=20, entries=1200, end=END)


def entry(world: World, entry_id: str) -> dict[str, Any]:
    (item,) = world.store.find(entry_id)
    found: dict[str, Any] = json.loads(item)
    return found


def test_what_arrives_is_logged_as_of_now_and_changes_the_total() -> None:
    world = small()
    ids = world.arrive(MORNING, 25)
    assert len(set(ids)) == 25
    assert {entry(world, entry_id)["timestamp"] for entry_id in ids} == {"2026-04-01T09:00:30Z"}
    found = world.audit_log(Query(from_=END, limit=1000))
    assert (found.total, {json.loads(item)["id"] for item in found.items}) == (25, set(ids))
    assert world.audit_log(Query(limit=0)).total == 1225


def test_the_same_arrivals_in_the_same_world_are_the_same_bytes() -> None:
    one, other = small(), small()
    for world in (one, other):
        for minutes in range(0, 600, 7):
            world.arrive(MORNING + dt.timedelta(minutes=minutes), 2)
    assert one.audit_log(NEWEST).items == other.audit_log(NEWEST).items


def test_people_come_and_go_and_lookups_know_at_once() -> None:
    world, came, went = small(), 0, 0
    for minutes in range(0, 90 * 24 * 60, 30):
        (entry_id,) = world.arrive(MORNING + dt.timedelta(minutes=minutes))
        logged = entry(world, entry_id)
        if logged["resource_type"] == "USER" and logged["action"] == "CREATE":
            came += 1
            assert json.loads(world.user(logged["resource_id"]) or b"")["status"] == "PENDING"
        if logged["resource_type"] == "USER" and logged["action"] == "DELETE":
            went += 1
            assert world.user(logged["resource_id"]) is None
        if logged["user"]:
            assert world.user(logged["user"]["id"])
    assert came > 1
    assert went > 1


def test_a_late_entry_has_a_time_long_past_and_lies_behind_whoever_read_that_day() -> None:
    world = small()
    at = dt.datetime(2026, 3, 14, 3, 4, 5, tzinfo=dt.UTC)
    day = Query(from_=at.date(), to=at.date(), limit=0)
    before = world.audit_log(day).total
    (entry_id,) = world.arrive_late(at)
    assert entry(world, entry_id)["timestamp"] == "2026-03-14T03:04:05Z"
    assert world.audit_log(day).total == before + 1


def test_a_lookup_can_be_given_another_answer_and_none_is_a_404() -> None:
    world = small()
    user_id = json.loads(world.audit_log(Query(action="LOGIN", limit=1)).items[0])["user"]["id"]
    world.lookups[user_id] = b'{"id":"x","unknown":1}'
    assert world.user(user_id) == b'{"id":"x","unknown":1}'
    world.lookups[user_id] = None
    assert world.user(user_id) is None
    world.lookups["an account"] = b"{}"
    assert world.account("an account") == b"{}"
    del world.lookups[user_id]
    assert json.loads(world.user(user_id) or b"")["id"] == user_id


def test_arrivals_from_many_threads_are_all_logged() -> None:
    world, ids = small(), list[str]()

    def arrive() -> None:
        for _ in range(50):
            ids.extend(world.arrive(MORNING, 2))
            account = json.loads(world.audit_log(NEWEST).items[0])["account"]
            assert world.account(account["id"])

    threads = [threading.Thread(target=arrive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 400
    assert world.audit_log(Query(from_=END, limit=0)).total == 400


def test_a_world_without_entries_comes_alive_too() -> None:
    world = World(seed=1, days=1, entries=0, end=END)
    assert world.audit_log(Query()).total == 0
    world.arrive(MORNING, 3)
    assert world.audit_log(Query()).total == 3
