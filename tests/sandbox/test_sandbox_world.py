"""The world behaves: as many entries as asked for, every kind of them, in an order of events that makes sense."""

import collections
import datetime as dt
import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from muniment.errors import BadInput
from muniment.model import ACTIONS, RESOURCE_TYPES, Query, Sort
from muniment.sandbox.dice import Dice
from muniment.sandbox.founding import found
from muniment.sandbox.organisation import unix_time
from muniment.sandbox.programme import BRINGS, PROGRAMME, Item
from muniment.sandbox.registry import Registry
from muniment.sandbox.stage import Stage
from muniment.sandbox.world import World

END = dt.date(2026, 4, 1)
# fmt: off
ENTRY = [
    "id", "account", "resource_type", "resource_id", "resource_name", "action", "user", "timestamp", "description",
    "status",
]
USER = [
    "id", "user_name", "first_name", "last_name", "email", "phone", "status", "access_scope", "primary_account_id",
    "created_at", "created_by", "user_type", "friendly_name", "description", "locale", "applications", "accounts",
]
ACCOUNT = [
    "id", "name", "active", "service_period", "friendly_identifier", "admins", "auth_config", "sign_in_methods",
    "oauth_clients", "locale",
]
# fmt: on
SIGN_INS = {"BASIC_AUTH", "DIGEST_AUTH", "SSO_SAML", "SSO_OIDC", "CLIENT_AUTH_CERT"}


@functools.cache
def world() -> World:
    return World(seed=7, days=20, entries=1200, end=END)


@functools.cache
def large() -> World:
    return World(seed=3, days=60, entries=30_000, end=END)


def items_of(world: World) -> Iterator[bytes]:
    for offset in range(0, len(world.store), 1000):
        yield from world.audit_log(Query(offset=offset, limit=1000)).items


def entries_of(world: World) -> list[dict[str, Any]]:
    return [json.loads(item) for item in items_of(world)]


def user_ids(entries: list[dict[str, Any]]) -> list[str]:
    return sorted({entry["user"]["id"] for entry in entries if entry["user"]})


def document(answer: bytes | None) -> dict[str, Any]:
    assert answer is not None
    value: dict[str, Any] = json.loads(answer)
    return value


def fingerprint(world: World) -> str:
    """Of every entry, in every order, and of every lookup."""
    digest = hashlib.sha256()
    for item in items_of(world):
        digest.update(item)
    for field in ("timestamp", "action", "status", "description"):
        for item in world.audit_log(Query(sort=Sort(field, "desc"), limit=1000)).items:
            digest.update(item)
    entries = entries_of(world)
    for user_id in user_ids(entries):
        digest.update(world.user(user_id) or b"404")
    for account_id in sorted({entry["account"]["id"] for entry in entries}):
        digest.update(world.account(account_id) or b"404")
    return digest.hexdigest()


# ---- the same for everybody


PINNED = "1f31daf66bcd0c431b7774a9eb85f6d33263aab3b53299900ef3be539252665a"


def test_the_small_world_is_the_one_it_has_always_been() -> None:
    assert fingerprint(world()) == PINNED


def test_the_same_arguments_give_the_same_bytes_whatever_the_hash_seed_zone_and_locale() -> None:
    program = "import test_sandbox_world as t; print(t.fingerprint(t.world()))"
    places = os.pathsep.join([os.path.dirname(__file__), *sys.path])  # noqa: PTH120 - one separator for all
    for hash_seed, zone, locale in (("1", "Asia/Tokyo", "C"), ("2", "America/New_York", "tr_TR.UTF-8")):
        env = {"PYTHONPATH": places, "PYTHONHASHSEED": hash_seed, "TZ": zone, "LC_ALL": locale, "PYTHONUTF8": "1"}
        told = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        assert told.stdout.strip() == fingerprint(world())


@pytest.mark.parametrize(
    "other", [(8, 20, 1200, END), (7, 21, 1200, END), (7, 20, 1201, END), (7, 20, 1200, END + dt.timedelta(days=1))]
)
def test_each_argument_matters(other: tuple[int, int, int, dt.date]) -> None:
    assert set(items_of(World(*other))) != set(items_of(world()))


# ---- how many, and which


@pytest.mark.parametrize("entries", [0, 1, 2, 7, 100, 1199, 5000])
@pytest.mark.parametrize("days", [1, 20, 365])
def test_there_are_exactly_as_many_entries_as_asked_for_and_all_lie_in_the_days(entries: int, days: int) -> None:
    made = World(seed=entries, days=days, entries=entries, end=END)
    first, last = END - dt.timedelta(days=days), END - dt.timedelta(days=1)
    assert len(made.store) == entries
    assert made.audit_log(Query(from_=first, to=last)).total == entries


