"""`findings`, `dispose`, `receipts`, `recover` and `key change`: the record, read and added to."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.cli.terminal import ORIGIN, PERIOD, Place, Terminal, source_of

from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.sandbox.store import Matches
from muniment.version import __version__

BoxMaker = Callable[..., Box]
DAYS = ("--from", "2026-03-22", "--to", "2026-04-02")


@pytest.fixture
def box(make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch) -> Box:
    made = make_box(days=10, entries=120)
    for name, value in source_of(made).items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def found(box: Box, muniment: Terminal) -> list[str]:
    """Two findings: an entry that changed and one that vanished; their leaves."""
    muniment("collect", *DAYS)
    items = [msgspec.json.decode(item) for item in box.world.audit_log(Query(limit=1000)).items]
    box.world.store.rewrite(items[30]["id"], msgspec.json.encode(items[30] | {"description": "[red]\x1b[2J"}))
    box.world.store.remove(items[60]["id"])
    told = muniment("collect", *DAYS, "--recheck", "full", "--json")
    assert told.code == 11
    return [str(finding["finding"]) for finding in told.document["findings"]]


# -- findings and dispositions


def test_findings_are_listed_with_the_leaf_that_dispose_takes(muniment: Terminal, found: list[str]) -> None:
    listed = muniment("findings", "--json").document
    assert [str(each["finding"]) for each in listed] == found
    assert {each["kind"] for each in listed} == {"content_changed", "vanished"}
    shown = muniment("findings").out
    for each in listed:
        assert f"{each['finding']}  {each['kind']}" in shown
    assert "2 findings without an answer" in shown


def test_long_findings_take_further_lines_of_their_column(
    muniment: Terminal, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = muniment("findings").out.splitlines()[:-1]
    assert max(map(len, lines)) <= 60
    assert len(lines) > 2 + len(found)


def test_an_answer_is_sealed_and_the_finding_is_gone_from_the_list(
    muniment: Terminal, place: Place, found: list[str]
) -> None:
    said = muniment("dispose", found[0], "--reason", "renamed, ticket 12", "--by", "Jane Doe", "--json")
    assert (said.code, set(said.document)) == (0, {"finding", "leaf"})
    leaf = parse_leaf(Archive.open(place.archive).leaf(said.document["leaf"]))
    assert leaf.kind == "disposition"
    assert json.loads(leaf.payload) == {"reason": "renamed, ticket 12", "by": "Jane Doe", "finding": int(found[0])}
    assert [str(each["finding"]) for each in muniment("findings", "--json").document] == found[1:]
    every = {each["finding"]: each["disposition"] for each in muniment("findings", "--all", "--json").document}
    assert every[int(found[1])] is None
    answer = every[int(found[0])]
    assert (answer["by"], answer["reason"], answer["leaf"]) == ("Jane Doe", "renamed, ticket 12", said.document["leaf"])
    shown = " ".join(muniment("findings", "--all").out.split())
    assert "[answered by Jane Doe: renamed, ticket 12]" in shown
    assert muniment("verify", place.archive).code == 0


def test_a_standing_answer_is_for_future_findings_of_its_kind_and_leaves_open_ones_open(
    muniment: Terminal, box: Box, found: list[str]
) -> None:
    said = muniment("dispose", "--standing", "vanished", "--reason", "we purge", "--by", "me", "--json")
    assert (said.code, said.document["finding"], said.document["standing"]) == (0, None, "vanished")
    assert len(muniment("findings", "--json").document) == len(found)
    for finding in found:
        muniment("dispose", finding, "--reason", "x", "--by", "me")
    box.world.store.remove(msgspec.json.decode(box.world.audit_log(Query(offset=60, limit=1)).items[0])["id"])
    said = muniment("collect", *DAYS, "--json")
    assert (said.code, said.document["findings"]) == (0, [])
    every = muniment("findings", "--all", "--json").document
    assert [each["disposition"]["reason"] for each in every] == ["x", "x", "we purge"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "there is no finding nosuch"),
        (["999999"], "there is no finding 999999"),
        (["0"], "there is no finding 0"),
        (["9" * 5000], "there is no finding 9"),
        (["\u0661"], "there is no finding"),
        ([], "name one finding, or a kind with --standing"),
        (["1", "--standing", "twin"], "name one finding, or a kind with --standing"),
        (["--standing", "twni"], "there are no findings of kind twni"),
        (["--standing", "twin", "--by", " "], "an answer needs a reason"),
        (["--standing", "twin", "--reason", ""], "an answer needs a reason"),
    ],
)
def test_an_answer_to_nothing_is_exit_2_and_seals_nothing(
    muniment: Terminal, collected: Place, words: list[str], message: str
) -> None:
    before = Archive.open(collected.archive).size
    said = muniment("dispose", "--reason", "r", "--by", "b", *words, "--json")
    assert said.code == 2
    assert message in said.error["message"]
    assert Archive.open(collected.archive).size == before


@pytest.mark.usefixtures("collected")
def test_without_findings_that_is_said(muniment: Terminal) -> None:
    assert muniment("findings").out == "No findings without an answer.\n"
    assert muniment("findings", "--all").out == "No findings.\n"
    assert muniment("findings", "--json").document == []


# -- receipts


@pytest.mark.usefixtures("at_source")
def test_receipts_are_listed_oldest_first_with_everything_that_was_sealed(muniment: Terminal, collected: Place) -> None:
    muniment("collect", *PERIOD)
    listed = muniment("receipts", "--json").document
    assert [each["leaf"] for each in listed] == sorted(each["leaf"] for each in listed)
    archive = Archive.open(collected.archive)
    for each in listed:
        assert {"run", "phase", "leaf", "from", "to", "complete", "requests", "windows"} <= set(each)
        sealed = json.loads(parse_leaf(archive.leaf(each["leaf"])).payload)
        assert each == {"leaf": each["leaf"], **sealed}
    assert len({each["run"] for each in listed}) == 2
    assert [each["phase"] for each in listed if each["run"] == listed[0]["run"]][0::1][-1] == "closed"


@pytest.mark.usefixtures("at_source")
def test_a_run_is_a_block_that_says_what_was_asked_what_came_and_how_it_reconciles(
    muniment: Terminal, collected: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    muniment("collect", *PERIOD)
    shown = muniment("receipts").out
    assert max(map(len, shown.splitlines())) <= 80
    blocks = shown.strip().split("\n\n")
    assert len(blocks) == 2
    first = " ".join(blocks[0].split())
    assert "✓ complete" in first
    assert "asked for 2026-03-20 to 2026-04-02 of account-manager@127.0.0.1" in first
    assert f"muniment {__version__}" in first
    assert "14 windows, 171 rows: 14 in one answer" in first
    assert "all agree" in first
    assert "nothing differed, no window was read" in blocks[1]
    assert collected.archive.exists()


def test_one_run_is_shown_with_the_exact_addresses_rows_totals_methods_and_clock(
    muniment: Terminal, collected: Place, at_source: Box
) -> None:
    run = muniment("receipts", "--json").document[0]["run"]
    shown = muniment("receipts", "--run", run).out
    assert f"run {run}" in shown
    assert f"{at_source.url}/account/api/v1/audit-log?from=2026-03-23&to=2026-03-23&sort=timestamp:asc" in shown
    assert "control   2026-03-20 to 2026-04-02 by status: sum 171 of 171 (SUCCESS" in shown
    assert "clock     the source's is " in shown
    assert "key       tag " in shown
    assert re.search(r"\n {4}leaves \d+ to \d+\n", shown)
    windows = [window for each in muniment("receipts", "--json").document for window in each["windows"]]
    for window in windows:
        assert window["url"] in shown
        assert f"{window['from']}: {window['rows']} row" in shown
    assert len(shown.split("\nrun ")) == 1
    assert collected.archive.exists()


def test_a_run_with_gaps_shows_them_the_parts_that_were_read_and_what_does_not_add_up(
    muniment: Terminal, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = box.world.store.search

    def counting_more(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, total=found.total + 2 if found.total else 0)

    box.world.store.search = counting_more  # type: ignore[method-assign] # the world itself tells a lie
    assert muniment("collect", "--to", "2026-04-01").code == 4
    monkeypatch.setenv("COLUMNS", "80")
    blocks = muniment("receipts").out
    assert "✗ not complete" in blocks
    assert "✗ gap 2026-03-22: expected " in blocks
    assert "do not agree" in blocks
    assert max(map(len, blocks.splitlines())) <= 80
    (last,) = {each["run"] for each in muniment("receipts", "--json").document}
    shown = muniment("receipts", "--run", last).out
    assert "not complete, " in shown
    assert "control   2026-03-22 to 2026-04-01 by status: sum " in shown


def test_the_parts_that_a_window_was_split_into_stand_below_it(muniment: Terminal, box: Box) -> None:
    honest = box.world.store.search

    def serving_five(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, items=[] if query.offset else found.items[:5])

    box.world.store.search = serving_five  # type: ignore[method-assign] # the world itself does
    muniment("collect", "--from", "2026-03-31", "--to", "2026-03-31")
    (run,) = {each["run"] for each in muniment("receipts", "--json").document}
    shown = muniment("receipts", "--run", run).out
    assert re.search(r"\n {2}2026-03-31: \d+ rows", shown)
    assert re.search(r"\n {4}2026-03-31 resource_types=[\w,]+: \d+ rows?, ", shown)
    assert re.search(r"\n {6}http://.*resource_types=[\w,]+", shown)


@pytest.mark.usefixtures("box")
def test_a_run_over_everything_says_how_the_whole_adds_up(muniment: Terminal) -> None:
    assert muniment("collect").code == 0
    assert muniment("collect", "--accept-scope", "--recheck", "full").code == 0
    first, second = dict.fromkeys(each["run"] for each in muniment("receipts", "--json").document)
    shown = muniment("receipts", "--run", first).out
    assert "whole     120 without dates: closed days 120, open days 0, outside any day 0" in shown
    again = muniment("receipts", "--run", second).out
    assert "accepted as seeing less" in again
    assert "asked for the first entry to today (recheck full, accept scope) of " in again


@pytest.mark.usefixtures("collected")
def test_a_run_that_is_not_there_is_exit_2(muniment: Terminal) -> None:
    assert muniment("receipts", "--run", "nosuch", "--json").error == {
        "code": "bad_input",
        "message": "there is no run nosuch",
        "hint": "`muniment receipts` lists them.",
    }


def test_an_archive_without_receipts_says_so(muniment: Terminal) -> None:
    muniment("init")
    assert muniment("receipts").out == "No receipts: nothing was collected yet.\n"
    assert muniment("receipts", "--json").document == []


# -- recover and key change


def put_back_older_copy(place: Place, muniment: Terminal) -> None:
    older = shutil.copytree(place.archive, place.folder / "older")
    assert muniment("collect", *PERIOD).code == 0
    shutil.rmtree(place.archive)
    shutil.move(older, place.archive)
    assert muniment("collect", *PERIOD).code == 1


@pytest.mark.usefixtures("at_source")
def test_recover_says_what_happened_in_a_leaf_and_the_archive_goes_on(muniment: Terminal, collected: Place) -> None:
    put_back_older_copy(collected, muniment)
    said = muniment("recover", "--reason", "restored from backup", "--json")
    assert (said.code, set(said.document)) == (0, {"tree_size", "root", "leaf"})
    leaf = parse_leaf(Archive.open(collected.archive).leaf(said.document["leaf"]))
    assert leaf.kind == "recovery"
    assert json.loads(leaf.payload)["reason"] == "restored from backup"
    assert muniment("collect", *PERIOD).code == 0
    assert muniment("verify", collected.archive).code == 0


@pytest.mark.usefixtures("at_source")
def test_recover_with_a_lost_key_goes_on_under_a_new_one(muniment: Terminal, collected: Place) -> None:
    (old,) = collected.key_files()
    before = Archive.open(collected.archive).verifier.vkey
    old.unlink()
    said = muniment("recover", "--lost-key", "--reason", "the laptop burnt", "--json")
    assert (said.code, set(said.document)) == (0, {"tree_size", "root", "leaf", "vkey", "key_file"})
    assert Path(said.document["key_file"]) == collected.key_files()[0]
    assert said.document["vkey"] in said.err
    assert said.document["vkey"].startswith(f"{ORIGIN}+")
    assert muniment("collect", *PERIOD).code == 0
    assert muniment("verify", collected.archive, "--vkey", said.document["vkey"]).code == 0
    assert muniment("verify", collected.archive, "--vkey", before).code == 10


@pytest.mark.parametrize("words", [(), ("--lost-key",)])
def test_there_is_nothing_to_recover_from_where_all_is_well(
    muniment: Terminal, collected: Place, words: tuple[str, ...]
) -> None:
    before = collected.contents()
    said = muniment("recover", "--reason", "just so", *words, "--json")
    assert (said.code, said.error["code"]) == (1, "archive_error")
    assert sorted(before.split(b"\n")) == sorted(collected.contents().split(b"\n"))


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("reason", ["", " "])
def test_recover_needs_a_reason(muniment: Terminal, reason: str) -> None:
    assert muniment("recover", "--reason", reason, "--json").error["code"] == "bad_input"


@pytest.mark.usefixtures("at_source")
def test_key_change_announces_a_new_key_that_the_old_one_vouches_for(muniment: Terminal, collected: Place) -> None:
    before = Archive.open(collected.archive).verifier.vkey
    said = muniment("key", "change", "--json")
    assert said.code == 0
    assert {"tree_size", "root", "vkey", "key_file"} <= set(said.document)
    assert Path(said.document["key_file"]).stat().st_mode & 0o777 == 0o600
    assert len(collected.key_files()) == 2
    for vkey in (before, said.document["vkey"]):
        assert muniment("verify", collected.archive, "--vkey", vkey).code == 0
    assert muniment("collect", *PERIOD).code == 0
    opened = Archive.open(collected.archive)
    assert said.document["tree_size"] <= opened.size
    assert parse_leaf(opened.leaf(said.document["leaf"])).kind == "key"
