"""`muniment doctor`: what it prints, where, and the exit code."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.terminal import Place, Said, Terminal, source_of

from muniment.doctor.examinations.catalogue import EXAMINATIONS
from muniment.sandbox.server import Box

RESULTS = {"pass", "differs", "fail", "skipped"}
MACHINE = ["archive", "signing-key", "last-signed", "same-key", "disk", "versions"]


def checks_of(said: Said) -> dict[str, dict[str, str]]:
    document = said.document
    assert {"ok", "checks", "url", "requests", "seconds"} <= document.keys()
    for check in document["checks"]:
        assert {"check", "result", "why", "hint"} <= check.keys()
        assert check["result"] in RESULTS
        assert check["why"]
        assert check["hint"] or check["result"] == "pass"
    return {check["check"]: check for check in document["checks"]}


@pytest.mark.usefixtures("at_source", "collected")
def test_one_document_with_a_check_for_everything(muniment: Terminal) -> None:
    said = muniment("doctor", "--json")
    assert (said.code, said.err) == (0, "")
    checks = checks_of(said)
    assert said.document["ok"] is True
    assert {name for name, *_ in EXAMINATIONS} | set(MACHINE) <= checks.keys()
    unlike = {name: check["result"] for name, check in checks.items() if check["result"] != "pass"}
    assert unlike.keys() <= {"tls", "zone", "ties"}  # 1,200 entries in 90 days: some things do not show in so few
    assert set(unlike.values()) == {"skipped"}


@pytest.mark.usefixtures("at_source")
def test_nothing_is_written_anywhere(muniment: Terminal, collected: Place) -> None:
    before = everything(collected.folder)
    for words in (["doctor"], ["doctor", "--json"], ["doctor", "-v"]):
        assert muniment(*words).code == 0
    assert everything(collected.folder) == before


@pytest.mark.usefixtures("at_source")
def test_nothing_is_made_where_there_is_no_archive(muniment: Terminal, place: Place) -> None:
    said = muniment("doctor", "--json")
    checks = checks_of(said)
    assert said.code == 0
    assert [checks[name]["result"] for name in MACHINE[:4]] == ["skipped"] * 4
    assert "collect" in checks["archive"]["hint"]
    assert list(place.folder.iterdir()) == [place.work]


@pytest.mark.usefixtures("at_source", "collected")
@pytest.mark.parametrize("words", [["doctor"], ["doctor", "-v"], ["doctor", "-vv", "--json"]])
@pytest.mark.parametrize("key", ["AM_VIEW_ONLY", "a-key-of-another-host", "none"])
def test_the_key_is_never_printed(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, shared_box: Box, words: list[str], key: str
) -> None:
    secret = source_of(shared_box, key)["MUNIMENT_API_KEY"]
    monkeypatch.setenv("MUNIMENT_API_KEY", secret)
    said = muniment(*words)
    assert secret not in said.out + said.err


@pytest.mark.usefixtures("at_source", "collected")
@pytest.mark.parametrize("fault", ["", "cap=50", "total-high", "wrong-host", "odd-items", "deep-offset"])
def test_it_fits_80_columns(
    muniment: Terminal, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    box = make_box(days=20, faults=[fault] if fault else [])
    monkeypatch.setenv("MUNIMENT_URL", box.url)
    said = muniment("doctor")
    assert max(map(len, said.out.splitlines())) <= 80
    assert "docs/assumptions.md" in said.out


@pytest.mark.usefixtures("at_source", "collected")
def test_words_are_signs_and_steps_as_verify_has_them(muniment: Terminal) -> None:
    said = muniment("doctor")
    assert said.err == ""
    assert re.search(r"^✓  1 proxy        pass    ", said.out, re.MULTILINE)
    assert re.search(r"^– +\d+ tls          skipped ", said.out, re.MULTILINE)  # noqa: RUF001 - the sign is an en dash
    assert "\nREADY: nothing stands in the way of a complete collection. " in said.out


def test_where_the_locale_is_c_it_is_ascii(place: Place, shared_box: Box) -> None:
    said = place.call("doctor", LC_ALL="C", **source_of(shared_box))
    assert said.code == 0
    assert said.out.isascii()
    assert "OK  1 proxy" in said.out


# ---- what is missing


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("missing", ["MUNIMENT_URL", "MUNIMENT_API_KEY"])
def test_without_an_address_or_a_key_it_says_which_and_looks_at_the_rest(
    muniment: Terminal, at_source: Box, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    before = at_source.requests.audit_log
    monkeypatch.delenv(missing)
    said = muniment("doctor", "--json")
    checks = checks_of(said)
    assert said.code == 2
    assert said.error["code"] == "bad_input"
    assert checks["settings"]["result"] == "fail"
    assert missing in checks["settings"]["hint"]
    assert {checks[name]["result"] for name, *_ in EXAMINATIONS} == {"skipped"}
    assert {checks[name]["result"] for name in MACHINE if name != "same-key"} == {"pass"}
    assert at_source.requests.audit_log == before


@pytest.mark.usefixtures("at_source")
def test_an_address_with_a_password_is_not_shown(muniment: Terminal) -> None:
    said = muniment("doctor", "--json", "--url", "https://jane:hunter2@one.digicert.com")
    assert (said.code, said.document["url"]) == (2, None)
    assert "hunter2" not in said.out + said.err


@pytest.mark.usefixtures("at_source")
def test_of_several_sources_one_has_to_be_named(muniment: Terminal, place: Place, shared_box: Box) -> None:
    tables = [f'[[source]]\nname = "{name}"\nurl = "{shared_box.url}"\n' for name in ("here", "there")]
    (place.work / "muniment.toml").write_text("\n".join(tables))
    said = muniment("doctor", "--json")
    assert said.code == 2
    assert "here, there" in said.error["message"]
    assert muniment("doctor", "--json", "--source", "there").code == 0


# ---- a source that cannot be read


@pytest.mark.usefixtures("at_source", "collected")
def test_a_source_that_is_down_is_said_soon_and_in_one_place(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_URL", "http://127.0.0.1:9")
    began = time.monotonic()
    said = muniment("doctor", "--json")
    assert time.monotonic() - began < 5
    checks = checks_of(said)
    assert said.code == 3
    assert "refused" in said.error["message"]
    assert checks["network"]["result"] == "fail"
    assert {checks[name]["result"] for name, *_ in EXAMINATIONS} == {"skipped"}
    words = muniment("doctor")
    assert words.out.count("the source could not be asked") == 2  # the role, and all others in one line
    assert "NOT READY: network stands in the way" in words.out


@pytest.mark.usefixtures("at_source")
@pytest.mark.parametrize(("key", "failed"), [("a-key-of-another-host", "key"), ("none", "role")])
def test_a_key_that_is_not_known_and_one_without_a_role_are_told_apart(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, shared_box: Box, key: str, failed: str
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", source_of(shared_box, key)["MUNIMENT_API_KEY"])
    said = muniment("doctor", "--json")
    checks = checks_of(said)
    assert said.code == 3
    assert said.error["code"] == "source_unreadable"
    assert [name for name, check in checks.items() if check["result"] == "fail"] == [failed]
    assert checks["network"]["result"] == "pass"


@pytest.mark.usefixtures("at_source")
def test_totals_that_cannot_be_relied_on_are_exit_4(
    muniment: Terminal, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_URL", make_box(days=20, faults=["total-high"]).url)
    said = muniment("doctor", "--json")
    assert (said.code, said.error["code"]) == (4, "population_incomplete")
    assert said.document["ok"] is False
    assert checks_of(said)["sums"]["result"] == "differs"


@pytest.mark.usefixtures("at_source")
@pytest.mark.parametrize(
    "fault",
    [
        "",
        "to-exclusive",
        "zone",
        "limit-refused",
        "offset-ignored",
        "cap=100",
        "total-high",
        "items-type",
        "deep-offset",
    ],
)
def test_it_ends_as_a_collection_would(
    muniment: Terminal, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    codes = []
    for command in ("doctor", "collect"):
        box = make_box(days=8, entries=1100, faults=[fault] if fault else [])
        monkeypatch.setenv("MUNIMENT_URL", box.url)
        codes.append(muniment(command).code)
    assert codes[0] == codes[1]


# ---- this machine


@pytest.mark.usefixtures("at_source")
def test_a_damaged_archive_is_exit_10(muniment: Terminal, collected: Place) -> None:
    checkpoint = collected.archive / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n", b"\n0", 1))
    said = muniment("doctor", "--json")
    assert (said.code, said.error["code"]) == (10, "does_not_verify")
    assert checks_of(said)["archive"]["result"] == "fail"


@pytest.mark.usefixtures("at_source")
def test_a_folder_that_is_no_archive_is_exit_1(muniment: Terminal, place: Place) -> None:
    place.archive.mkdir()
    (place.archive / "notes.txt").write_text("mine")
    said = muniment("doctor", "--json")
    assert said.code == 1
    assert "something else" in checks_of(said)["archive"]["why"]


@pytest.mark.usefixtures("at_source", "collected")
def test_another_key_than_the_one_that_collected_last_is_said(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, shared_box: Box
) -> None:
    url = shared_box.url.removeprefix("http://")
    assert checks_of(muniment("doctor", "--json", "--source", f"account-manager@{url}"))["same-key"]["result"] == "pass"
    assert checks_of(muniment("doctor", "--json", "--source", "another"))["same-key"]["result"] == "skipped"
    monkeypatch.setenv("MUNIMENT_API_KEY", shared_box.keys["AM_USER_MANAGER"])
    said = muniment("doctor", "--json")
    assert said.code == 0
    assert checks_of(said)["same-key"]["result"] == "differs"
    assert "--accept-scope" in checks_of(said)["same-key"]["hint"]


@pytest.mark.usefixtures("at_source")
def test_a_signing_key_that_is_gone_is_exit_1_with_recover_as_the_hint(muniment: Terminal, collected: Place) -> None:
    collected.key_files()[0].unlink()
    said = muniment("doctor", "--json")
    assert said.code == 1
    assert checks_of(said)["signing-key"]["result"] == "fail"
    assert "recover --lost-key" in said.error["hint"]


def everything(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Path to content, time of change and mode, of files and folders."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def test_its_help_shows_examples_and_says_what_a_query_that_finds_nothing_may_lack(muniment: Terminal) -> None:
    said = muniment("doctor", "--help")
    assert said.code == 0
    assert "Examples:" in said.out
    assert "muniment doctor --json | jq" in said.out
    assert "finds nothing" in said.out