@pytest.mark.parametrize(
    "arguments",
    [
        (7, 0, 10, END),
        (7, -3, 10, END),
        (7, 10_000, 10, END),
        (7, 20, -1, END),
        (7, 20, 10, dt.date.min),
        (7, 20, 10, dt.date.max),
    ],
)
def test_days_counts_and_ends_that_cannot_be_are_refused(arguments: tuple[int, int, int, dt.date]) -> None:
    with pytest.raises(BadInput, match=r"must"):
        World(*arguments)


@pytest.mark.parametrize("end", [dt.date(1990, 1, 1), dt.date(2024, 2, 29), dt.date(2100, 3, 1), dt.date(9000, 12, 31)])
def test_a_world_may_end_in_any_of_many_years(end: dt.date) -> None:
    made = World(seed=1, days=400, entries=1500, end=end)
    assert made.audit_log(Query(to=end - dt.timedelta(days=1))).total == 1500


@pytest.mark.parametrize("days", [1, 2, 3, 7, 20, 90])
@pytest.mark.parametrize("end", [END, dt.date(2026, 3, 30)], ids=["mid-week", "after a weekend"])
@pytest.mark.parametrize("seed", range(5))
def test_every_action_and_resource_type_occurs_from_1200_entries_on(days: int, end: dt.date, seed: int) -> None:
    made = World(seed=seed, days=days, entries=1200, end=end)
    assert [action for action in ACTIONS if not made.audit_log(Query(action=action, limit=0)).total] == []
    assert [kind for kind in RESOURCE_TYPES if not made.audit_log(Query(resource_types=(kind,), limit=0)).total] == []


def test_each_entry_has_exactly_the_ten_members_of_the_tutorial_in_its_order() -> None:
    for entry in entries_of(world()):
        assert list(entry) == ENTRY
        assert list(entry["account"]) == ["id", "name"]
        assert entry["user"] is None or list(entry["user"]) == ["id", "name"]
        assert entry["status"] in ("success", "failure")
        assert entry["timestamp"] == f"{dt.datetime.fromisoformat(entry['timestamp']):%Y-%m-%dT%H:%M:%SZ}"
        assert all(isinstance(entry[name], str) for name in ENTRY if name not in ("account", "user"))


def test_ids_are_distinct_and_some_entries_share_a_second() -> None:
    entries = entries_of(large())
    assert len({entry["id"] for entry in entries}) == len(entries)
    assert len({entry["timestamp"] for entry in entries}) < len(entries)
    assert 0 < sum(entry["user"] is None for entry in entries_of(world())) < 60


# ---- lookups


def test_some_users_of_entries_are_gone_and_both_types_are_among_the_others() -> None:
    answers = [world().user(user_id) for user_id in user_ids(entries_of(world()))]
    assert None in answers
    assert {json.loads(answer)["user_type"] for answer in answers if answer} == {"standard", "service"}


def test_users_have_every_member_that_the_tutorial_shows_or_names() -> None:
    made = large()
    statuses = set()
    for user_id in user_ids(entries_of(made)):
        if made.user(user_id) is not None:
            user = document(made.user(user_id))
            statuses.add(user["status"])
            assert list(user) == USER
            assert user["primary_account_id"] == user["accounts"][0]["id"]
            assert all(application["permissions"] for application in user["applications"])
            assert user["email"].split("@")[1].split(".")[-2] == "example"
            assert all(user[name] for name in ("first_name", "last_name", "phone")) == (user["user_type"] == "standard")
    assert {"ACTIVE", "LOCKED"} <= statuses


def test_whoever_made_a_user_is_found_down_to_the_founder_who_is_marked_as_deleted() -> None:
    made = world()
    user = document(made.user(next(i for i in user_ids(entries_of(made)) if made.user(i))))
    while user["created_by"] != user["id"]:
        creator = document(made.user(user["created_by"]))
        assert creator["created_at"] < user["created_at"]
        user = creator
    assert user["status"] == "DELETED"


