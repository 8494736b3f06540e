"""A process that collects once, for tests that kill it.

python collector_process.py PLACE URL [CHANGE]: prints "ready" before it begins, and "sealed SIZE" at its end; kills
itself with SIGKILL in place of its change number CHANGE to the archive's folder or the home.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.collect.scripted import NOW

from muniment.archive.disk import RealDisk
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.storage import LocalFolder
from muniment.collect.collecting import collect
from muniment.source.client import Client
from muniment.source.settings import Settings


class KillingDisk(RealDisk):
    """The operating system's, until a change.

    Args:
        last: The number of the change that does not come about; of a file that is written, half of it does.
    """

    def __init__(self, last: int) -> None:
        self._left = last
        self._lock = threading.Lock()

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        if not path.is_dir():
            self._step()
        super().make_folder(path, mode)

    def write(self, files: Mapping[Path, bytes | memoryview], mode: int = 0o666) -> None:
        for path, data in files.items():
            if self._is_last():
                super().write({path: memoryview(data)[: len(data) // 2]}, mode)
                die()
            super().write({path: data}, mode)

    def sync(self, folder: Path) -> None:
        self._step()
        super().sync(folder)

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        self._step()
        super().remove_folder(path)

    def _step(self) -> None:
        if self._is_last():
            die()

    def _is_last(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(place: Path, url: str, change: int = 0) -> None:
    disk = KillingDisk(change)
    archive = Archive.open(storage=LocalFolder(place / "archive", disk=disk))
    say("ready")
    with Client(Settings(url=url, api_key="key", timeout_s=5, retry_s=2), clock=lambda: NOW) as client:
        home = Home(place / "home", disk=disk)
        done = collect(archive, client, "s", home=home, cache=place / "cache", clock=lambda: NOW)
    say(f"sealed {archive.size}" if done.outcome.complete else f"incomplete {done.outcome}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
