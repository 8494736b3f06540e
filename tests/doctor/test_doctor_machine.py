"""This machine: what is looked at, and that nothing of it is changed."""

import shutil
from pathlib import Path

import pytest
from tests.evidence.world import World, collect, fill, found, writing

from muniment.archive.home import Home
from muniment.doctor import machine
from muniment.doctor.examinations.exam import Finding
from muniment.doctor.machine import check_machine

MIB = 1 << 20


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = found(tmp_path)
    fill(made)
    return made


def findings(path: Path, home: Path) -> dict[str, Finding]:
    return {check.name: check.finding for check in check_machine(path, Home(home)) if check.name != "same-key"}


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_sound_archive_passes_and_stays_as_it_is(world: World) -> None:
    before = everything(world.path)
    seen = findings(world.archive, world.path / "home")
    assert {finding.result for finding in seen.values()} == {"pass"}
    assert everything(world.path) == before


def test_a_signing_key_that_others_may_read_differs(world: World) -> None:
    (file,) = (world.path / "home" / "keys").iterdir()
    file.chmod(0o644)
    seen = findings(world.archive, world.path / "home")
    assert seen["signing-key"].result == "differs"
    assert "chmod 600" in seen["signing-key"].hint


def test_a_signing_key_that_is_another_fails_without_showing_it(world: World) -> None:
    (file,) = (world.path / "home" / "keys").iterdir()
    text = file.read_text()
    file.write_text(text[:-5])
    seen = findings(world.archive, world.path / "home")
    assert (seen["signing-key"].result, seen["signing-key"].exit_code) == ("fail", 1)
    assert text[-40:-5] not in str(seen)


def test_an_older_copy_that_was_put_back_fails_with_recover_as_the_hint(world: World) -> None:
    older = world.path / "older"
    shutil.copytree(world.archive, older)
    with writing(world) as writer:
        collect(writer, 5000, 20)
    seen = findings(older, world.path / "home")
    assert seen["archive"].result == "pass"
    assert (seen["last-signed"].result, seen["last-signed"].exit_code) == ("fail", 1)
    assert "older copy" in seen["last-signed"].why
    assert "recover" in seen["last-signed"].hint


def test_a_commit_that_was_signed_but_not_published_is_no_failure_and_is_not_published_here(world: World) -> None:
    checkpoint = world.archive / "checkpoint"
    older = checkpoint.read_bytes()
    with writing(world, grace_s=1e9) as writer:
        collect(writer, 5000, 20)
    checkpoint.write_bytes(older)
    seen = findings(world.archive, world.path / "home")
    assert seen["last-signed"].result == "pass"
    assert "not published" in seen["last-signed"].why
    assert checkpoint.read_bytes() == older


def test_what_was_never_signed_here_is_skipped(world: World) -> None:
    shutil.rmtree(world.path / "home" / "signed")
    assert findings(world.archive, world.path / "home")["last-signed"].result == "skipped"


def test_a_file_in_place_of_an_archive_fails(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("mine")
    seen = findings(tmp_path / "archive", tmp_path / "home")
    assert (seen["archive"].result, seen["archive"].exit_code) == ("fail", 1)
    assert seen["signing-key"].result == "skipped"


@pytest.mark.parametrize(
    ("free_bytes", "result", "exit_code"),
    [(10 * MIB, "fail", 1), (500 * MIB, "differs", 0), (5000 * MIB, "pass", 0)],
)
def test_little_room_is_said_and_none_fails(free_bytes: int, result: str, exit_code: int) -> None:
    finding = machine._room(free_bytes)
    assert (finding.result, finding.exit_code) == (result, exit_code)


def test_versions_name_what_a_report_of_a_defect_needs(tmp_path: Path) -> None:
    why = findings(tmp_path / "archive", tmp_path / "home")["versions"].why
    for name in ("muniment ", "Python 3", "urllib3 ", "OpenSSL "):
        assert name in why