def test_accounts_have_every_member_and_their_admins_are_users() -> None:
    made = large()
    accounts = {entry["account"]["id"]: entry["account"]["name"] for entry in entries_of(made)}
    assert len(accounts) >= 5
    for account_id, name in accounts.items():
        account = document(made.account(account_id))
        assert list(account) == ACCOUNT
        assert account["name"] == name
        assert set(account["sign_in_methods"][0]) == {
            "signInMethod", "status", "mfaStatus", "clientAuthCertLoginEnabled",
        }  # fmt: skip
        for admin in account["admins"]:
            assert document(made.user(admin["id"]))["email"] == admin["email"]
    assert any(document(made.account(account_id))["oauth_clients"] for account_id in accounts)


def test_nobody_unknown_is_found() -> None:
    assert world().user("nobody") is None
    assert world().account("nothing") is None


def test_names_come_from_many_scripts() -> None:
    names = "".join(entry["user"]["name"] for entry in entries_of(large()) if entry["user"])
    assert any("\u4e00" <= char <= "\u9fff" for char in names)
    assert any("\uac00" <= char <= "\ud7a3" for char in names)


# ---- what happened makes sense


class Life:
    """What the log says of one user, in order."""

    def __init__(self, user_id: str, entries: list[dict[str, Any]]) -> None:
        self.does = [entry for entry in entries if entry["user"] and entry["user"]["id"] == user_id]
        self.suffers = [
            entry
            for entry in entries
            if entry["resource_id"] == user_id and entry["resource_type"] in ("USER", "SERVICE_USER")
        ]

    def times(self, action: str) -> list[str]:
        return [entry["timestamp"] for entry in self.suffers if entry["action"] == action]


@functools.cache
def lives() -> dict[str, Life]:
    entries = entries_of(large())
    subjects = {e["resource_id"] for e in entries if e["resource_type"] in ("USER", "SERVICE_USER")}
    return {user_id: Life(user_id, entries) for user_id in sorted(subjects | set(user_ids(entries)))}


def test_who_was_deleted_does_nothing_any_more_is_not_found_and_left_traces() -> None:
    gone = {user_id: life for user_id, life in lives().items() if life.times("DELETE")}
    assert len(gone) >= 3
    assert {user_id for user_id in lives() if large().user(user_id) is None} == set(gone)
    for life in gone.values():
        (deleted,) = life.times("DELETE")
        assert all(entry["timestamp"] <= deleted for entry in life.does)
    assert any(life.does for life in gone.values())


def test_nobody_does_anything_before_being_made() -> None:
    made = [life for life in lives().values() if life.times("CREATE")]
    assert len(made) >= 5
    for life in made:
        assert all(entry["timestamp"] >= life.times("CREATE")[0] for entry in (*life.does, *life.suffers))


def test_lookups_say_when_and_by_whom_a_user_was_made_as_the_log_does() -> None:
    compared = 0
    for user_id, life in lives().items():
        if life.times("CREATE") and large().user(user_id):
            user = document(large().user(user_id))
            assert [user["created_at"]] == life.times("CREATE")
            assert user["created_by"] == life.suffers[0]["user"]["id"]
            compared += 1
    assert compared >= 5


def test_a_user_that_is_disabled_does_not_sign_in_before_being_enabled() -> None:
    stopped = 0
    for life in lives().values():
        shut = False
        story = sorted(
            (*life.suffers, *(e for e in life.does if e["action"] == "LOGIN")), key=lambda e: (e["timestamp"], e["id"])
        )
        for entry in story:
            if entry["action"] in ("DISABLED", "ENABLED"):
                shut, stopped = entry["action"] == "DISABLED", stopped + 1
            assert not (shut and entry["action"] == "LOGIN"), entry
    assert stopped > 20


def test_a_new_user_accepts_the_terms_before_the_first_sign_in_or_is_pending() -> None:
    accepted = pending = 0
    for user_id, life in lives().items():
        if life.times("CREATE") and life.suffers[0]["resource_type"] == "USER":
            sign_ins = [entry["timestamp"] for entry in life.does if entry["action"] == "LOGIN"]
            if life.times("TERMS_AND_CONDITIONS"):
                accepted += 1
                assert all(at >= life.times("TERMS_AND_CONDITIONS")[0] for at in sign_ins)
            elif large().user(user_id):
                pending += 1
                assert sign_ins == []
                assert document(large().user(user_id))["status"] == "PENDING"
    assert accepted >= 3
    assert pending >= 1


def test_the_state_of_a_user_is_what_the_log_came_to() -> None:
    for user_id, life in lives().items():
        turns = [entry["action"] for entry in life.suffers if entry["action"] in ("DISABLED", "ENABLED")]
        if turns and large().user(user_id):
            status = document(large().user(user_id))["status"]
            assert status == ("LOCKED" if turns[-1] == "DISABLED" else status)


