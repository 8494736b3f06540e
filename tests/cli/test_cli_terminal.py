"""On a real terminal of 80 columns: colours, progress, and what is left behind."""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from fcntl import ioctl

import pytest
from rich.cells import cell_len
from tests.cli.terminal import PERIOD, PROGRAM, Place, source_of

from muniment.sandbox.server import Box

BoxMaker = Callable[..., Box]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m|\x1b\[[0-9;]*9[0-9]m")
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def on_terminal(place: Place, *words: str, columns: str = "80", **environ: str) -> str:
    """Everything that a command writes to a terminal."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(columns), 0, 0))
    env = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | place.environment() | environ
    with subprocess.Popen(
        [*PROGRAM, *words], stdin=theirs, stdout=theirs, stderr=theirs, cwd=place.work, env=env
    ) as process:
        os.close(theirs)
        seen = read_all(ours, process)
    os.close(ours)
    return seen.decode()


def read_all(descriptor: int, process: "subprocess.Popen[bytes]") -> bytes:
    seen, until = b"", time.monotonic() + 30
    while time.monotonic() < until:
        ready, _, _ = select.select([descriptor], [], [], 0.05)
        try:
            part = os.read(descriptor, 65536) if ready else b""
        except OSError:  # the other side has gone
            return seen
        seen += part
        if not part and process.poll() is not None:
            return seen
    process.kill()
    return seen


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("command", ["users", "accounts", "receipts", "entries", "status --days", "doctor"])
def test_each_view_fits_80_columns(place: Place, command: str) -> None:
    seen = on_terminal(place, *command.split(), "--archive", "../archive")
    assert max(map(cell_len, CONTROL.sub("", seen).splitlines())) <= 80


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("command", ["status --days", "receipts", "doctor --api-key-file nosuch"])
def test_a_view_has_colour_unless_that_is_declined_and_says_the_same_without(place: Place, command: str) -> None:
    seen = on_terminal(place, *command.split(), "--archive", "../archive")
    plain = on_terminal(place, *command.split(), "--archive", "../archive", NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert CONTROL.sub("", plain) == CONTROL.sub("", seen), "state is never said by colour alone"
    assert COLOUR.search(seen)


@pytest.mark.usefixtures("collected")
def test_a_wider_terminal_shows_names_and_ids_whole(place: Place) -> None:
    assert "…" in on_terminal(place, "users")
    assert "…" not in on_terminal(place, "users", columns="160")


def test_progress_is_shown_while_it_lasts_and_leaves_no_trace(place: Place, make_box: BoxMaker) -> None:
    box = make_box(days=60, entries=1200, faults=("latency=250",))
    seen = on_terminal(place, "collect", "--to", "2026-04-02", **source_of(box))
    shown = seen.split("\r\x1b[K")
    steps = [part for part in shown if re.match(r"reading 2026-\d\d-\d\d", part)]
    assert steps
    assert re.search(r"reading 2026-\d\d-\d\d.*entries.*/s.* left", seen), "window, rate and time left"
    assert any(part.startswith("resolving users and accounts") for part in shown)
    assert max(map(cell_len, steps)) < 80
    assert shown[-1].startswith("✓ Complete"), "the line is gone when the outcome is said"


def test_progress_is_in_nobodys_way(place: Place, at_source: Box) -> None:
    words = ("collect", *PERIOD)
    assert "reading" not in on_terminal(place, *words, "-v", **source_of(at_source)), "each request has its line"
    assert "reading" not in place.call(*words, **source_of(at_source)).err, "where nobody looks there is none"
    assert "\x1b" not in place.call("status").err


def test_an_error_is_red_on_a_terminal_unless_that_is_declined(place: Place) -> None:
    assert on_terminal(place, "status").startswith("\x1b[1;31merror:\x1b[0m ")
    assert on_terminal(place, "status", NO_COLOR="1").startswith("error: ")
    assert on_terminal(place, "status", TERM="dumb").startswith("error: ")
