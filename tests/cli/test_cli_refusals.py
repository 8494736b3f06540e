"""Archives that cannot be collected into: exit 1 or 10, found before the source is asked for anything."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.terminal import PERIOD, Place, Terminal, unmeasured

from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer, collect_lock
from muniment.sandbox.server import Box


@contextmanager
def nothing_is_asked(box: Box) -> Iterator[None]:
    before = box.requests.audit_log, box.requests.lookups
    yield
    assert (box.requests.audit_log, box.requests.lookups) == before


def test_init_twice_is_refused(muniment: Terminal, place: Place) -> None:
    assert muniment("init").code == 0
    before = place.contents()
    said = muniment("init", "--json")
    assert (said.code, said.error["code"]) == (1, "archive_exists")
    assert place.contents() == before


@pytest.mark.parametrize(
    "command", ["init", "collect", "status", "entries", "users", "findings", "receipts", "key change"]
)
def test_an_archive_path_that_is_a_file_is_refused(
    muniment: Terminal, place: Place, at_source: Box, command: str
) -> None:
    place.archive.write_text("not one")
    with nothing_is_asked(at_source):
        said = muniment(*command.split(), "--json")
    assert said.code == 1
    assert f"{place.archive} is a file" in said.error["message"]
    assert place.archive.read_text() == "not one"


@pytest.mark.parametrize("command", ["init", "collect"])
def test_a_folder_that_holds_something_else_is_refused(
    muniment: Terminal, place: Place, at_source: Box, command: str
) -> None:
    place.archive.mkdir()
    (place.archive / "letters.txt").write_text("dear")
    with nothing_is_asked(at_source):
        said = muniment(command, "--json")
    assert said.code == 1
    assert "is not empty and no archive: it holds letters.txt" in said.error["message"]
    assert [file.name for file in place.archive.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize("command", ["init", "collect"])
def test_a_place_where_nothing_can_be_written_is_refused(
    muniment: Terminal, place: Place, at_source: Box, command: str
) -> None:
    (place.folder / "file").write_text("")
    with nothing_is_asked(at_source):
        said = muniment(command, "--archive", place.folder / "file" / "archive", "--json")
    assert (said.code, said.error["code"]) == (1, "storage_error")


@pytest.mark.parametrize("command", ["init", "collect"])
def test_a_home_where_nothing_can_be_written_is_refused(
    muniment: Terminal, place: Place, at_source: Box, command: str
) -> None:
    place.home.write_text("")
    with nothing_is_asked(at_source):
        said = muniment(command, "--json")
    assert said.code == 1
    assert not (place.archive / "checkpoint").exists()


@pytest.mark.usefixtures("at_source")
def test_a_cache_that_cannot_be_written_is_no_harm_and_is_named_to_whoever_looks_closely(
    muniment: Terminal, collected: Place
) -> None:
    shutil.rmtree(collected.cache)
    collected.cache.write_text("")
    assert muniment("status").code == 0
    said = muniment("collect", *PERIOD, "--json", "-vv")
    assert (said.code, said.document["complete"], said.document["new"]) == (0, True, 0)
    assert str(collected.cache) in said.err


def is_read_only(folder: Path) -> bool:
    return not os.access(folder, os.W_OK)


def test_an_archive_that_is_read_only_is_read_and_not_collected_into(
    muniment: Terminal, collected: Place, at_source: Box
) -> None:
    for folder in [collected.archive, *(each for each in collected.archive.rglob("*") if each.is_dir())]:
        folder.chmod(0o555)
    for file in collected.archive.rglob("*"):
        if file.is_file():
            file.chmod(0o444)
    if not is_read_only(collected.archive):
        pytest.skip("this user may write anywhere, so that no folder is read-only to them")
    assert muniment("status").code == 0
    with nothing_is_asked(at_source):
        said = muniment("collect", "--json")
    assert (said.code, said.error["code"]) == (1, "storage_error")


def test_collecting_what_is_being_collected_names_the_process(
    muniment: Terminal, collected: Place, at_source: Box
) -> None:
    name = f"account-manager@{at_source.url.removeprefix('http://')}"
    with collect_lock(Archive.open(collected.archive), name), nothing_is_asked(at_source):
        said = muniment("collect", "--json")
    assert (said.code, said.error["code"]) == (1, "archive_busy")
    assert said.error["message"] == f"process {os.getpid()} is collecting {name} into the archive"


@pytest.fixture
def writing(collected: Place) -> Iterator[Callable[[], None]]:
    """Somebody who is writing to the archive, until told to end."""
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with Writer(Archive.open(collected.archive), Home(collected.home)) as writer, writer.transaction():
            begun.set()
            end.wait(20)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(10)
    yield end.set
    end.set()
    thread.join()


@pytest.mark.parametrize("command", ["status --days", "users", "accounts", "findings", "receipts", "entries"])
@pytest.mark.usefixtures("writing")
def test_reading_waits_for_nobody(muniment: Terminal, command: str) -> None:
    began = time.monotonic()
    assert muniment(*command.split()).code == 0
    assert time.monotonic() - began < 5


def test_another_writer_waits_for_the_commit_and_then_goes_on(muniment: Terminal, writing: Callable[[], None]) -> None:
    threading.Timer(0.5, writing).start()
    began = time.monotonic()
    assert muniment("key", "change").code == 0
    assert time.monotonic() - began > 0.4


def test_a_lost_signing_key_is_refused_with_the_way_on(muniment: Terminal, collected: Place, at_source: Box) -> None:
    (key_file,) = collected.key_files()
    key_file.unlink()
    with nothing_is_asked(at_source):
        said = muniment("collect", "--json")
    assert (said.code, said.error["code"]) == (1, "signing_key_missing")
    assert "muniment recover --lost-key" in said.error["hint"]


def test_an_older_copy_that_was_put_back_is_refused_with_the_way_on(
    muniment: Terminal, collected: Place, at_source: Box
) -> None:
    older = shutil.copytree(collected.archive, collected.folder / "older")
    assert muniment("collect", *PERIOD).code == 0
    shutil.rmtree(collected.archive)
    shutil.move(older, collected.archive)
    with nothing_is_asked(at_source):
        said = muniment("collect", "--json")
    assert (said.code, said.error["code"]) == (1, "does_not_extend")
    assert "muniment recover" in said.error["hint"]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("damaged", ["checkpoint", "segment", "tile"])
def test_an_archive_that_is_damaged_in_what_the_commit_reads_is_exit_10(
    muniment: Terminal, collected: Place, at_source: Box, damaged: str
) -> None:
    files = [file for file in collected.archive.rglob("*") if file.is_file()]
    named = [file for file in files if file.relative_to(collected.archive).parts[0] == damaged]
    for file in named:
        flip(file)
    with nothing_is_asked(at_source):
        said = muniment("collect", "--json")
    assert (said.code, said.error["code"]) == (10, "does_not_verify")
    assert set(said.document) == {"error"}


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from muniment.cli.main import main
main(["collect", "--json"])
"""


@pytest.mark.usefixtures("at_source")
def test_a_disk_that_refuses_is_said_and_the_archive_is_whole(muniment: Terminal, place: Place) -> None:
    assert muniment("init").code == 0
    call = [sys.executable, "-c", LIMITED]
    ran = subprocess.run(call, check=False, capture_output=True, text=True, cwd=place.work, env=unmeasured())
    error = json.loads(ran.stdout)["error"]
    assert (ran.returncode, error["code"]) == (1, "storage_error")
    assert "ulimit -f" in error["hint"]
    assert "Traceback" not in ran.stderr
    assert muniment("verify", place.archive).code == 0
    assert muniment("collect", *PERIOD).code == 0
