"""``muniment verify``: what it prints, where, and the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.evidence.world import ORIGIN, World, collect, fill, flipped, found, writing

from muniment.archive.recovery import recover
from muniment.cli.main import run
from muniment.merkle.note import Signer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = found(tmp_path_factory.mktemp("verify"))
    fill(world)
    return world


@pytest.fixture(autouse=True)
def home(made: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUNIMENT_HOME", str(made.path / "home"))
    monkeypatch.chdir(tmp_path)


def document(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[dict[str, Any], str]:
    """The one document that a call prints, and its words on stderr."""
    assert run(["verify", *words, "--json"]) == code
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    return json.loads(out), err


def test_a_sound_archive_is_exit_0_and_says_so_in_one_document(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    said, err = document(capsys, str(made.archive))
    assert (said["ok"], said["kind"], said["trust"], said["problems"]) == (True, "archive", "home-key", [])
    assert said["leaves"] == said["tree_size"] == 747
    assert err == ""


def test_without_a_home_signatures_are_skipped(
    made: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "nobody"))
    said, _ = document(capsys, str(made.archive))
    assert said["trust"] == "none"
    assert {check["result"] for check in said["checks"] if check["check"] == "signature"} == {"skipped"}
    said, _ = document(capsys, str(made.archive), "--trust-enclosed-key")
    assert said["trust"] == "enclosed-key"


def test_a_damaged_archive_is_exit_10_with_the_document_and_words_beside_it(
    made: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with made.harmed("tile/0/000", lambda data: flipped(data, 9)):
        said, err = document(capsys, str(made.archive), code=10)
    assert said["ok"] is False
    assert "error" not in said
    assert [problem["file"] for problem in said["problems"]] == ["tile/0/000"]
    assert "leaf" not in said["problems"][0]
    assert "NOT VERIFIED" in err
    assert "tile/0/000" in err


def test_a_damaged_leaf_is_named_by_its_index(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = made.segments()[4]
    with made.harmed(path, lambda data: flipped(data, 1000)):
        said, _ = document(capsys, str(made.archive), code=10)
    assert {problem["file"] for problem in said["problems"]} == {path}


def test_the_key_is_taken_as_text_or_from_a_file(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    vkey = made.open().verifier.vkey
    for name, text in {"plain": f"{vkey}\n", "many": f"# ours\n\n{Signer(ORIGIN, bytes(32)).vkey}\r\n {vkey} "}.items():
        Path(name).write_text(text)
        said, _ = document(capsys, str(made.archive), "--vkey", name)
        assert said["trust"] == "given-key"
    assert document(capsys, str(made.archive), "--vkey", vkey)[0]["trust"] == "given-key"
    assert document(capsys, str(made.archive), "--vkey", f" {vkey}\n")[0]["trust"] == "given-key"


def test_a_wrong_key_is_exit_10_and_said(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    stranger = Signer(ORIGIN, b"\3" * 32).vkey
    said, err = document(capsys, str(made.archive), "--vkey", stranger, code=10)
    assert said["problems"][0]["file"] == "checkpoint"
    assert "none of the archive's keys" in " ".join(err.split())


def test_a_key_from_before_a_lost_one_is_exit_10_and_told_why(
    made: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world = made.copy(tmp_path / "copy")
    before = world.open().verifier
    world.home.key_file(before).unlink()
    with writing(world) as writer:
        recover(writer, "stolen", lost_key=True)
    _, err = document(capsys, str(world.archive), "--vkey", before.vkey, code=10)
    assert "ask out of band for the new vkey" in " ".join(err.split())


def test_checkpoints_noted_earlier_are_compared(
    made: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world = made.copy(tmp_path / "copy")
    old = Path("old")
    old.write_bytes((world.archive / "checkpoint").read_bytes())
    with writing(world) as writer:
        collect(writer, 5000, 3)
    new = Path("new")
    new.write_bytes((world.archive / "checkpoint").read_bytes())
    assert document(capsys, str(world.archive), "--checkpoint", "old", "--checkpoint", "new")[0]["ok"]
    said, _ = document(capsys, str(made.archive), "--checkpoint", "old", "--checkpoint", "new", code=10)
    assert [problem["file"] for problem in said["problems"]] == ["new"]


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch"],
        ["."],
        ["file"],
        ["bag"],
        ["{archive}", "--vkey", "nosuch"],
        ["{archive}", "--vkey", "file"],
        ["{archive}", "--vkey", "empty"],
        ["{archive}", "--vkey", "bag"],
        ["{archive}", "--checkpoint", "nosuch"],
        ["{archive}", "--checkpoint", "bag"],
        ["{archive}", "--tsa-ca", "nosuch"],
        ["{archive}", "--frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_bad_input_is_exit_2_with_an_error_document(
    made: World, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    Path("file").write_text("x")
    Path("empty").write_text("")
    Path("bag").mkdir()
    Path("bag/bagit.txt").write_text("BagIt-Version: 1.0\n")
    said, err = document(capsys, *(word.format(archive=made.archive) for word in words), code=2)
    assert set(said) == {"error"}
    assert {"code", "message", "hint"} <= set(said["error"])
    assert err.startswith("error: ")


def test_roots_for_time_stamps_are_taken_and_said_to_be_for_nothing_yet(
    made: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("roots.pem").write_text("x")
    said, _ = document(capsys, str(made.archive), "--tsa-ca", "roots.pem")
    assert "--tsa-ca had nothing to check" in said["checks"][-1]["why"]


def human(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a person sees."""
    assert run(["verify", *words]) == code
    return capsys.readouterr().out


def test_a_person_sees_numbered_steps_a_sentence_and_what_is_not_shown(
    made: World, capsys: pytest.CaptureFixture[str]
) -> None:
    out = human(capsys, str(made.archive))
    lines = out.splitlines()
    assert max(len(line) for line in lines[1:]) <= 80
    for number, step in ((1, "files"), (12, "signature"), (17, "anchors")):
        assert any(f"{number:2} {step}" in line for line in lines)
    assert "VERIFIED: 747 leaves are as sealed" in out
    assert "self-asserted" in out
    assert "does not show" in lines[-3]


def test_without_a_key_a_person_is_told_that_nobody_vouches(
    made: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "nobody"))
    out = human(capsys, str(made.archive))
    assert "BY WHOM UNKNOWN" in out
    assert "\nVERIFIED" not in out


def test_many_problems_are_cut_for_a_person_and_shown_with_v(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = made.segments()[4]
    other = (made.archive / made.segments()[3]).read_bytes()
    with made.harmed(path, lambda _: other):
        short, long = human(capsys, str(made.archive), code=10), human(capsys, str(made.archive), "-v", code=10)
    assert "more: --json has them all" in short
    assert "more: --json has them all" not in long
    assert "lock/commit" in long
    assert len(long.splitlines()) > len(short.splitlines())


def test_a_name_cannot_dress_up_a_line(made: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    world = made.copy(tmp_path / "copy")
    (world.archive / "tile/\x1b[32m\u202e").write_bytes(b"")
    out = human(capsys, str(world.archive), code=10)
    assert "\x1b[32m\u202e" not in out
    assert "\\u001b[32m\\u202e" in out


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--help"]) == 0
    assert "muniment verify muniment-archive" in capsys.readouterr().out
