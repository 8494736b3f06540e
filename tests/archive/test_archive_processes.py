"""Real processes on real files: they compete, they are killed, and their disk is full."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.archive.world import SMALL, found, item, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.leaf import payloads_of

ROOT = Path(__file__).parents[2]


def start(place: Path, *numbers: int) -> subprocess.Popen[str]:
    """A writer that waits for a line before its first commit."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writer_process.py")), str(place), *map(str, numbers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def entries_of(leaves: list[bytes]) -> list[bytes]:
    return payloads_of("entry", [leaf for leaf in leaves if leaf.startswith(b'{"kind":"entry"')])


def test_two_writers_that_compete_lose_nothing_and_write_nothing_twice(tmp_path: Path) -> None:
    found(tmp_path)
    writers = [start(tmp_path, 10_000 * number, 25, 3) for number in range(2)]
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0].split() for process in writers]
    assert [len(sizes) for sizes in outputs] == [25, 25]
    archive, _ = opened(tmp_path)
    leaves = leaves_of(archive)
    assert root_of(leaves) == archive.root
    assert sorted(entries_of(leaves)) == sorted(item(10_000 * writer + n) for writer in range(2) for n in range(75))
    # both were at it at the same time, or this shows nothing
    assert int(outputs[0][0]) < int(outputs[1][-1])
    assert int(outputs[1][0]) < int(outputs[0][-1])


@pytest.mark.parametrize("wait_s", [0.05, 0.21, 0.4])
def test_a_writer_that_is_killed_loses_at_most_what_it_had_not_reported(tmp_path: Path, wait_s: float) -> None:
    found(tmp_path)
    process = start(tmp_path, 0, 10_000, 2)
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(wait_s)
    process.kill()
    sizes = [int(line) for line in process.communicate(timeout=60)[0].split("\n") if line]
    archive, home = opened(tmp_path)
    leaves = leaves_of(archive)
    assert archive.size >= max(sizes, default=1)
    assert root_of(leaves) == archive.root
    sealed = entries_of(leaves)
    assert sealed == [item(number) for number in range(len(sealed))]
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(len(sealed), 2))
    writer.close()
    again = entries_of(leaves_of(archive))
    # what was signed but not published yet is published by the next writer
    assert again[: len(sealed)] == sealed
    assert again[-2:] == [item(len(sealed)), item(len(sealed) + 1)]


@pytest.mark.parametrize(("limit", "place"), [(0, "segment/"), (2_000, "segment/"), (8_000, "tile/0/")])
def test_a_disk_that_is_full_ends_in_a_clear_error_and_a_whole_archive(tmp_path: Path, limit: int, place: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 5))
    process = start(tmp_path, 100, 1, 5_000, limit)
    output, _ = process.communicate("go\n", timeout=60)
    assert output.startswith(f"StorageError: {place}"), output
    assert "File too large" in output
    assert "the archive is whole" in output
    again, home = opened(tmp_path)
    assert (again.size, again.root) == (archive.size, archive.root)
    assert root_of(leaves_of(again)) == again.root
    assert again.storage.files("tmp") == []
    assert seal(writer_on(again, home, layout=SMALL), page(5, 2)) == 8
