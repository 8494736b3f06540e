"""Several sources in one archive: each with its own key, and an account each."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.cli.terminal import Place, Terminal
from tests.source.rawserver import answers, raw_server

from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.sandbox.store import Matches

BoxMaker = Callable[..., Box]
DAYS = ("--from", "2026-03-30", "--to", "2026-04-01")
TABLE = """
[[source]]
name = "{name}"
url = "{url}"
api_key_file = "{name}.key"
"""


def settings(**sources: tuple[str, str]) -> None:
    """A settings file with these sources: address and key by name."""
    Path("muniment.toml").write_text("".join(TABLE.format(name=name, url=url) for name, (url, _) in sources.items()))
    for name, (_, key) in sources.items():
        Path(f"{name}.key").write_text(key)


@pytest.fixture
def boxes(make_box: BoxMaker) -> tuple[Box, Box]:
    """Two sandboxes, called production and trial in muniment.toml."""
    one, two = make_box(seed=1, days=5, entries=60), make_box(seed=2, days=5, entries=80)
    settings(production=(one.url, one.keys["AM_VIEW_ONLY"]), trial=(two.url, two.keys["AM_ACCOUNT_ADMIN"]))
    return one, two


@pytest.mark.usefixtures("boxes")
def test_all_of_them_are_collected_and_each_has_its_account(muniment: Terminal, place: Place) -> None:
    said = muniment("collect", "--to", "2026-04-01", "--json")
    told = said.document
    assert (said.code, told["complete"]) == (0, True)
    assert [(each["source"], each["archived"]) for each in told["sources"]] == [("production", 60), ("trial", 80)]
    assert (told["archived"], told["new"], told["source_total"]) == (140, 140, 140)
    assert told["requests"] == sum(each["requests"] for each in told["sources"])
    assert told["tree_size"] == told["sources"][1]["tree_size"] > told["sources"][0]["tree_size"]
    assert "production:" in said.err.splitlines()
    status = muniment("status", "--json").document
    assert [(each["name"], each["entries"]) for each in status["sources"]] == [("production", 60), ("trial", 80)]
    assert status["entries"] == 140
    assert {user["source"] for user in muniment("users", "--json").document} == {"production", "trial"}
    assert muniment("verify", place.archive).code == 0


def test_one_that_is_named_is_collected_alone(muniment: Terminal, boxes: tuple[Box, Box]) -> None:
    told = muniment("collect", *DAYS, "--source", "trial", "--json").document
    assert "sources" not in told
    assert told["source"] == "trial"
    assert boxes[0].requests.audit_log == 0


def test_one_whose_address_is_given_is_collected_alone(
    muniment: Terminal, boxes: tuple[Box, Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_URL", f"{boxes[1].url}/")
    assert muniment("collect", *DAYS, "--json").document["source"] == "trial"
    assert boxes[0].requests.audit_log == 0


@pytest.mark.usefixtures("boxes")
def test_a_key_in_the_environment_does_not_go_to_hosts_that_have_their_own(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", "somebody's")
    assert muniment("collect", *DAYS).code == 0


def test_what_ends_worst_decides_the_exit_code_and_the_others_are_collected_all_the_same(
    muniment: Terminal, make_box: BoxMaker
) -> None:
    box = make_box(days=5, entries=60)
    with raw_server(answers(401, b'{"error":{"code":"no","message":"No."}}')) as server:
        settings(first=(server.url, "k"), second=(box.url, box.keys["AM_VIEW_ONLY"]))
        said = muniment("collect", *DAYS, "--json")
    told = said.document
    assert (said.code, told["complete"], told["source_total"]) == (3, False, None)
    assert told["error"]["code"] == "invalid_api_key"
    assert [each["complete"] for each in told["sources"]] == [False, True]
    assert ["error" in each for each in told["sources"]] == [True, False]


def test_a_source_that_cannot_be_read_outranks_gaps(muniment: Terminal, make_box: BoxMaker) -> None:
    box = make_box(days=5, entries=60)
    honest = box.world.store.search

    def counting_more(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, total=found.total + 2 if found.total else 0)

    box.world.store.search = counting_more  # type: ignore[method-assign] # the world itself tells a lie
    with raw_server(answers(401, b'{"error":{"code":"no","message":"No."}}')) as server:
        settings(gappy=(box.url, box.keys["AM_VIEW_ONLY"]), closed=(server.url, "k"))
        said = muniment("collect", *DAYS, "--json")
    assert said.document["sources"][0]["error"]["code"] == "population_incomplete"
    assert (said.code, said.document["error"]["code"]) == (3, "invalid_api_key")
    assert said.document["gaps"]


@pytest.mark.usefixtures("boxes")
def test_what_is_wrong_with_one_is_found_before_any_is_asked(
    muniment: Terminal, place: Place, boxes: tuple[Box, Box]
) -> None:
    Path("trial.key").unlink()
    said = muniment("collect", *DAYS, "--json")
    assert said.code == 2
    assert "trial.key" in said.error["message"]
    assert boxes[0].requests.audit_log == 0
    assert not place.archive.exists()


def test_two_without_names_on_one_host_are_refused(muniment: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", "k")
    Path("muniment.toml").write_text('[[source]]\nurl = "http://127.0.0.1:9"\n' * 2)
    assert muniment("collect", "--json").error["message"] == "several sources have one name"
