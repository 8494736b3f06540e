"""The tutorial's five steps as five calls, against a sandbox and against servers that misbehave."""

import datetime as dt
import json
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.source.rawserver import KEY, Request, answers, answers_json, is_silent, raw_server, response

from muniment import AccountManager
from muniment.errors import BadInput, NotFound, Oversized, Unauthorized, Unreachable, WireError
from muniment.model import Entry, Named, Query

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

ENTRY = {"id": "e1", "user": {"id": "u1", "name": "jane"}, "account": {"id": "a1", "name": "Example"}}


@pytest.fixture
def manager(shared_box: "Box") -> Iterator[AccountManager]:
    with AccountManager(shared_box.url, shared_box.keys["AM_VIEW_ONLY"]) as manager:
        yield manager


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_RETRY_S", "0.3")
    monkeypatch.setenv("MUNIMENT_TIMEOUT_S", "5")


def page(*items: Any, total: int | None = None, offset: int = 0, limit: int = 1000) -> dict[str, Any]:
    return {"total": len(items) if total is None else total, "offset": offset, "limit": limit, "items": items}


# --- against the sandbox


def test_step_1_shows_the_newest_entries(manager: AccountManager) -> None:
    recent = manager.recent(5)
    assert len(recent) == 5
    stamps = [str(entry.timestamp) for entry in recent]
    assert stamps == sorted(stamps, reverse=True)
    assert all(entry.id and entry.action and entry.user for entry in recent)


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_step_1_takes_one_answer_and_no_more(manager: AccountManager, n: int) -> None:
    with pytest.raises(BadInput, match="between 1 and 1000"):
        manager.recent(n)


def test_step_2_narrows_by_days_and_types(manager: AccountManager) -> None:
    asked = {"from_": "2026-02-01", "to": dt.date(2026, 2, 28), "resource_types": ["USER", "APIKEY"]}
    entries = list(manager.audit_log(**asked))  # type: ignore[arg-type]
    assert 0 < len(entries) == manager.count(**asked)  # type: ignore[arg-type]
    assert {entry.resource_type for entry in entries} == {"USER", "APIKEY"}
    assert {str(entry.timestamp)[:7] for entry in entries} == {"2026-02"}


def test_step_3_reads_every_page(manager: AccountManager) -> None:
    entries = list(manager.audit_log())
    assert len(entries) == len({entry.id for entry in entries}) == manager.count() == 1200
    stamps = [str(entry.timestamp) for entry in entries]
    assert stamps == sorted(stamps)


def test_pages_are_asked_for_as_they_are_used(manager: AccountManager) -> None:
    entries = manager.audit_log()
    assert manager.client.requests == 0
    next(entries)
    assert manager.client.requests == 1


def test_a_page_holds_the_exact_bytes(manager: AccountManager) -> None:
    answer = manager.page(Query(limit=3, offset=5))
    assert (answer.offset, answer.limit, len(answer.items)) == (5, 3, 3)
    body = manager.client.get("/account/api/v1/audit-log", {"offset": "5", "limit": "3"}).body
    assert all(bytes(item) in body for item in answer.items)


def test_steps_4_and_5_resolve_each_user_and_account_once(manager: AccountManager) -> None:
    report = list(manager.compliance_report())
    users = {line.entry.user.id for line in report if line.entry.user}
    accounts = {line.entry.account.id for line in report if line.entry.account}
    assert manager.client.requests <= 2 + len(users) + len(accounts)
    assert [line.entry for line in report] == list(manager.audit_log())
    states = {line.user_state for line in report}
    assert {"found", "not_found"} <= states <= {"found", "not_found", "not_named"}
    for line in report:
        named = line.entry.user
        assert (line.user_state == "not_named") == (named is None)
        assert (line.user_state == "found") == (line.user is not None)
        assert line.user is None or (named is not None and line.user.id == named.id)
        assert line.account_state == "found"
        assert line.account is not None


def test_a_user_that_is_gone_is_not_found(manager: AccountManager) -> None:
    with pytest.raises(NotFound, match="User not found") as caught:
        manager.user("8d1ce4a0-0000-4000-8000-000000000000")
    assert (caught.value.status, caught.value.vendor_code) == (404, "not_found")


