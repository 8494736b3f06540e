"""`muniment users` and `muniment accounts`: whom the entries name, as known now and then."""

import datetime as dt
import re
from collections.abc import Callable

import msgspec
import pytest
from tests.cli.terminal import PERIOD, Place, Terminal, source_of

from muniment.model import Query
from muniment.sandbox.server import Box

BoxMaker = Callable[..., Box]
NAMES = {
    "left": "\u202efdp.lasrever@example.org",
    "paint": "[bold red]boss[/] :smile:",
    "screen": "\x1b[2Jclear\x07",
    "lines": "two\nlines\tand tab",
    "wide": "株式会社" * 12,
    "long": "a.very.long.name.that.does.not.fit.into.eighty.columns@department.of.long.names.example.org",
}


def entries_of(box: Box) -> list[dict[str, dict[str, str]]]:
    found = box.world.audit_log(Query(from_=dt.date(2026, 3, 20), limit=1000)).items
    return [msgspec.json.decode(item) for item in found]


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize(("command", "member"), [("users", "user"), ("accounts", "account")])
def test_they_are_those_of_the_entries_with_their_names_and_activity(
    muniment: Terminal, shared_box: Box, command: str, member: str
) -> None:
    listed = muniment(command, "--json").document
    told = entries_of(shared_box)
    assert {each["id"] for each in listed} == {entry[member]["id"] for entry in told if entry[member]}
    for each in listed:
        ours = [entry for entry in told if entry[member] and entry[member]["id"] == each["id"]]
        moments = sorted(dt.datetime.fromisoformat(str(entry["timestamp"])) for entry in ours)
        assert each["name"] == ours[0][member]["name"]
        assert dt.datetime.fromisoformat(each["first"]) == moments[0]
        assert dt.datetime.fromisoformat(each["last"]) == moments[-1]
        assert dt.datetime.fromisoformat(each["observed_at"]).tzinfo is not None


