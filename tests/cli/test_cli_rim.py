"""What holds for every command: exit codes, one document, words, no traceback."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.terminal import PROGRAM, Place, Terminal

from muniment.cli.main import COMMANDS
from muniment.version import __version__

USAGE = [
    (),
    ("frobnicate",),
    ("status", "--frobnicate"),
    ("status", "extra"),
    ("key",),
    ("key", "frobnicate"),
    ("completion", "cmd.exe"),
    ("recover",),
    ("dispose", "1", "--reason", "x"),
    ("collect", "--recheck", "some"),
    ("collect", "--max-rate", "fast"),
    ("users", "--at", "2026-3-1"),
    ("users", "--at", "2026-02-30"),
]


@pytest.mark.parametrize("words", USAGE)
def test_a_usage_error_is_exit_2_in_words(muniment: Terminal, words: tuple[str, ...]) -> None:
    said = muniment(*words)
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    assert said.err.startswith(("error: ", "Usage: "))


@pytest.mark.parametrize("words", [words for words in USAGE if words not in ((), ("key",))])
def test_a_usage_error_with_json_is_exactly_one_document(muniment: Terminal, words: tuple[str, ...]) -> None:
    said = muniment(*words, "--json")
    assert said.code == 2
    assert said.error["code"] == "bad_input"
    assert set(said.document) == {"error"}


def test_an_unknown_command_is_named_and_the_help_pointed_to(muniment: Terminal) -> None:
    said = muniment("colect", "--json")
    assert said.error["message"].startswith("No such command 'colect'")
    assert said.error["hint"] == "See `muniment --help`."


def test_a_missing_option_is_named_and_the_commands_help_pointed_to(muniment: Terminal) -> None:
    assert muniment("recover", "--json").error == {
        "code": "bad_input",
        "message": "Missing option '--reason'",
        "hint": "See `muniment recover --help`.",
    }


def test_without_a_command_the_help_is_shown_with_exit_2(muniment: Terminal) -> None:
    said = muniment()
    assert "Start here:" in said.err
    assert said.out == ""


def test_the_version_is_told(muniment: Terminal) -> None:
    said = muniment("--version")
    assert (said.code, said.out) == (0, f"muniment {__version__}\n")


@pytest.mark.parametrize("command", [*COMMANDS, "key change"])
def test_each_help_page_has_an_example_and_fits_80_columns(muniment: Terminal, command: str) -> None:
    said = muniment(*command.split(), "--help")
    assert said.code == 0
    assert "Example" in said.out or command == "key"
    assert f"Usage: muniment {command}" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_commands_are_listed_in_the_order_that_people_meet_them(muniment: Terminal) -> None:
    listed = [line.split()[0] for line in muniment("--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


def test_the_help_imports_nothing_heavy(place: Place) -> None:
    show = "import sys; from muniment.cli.main import run; run(['--help']); print(*sys.modules)"
    out = subprocess.run([PROGRAM[0], "-c", show], check=True, capture_output=True, text=True, cwd=place.work).stdout
    loaded = set(out.split("\n")[-2].split())
    assert "click" in loaded
    assert not loaded & {
        "pyarrow",
        "duckdb",
        "numpy",
        "cryptography",
        "starlette",
        "uvicorn",
        "rich",
        "urllib3",
        "msgspec",
    }


def test_minus_vv_shows_how_an_error_came_about_and_the_document_stays_one(muniment: Terminal, place: Place) -> None:
    place.archive.write_text("no archive")
    said = muniment("collect", "--api-key-file", "nosuch", "--url", "http://127.0.0.1:9", "-vv", "--json")
    assert said.code == 2
    assert "Traceback" in said.err
    assert "FileNotFoundError" in said.err
    assert said.document["error"]["message"] == "the key file nosuch cannot be read: No such file or directory"


def test_a_reader_that_goes_away_is_no_traceback(collected: Place) -> None:
    with collected.program("users", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(30) == 1
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_disk_that_is_full_for_the_output_is_said(collected: Place) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full to write to")
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*PROGRAM, "users", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=collected.work,
            env=os.environ | collected.environment(),
        )
    assert ran.returncode == 1
    assert "error: No space left on device" in ran.stderr


def test_a_name_that_is_no_utf_8_is_shown_as_escapes_and_the_document_stays_json(place: Place) -> None:
    said = place.call("status", "--json", "--archive", os.fsdecode(b"gone\xff"))
    assert said.code == 1
    assert json.loads(said.out)["error"]["message"].endswith("gone\udcff")
    assert r"gone\udcff" in said.err


def test_control_characters_in_what_a_user_gives_are_made_visible(muniment: Terminal) -> None:
    said = muniment("status", "--archive", "gone\x1b[2J\u202etxt")
    assert r"gone\u001b[2J\u202etxt" in said.err
    assert "\x1b" not in said.err


@pytest.mark.parametrize("command", ["status", "users", "accounts", "findings", "receipts", "entries"])
def test_looking_without_an_archive_is_exit_1(muniment: Terminal, place: Place, command: str) -> None:
    said = muniment(command, "--json")
    assert (said.code, said.error["code"]) == (1, "no_archive")
    assert not place.archive.exists()


@pytest.mark.parametrize("command", ["status", "users", "accounts", "findings", "receipts", "entries"])
def test_looking_writes_nothing_into_the_archive(muniment: Terminal, collected: Place, command: str) -> None:
    def state() -> list[tuple[str, int, bytes]]:
        files = (file for file in sorted(collected.archive.rglob("*")) if file.is_file())
        return [(str(file), file.stat().st_mtime_ns, file.read_bytes()) for file in files]

    before = state()
    assert muniment(command).code == 0
    assert state() == before


def test_a_bug_shows_its_traceback_and_the_document_all_the_same(muniment: Terminal) -> None:
    said = muniment("status", "--archive", "no shell\0passes this", "--json")
    assert said.code == 1
    assert said.document["error"]["code"] == "bug"
    assert "ValueError: embedded null byte" in said.err
    assert "Traceback" in said.err
