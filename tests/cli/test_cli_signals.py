"""Ctrl-C and SIGTERM: what was read is sealed, and said; a second one ends at once."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.cli.terminal import Place, Terminal, ended, source_of
from tests.source.rawserver import is_silent, raw_server

from muniment.archive.reading import Archive
from muniment.errors import MunimentError
from muniment.sandbox.server import Box

BoxMaker = Callable[..., Box]
BOTH = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@pytest.fixture
def slow(make_box: BoxMaker) -> Box:
    """A source that takes its time: some seconds for everything."""
    return make_box(days=200, entries=3_000, faults=("latency=60",))


@contextmanager
def collecting(place: Place, box: Box, *words: str, leaves: int = 100) -> Iterator["subprocess.Popen[str]"]:
    """A collection that has sealed some entries, and has many more to read."""
    with place.program("collect", *words, **source_of(box)) as process:
        until = time.monotonic() + 20
        while size(place) < leaves and time.monotonic() < until:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        yield process


def size(place: Place) -> int:
    try:
        return Archive.open(place.archive).size
    except MunimentError:
        return 0


@BOTH
def test_a_run_that_is_asked_to_stop_seals_what_it_has_and_gives_its_account(
    muniment: Terminal, place: Place, slow: Box, number: signal.Signals, code: int
) -> None:
    with collecting(place, slow, "--json") as process:
        said = ended(process, number)
    assert said.code == code
    assert said.error["code"] == "interrupted"
    assert said.document["complete"] is False
    assert said.document["new"] > 0
    assert f"Stopped as asked, by {number.name}: what was read is sealed" in said.err
    assert muniment("verify", place.archive).code == 0
    held = muniment("status", "--json").document["entries"]
    assert held == said.document["archived"]


def test_the_next_run_goes_on(muniment: Terminal, place: Place, slow: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting(place, slow) as process:
        stopped = ended(process, signal.SIGINT)
    assert stopped.code == 130
    before = slow.requests.audit_log
    for name, value in source_of(slow).items():
        monkeypatch.setenv(name, value)
    told = muniment("collect", "--to", "2026-04-01", "--json").document
    assert (told["complete"], told["archived"]) == (True, 3_000)
    assert slow.requests.audit_log - before < 400


@BOTH
def test_a_second_signal_ends_it_at_once(place: Place, slow: Box, number: signal.Signals, code: int) -> None:
    with collecting(place, slow, "--json") as process:
        first = signal.SIGTERM if number == signal.SIGINT else signal.SIGINT
        began = time.monotonic()
        os.kill(process.pid, first)
        os.kill(process.pid, number)
        said = ended(process)
        assert time.monotonic() - began < 1
    # of two that wait at the same time the lower number is taken first
    assert said.code in (code, {130: 143, 143: 130}[code])
    assert said.document["error"]["code"] == "interrupted"
    assert "Ended at once" in said.err
    assert place.call("verify", place.archive).code == 0


def test_a_request_that_nobody_answers_does_not_hold_the_end_up(place: Place) -> None:
    with (
        raw_server(is_silent) as server,
        place.program("collect", "--json", MUNIMENT_URL=server.url, MUNIMENT_API_KEY="k") as process,
    ):
        until = time.monotonic() + 20
        while not server.requests and time.monotonic() < until:
            time.sleep(0.02)
        began = time.monotonic()
        said = ended(process, signal.SIGTERM)
        assert time.monotonic() - began < 5, "an answer may take 30 s"
    assert (said.code, said.error["code"]) == (143, "interrupted")


def test_ctrl_c_in_any_command_is_130_and_no_traceback(place: Place) -> None:
    os.mkfifo(place.work / "fifo")
    with place.program("status", "--config", "fifo", "--json") as process:
        descriptor = os.open(place.work / "fifo", os.O_WRONLY)
        said = ended(process, signal.SIGINT)
        os.close(descriptor)
    assert (said.code, said.error["code"]) == (130, "interrupted")


def test_a_killed_run_loses_at_most_what_was_not_sealed(muniment: Terminal, place: Place, slow: Box) -> None:
    with collecting(place, slow) as process:
        process.kill()
        process.wait(10)
    assert muniment("verify", place.archive).code == 0
    held = muniment("status")
    assert "did not come to its end: the next `muniment collect` goes on from there" in held.out
    assert "did not come to its end" in muniment("receipts").out
