"""How fast an archive is verified: `python -m benchmarks.verify [ENTRIES] [FOLDER]`.

The archive is made anew in a folder that goes away at the end, or in FOLDER, where it stays and is used again. What is
measured is the command as a person runs it, start-up and all, with the memory of all its processes; beside it, in the
same run, what nobody can do without: reading every leaf and hashing it, and the tree above them, on one core.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.archive import COMMIT, NOW, OBSERVED, PAGE, SOURCE, pages

from muniment.archive.columns import entry_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.evidence.archive import verify_archive
from muniment.merkle.tiles import TreeBuilder
from muniment.merkle.tree import hash_leaves

COMMAND = "import sys; from muniment.cli.main import main; main(sys.argv[1:])"


class Run(NamedTuple):
    seconds: float
    cpu_s: float
    resident_mb: int
    """Of all processes together, pages that they share counted in each."""
    proportional_mb: int
    """The same, shared pages counted once."""


def make(folder: Path, count: int) -> Archive:
    if (folder / "archive/checkpoint").exists():
        return Archive.open(folder / "archive")
    home = Home(folder / "home")
    archive = initialise(folder / "archive", home, now=NOW)
    source = pages(count)
    with Writer(archive, home, grace_s=-1e9, background=False) as writer:
        for first in range(0, count, COMMIT):
            with writer.transaction() as transaction:
                start = transaction.size
                for _ in range(min(COMMIT, count - first) // PAGE):
                    transaction.add(entry_batch(SOURCE, OBSERVED, next(source)))
                said = f'{{"run":"r","phase":"part","windows":[{{"leaves":[[{start},{transaction.size}]]}}]}}'
                transaction.add_record("receipt", said.encode(), OBSERVED)
    return Archive.open(folder / "archive")


def kilobytes(process: int, field: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


def family(process: int) -> list[int]:
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return [process, *(each for child in children for each in family(int(child)))]
    return [process]


def verify(folder: Path) -> Run:
    """The command, in processes of its own."""
    environment = os.environ | {"MUNIMENT_HOME": str(folder / "home")}
    command = [sys.executable, "-c", COMMAND, "verify", str(folder / "archive"), "--json"]
    before, start = os.times(), time.perf_counter()
    resident = proportional = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            processes = family(process.pid)
            resident = max(resident, sum(kilobytes(each, "Rss:") for each in processes))
            proportional = max(proportional, sum(kilobytes(each, "Pss:") for each in processes))
            time.sleep(0.05)
        assert process.stdout
        assert b'"ok":true' in process.stdout.read()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(time.perf_counter() - start, cpu, resident // 1024, proportional // 1024)


def alone(archive: Path) -> float:
    start = time.perf_counter()
    assert verify_archive(archive).ok
    return time.perf_counter() - start


def hash_everything(archive: Archive) -> float:
    start = time.perf_counter()
    builder = TreeBuilder()
    for batch in archive.batches(columns=["leaf"], rows=2_048):
        builder.absorb(hash_leaves(batch.column(0).to_pylist()))
    assert builder.head().root == archive.root
    return time.perf_counter() - start


def main(count: int, folder: Path) -> None:
    archive = make(folder, count)
    size = archive.size
    print(f"{size:,} leaves, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    seconds = hash_everything(archive)
    print(f"limit    {size / seconds:12,.0f} leaves/s read, hashed and put into a tree, nothing compared, on one core")
    seconds = alone(folder / "archive")
    print(f"library  {size / seconds:12,.0f} leaves/s in one process, all compared")
    for _ in range(3):
        run = verify(folder)
        print(
            f"command  {size / run.seconds:12,.0f} leaves/s  {run.seconds:.2f} s, CPU {run.cpu_s:.2f} s; "
            f"all processes {run.proportional_mb} MB, {run.resident_mb} MB with shared pages counted twice"
        )


if __name__ == "__main__":
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        main(entries, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(entries, Path(name))
