"""A crash at every step of whole collections: what was reported is there, and the next run ends at the truth.

Some hundred points always, thousands where MUNIMENT_SOAK is 1 (`make soak`).
"""

import itertools
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archive.simulated_disk import Survival
from tests.crashes.sequel import go_on
from tests.crashes.voyage import Moment, Voyage, after_crash, sail

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
POINTS = 6_000 if SOAK else 200
TWICE = 5
"""Every so many points the recovery is crashed as well, at one of its own steps."""
Point = tuple[int, Survival, int]
"""Step, what survives, seed."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Voyage, Path]:
    """Collections that nothing stopped, and the cache that they left."""
    cache = tmp_path_factory.mktemp("voyage") / "cache"
    return sail(cache), cache


def points(steps: int, count: int) -> list[Point]:
    """Each step with each survival, drawn without replacement, with as many seeds as it takes."""
    drawn: list[Point] = []
    for seed in itertools.count():
        survivals: tuple[Survival, ...] = ("all", "nothing", "some") if seed == 0 else ("some",)
        these: list[Point] = [(step, survival, seed) for step in range(steps) for survival in survivals]
        drawn += random.Random(seed).sample(these, len(these))
        if len(drawn) >= count:
            return drawn[:count]
    raise AssertionError


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_after_a_crash_at_any_step_of_a_collection_the_next_run_ends_at_the_truth(
    past: tuple[Voyage, Path], tmp_path: Path, part: int
) -> None:
    voyage, cache = past
    assert len(voyage.moments) > 200
    ever = {item for moment in voyage.moments for item in moment.items}
    for number, point in list(enumerate(points(len(voyage.moments), POINTS)))[part::4]:
        step, survival, seed = point
        moment, chance = voyage.moments[step], random.Random(f"{step} {survival} {seed}")
        try:
            go_through(moment, survival, chance, caches(cache, tmp_path, chance), ever, twice=number % TWICE == 0)
        except Exception as error:
            error.add_note(f"step {step} ({moment.what}), {survival} survives, seed {seed}")
            raise


def caches(left: Path, folder: Path, chance: random.Random) -> Iterator[Path]:
    """A cache for each further run: none, or one that is ahead of whatever survived."""
    for number in itertools.count():
        cache = folder / f"cache{number}"
        shutil.rmtree(cache, ignore_errors=True)
        if chance.random() < 0.5:
            shutil.copytree(left, cache)
        yield cache


def go_through(
    moment: Moment, survival: Survival, chance: random.Random, cache: Iterator[Path], ever: set[bytes], *, twice: bool
) -> None:
    disk = after_crash(moment, survival, chance)
    next_run = go_on(disk, moment.items, moment.reported, next(cache), ever)
    if twice:
        again = chance.choice(next_run.moments)
        go_on(after_crash(again, "some", chance), again.items, again.reported, next(cache), ever)
