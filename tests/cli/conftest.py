"""A place of its own for each test, a terminal, and an archive that was collected once."""

import shutil
from pathlib import Path

import pytest
from tests.cli.terminal import ORIGIN, PERIOD, Place, Terminal, as_of_now, source_of

from muniment.cli.main import run
from muniment.sandbox.server import Box


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place of its own, which the environment names; nothing else of ours is in the environment."""
    made = Place(tmp_path)
    made.work.mkdir()
    as_of_now(monkeypatch, made.environment())
    monkeypatch.chdir(made.work)
    return made


@pytest.fixture
def muniment(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def at_source(shared_box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The shared sandbox, which the environment names."""
    for name, value in source_of(shared_box).items():
        monkeypatch.setenv(name, value)
    return shared_box


@pytest.fixture(scope="session")
def template(shared_box: Box, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An archive of the shared sandbox's last days, collected once."""
    made = Place(tmp_path_factory.mktemp("template"))
    made.work.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        as_of_now(patch, made.environment() | source_of(shared_box))
        patch.chdir(made.work)
        assert run(["init", "--origin", ORIGIN]) == 0
        assert run(["collect", *PERIOD]) == 0
    return made


@pytest.fixture
def collected(template: Place, place: Place) -> Place:
    """A copy of that archive, its home and its cache."""
    for source in (template.archive, template.home, template.cache):
        shutil.copytree(source, place.folder / source.name)
    return place
