"""A crash at every step that reaches the disk, over commits and merges: what was reported stays, and work goes on."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk, State, Survival
from tests.archive.world import SMALL, found, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.contents import list_segments, read_note
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.segments import cover, plan_merges
from muniment.errors import NoArchive
from muniment.merkle.tiles import tiles_of

PLACE = Path("/disk")
SEEDS = 10 if os.environ.get("MUNIMENT_SOAK") == "1" else 1
COMMITS = (3, 1, 5, 2, 9, 1, 14)
"""Entries of each commit; each also has a receipt. With blocks of 16 they merge within, up to and across blocks."""


class History:
    """A disk's state before each step, and how many leaves were reported sealed by then."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.moments: list[tuple[State, int, str]] = []
        self.reported = 0
        disk.before_step = lambda what: self.moments.append((disk.state.copy(), self.reported, what))


def work(disk: SimulatedDisk, history: History) -> list[bytes]:
    """Make an archive, commit and merge; returns all its leaves."""
    disk.make_folder(PLACE)
    disk.sync(Path("/"))
    archive, home = found(PLACE, disk=disk)
    history.reported = archive.size
    writer = writer_on(archive, home, layout=SMALL)
    for number, count in enumerate(COMMITS):
        with writer.transaction() as transaction:
            transaction.add(page(100 * number, count))
            transaction.add_record("receipt", b'{"run":%d}' % number, "2026-03-02T23:56:45Z")
        history.reported = archive.size
    return leaves_of(archive)


def demand_whole(archive: Archive, expected: Sequence[bytes]) -> None:
    """The archive holds the first of the expected leaves, under its signed root, and its tiles are there."""
    leaves = leaves_of(archive)
    assert leaves == list(expected[: len(leaves)])
    assert len(leaves) == archive.size
    assert root_of(leaves) == archive.root
    for tile in tiles_of(archive.size):
        assert len(archive.read_tile(tile)) == 32 * tile.width


@pytest.fixture(scope="module")
def past() -> tuple[History, list[bytes]]:
    disk = SimulatedDisk()
    history = History(disk)
    leaves = work(disk, history)
    history.moments.append((disk.state.copy(), history.reported, "end"))
    return history, leaves


def reopen(disk: SimulatedDisk) -> Archive | None:
    try:
        return opened(PLACE, disk=disk)[0]
    except NoArchive:
        return None


def common_length(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def demand_next_commit_works(disk: SimulatedDisk, expected: Sequence[bytes], reported: int) -> None:
    """Two more entries can be sealed, behind everything that was sealed before."""
    archive, home = opened(PLACE, disk=disk)
    more = page(9_000, 2)
    writer = writer_on(archive, home, layout=SMALL)
    size = seal(writer, more)
    writer.close()
    leaves = leaves_of(archive)
    before = leaves[: common_length(leaves, expected)]
    blocks = [leaf for leaf in leaves[len(before) : -2] if leaf.startswith(b'{"kind":"segment"')]
    # the first leaf of the next commit may be the very block that the commit before would have sealed
    assert [*before, *blocks, *more.leaves] == leaves
    assert len(before) >= reported
    assert size == len(leaves)
    demand_whole(archive, [*expected[: len(before)], *leaves[len(before) :]])
    demand_tidy(archive)


@pytest.mark.soak
@pytest.mark.parametrize(("survival", "seed"), [("all", 0), ("nothing", 0), *(("some", seed) for seed in range(SEEDS))])
def test_after_a_crash_at_any_step_nothing_reported_is_lost_and_work_goes_on(
    past: tuple[History, list[bytes]], survival: Survival, seed: int
) -> None:
    history, expected = past
    assert len(history.moments) > 200
    for number, (state, reported, what) in enumerate(history.moments):
        disk = SimulatedDisk(state.after_crash(survival, random.Random(f"{number} {seed}")))
        if PLACE not in disk.state.names:
            continue
        archive = reopen(disk)
        if archive is None:
            assert reported == 0, f"step {number} ({what}): the archive is gone"
            found(PLACE, disk=disk)
            continue
        assert archive.size >= reported, f"step {number} ({what})"
        demand_whole(archive, expected)
        demand_next_commit_works(disk, expected, reported)


def test_nothing_is_published_that_is_not_remembered_as_signed(past: tuple[History, list[bytes]]) -> None:
    """Else a crash could take back what readers have seen, and the next commit sign another tree of that size."""
    history, _ = past
    published = 0
    for state, _, _ in history.moments:
        if reopen(SimulatedDisk(state.copy())) is not None:
            demand_remembered(state)
            published += 1
    assert published > 100


def demand_remembered(state: State) -> None:
    """What the archive shows now is in the home even if nothing survives that was not synced."""
    archive = reopen(SimulatedDisk(state.copy()))
    assert archive is not None
    home = Home(PLACE / "home", disk=SimulatedDisk(state.after_crash("nothing", random.Random(0))))
    signed = home.last_signed(archive.genesis)
    assert signed is not None
    assert read_note(signed).size >= archive.size


def test_a_crash_while_the_next_writer_clears_up_after_a_crash_is_no_worse(past: tuple[History, list[bytes]]) -> None:
    history, expected = past
    chance = random.Random(7)
    for number in chance.sample(range(len(history.moments)), 25):
        state, reported, _ = history.moments[number]
        disk = SimulatedDisk(state.after_crash("some", chance))
        if PLACE not in disk.state.names or reopen(disk) is None:
            continue
        archive, home = opened(PLACE, disk=disk)
        moments: list[State] = []
        disk.before_step = lambda _, disk=disk, moments=moments: moments.append(disk.state.copy())  # type: ignore[misc]
        seal(writer_on(archive, home, layout=SMALL), page(8_000, 2))
        for again in chance.sample(moments, 6):
            second = SimulatedDisk(again.after_crash("some", chance))
            archive, home = opened(PLACE, disk=second)
            leaves = leaves_of(archive)
            assert archive.size >= reported
            assert root_of(leaves) == archive.root
            assert leaves[:reported] == expected[:reported]
            seal(writer_on(archive, home, layout=SMALL), page(9_000, 2))
            assert root_of(leaves_of(archive)) == archive.root


def test_a_killed_process_and_then_a_crash_of_the_machine_lose_nothing_reported(
    past: tuple[History, list[bytes]],
) -> None:
    """What a killed merge had not synced is there to be seen: it must not be built on as it is."""
    history, expected = past
    chance = random.Random(11)
    for number, (state, reported, what) in enumerate(history.moments):
        disk = SimulatedDisk(state.after_crash("all", random.Random(number)))
        if PLACE not in disk.state.names or reopen(disk) is None:
            continue
        moments: list[State] = []
        disk.before_step = lambda _, disk=disk, moments=moments: moments.append(disk.state.copy())  # type: ignore[misc]
        archive, home = opened(PLACE, disk=disk)
        with writer_on(archive, home, layout=SMALL).transaction():
            pass  # tidies all the same
        for again in [*moments, disk.state]:
            demand_remembered(again)
            here = reopen(SimulatedDisk(again.after_crash("some", chance)))
            assert here is not None or reported == 0, f"step {number} ({what})"
            if here is not None:
                assert here.size >= reported
                demand_whole(here, expected)


def demand_tidy(archive: Archive) -> None:
    """Each segment file belongs to the tree, and nothing is left to merge."""
    names = list_segments(archive.storage)
    covering = cover(names, archive.size)
    assert covering is not None
    assert sorted(names) == list(covering)
    assert plan_merges(covering, SMALL) == []
