"""What must follow whatever happened to a disk: the archive is whole, and the next run ends at the truth."""

import random
from collections import Counter
from pathlib import Path

from tests.archive.simulated_disk import SimulatedDisk
from tests.archive.world import opened
from tests.collect.scripted import Source
from tests.crashes.voyage import (
    EMPTY,
    PLACE,
    Tree,
    Voyage,
    collect_from,
    demand_verified,
    entries_in,
    launched,
    reopened,
)

from muniment.archive.reading import Archive


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
