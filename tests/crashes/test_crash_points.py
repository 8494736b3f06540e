"""A crash at every step of whole collections: what was reported is there, and the next run ends at the truth.

Some hundred points always, thousands where MUNIMENT_SOAK is 1 (`make soak`).
"""

import itertools
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk, Survival
from tests.archive.world import opened
from tests.collect.scripted import Source
from tests.crashes.voyage import (
    EMPTY,
    PLACE,
    Moment,
    Tree,
    Voyage,
    after_crash,
    collect_from,
    demand_verified,
    entries_in,
    launched,
    reopened,
    sail,
)

from muniment.archive.reading import Archive

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
POINTS = 6_000 if SOAK else 300
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


def go_on(disk: SimulatedDisk, items: tuple[bytes, ...], reported: Tree, cache: Path, ever: set[bytes]) -> Voyage:
    """Look at what is there, collect, and hold the archive to the truth; returns the collection's steps."""
    source = Source()
    source.items = list(items)
    here = reopened(disk)
    voyage = Voyage(disk, source, reported)
    if here is None:
        assert reported == EMPTY, "the archive is gone"
        archive, home = launched(voyage)
    else:
        archive, home = here
        assert archive.size >= reported[0]
        assert reported == EMPTY or archive.extends(*reported)
        demand_verified(disk, cache.parent)
        voyage.follow(archive)
    before = entries_in(archive)
    done = collect_from(source, archive, home, cache)
    assert done.outcome.complete, done.outcome
    held = entries_in(durable_part(disk))
    assert held[: len(before)] == before
    assert set(items) <= set(held) <= ever, "0 missing, nothing made up"
    assert max(Counter(held).values()) == 1, "0 duplicate"
    demand_verified(disk, cache.parent)
    return voyage


def durable_part(disk: SimulatedDisk) -> Archive:
    """What is there if the machine crashes now: all that was reported, or this raises."""
    return opened(PLACE, disk=SimulatedDisk(disk.state.after_crash("nothing", random.Random(0))))[0]
