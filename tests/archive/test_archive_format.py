"""What a stranger needs: a reader that was written from the page about the format alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.archive.world import SMALL, found, page, seal, writer_on

from muniment.archive.columns import SEGMENT_SCHEMA
from muniment.archive.leaf import KINDS

READER = Path(__file__).with_name("independent_reader.py")
FORMAT = Path(__file__).parents[2] / "docs" / "archive-format.md"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with superseded files beside those that count."""
    place = tmp_path_factory.mktemp("format")
    made, home = found(place)
    writer = writer_on(made, home, layout=SMALL, grace_s=1e12)
    for number in range(9):
        seal(writer, page(100 * number, 5), receipt=b"{}")
    return place / "archive"


def read(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", str(READER), str(path)], capture_output=True, text=True, check=False)


def test_an_independent_reader_reads_all_leaves_and_finds_the_signed_root(archive: Path) -> None:
    done = read(archive)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "origin": "example.com/audit",
        "leaves": 58,
        "kinds": {"archive": 1, "entry": 45, "receipt": 9, "segment": 3},
    }


def test_an_independent_reader_refuses_one_flipped_bit(archive: Path) -> None:
    (path,) = (archive / "segment").glob("0-16.*")
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[flipped.index(b"entry-3") if b"entry-3" in flipped else len(flipped) // 3] ^= 1
    path.write_bytes(flipped)
    try:
        done = read(archive)
    finally:
        path.write_bytes(whole)
    assert done.returncode != 0
    assert path.name in done.stderr
    assert done.stdout == ""


def test_the_reader_is_short_and_uses_nothing_of_ours() -> None:
    lines = READER.read_text().splitlines()
    assert len(lines) <= 80
    assert not any("muniment" in line for line in lines)


def test_the_reader_on_the_page_runs_as_it_stands(archive: Path, tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", FORMAT.read_text(), re.DOTALL)
    (tmp_path / "muniment-archive").symlink_to(archive)
    done = subprocess.run([sys.executable, "-I", "-c", block], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "example.com/audit has 58 leaves under the root that was signed\n"


def test_the_page_about_the_format_names_every_column_and_kind() -> None:
    text = FORMAT.read_text()
    assert [name for name in SEGMENT_SCHEMA.names if f"`{name}`" not in text] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