def test_a_user_who_is_gone_is_not_found_and_keeps_the_name(
    muniment: Terminal, make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_box(days=20)
    for name, value in source_of(box).items():
        monkeypatch.setenv(name, value)
    muniment("collect", "--to", "2026-04-02")
    gone = [user for user in muniment("users", "--json").document if user["state"] == "not_found"]
    assert gone
    for user in gone:
        assert box.world.user(user["id"]) is None
        assert user["name"]
        assert user["state_means"] == "not visible to this key: deleted or out of reach"
    assert "not_found: not visible to this key: deleted or out of reach" in muniment("users").out


@pytest.mark.usefixtures("collected")
def test_the_state_is_the_sources_word_in_lower_case(muniment: Terminal, shared_box: Box) -> None:
    for user in muniment("users", "--json").document:
        if user["state"] != "not_found":
            answer = shared_box.world.user(user["id"])
            assert answer is not None
            assert user["state"] == msgspec.json.decode(answer)["status"].lower()
    assert {each["state"] for each in muniment("accounts", "--json").document} <= {"active", "inactive"}


@pytest.mark.usefixtures("collected")
def test_at_a_day_only_those_are_known_whom_entries_named_by_then(muniment: Terminal, shared_box: Box) -> None:
    then = muniment("users", "--at", "2026-03-22", "--json").document
    early = [entry for entry in entries_of(shared_box) if str(entry["timestamp"]) < "2026-03-23"]
    assert {user["id"] for user in then} == {entry["user"]["id"] for entry in early if entry["user"]}
    for user in then:
        moments = [str(entry["timestamp"]) for entry in early if entry["user"] and entry["user"]["id"] == user["id"]]
        assert dt.datetime.fromisoformat(user["last"]) == dt.datetime.fromisoformat(max(moments))
        assert (user["observed_at"], user["state"]) == (None, "unresolved"), "nobody had been asked for by then"
    assert muniment("users", "--at", "2026-01-01", "--json").document == []
    assert muniment("users", "--at", "9999-12-31", "--json").document == muniment("users", "--json").document


def test_a_change_since_then_is_not_shown_for_then(
    muniment: Terminal, make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_box(days=10, entries=120)
    for name, value in source_of(box).items():
        monkeypatch.setenv(name, value)
    muniment("collect", "--to", "2026-04-02")
    someone = next(user for user in muniment("users", "--json").document if user["state"] == "active")
    box.world.lookups[someone["id"]] = None
    now = dt.datetime.now(dt.UTC)
    box.world.store.add([msgspec.json.encode(_deletion(someone, now))])
    muniment("collect")
    (after,) = (user for user in muniment("users", "--json").document if user["id"] == someone["id"])
    assert (after["state"], after["name"]) == ("not_found", someone["name"])
    assert after["observed_at"] > someone["observed_at"]


def _deletion(user: dict[str, str], at: dt.datetime) -> dict[str, object]:
    return {
        "id": "late-1",
        "timestamp": (at + dt.timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "action": "DELETE",
        "resource_type": "USER",
        "resource_id": user["id"],
        "resource_name": user["name"],
        "status": "success",
        "description": "x",
        "user": {"id": user["id"], "name": user["name"]},
        "account": None,
    }


@pytest.fixture
def odd_names(make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch, muniment: Terminal) -> None:
    """An archive whose users try to dress up a terminal."""
    box = make_box(days=5, entries=0)
    box.world.store.add(
        msgspec.json.encode(
            {
                "id": f"entry-{who}",
                "timestamp": "2026-03-30T10:00:00Z",
                "action": "LOGIN",
                "resource_type": "USER",
                "status": "success",
                "user": {"id": f"id-of-{who}", "name": name},
                "account": {"id": f"account-of-{who}", "name": name},
            }
        )
        for who, name in NAMES.items()
    )
    for name, value in source_of(box).items():
        monkeypatch.setenv(name, value)
    assert muniment("collect", "--from", "2026-03-30", "--to", "2026-03-31").code == 0


@pytest.mark.usefixtures("odd_names")
@pytest.mark.parametrize("command", ["users", "accounts"])
def test_no_name_dresses_up_a_line(muniment: Terminal, command: str) -> None:
    shown = muniment(command).out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert r"\u202efdp.lasrever@example.org" in shown
    assert "[bold red]boss[/] :smile:" in shown
    assert r"\u001b[2Jclear\u0007" in shown
    assert "two lines and tab" in shown
    assert NAMES["wide"] in shown, "what is piped is not cut"
    assert NAMES["long"] in shown
    names = {each["name"] for each in muniment(command, "--json").document}
    assert names == set(NAMES.values()), "the document has them as they are"


@pytest.mark.usefixtures("odd_names")
@pytest.mark.parametrize("command", ["users", "accounts"])
def test_names_are_cut_in_the_middle_so_that_each_takes_one_line_of_the_terminal(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    from rich.cells import cell_len  # noqa: PLC0415

    monkeypatch.setenv("COLUMNS", "80")
    lines = muniment(command).out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    (long,) = (line for line in lines if line.startswith("a.very.long"))
    assert "…" in long
    assert long.split("  ")[0].endswith("example.org")
    rows = [line for line in lines if "2026-03-30" in line]
    assert len(rows) == len(NAMES)


@pytest.mark.usefixtures("odd_names")
def test_where_the_locale_is_c_names_are_escapes_and_columns_stay_aligned(place: Place) -> None:
    said = place.call("users", LC_ALL="C", COLUMNS="80")
    assert said.out.isascii()
    rows = [line for line in said.out.splitlines() if "2026-03-30" in line]
    assert len({line.index("2026-03-30") for line in rows}) == 1
    assert place.call("users", "--json", LC_ALL="C").document == place.call("users", "--json").document


@pytest.mark.usefixtures("odd_names")
def test_where_the_locale_is_latin_1_nothing_fails(place: Place) -> None:
    said = place.call("users", PYTHONIOENCODING="latin-1")
    assert said.code == 0
    assert r"\u682a" in said.out


@pytest.mark.usefixtures("at_source")
def test_an_archive_without_people_says_so(muniment: Terminal) -> None:
    muniment("init")
    assert muniment("users").out == "0 users\n"
    assert muniment("accounts", "--json").document == []
    assert muniment("collect", *PERIOD).code == 0