def test_a_second_step_follows_a_first_one_of_its_kind_at_once() -> None:
    for life in lives().values():
        firsts: dict[str, str] = {}
        for entry in sorted(life.does, key=lambda e: (e["timestamp"], e["resource_type"])):
            if entry["action"] == "LOGIN" and entry["resource_type"] in SIGN_INS:
                firsts[entry["resource_type"]] = entry["timestamp"]
            elif entry["action"] == "LOGIN":
                first = dt.datetime.fromisoformat(firsts[entry["resource_type"].removesuffix("_MFA")])
                assert dt.datetime.fromisoformat(entry["timestamp"]) - first <= dt.timedelta(minutes=10)


def test_tokens_and_certificates_are_warned_about_before_they_are_replaced_and_silent_afterwards() -> None:
    stories = collections.defaultdict(list)
    for entry in entries_of(large()):
        if entry["action"] != "LOGIN" and entry["resource_type"] in ("APIKEY", "CLIENT_AUTH_CERT"):
            stories[entry["resource_id"]].append(entry["action"])
    for story in stories.values():
        assert "CREATE" not in story[1:]
        assert "DELETE" not in story[:-1]
    assert any(
        story[-1] == "DELETE" and story[-2].endswith("EXPIRY_EMAIL_SENT") for story in stories.values() if story[1:]
    )


def test_somebody_has_another_name_from_some_time_on_and_keeps_the_old_one_in_what_was_logged_before() -> None:
    renamings = [entry for entry in entries_of(large()) if entry["description"].startswith("Changed user name")]
    assert renamings
    for renaming in renamings:
        old, new = renaming["resource_name"], renaming["description"].split()[-1]
        for entry in lives()[renaming["resource_id"]].does:
            assert entry["user"]["name"] == (old if entry["timestamp"] <= renaming["timestamp"] else new)
        if large().user(renaming["resource_id"]):
            assert document(large().user(renaming["resource_id"]))["user_name"] == new


def test_an_account_that_closed_is_inactive_and_silent() -> None:
    entries = entries_of(large())
    (closing,) = [entry for entry in entries if (entry["action"], entry["resource_type"]) == ("DISABLED", "ACCOUNT")]
    assert document(large().account(closing["resource_id"]))["active"] is False
    assert all(e["timestamp"] <= closing["timestamp"] for e in entries if e["account"]["id"] == closing["resource_id"])


def test_people_sign_in_on_weekdays_in_their_own_working_hours_but_for_a_few() -> None:
    usual, unusual = 0, 0
    for person in large()._organisation.people.values():
        if not person.service:
            for entry in lives()[person.id].does if person.id in lives() else ():
                if entry["action"] == "LOGIN":
                    local = dt.datetime.fromisoformat(entry["timestamp"]) + dt.timedelta(seconds=person.zone_s)
                    at_work = local.weekday() < 5 and 8 <= local.hour < 18
                    usual, unusual = usual + at_work, unusual + (not at_work)
    assert usual > 40 * unusual > 0


def test_failures_come_in_bursts_that_end_in_a_lock() -> None:
    entries = entries_of(large())
    locks = [entry for entry in entries if entry["action"] == "DISABLED" and entry["description"].startswith("Locked")]
    assert locks
    for lock in locks:
        before = [e["action"] for e in lives()[lock["resource_id"]].does if e["timestamp"] <= lock["timestamp"]]
        assert before.count("LOGIN_ERROR") >= 5


# ---- the programme


@pytest.mark.parametrize("item", PROGRAMME, ids=lambda item: item.scene.__name__)
def test_a_scene_has_no_more_acts_than_it_is_said_to_cost(item: Item) -> None:
    most = 0
    for seed in range(12):
        start = END - dt.timedelta(days=20)
        registry = Registry(Dice(seed, "registry"))
        organisation = found(Dice(seed, "founding"), registry, start, 60, 12)
        stage = Stage(organisation, registry, Dice(seed, "scenes"), unix_time(start), unix_time(END))
        most = max(most, len(stage.hurry(item.scene, unix_time(start))))
    assert 0 < most <= item.cost


def test_every_action_and_type_has_a_scene_of_the_programme_that_brings_it() -> None:
    assert set(BRINGS) == {*ACTIONS, *RESOURCE_TYPES}
    assert set(BRINGS.values()) <= {item.scene for item in PROGRAMME}
