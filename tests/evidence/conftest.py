"""Archives that tests of verification share."""

from pathlib import Path

import pytest
from tests.evidence.world import AT, SOURCE, World, collect, fill, found, leaves_of, people, receipt, seal_anew, writing

from muniment.archive.columns import entry_batch
from muniment.archive.segments import LAYOUT


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """747 leaves of many kinds, in final, merged and fresh segments; for tests that put back what they change."""
    world = found(tmp_path_factory.mktemp("sealed"))
    fill(world)
    return world


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same leaves, with the superseded files that lie about for a while."""
    world = found(tmp_path_factory.mktemp("crowded"))
    fill(world, grace_s=1e9)
    return world


@pytest.fixture
def world(sealed: World, tmp_path: Path) -> World:
    """A copy of it, to be harmed."""
    return sealed.copy(tmp_path / "world")


@pytest.fixture(scope="session")
def simple(tmp_path_factory: pytest.TempPathFactory) -> World:
    """34 leaves in one segment of nothing but entries, users and receipts: simple enough to be made anew."""
    world = found(tmp_path_factory.mktemp("simple"))
    with writing(world, layout=LAYOUT) as writer:
        for number in range(3):
            collect(writer, 100 * number, 9, f"u{number}")
    seal_anew(world, leaves_of(world))
    return world


@pytest.fixture
def plain(simple: World, tmp_path: Path) -> World:
    """A copy of it, to be harmed."""
    return simple.copy(tmp_path / "plain")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> World:
    """5 blocks of 65,536 leaves, the last not whole, others in several files."""
    world = found(tmp_path_factory.mktemp("large"))
    whole = entry_batch(SOURCE, AT, [b'{"id":"%d"}' % number for number in range(8192)])
    with writing(world, layout=LAYOUT) as writer:
        with writer.transaction() as transaction:
            for _ in range(20):
                transaction.add(whole)
            transaction.add(people("u1"))
            transaction.add_record("receipt", receipt(1, 163_841), AT)
        signer = world.home.signer(writer.archive.verifier)
        # not by a transaction: nothing is merged after these two
        for _ in range(2):
            with writer.locked(1), writer.appending(signer) as transaction:
                for _ in range(7):
                    transaction.add(whole)
    return world


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A block of 65,536 leaves and some more, so that there are tiles of three levels."""
    world = found(tmp_path_factory.mktemp("wide"))
    with writing(world, layout=LAYOUT) as writer, writer.transaction() as transaction:
        for first in range(0, 73_728, 8192):
            payloads = [b'{"id":"%d"}' % number for number in range(first, first + 8192)]
            transaction.add(entry_batch(SOURCE, AT, payloads))
        transaction.add_record("receipt", receipt(1, 73_729), AT)
    return world
