"""``muniment sandbox`` as a process."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import urllib3

from muniment.cli.main import run
from muniment.sandbox.keys import KEYS

SMALL = ("--port", "0", "--seed", "7", "--entries", "120", "--days", "20", "--end", "2026-04-01")


@contextmanager
def sandbox(*options: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox in a process of its own, which is gone afterwards."""
    command = [sys.executable, "-c", "from muniment.cli.main import main; main()", "sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> Any:
    return json.loads(stream(process.stdout).readline())


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Exit code and what else was printed, after a signal; in 5 seconds."""
    process.send_signal(number)
    out, err = process.communicate(timeout=5)
    return process.returncode, out, err


BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@BOTH
def test_it_says_when_it_is_ready_and_ends_with_0_on_a_signal(number: signal.Signals) -> None:
    with sandbox(*SMALL) as process, urllib3.PoolManager(retries=False) as pool:
        told = first_line(process)
        assert set(told) == {"url", "keys"}
        assert told["keys"] == KEYS
        url = told["url"] + "/account/api/v1/audit-log"
        answer = pool.request("GET", url, headers={"x-api-key": told["keys"]["AM_VIEW_ONLY"]})  # its connection stays
        assert answer.json()["total"] == 120
        assert ended(process, number) == (0, "", "")


def test_a_request_on_its_way_does_not_hold_the_end_up() -> None:
    with sandbox(*SMALL, "--fault", "latency=60000") as process:
        host, port = first_line(process)["url"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as link:
            link.sendall(b"GET /account/api/v1/audit-log HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            assert ended(process, signal.SIGTERM)[:2] == (0, "")


def catches_sigterm(process: subprocess.Popen[str]) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(re.findall(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)[0], 16)
    return bool(caught & 1 << signal.SIGTERM - 1)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="/proc tells when the process listens to signals")
@pytest.mark.parametrize("pause_s", [0, 0.1, 0.4])
@BOTH
def test_a_signal_before_it_is_ready_ends_it_too(number: signal.Signals, pause_s: float) -> None:
    with sandbox("--port", "0", "--entries", "3000000") as process:
        while not catches_sigterm(process):
            time.sleep(0.01)
        time.sleep(pause_s)
        assert ended(process, number) == (0, "", "")


def test_the_ready_line_is_the_only_one_and_errors_name_no_key() -> None:
    with sandbox(*SMALL, "--live", "50") as process, urllib3.PoolManager(retries=False) as pool:
        url = first_line(process)["url"]
        for path in ("/nowhere", "/account/api/v1/audit-log?from=x", "/account/api/v1/audit-log"):
            pool.request("GET", url + path, headers={"x-api-key": "a-mistyped-key"})
        with socket.create_connection(url.removeprefix("http://").split(":"), timeout=5) as link:
            link.sendall(b"no HTTP, x-api-key: a-mistyped-key\r\n\r\n")
            assert b" 400 " in link.recv(1000)
        code, out, err = ended(process, signal.SIGTERM)
        assert (code, out) == (0, "")
        assert "a-mistyped-key" not in err
        assert "Traceback" not in err


def test_a_port_that_is_taken_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["sandbox", "--json", *SMALL, "--port", port]) == 1
    said = capsys.readouterr()
    assert (
        json.loads(said.out)["error"]["message"] == f"cannot listen on 127.0.0.1, port {port}: Address already in use"
    )
    assert "Name another --port" in said.err


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "--fault", "list"]) == 0
    assert "\nlatency=MS " in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ("--fault", "no-such-fault"),
        ("--fault", "latency"),
        ("--end", "2026/01/01"),
        ("--end", "0001-01-05", "--days", "30"),
        ("--days", "0"),
        ("--entries", "-1"),
        ("--port", "65536"),
        ("--live", "-1"),
        ("--seed", "x"),
    ],
)
def test_bad_input_is_exit_2_in_words_and_as_a_document(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sandbox", "--json", *options]) == 2
    said = capsys.readouterr()
    assert set(json.loads(said.out)["error"]) == {"code", "message", "hint"}
    assert said.err.startswith("error: ")


def test_an_unknown_fault_is_refused_before_a_large_world_is_made() -> None:
    begun = time.monotonic()
    assert run(["sandbox", "--entries", "10000000", "--fault", "no-such-fault"]) == 2
    assert time.monotonic() - begun < 3


def test_help_names_the_keys_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(role in told and key in told for role, key in KEYS.items())
    assert "Example:\n  muniment sandbox --seed 7" in "\n".join(line.removeprefix("  ") for line in told.splitlines())


def test_the_command_itself_loads_nothing_heavy() -> None:
    program = "import sys, muniment.cli.sandbox; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"starlette", "uvicorn", "numpy", "asyncio", "urllib3"} & set(loaded)
