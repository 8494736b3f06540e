"""`muniment collect`: its account, its exit codes, and what it leaves behind."""

import datetime as dt
import json
import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.cli.terminal import PERIOD, Place, Said, Terminal, source_of
from tests.source.rawserver import Request, answers, raw_server

from muniment.errors import Forbidden, NotFound
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.sandbox.store import Matches

BoxMaker = Callable[..., Box]
KEYS = {"complete", "from", "to", "source_total", "archived", "new", "updated_users", "requests", "retries", "seconds"}
KEYS |= {"gaps", "findings", "tree_size", "root", "receipt", "source"}
DAYS = ("--from", "2026-03-22", "--to", "2026-04-02")


@pytest.fixture
def box(make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch) -> Box:
    """A small sandbox that a test may change, which the environment names."""
    made = make_box(days=10, entries=120)
    for name, value in source_of(made).items():
        monkeypatch.setenv(name, value)
    return made


def entry_of(box: Box, day: str) -> dict[str, Any]:
    on = dt.date.fromisoformat(day)
    told: dict[str, Any] = json.loads(box.world.audit_log(Query(from_=on, to=on, limit=1)).items[0])
    return told


def test_a_missing_archive_is_made_and_that_is_said(muniment: Terminal, place: Place, at_source: Box) -> None:
    said = muniment("collect", *PERIOD)
    assert said.code == 0
    assert said.out == ""
    assert f"New archive in {place.archive}" in said.err
    (key_file,) = place.key_files()
    assert str(key_file) in said.err
    total = at_source.world.audit_log(Query(from_=dt.date(2026, 3, 20), limit=1)).total
    assert f"✓ Complete: {total} of {total} entries, {total} new" in said.err


@pytest.mark.usefixtures("collected")
def test_the_account_has_its_keys_and_counts_the_days_of_the_run(muniment: Terminal, at_source: Box) -> None:
    said = muniment("collect", "--from", "2026-03-25", "--to", "2026-03-26", "--json")
    told = said.document
    assert said.code == 0
    assert set(told) == KEYS
    total = at_source.world.audit_log(Query(from_=dt.date(2026, 3, 25), to=dt.date(2026, 3, 26), limit=1)).total
    assert (told["complete"], told["from"], told["to"]) == (True, "2026-03-25", "2026-03-26")
    assert (told["source_total"], told["archived"], told["new"]) == (total, total, 0)
    assert (told["gaps"], told["findings"], told["updated_users"]) == ([], [], 0)
    assert "nothing new" in said.err


@pytest.mark.usefixtures("collected", "at_source")
def test_the_receipt_of_the_account_is_the_leaf_that_closes_the_run(muniment: Terminal) -> None:
    told = muniment("collect", *PERIOD, "--json").document
    last = muniment("receipts", "--json").document[-1]
    assert (last["leaf"], last["phase"], last["complete"]) == (told["receipt"], "closed", True)
    assert told["tree_size"] == told["receipt"] + 1


@pytest.mark.usefixtures("collected", "at_source")
def test_a_later_to_is_read_as_today(muniment: Terminal) -> None:
    told = muniment("collect", "--from", "2026-04-01", "--to", "2999-12-31", "--json").document
    assert told["to"] == dt.datetime.now(dt.UTC).date().isoformat()


