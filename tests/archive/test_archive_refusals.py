"""A disk that refuses: at every step of a commit and of a merge, once or ever after."""

import contextlib
import errno
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk, State
from tests.archive.world import SMALL, found, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.writer import Writer
from muniment.errors import StorageError

PLACE = Path("/disk")


@pytest.fixture(scope="module")
def begun() -> State:
    """A disk with an archive whose next commit fills a block, so that files are merged after it."""
    disk = SimulatedDisk()
    disk.make_folder(PLACE)
    archive, home = found(PLACE, disk=disk)
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(0, 13))
    return disk.state


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("ever_after", [False, True])
def test_whatever_is_refused_the_archive_is_whole_and_says_whether_it_was_sealed(
    begun: State, code: int, *, ever_after: bool
) -> None:
    steps_refused = 0
    while True:
        disk = SimulatedDisk(begun.copy())
        archive, home = opened(PLACE, disk=disk)
        writer = writer_on(archive, home, layout=SMALL)
        disk.refuse(steps_refused, code, ever_after=ever_after)
        sealed = was_sealed(writer)
        with contextlib.suppress(StorageError):
            writer.close()
        if not disk.has_refused:
            break
        disk.allow()
        demand_whole(disk, sealed=sealed)
        steps_refused += 1
    assert steps_refused > 35


def was_sealed(writer: Writer) -> bool:
    try:
        seal(writer, page(100, 5), receipt=b"{}")
    except StorageError as error:
        return error.exit_code != 1
    return True


def test_a_refusal_after_the_state_was_signed_says_that_nothing_is_lost(begun: State) -> None:
    hints = set()
    for step in range(60):
        disk = SimulatedDisk(begun.copy())
        archive, home = opened(PLACE, disk=disk)
        disk.refuse(step, errno.ENOSPC)
        try:
            seal(writer_on(archive, home, layout=SMALL), page(100, 5))
        except StorageError as error:
            hints.add((error.message.partition(":")[0], "publishes it" in error.hint))
    assert {("checkpoint", True), (".", True), (".", False), ("/disk/home/signed", False)} <= hints
    assert all(late == (place in {"checkpoint", "."}) for place, late in hints - {(".", False)} if place != "tmp")


def demand_whole(disk: SimulatedDisk, *, sealed: bool) -> None:
    archive, home = opened(PLACE, disk=disk)
    before = archive.size
    assert before == 20 if sealed else before in (14, 20)
    assert root_of(leaves_of(archive)) == archive.root
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(200, 3))
    writer.close()
    leaves = leaves_of(archive)
    assert root_of(leaves) == archive.root
    entries = [leaf for leaf in leaves if leaf.startswith(b'{"kind":"entry"')]
    assert entries in (
        [*page(0, 13).leaves, *page(200, 3).leaves],
        [*page(0, 13).leaves, *page(100, 5).leaves, *page(200, 3).leaves],
    )
    if sealed or before == 20:
        assert len(entries) == 21


def test_a_refusal_before_the_state_is_signed_leaves_the_archive_as_it_was(begun: State) -> None:
    unchanged = 0
    for step in range(60):
        disk = SimulatedDisk(begun.copy())
        archive, home = opened(PLACE, disk=disk)
        note = archive.note
        disk.refuse(step, errno.ENOSPC)
        if was_sealed(writer_on(archive, home, layout=SMALL)):
            continue
        disk.allow()
        if home.last_signed(archive.genesis) == note:
            assert opened(PLACE, disk=disk)[0].note == note
            unchanged += 1
    assert unchanged > 15
