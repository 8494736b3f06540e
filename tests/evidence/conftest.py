"""Archives that tests of verification share."""

from pathlib import Path

import pytest
from tests.evidence.world import World, collect, fill, found, leaves_of, seal_anew, writing

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