def test_a_wrong_key_is_unauthorized(shared_box: "Box") -> None:
    with AccountManager(shared_box.url, "no-such-key") as manager, pytest.raises(Unauthorized):
        manager.recent()


# --- what is refused before it is sent


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"from_": "2026/01/01"}, r"Invalid from \[2026/01/01\]"),
        ({"to": "2026-02-30"}, r"Invalid to \[2026-02-30\]"),
        ({"from_": "2026-02-01", "to": "2026-01-01"}, "is after"),
        ({"from_": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "takes a day, not a moment"),
        ({"status": "failure"}, "status takes FAILURE"),
        ({"action": "Login"}, "action takes LOGIN"),
        ({"resource_types": ["USER", "apikey"]}, "resource_types takes APIKEY"),
        ({"resource_types": "user"}, "resource_types takes USER"),
        ({"sort": "timestamp:down"}, "Invalid sort"),
    ],
)
def test_a_filter_that_would_match_nothing_or_be_refused_is_bad_input(filters: dict[str, Any], said: str) -> None:
    with AccountManager("http://127.0.0.1:1", KEY) as manager, pytest.raises(BadInput, match=said):
        manager.audit_log(**filters)


def test_all_filters_go_out_as_the_tutorial_writes_them() -> None:
    with raw_server(answers_json(page())) as server, AccountManager(server.url, KEY) as manager:
        entries = manager.audit_log(
            user_name="Jane Doe", action="LOGIN", resource_types="USER,NEW_TYPE", resource_id="r/1", status="SUCCESS",
            account_id="a", from_=dt.date(2026, 1, 1), to="2026-03-31", sort="timestamp:desc",
        )  # fmt: skip
        assert list(entries) == []
    assert server.requests[0].target == (
        "/account/api/v1/audit-log?user_name=Jane%20Doe&action=LOGIN&resource_types=USER,NEW_TYPE&resource_id=r%2F1"
        "&status=SUCCESS&account_id=a&from=2026-01-01&to=2026-03-31&sort=timestamp:desc&offset=0&limit=1000"
    )


@pytest.mark.parametrize("odd_id", ["", ".", ".."])
def test_an_id_that_no_path_can_carry_is_not_found_without_asking(odd_id: str) -> None:
    with AccountManager("http://127.0.0.1:1", KEY) as manager:
        with pytest.raises(NotFound):
            manager.user(odd_id)
        with pytest.raises(NotFound):
            manager.account(odd_id)


def test_an_id_with_odd_characters_stays_one_part_of_the_path() -> None:
    with raw_server(answers_json({"id": "x"})) as server, AccountManager(server.url, KEY) as manager:
        manager.user("../account/a?b=c#d é\x00")
    assert server.requests[0].target == "/account/api/v1/user/..%2Faccount%2Fa%3Fb%3Dc%23d%20%C3%A9%00"


# --- answers that are not as they should be


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (page(ENTRY, ENTRY | {"id": "e2", "user": {"id": 7}}), "items[1].user.id"),
        (page(ENTRY | {"account": "Example"}), "items[0].account"),
        (page("ITEMS"), "items[0]"),
        ({"total": 1, "offset": 0, "limit": 20}, "items"),
        (page() | {"total": None}, "total"),
        (page() | {"total": -1}, "total"),
        (page() | {"offset": "0"}, "offset"),
        (page(offset=20), "offset"),
        (page(limit=5000), "limit"),
        (page(ENTRY, total=0), "total"),
        ([], ""),
    ],
)
def test_an_answer_of_another_form_names_the_place(document: object, path: str) -> None:
    with (
        raw_server(answers_json(document)) as server,
        AccountManager(server.url, KEY) as manager,
        pytest.raises(WireError) as caught,
    ):
        list(manager.audit_log())
    assert caught.value.path == path
    assert caught.value.message.startswith(path)


def test_nulls_and_unknown_members_are_no_reason_to_stop() -> None:
    odd = {"id": "e", "user": None, "account": {"id": "a", "more": [1]}, "new": {"x": 1}, "timestamp": 1700000000}
    with raw_server(answers_json(page(odd))) as server, AccountManager(server.url, KEY) as manager:
        assert list(manager.audit_log()) == [Entry(id="e", account=Named(id="a"), timestamp=1700000000)]


