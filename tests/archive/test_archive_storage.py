import contextlib
import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk

from muniment.archive.storage import LocalFolder, Missing
from muniment.errors import Busy, StorageError

HOLDER = """
import sys, time
from pathlib import Path
from muniment.archive.storage import LocalFolder
with LocalFolder(Path(sys.argv[1])).lock("commit", 0, "is writing"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    made = LocalFolder(tmp_path / "deep" / "archive")
    made.create()
    return made


@contextlib.contextmanager
def holder(folder: LocalFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the commit lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder.root)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_files_are_written_with_the_folders_that_lead_to_them(folder: LocalFolder) -> None:
    many = {f"tile/0/x001/{number:03}": bytes([number]) for number in range(20)}
    folder.write(many | {"checkpoint": b"note"})
    folder.sync(many)
    assert folder.files() == ["checkpoint", *sorted(many)]
    assert folder.files("tile/0") == sorted(many)
    assert folder.files("segment") == []
    assert {path: folder.read(path) for path in many} == many
    folder.write({"checkpoint": b"another"})
    assert folder.read("checkpoint") == b"another"


def test_a_file_that_is_removed_takes_the_empty_folder_of_partial_tiles_along(folder: LocalFolder) -> None:
    folder.write({"tile/0/000.p/1": b"a", "tile/0/000.p/2": b"b"})
    folder.remove("tile/0/000.p/1")
    assert (folder.root / "tile/0/000.p").is_dir()
    folder.remove("tile/0/000.p/2")
    assert not (folder.root / "tile/0/000.p").exists()
    folder.remove("tile/0/000.p/2")
    assert (folder.root / "tile/0").is_dir()


def test_what_is_missing_is_told_by_its_path_within_the_archive(folder: LocalFolder) -> None:
    assert not folder.exists("checkpoint")
    for action in (folder.read, folder.open, folder.modified_at):
        with pytest.raises(Missing, match=r"^tile/0/000: No such file"):
            action("tile/0/000")


def test_a_reader_sees_the_old_file_or_the_new_one_and_nothing_between(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    folder = LocalFolder(tmp_path, disk=disk)
    folder.create()
    folder.write({"checkpoint": b"old"})
    seen: set[bytes] = set()
    disk.before_step = lambda _: seen.add(folder.read("checkpoint"))
    folder.write({"checkpoint": b"new"})
    assert seen == {b"old"}
    assert folder.read("checkpoint") == b"new"


def test_a_refused_write_leaves_nothing_behind(tmp_path: Path) -> None:
    for step in range(4):
        disk = SimulatedDisk()
        folder = LocalFolder(tmp_path, disk=disk)
        folder.create()
        folder.write({"checkpoint": b"old"})
        disk.refuse(step, errno.ENOSPC)
        with pytest.raises(StorageError, match=r"^checkpoint: No space left on device") as refusal:
            folder.write({"checkpoint": b"new"})
        assert "room" in refusal.value.hint
        assert folder.files() == ["checkpoint"]
        assert folder.read("checkpoint") == b"old"


def test_a_private_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "home", private=True)
    folder.create()
    folder.write({"keys/1.key": b"secret"})
    assert (folder.root.stat().st_mode & 0o777, (folder.root / "keys").stat().st_mode & 0o777) == (0o700, 0o700)
    assert (folder.root / "keys/1.key").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_held_names_its_holder(folder: LocalFolder) -> None:
    with holder(folder) as process:
        with pytest.raises(Busy, match=rf"^process {process.pid} is writing$"), folder.lock("commit", 0, "is writing"):
            pass
        with folder.lock("another", 0, "is writing"):
            pass


def test_a_lock_is_waited_for(folder: LocalFolder) -> None:
    with holder(folder) as process:
        start = time.monotonic()
        with pytest.raises(Busy), folder.lock("commit", 0.1, "is writing"):
            pass
        assert time.monotonic() - start >= 0.1
        process.kill()
        with folder.lock("commit", 10, "is writing"):
            pass


def test_the_lock_of_a_killed_process_is_free(folder: LocalFolder) -> None:
    with holder(folder) as process:
        process.kill()
        process.wait()
        with folder.lock("commit", 0, "is writing"):
            pass


def test_threads_of_one_process_exclude_each_other_too(folder: LocalFolder) -> None:
    with (
        folder.lock("commit", 0, "is writing"),
        pytest.raises(Busy, match=f"process {os.getpid()}"),
        folder.lock("commit", 0, "is writing"),
    ):
        pass
    with folder.lock("commit", 0, "is writing"):
        pass


def test_a_lock_whose_folder_was_put_elsewhere_while_we_waited_is_taken_anew(
    folder: LocalFolder, tmp_path: Path
) -> None:
    took = threading.Event()
    release = threading.Event()

    def wait_for_it() -> None:
        with folder.lock("commit", 10, "is writing"):
            took.set()
            release.wait(10)

    with holder(folder) as process:
        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        time.sleep(0.1)
        folder.root.rename(tmp_path / "elsewhere")
        LocalFolder(folder.root / "lock").create()
        process.kill()
        assert took.wait(10)
        with (
            pytest.raises(Busy, match=f"process {os.getpid()}"),
            LocalFolder(folder.root).lock("commit", 0, "is writing"),
        ):
            pass
        release.set()
        waiting.join()


def test_a_folder_that_may_not_be_written_says_so() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o555)
        as_nobody = os.geteuid() == 0
        if as_nobody:
            os.seteuid(65_534)
        try:
            with pytest.raises(StorageError, match="Permission denied") as refusal:
                LocalFolder(place / "x").create()
        finally:
            if as_nobody:
                os.seteuid(0)
        place.chmod(0o755)
        assert "right to write" in refusal.value.hint
