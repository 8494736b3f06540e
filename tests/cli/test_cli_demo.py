"""`muniment demo`: the main job from end to end, and nothing left elsewhere."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.terminal import PROGRAM, Place, Said, Terminal

STEPS = ["collect", "status --days", "verify muniment-archive", "verify changed-copy"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Place]:
    """One demo, with the words of a person's terminal."""
    place = Place(tmp_path_factory.mktemp("demo"))
    place.work.mkdir()
    began = time.monotonic()
    said = place.call(
        "demo", MUNIMENT_URL="http://127.0.0.1:9", MUNIMENT_API_KEY="mine", http_proxy="http://127.0.0.1:9"
    )
    assert time.monotonic() - began < 30
    return said, place


def test_it_tells_each_step_with_the_command_as_a_user_would_type_it(shown: tuple[Said, Place]) -> None:
    said, _ = shown
    assert (said.code, said.err) == (0, "")
    typed = [line.removeprefix("  $ ") for line in said.out.splitlines() if line.startswith("  $ ")]
    places = [typed.index(f"muniment {step}") for step in STEPS]
    assert places == sorted(places)
    assert typed.count("muniment collect") == 3, "everything, what was late, and one's own at the end"


def test_it_finds_exactly_the_late_entries_and_the_changed_byte(shown: tuple[Said, Place]) -> None:
    said, _ = shown
    words = said.out.replace("\n", " ")
    assert "Complete: 6\u202f000 of 6\u202f000 entries, 6\u202f000 new" in words
    assert "Complete: 6\u202f006 of 6\u202f006 entries, 6 new" in words
    assert "These are exactly the 6" in words
    assert "VERIFIED" in words
    assert "NOT VERIFIED" in words


def test_its_own_lines_fit_80_columns(shown: tuple[Said, Place]) -> None:
    said, place = shown
    assert not [line for line in said.out.splitlines() if len(line) > 80 and str(place.folder) not in line]


def test_it_says_what_is_not_there_yet_and_what_to_try_next(shown: tuple[Said, Place]) -> None:
    end = shown[0].out.partition("What to try next")[2]
    assert "Reports for auditors and packages to hand over are not there yet" in " ".join(end.split())
    assert "muniment entries" in end
    assert "export MUNIMENT_URL=https://one.digicert.com" in end


def test_it_leaves_nothing_anywhere_else(shown: tuple[Said, Place]) -> None:
    _, place = shown
    made = {path.name for path in place.folder.iterdir()}
    assert made == {"work"}
    assert [path.name for path in place.work.iterdir()] == ["muniment-demo"]


def test_what_it_says_to_try_next_works(shown: tuple[Said, Place]) -> None:
    _, place = shown
    shell = "cd muniment-demo && . ./environment.sh && exec python -c 'from muniment.cli.main import main; main()' "
    env = {"PATH": f"{Path(PROGRAM[0]).parent}:/usr/bin:/bin"}
    for command in ("entries --action LOGIN_ERROR --sort timestamp:desc", "users", "receipts", "status"):
        ran = subprocess.run(
            ["sh", "-c", shell + command], check=False, capture_output=True, text=True, cwd=place.work, env=env
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout


def test_with_json_it_is_one_document_and_the_story_goes_to_stderr(muniment: Terminal, place: Place) -> None:
    environ = dict(os.environ)
    said = muniment("demo", "--out", "here", "--json")
    assert said.code == 0
    assert dict(os.environ) == environ
    told = said.document
    assert (told["archive"], told["report"], told["package"]) == ("here/muniment-archive", None, None)
    assert (told["collected"], told["late"], told["found_late"]) == (6_000, 6, 6)
    assert told["verified"]
    assert told["change_found"]
    assert "1. A DigiCert ONE to try things on" in said.err
    assert (place.work / "here" / "muniment-archive" / "checkpoint").exists()
    assert not place.home.exists()
    assert Path.cwd() == place.work


def test_a_folder_that_is_not_empty_is_refused_and_a_default_one_gets_a_number(
    muniment: Terminal, place: Place
) -> None:
    taken = place.work / "muniment-demo"
    taken.mkdir()
    (taken / "letter").write_text("dear")
    (place.work / "file").write_text("")
    for out in ("muniment-demo", "file"):
        said = muniment("demo", "--out", out, "--json")
        assert (said.code, said.error["message"]) == (2, f"--out {out} is not an empty folder")
    (place.work / "muniment-demo-2").mkdir()
    said = muniment("demo", "--json")
    assert said.document["archive"] == "muniment-demo-2/muniment-archive"
    assert [file.name for file in taken.iterdir()] == ["letter"]


def test_ctrl_c_ends_it_with_130(place: Place) -> None:
    with place.program("demo", "--json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.match(r"  \$ muniment collect", line):
                break
        process.send_signal(2)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert '"interrupted"' in out
    assert "Traceback" not in err
