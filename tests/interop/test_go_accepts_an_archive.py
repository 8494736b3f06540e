"""Go's own note and tlog packages read an archive that a collection made, and refuse it with one bit changed."""

import datetime as dt
import random
import shutil
from pathlib import Path

import pytest
from tests.interop.conftest import GoVerify

from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.collect.collecting import collect
from muniment.merkle.proof import encode_proof
from muniment.merkle.tiles import inclusion_proof, tiles_of
from muniment.sandbox.server import Box
from muniment.source.client import Client
from muniment.source.settings import Settings

NOW = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def earlier_and_archive(shared_box: Box, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Archive]:
    """An archive after two collections, and its checkpoint after the first."""
    folder = tmp_path_factory.mktemp("site")
    home = Home(folder / "home")
    archive = initialise(folder / "archive", home, "audit.example.com/test", now=NOW)
    for _ in range(2):
        with Client(Settings(url=shared_box.url, api_key=shared_box.keys["AM_VIEW_ONLY"])) as client:
            collect(archive, client, "am@sandbox", home=home, cache=folder / "cache", clock=lambda: NOW)
        if not (folder / "earlier").exists():
            shutil.copy(folder / "archive" / "checkpoint", folder / "earlier")
    archive.refresh()
    return folder / "earlier", archive


def test_go_accepts_the_archive_a_leaf_of_it_and_its_growth(
    go_verify: GoVerify, earlier_and_archive: tuple[Path, Archive], tmp_path: Path
) -> None:
    earlier, archive = earlier_and_archive
    (tmp_path / "leaf").write_bytes(archive.leaf(777))
    done = go_verify(earlier.parent / "archive", archive.vkeys[-1], leaf=tmp_path / "leaf", index=777, old=earlier)
    assert done.returncode == 0, done.stderr


def test_go_accepts_a_proof_of_one_entry_that_an_auditor_holds_alone(
    go_verify: GoVerify, earlier_and_archive: tuple[Path, Archive], tmp_path: Path
) -> None:
    _, archive = earlier_and_archive
    (tmp_path / "leaf").write_bytes(archive.leaf(42))
    proof = inclusion_proof(42, archive.size, archive.read_tile)
    (tmp_path / "entry.tlog-proof").write_text(encode_proof(42, proof, archive.note))
    done = go_verify(None, archive.vkeys[-1], leaf=tmp_path / "leaf", index=42, proof=tmp_path / "entry.tlog-proof")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("seed", range(8))
def test_go_refuses_the_archive_with_one_bit_changed(
    go_verify: GoVerify, earlier_and_archive: tuple[Path, Archive], tmp_path: Path, seed: int
) -> None:
    earlier, archive = earlier_and_archive
    copy = tmp_path / "copy"
    shutil.copytree(earlier.parent / "archive", copy)
    draw = random.Random(seed)
    files = [copy / "checkpoint", *sorted(file for file in (copy / "tile").rglob("*") if _is_needed(file, archive))]
    damaged = draw.choice(files)
    content = bytearray(damaged.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    damaged.write_bytes(content)
    assert go_verify(copy, archive.vkeys[-1]).returncode == 1, damaged


def _is_needed(file: Path, archive: Archive) -> bool:
    """Whether the present tree has this tile; superseded partial ones are no part of it."""
    return any(str(file).endswith(f"/{tile.path}") for tile in tiles_of(archive.size))