@pytest.mark.parametrize(("role", "code"), [("nobody's-key", "invalid_api_key"), ("none", "access_denied")])
def test_a_refused_key_is_exit_3_with_account_and_error_and_an_archive_that_waits(
    muniment: Terminal, box: Box, monkeypatch: pytest.MonkeyPatch, *, role: str, code: str
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", box.keys.get(role, role))
    said = muniment("collect", "--json")
    assert said.code == 3
    assert set(said.document) == KEYS | {"error"}
    assert (said.error["code"], said.document["complete"], said.document["new"]) == (code, False, 0)
    assert box.requests.audit_log + box.requests.lookups <= 16
    assert muniment("status").code == 0


def test_a_source_that_nobody_answers_for_is_exit_3_with_account_and_error(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"URL": "http://127.0.0.1:9", "API_KEY": "k", "RETRY_S": "0"}.items():
        monkeypatch.setenv(f"MUNIMENT_{name}", value)
    said = muniment("collect", *DAYS, "--json")
    assert said.code == 3
    assert set(said.document) == KEYS | {"error"}
    assert said.error["code"] == "source_unreachable"
    assert (said.document["complete"], said.document["source_total"]) == (False, None)
    assert (place.archive / "checkpoint").exists()


def test_the_archive_is_there_before_the_first_request(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(request: Request, sock: socket.socket) -> bool | None:
        seen.append((place.archive / "checkpoint").exists())
        return answers(403, b"{}")(request, sock)

    with raw_server(look) as server:
        monkeypatch.setenv("MUNIMENT_API_KEY", "k")
        assert muniment("collect", "--url", server.url).code == 3
    assert seen
    assert all(seen)


@pytest.mark.parametrize(("refusal", "state"), [(Forbidden("no"), "forbidden"), (NotFound("gone"), "not_found")])
def test_a_lookup_that_is_refused_is_that_users_state_and_no_harm_to_complete(
    muniment: Terminal, box: Box, *, refusal: Exception, state: str
) -> None:
    def refuse(user_id: str) -> bytes | None:
        if isinstance(refusal, NotFound):
            return None
        raise Forbidden(f"{user_id}: {refusal}")

    box.world.user = refuse  # type: ignore[method-assign] # a role that may not look
    said = muniment("collect", *DAYS, "--json")
    assert (said.code, said.document["complete"]) == (0, True)
    users = muniment("users", "--json").document
    assert {user["state"] for user in users} == {state}
    assert all(user["name"] and user["observed_at"] and user["state_means"] for user in users)


def test_retry_s_bounds_how_long_a_request_is_tried(muniment: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": "http://127.0.0.1:9", "API_KEY": "k", "RETRY_S": "1"}.items():
        monkeypatch.setenv(f"MUNIMENT_{name}", value)
    told = muniment("collect", *DAYS, "--json").document
    assert told["retries"] > 0
    assert told["seconds"] < 3


def test_timeout_s_bounds_how_long_an_answer_is_waited_for(
    muniment: Terminal, make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = make_box(days=10, entries=120, faults=("latency=3000",))
    for name, value in {**source_of(slow), "MUNIMENT_TIMEOUT_S": "0.2", "MUNIMENT_RETRY_S": "0"}.items():
        monkeypatch.setenv(name, value)
    said = muniment("collect", *DAYS, "--json")
    assert said.code == 3
    assert said.document["seconds"] < 3


@pytest.mark.parametrize("variable", ["MUNIMENT_TIMEOUT_S", "MUNIMENT_RETRY_S"])
@pytest.mark.parametrize("value", ["soon", "-1", "inf"])
@pytest.mark.usefixtures("at_source")
def test_a_time_that_is_no_number_of_seconds_is_exit_2(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch, *, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = muniment("collect", "--json")
    assert said.code == 2
    assert variable in said.error["message"]
    assert not place.archive.exists()


def test_entries_that_the_source_counts_and_does_not_serve_are_gaps_and_exit_4(muniment: Terminal, box: Box) -> None:
    honest = box.world.store.search

    def counting_two_more(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, total=found.total + 2 if found.total else 0)

    box.world.store.search = counting_two_more  # type: ignore[method-assign] # the world itself tells a lie
    said = muniment("collect", *DAYS, "--json")
    assert said.code == 4
    assert set(said.document) == KEYS | {"error"}
    assert (said.error["code"], said.document["complete"]) == ("population_incomplete", False)
    for gap in said.document["gaps"]:
        assert set(gap) == {"from", "to", "filter", "expected", "got", "why"}
        assert f"{gap['expected']}, got {gap['got']}: {gap['why']}" in said.err or len(said.document["gaps"]) > 10
    assert said.document["archived"] == 120, "what was served is archived all the same"
    known = muniment("status", "--json").document["gaps"]
    assert known
    assert all(gap in said.document["gaps"] for gap in known)


def change_an_entry(box: Box) -> str:
    old = entry_of(box, "2026-03-25")
    box.world.store.rewrite(old["id"], msgspec.json.encode(old | {"description": "another story"}))
    return str(old["id"])


def test_a_finding_is_exit_11_until_it_is_answered_and_complete_all_the_same(muniment: Terminal, box: Box) -> None:
    assert muniment("collect", *DAYS).code == 0
    changed = change_an_entry(box)
    found = muniment("collect", *DAYS, "--recheck", "full", "--json")
    assert (found.code, found.document["complete"], found.error["code"]) == (11, True, "findings_open")
    (finding,) = found.document["findings"]
    assert (finding["kind"], finding["id"]) == ("content_changed", changed)
    assert f"! {finding['finding']} content_changed: {finding['what']}" in found.err
    assert muniment("collect", *DAYS).code == 11, "it still waits"
    assert muniment("dispose", str(finding["finding"]), "--reason", "known", "--by", "me").code == 0
    after = muniment("collect", *DAYS, "--json")
    assert (after.code, after.document["findings"]) == (0, [])
    assert after.document["archived"] == muniment("status", "--json").document["entries"] == 120, "keys, not contents"


def test_entries_that_vanished_leave_a_run_complete_and_exit_11(muniment: Terminal, box: Box) -> None:
    muniment("collect", *DAYS)
    gone = entry_of(box, "2026-03-25")["id"]
    box.world.store.remove(gone)
    said = muniment("collect", *DAYS, "--json")
    assert (said.code, said.document["complete"]) == (11, True)
    assert [finding["kind"] for finding in said.document["findings"]] == ["vanished"]


def test_a_key_that_sees_less_is_exit_3_unless_that_is_accepted(
    muniment: Terminal, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    muniment("collect", *DAYS)
    box.world.store.remove(entry_of(box, "2026-03-25")["id"])
    monkeypatch.setenv("MUNIMENT_API_KEY", box.keys["AM_USER_MANAGER"])
    less = muniment("collect", *DAYS, "--json")
    assert (less.code, less.error["code"]) == (3, "scope_shrank")
    assert "--accept-scope" in less.error["hint"]
    accepted = muniment("collect", *DAYS, "--accept-scope", "--json")
    assert (accepted.code, accepted.document["complete"], accepted.document["findings"]) == (0, True, [])


def test_a_first_run_asks_everybody_once_and_a_second_nobody(muniment: Terminal, box: Box) -> None:
    muniment("collect")
    people = len(muniment("users", "--json").document) + len(muniment("accounts", "--json").document)
    assert box.requests.lookups == people
    asked = box.requests.audit_log
    muniment("collect")
    assert box.requests.lookups == people
    assert box.requests.audit_log - asked <= 12


def test_late_entries_are_found_once_by_a_run_over_everything(muniment: Terminal, box: Box) -> None:
    muniment("collect")
    late = box.log_late(5)
    told = muniment("collect", "--json").document
    assert (told["complete"], told["new"], told["archived"]) == (True, len(late), 125)
    assert muniment("collect", "--json").document["new"] == 0


def test_the_source_is_asked_for_a_thousand_entries_at_first(muniment: Terminal, box: Box) -> None:
    muniment("collect", *DAYS)
    limits = [params["limit"] for path, params in box.requests.recent if path.endswith("audit-log")]
    assert max(map(int, limits)) == 1000


@pytest.mark.usefixtures("box")
def test_max_rate_is_kept(muniment: Terminal) -> None:
    told = muniment("collect", "--from", "2026-03-31", "--to", "2026-03-31", "--max-rate", "60", "--json").document
    assert told["requests"] > 10
    assert told["seconds"] > (told["requests"] - 5) / 60


@pytest.mark.usefixtures("box")
def test_a_named_source_is_sealed_under_its_name(muniment: Terminal) -> None:
    told = muniment("collect", *DAYS, "--source", "production", "--json").document
    assert told["source"] == "production"
    (source,) = muniment("status", "--json").document["sources"]
    assert (source["name"], source["manager"], source["entries"]) == ("production", "account-manager", 120)


BAD = [
    ("--from", "2026/01/01"),
    ("--from", "2026-1-1"),
    ("--from", "2026-02-30"),
    ("--to", "20260101"),
    ("--to", ""),
    ("--from", "2026-03-31", "--to", "2026-03-01"),
    ("--from", "2999-01-01"),
    ("--from", "2999-01-01", "--to", "2999-01-02"),
    ("--url", "127.0.0.1"),
    ("--url", "ftp://127.0.0.1"),
    ("--url", "http://user:secret@127.0.0.1"),
    ("--url", "http://127.0.0.1:99999"),
    ("--url", "http://127.0.0.1:x"),
    ("--url", "http://"),
    ("--url", "http://127.0.0.1/?x=1"),
    ("--max-rate", "0"),
    ("--max-rate", "-1"),
    ("--max-rate", "nan"),
    ("--recheck", "some"),
    ("--source", " "),
    ("--client-key", "key.pem"),
    ("--client-cert", "nosuch.pem", "--url", "https://127.0.0.1:9"),
    ("--config", "nosuch.toml"),
    ("--api-key", "k"),
]


@pytest.mark.parametrize("words", BAD, ids=" ".join)
@pytest.mark.usefixtures("at_source")
def test_bad_input_is_exit_2_and_leaves_nothing_behind(
    muniment: Terminal, place: Place, words: tuple[str, ...]
) -> None:
    said = muniment("collect", *words, "--json")
    assert said.code == 2
    assert set(said.document) == {"error"}
    assert said.error["code"] == "bad_input"
    assert "secret" not in said.err + said.out
    assert not place.archive.exists()
    assert not place.home.exists()


def test_there_must_be_an_address(muniment: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", "k")
    assert muniment("collect", "--json").error["message"] == "there is no address of the source"


def in_words(said: Said) -> list[str]:
    return [line for line in said.err.splitlines() if line.strip()]


@pytest.mark.usefixtures("collected", "at_source")
def test_the_words_are_few_where_all_is_well(muniment: Terminal) -> None:
    lines = in_words(muniment("collect", *PERIOD))
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
