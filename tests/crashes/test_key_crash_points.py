"""A crash at every step of a change of key, of going on without a lost key, and of `recover` after a restored copy."""

import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk, Survival
from tests.archive.world import SMALL, found, leaves_of, opened, page, root_of, seal, writer_on
from tests.collect.scripted import Source
from tests.crashes.voyage import PLACE, Tree, Voyage, after_crash, demand_verified

from muniment.archive.recovery import change_key, recover
from muniment.archive.writer import Writer
from muniment.errors import KeyMissing, NotOurs

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
SEEDS = 20 if SOAK else 1
TWICE = 3
"""Every so many points, what follows the crash is crashed as well."""


def begun() -> tuple[SimulatedDisk, Writer]:
    """An archive of some commits, all of it durable."""
    disk = SimulatedDisk()
    disk.make_folder(PLACE)
    archive, home = found(PLACE, disk=disk)
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(0, 7))
    return disk, writer


def changing() -> SimulatedDisk:
    return settled(begun()[0])


def lost() -> SimulatedDisk:
    disk, writer = begun()
    disk.remove(writer.home.key_file(writer.archive.verifier))
    return settled(disk)


def restored() -> SimulatedDisk:
    """An older copy was put back: three leaves that were signed are not there."""
    disk, writer = begun()
    older = disk.state.copy()
    seal(writer, page(10, 3))
    for path in [path for path in disk.state.names if path.is_relative_to(PLACE / "archive")]:
        del disk.state.names[path]
    archive_then = {path: node for path, node in older.names.items() if path.is_relative_to(PLACE / "archive")}
    disk.state.names |= archive_then
    disk.state.contents |= {node: older.contents[node] for node in archive_then.values() if node in older.contents}
    return settled(disk)


def settled(disk: SimulatedDisk) -> SimulatedDisk:
    """With everything on it durable."""
    disk.state.durable_names = dict(disk.state.names)
    disk.state.durable_contents = dict(disk.state.contents)
    return disk


def change(writer: Writer) -> None:
    change_key(writer)


def go_on_without(writer: Writer) -> None:
    recover(writer, "the key burnt", lost_key=True)


def go_on(writer: Writer) -> None:
    recover(writer, "restored from a backup")


STORIES = {"change": (changing, change), "lost": (lost, go_on_without), "recover": (restored, go_on)}


def opened_writer(disk: SimulatedDisk) -> Writer:
    return writer_on(*opened(PLACE, disk=disk), layout=SMALL)


def carry_on(steps: Voyage, act: Callable[[Writer], None]) -> None:
    """Seal one more entry; do first what a refusal asks for."""

    def writer() -> Writer:
        opened = opened_writer(steps.disk)
        steps.follow(opened.archive)
        return opened

    try:
        seal(writer(), page(50, 1))
    except (KeyMissing, NotOurs):
        act(writer())
        seal(writer(), page(50, 1))


@pytest.mark.soak
@pytest.mark.parametrize("story", STORIES)
def test_after_a_crash_at_any_step_under_a_change_of_key_work_goes_on(story: str, tmp_path: Path) -> None:
    begin, act = STORIES[story]
    disk = begin()
    writer = opened_writer(disk)
    steps = Voyage(disk, Source(), (writer.archive.size, writer.archive.root))
    steps.follow(writer.archive)
    act(writer)
    seal(writer, page(20, 12))
    steps.note("end")
    assert len(steps.moments) > 30
    crashes: list[tuple[Survival, int]] = [("all", 0), ("nothing", 0), *(("some", seed) for seed in range(SEEDS))]
    for number, (moment, (survival, seed)) in enumerate(itertools.product(steps.moments, crashes)):
        if not SOAK and number % 4 == 0:
            continue  # of three crashes at each step, another one each time
        chance = random.Random(f"{number} {seed}")
        second = outlive(after_crash(moment, survival, chance), moment.reported, act, tmp_path)
        if number % TWICE == 0:
            again = chance.choice(second.moments)
            outlive(after_crash(again, "some", chance), again.reported, act, tmp_path)


def outlive(disk: SimulatedDisk, reported: Tree, act: Callable[[Writer], None], folder: Path) -> Voyage:
    """Look at what came up after a crash, and go on."""
    archive, home = opened(PLACE, disk=disk)
    assert archive.size >= reported[0]
    assert archive.extends(*reported)
    before = leaves_of(archive)
    steps = Voyage(disk, Source(), reported)
    carry_on(steps, act)
    again, _ = opened(PLACE, disk=SimulatedDisk(disk.state.after_crash("nothing", random.Random(0))))
    leaves = leaves_of(again)
    assert leaves[: len(before)] == before
    assert root_of(leaves) == again.root
    assert page(50, 1).leaves[0] in leaves
    demand_verified(disk, folder)
    assert home.signer(again.verifier).vkey == again.vkeys[-1]
    return steps
