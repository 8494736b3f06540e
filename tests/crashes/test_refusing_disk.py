"""A disk that refuses, at every step of a collection: clear words, a whole archive, a next run that ends well.

One refusal in turn at each step always, all of them where MUNIMENT_SOAK is 1 (`make soak`).
"""

import errno
import itertools
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk, State
from tests.archive.world import opened
from tests.collect.scripted import Source, ago, entry
from tests.crashes.sequel import go_on
from tests.crashes.voyage import PLACE, Tree, Voyage, collect_from, disk_of, entries_in, launched

from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.errors import StorageError

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
REFUSALS = tuple(itertools.product((errno.ENOSPC, errno.EIO), (False, True)))
"""Which, and whether ever after."""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, Source, Tree]:
    """An archive after one run, and a source with more, so that the next run seals, merges and removes."""
    disk, source = disk_of(), Source()
    source.fill(2, 1, 6)
    archive, home = launched(Voyage(disk, source))
    collect_from(source, archive, home, tmp_path_factory.mktemp("begun"))
    source.items += [entry(100 + n, ago(1 + n % 2, second=100 + n)) for n in range(9)]
    source.items[0] = entry(0, ago(2), description="rewritten")
    return disk.state, source, (archive.size, archive.root)


def steps_of(state: State, source: Source, folder: Path) -> int:
    disk = disk_of(state.copy())
    collect_from(source, *opened(PLACE, disk=disk), folder / "cache")
    return disk.steps


@pytest.mark.soak
@pytest.mark.parametrize("part", range(2))
def test_whatever_the_disk_refuses_a_collection_says_so_and_the_next_one_ends_at_the_truth(
    begun: tuple[State, Source, Tree], tmp_path: Path, part: int
) -> None:
    state, source, reported = begun
    said: Counter[bool] = Counter()
    steps = steps_of(state, source, tmp_path)
    assert steps > 40
    for step in range(part, steps, 2):
        for code, ever_after in REFUSALS if SOAK else [REFUSALS[step // 2 % 4]]:
            disk = disk_of(state.copy())
            archive, home = opened(PLACE, disk=disk)
            disk.refuse(step, code, ever_after=ever_after)
            error = run(source, archive, home, tmp_path / "cache")
            disk.allow()
            sealed = reported if error else (archive.size, archive.root)
            said[error is not None] += 1
            assert error is None or is_clear(error, code), f"{error}: {error.hint}"
            for survived in (disk.state, disk.state.after_crash("nothing", random.Random(0))):
                after = disk_of(survived.copy())
                go_on(after, tuple(source.items), sealed, tmp_path / "cache", {*source.items, *held(after)})
    assert said[True] > steps // 3


def held(disk: SimulatedDisk) -> list[bytes]:
    return entries_in(opened(PLACE, disk=disk)[0])


def run(source: Source, archive: Archive, home: Home, cache: Path) -> StorageError | None:
    """Collect; what was said of a refusal."""
    shutil.rmtree(cache, ignore_errors=True)
    try:
        collect_from(source, archive, home, cache)
    except StorageError as error:
        return error
    return None


def is_clear(error: StorageError, code: int) -> bool:
    """Whether it says what was refused, and what of the archive."""
    whole = "archive is" in error.hint or "publishes it" in error.hint
    return error.exit_code == 1 and os.strerror(code) in error.message and whole
