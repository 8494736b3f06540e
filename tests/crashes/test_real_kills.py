"""Real collections, killed with SIGKILL one after the other: at random moments, and in place of a change to a file.

25 kills always, 200 where MUNIMENT_SOAK is 1 (`make soak`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.collect.scripted import Place, Source, ago, entry, serve

from muniment.archive.reading import Archive
from muniment.cli.main import run
from muniment.evidence.archive import verify_archive

KILLS = 200 if os.environ.get("MUNIMENT_SOAK") == "1" else 25
ROOT = Path(__file__).parents[2]
MOST_CHANGES = 45
"""A run with something new to seal changes the disk about so often."""


@contextmanager
def collecting(place: Place, change: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A collection as a process of its own, that is about to begin."""
    script = Path(__file__).with_name("collector_process.py")
    call = [sys.executable, str(script), str(place.folder), place.source.url, str(change)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def kill_at_random(place: Place, chance: random.Random) -> str:
    with collecting(place) as process:
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        return told(process)


def kill_at_a_change(place: Place, chance: random.Random) -> str:
    with collecting(place, chance.randint(1, MOST_CHANGES)) as process:
        return told(process)


def told(process: subprocess.Popen[str]) -> str:
    output = process.communicate(timeout=60)[0]
    assert process.returncode in (0, -signal.SIGKILL)
    return output


@pytest.mark.soak
def test_collections_that_are_killed_over_and_over_come_to_the_whole_truth_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Source()
    source.fill(4, 1, 15)
    place = Place(tmp_path, source)
    chance = random.Random(20_261_125)
    killed, sealed = 0, 1
    with serve(source):
        for number in range(KILLS * 3):
            output = (kill_at_random if number % 2 else kill_at_a_change)(place, chance)
            killed += not output
            sealed = max(sealed, int(output.removeprefix("sealed ")) if output else 0)
            sealed = looked_at(tmp_path / "archive", sealed)
            first = len(source.items) + 1_000
            source.items += [entry(first + n, ago(1 + n % 4, second=first + n)) for n in range(4)]
            if killed == KILLS:
                break
        with collecting(place) as process:
            assert told(process).startswith("sealed ")
    assert killed == KILLS
    assert place.archived() == sorted(source.items), "0 missing, 0 duplicate"
    assert run(["verify", str(tmp_path / "archive"), "--trust-enclosed-key"]) == 0, capsys.readouterr()


def looked_at(path: Path, sealed: int) -> int:
    """Hold the archive to what was reported, and to itself; how many leaves it has."""
    archive = Archive.open(path)
    assert archive.size >= sealed
    verdict = verify_archive(path)
    assert not verdict.problems, verdict.problems
    return archive.size
