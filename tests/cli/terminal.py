"""A terminal for commands, in this process and in one of their own, and places for what they make."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muniment.cli.main import run
from muniment.sandbox.server import Box

OURS = ("MUNIMENT_", "XDG_", "LC_", "LANG", "NO_COLOR", "COLUMNS", "HTTP", "http", "NO_PROXY", "no_proxy")
PROGRAM = [sys.executable, "-c", "from muniment.cli.main import main; main()"]
ORIGIN = "audit.example.com/test"
PERIOD = ("--from", "2026-03-20", "--to", "2026-04-02")
"""Of the shared sandbox, some 200 entries of its 1,200."""


def unmeasured() -> dict[str, str]:
    """The environment without what lets coverage into child processes, for those that are measured otherwise."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on stdout; a second one would not parse."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error in it, which stderr says too."""
        told: dict[str, str] = self.document["error"]
        assert set(told) == {"code", "message", "hint"}
        assert all(told.values())
        assert " ".join(f"error: {told['message']}".split()) in " ".join(self.err.split())
        assert f"try: {told['hint']}" in self.err
        assert "Traceback" not in self.err
        return told


class Terminal:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Said:
        self._capsys.readouterr()
        code = run([str(word) for word in words])
        printed = self._capsys.readouterr()
        return Said(code, printed.out, printed.err)


@dataclass(frozen=True)
class Place:
    """Where a test's archive, home and cache lie; nothing is there yet."""

    folder: Path

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def work(self) -> Path:
        """The working folder."""
        return self.folder / "work"

    def key_files(self) -> list[Path]:
        return sorted((self.home / "keys").iterdir())

    def environment(self) -> dict[str, str]:
        """What names these places."""
        names = {"MUNIMENT_ARCHIVE": self.archive, "MUNIMENT_HOME": self.home, "MUNIMENT_CACHE": self.cache}
        return {name: str(path) for name, path in names.items()} | {"HOME": str(self.folder / "nobody")}

    def contents(self) -> bytes:
        """Every byte of every file."""
        return b"\n".join(file.read_bytes() for file in sorted(self.folder.rglob("*")) if file.is_file())

    @contextmanager
    def program(self, *words: str | Path, **environ: str) -> "Iterator[subprocess.Popen[str]]":
        """A command as a process of its own, which is gone afterwards."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        with subprocess.Popen(
            [*PROGRAM, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=self.work,
            env=env | self.environment() | environ,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def call(self, *words: str | Path, **environ: str) -> Said:
        """A command as a process of its own, to its end."""
        with self.program(*words, **environ) as process:
            return ended(process)


def ended(process: "subprocess.Popen[str]", *signals: signal.Signals) -> Said:
    """What a process printed until it ended, after these signals."""
    for number in signals:
        process.send_signal(number)
        time.sleep(0.1)
    out, err = process.communicate(timeout=30)
    return Said(process.returncode, out, err)


def source_of(box: Box, role: str = "AM_VIEW_ONLY") -> dict[str, str]:
    """What names a sandbox and a key to it in the environment."""
    return {
        "MUNIMENT_URL": box.url,
        "MUNIMENT_API_KEY": box.keys.get(role, role),
        "MUNIMENT_TIMEOUT_S": "5",
        "MUNIMENT_RETRY_S": "1",
    }


def as_of_now(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    """Nothing of ours in the environment but this."""
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