def test_an_entry_that_a_strict_parser_refuses_is_read_all_the_same() -> None:
    body = b'{"total":1,"offset":0,"limit":1000,"items":[{"id":"\\ud800","score":NaN}]}'
    with raw_server(answers(200, body)) as server, AccountManager(server.url, KEY) as manager:
        assert [entry.id for entry in manager.audit_log()] == ["\ud800"]


def test_entries_without_an_id_are_told_apart_by_their_bytes() -> None:
    first, second = (
        page({"action": action}, total=2, offset=offset) for offset, action in enumerate(("LOGIN", "LOGOUT"))
    )
    with raw_server(answers_json(first), answers_json(second)) as server, AccountManager(server.url, KEY) as manager:
        assert [entry.action for entry in manager.audit_log()] == ["LOGIN", "LOGOUT"]


def test_a_user_with_nulls_and_all_fields_is_typed() -> None:
    user = {"id": "u", "user_name": "jane", "phone": None, "accounts": None, "applications": [{"permissions": ["P"]}]}
    account = {"id": "a", "auth_config": {"any": 1}, "service_period": {"from": "2026-01-01"}, "oauth_clients": [{}]}
    with raw_server(answers_json(user), answers_json(account)) as server, AccountManager(server.url, KEY) as manager:
        jane, example = manager.user("u"), manager.account("a")
    assert (jane.user_name, jane.phone, jane.accounts, jane.applications[0].permissions) == ("jane", None, [], ["P"])
    assert (example.auth_config, example.oauth_clients) == ({"any": 1}, [{}])
    assert example.service_period
    assert example.service_period.from_ == "2026-01-01"


def test_a_user_of_another_form_names_the_place() -> None:
    body = {"id": "u", "applications": [{"permissions": ["P", 7]}]}
    with (
        raw_server(answers_json(body)) as server,
        AccountManager(server.url, KEY) as manager,
        pytest.raises(WireError, match=r"applications\[0\]\.permissions\[1\]: expected str, got int"),
    ):
        manager.user("u")


def test_the_states_of_those_who_cannot_be_looked_up_are_told_apart() -> None:
    def behave(request: Request, sock: socket.socket) -> bool:
        status = 404 if request.target.endswith("/u1") else 403
        sock.sendall(response(status, b"{}"))
        return True

    entries = [msgspec.convert(ENTRY, Entry), Entry(id="e2"), msgspec.convert(ENTRY, Entry)]
    with raw_server(behave) as server, AccountManager(server.url, KEY) as manager:
        states = [(line.user_state, line.account_state) for line in manager.resolved(entries)]
    assert states == [("not_found", "forbidden"), ("not_named", "not_named"), ("not_found", "forbidden")]
    assert len(server.requests) == 2


def test_a_lookup_that_the_source_fails_at_is_no_missing_user() -> None:
    with raw_server(answers(500)) as server, AccountManager(server.url, KEY) as manager, pytest.raises(Unreachable):
        next(manager.resolved([msgspec.convert(ENTRY, Entry)]))


def test_pages_get_smaller_until_one_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_TIMEOUT_S", "0.15")
    everything = [ENTRY | {"id": str(number)} for number in range(300)]

    def behave(request: Request, sock: socket.socket) -> bool:
        offset, limit = int(request.params["offset"]), int(request.params["limit"])
        if limit > 125:
            is_silent(request, sock)
            return False
        served = page(*everything[offset : offset + limit], total=300, offset=offset, limit=limit)
        sock.sendall(response(200, json.dumps(served).encode()))
        return True

    with raw_server(behave) as server, AccountManager(server.url, KEY) as manager:
        assert [entry.id for entry in manager.audit_log()] == [str(number) for number in range(300)]
        assert [request.params["limit"] for request in server.requests] == ["1000", "500", "250", "125", "125", "125"]


def test_a_source_that_fails_at_a_single_entry_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_TIMEOUT_S", "0.05")
    monkeypatch.setenv("MUNIMENT_RETRY_S", "0")
    with raw_server(is_silent) as server, AccountManager(server.url, KEY) as manager, pytest.raises(Oversized):
        list(manager.audit_log())
