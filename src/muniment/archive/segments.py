"""Which segment files there are, which of them cover a tree, and which to merge: names and numbers only.

A file is written once per commit, cut at multiples of a block (65,536 leaves, a perfect subtree). Neighbours within a
block are merged whenever that lifts every leaf into a higher class of file sizes; there are four steps from one leaf to
a whole block, so no leaf is rewritten more than four times. A file that spans a block is final.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["LAYOUT", "Layout", "SegmentName", "cover", "cut", "final_blocks", "first_hole", "plan_merges", "superseded"]

_PATH: Final = re.compile(r"segment/(0|[1-9][0-9]{0,18})-([1-9][0-9]{0,18})\.([0-9a-f]{16})\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """A file's name: leaves [first, end), and the start of the file's own SHA-256."""

    first: int
    end: int
    digest: str
    """16 hex digits."""

    @property
    def path(self) -> str:
        """Where it lies in the archive."""
        return f"segment/{self.first}-{self.end}.{self.digest}.parquet"

    @property
    def count(self) -> int:
        """How many leaves it holds."""
        return self.end - self.first

    @classmethod
    def parse(cls, path: str) -> "SegmentName | None":
        """The name at a path, or None where no segment is called so."""
        match = _PATH.fullmatch(path)
        if not match:
            return None
        name = cls(int(match[1]), int(match[2]), match[3])
        return name if name.first < name.end else None


@dataclass(frozen=True, slots=True)
class Layout:
    """The numbers by which segments are cut and merged; tests take small ones."""

    block: int = 65_536
    """Leaves of a final segment; a power of `ratio`."""
    ratio: int = 16
    """How many times more leaves the next class of files holds."""

    def class_of(self, count: int) -> int:
        """Which class a file of this many leaves belongs to: 0 for less than `ratio`, and so on."""
        level = 0
        while count >= self.ratio ** (level + 1):
            level += 1
        return level


LAYOUT: Final = Layout()


def cover(names: Iterable[SegmentName], size: int, limit: int | None = None) -> tuple[SegmentName, ...] | None:
    """The fewest files that hold each leaf of a tree once; None where some leaf is in no file.

    Args:
        names: All files there are, superseded ones and leftovers among them.
        size: Number of leaves of the tree.
        limit: A later size of the same tree: where no files end at `size`, the last one may reach up to here.
    """
    limit = size if limit is None else limit
    best: dict[int, tuple[int, SegmentName | None]] = {0: (0, None)}
    for name in sorted(names):
        if name.first in best and name.end <= limit:
            steps = best[name.first][0] + 1
            if name.end not in best or steps < best[name.end][0]:
                best[name.end] = (steps, name)
    end = size if size in best else min((end for end in best if end > size), default=None)
    return None if end is None else _walk_back(best, end)


def _walk_back(best: dict[int, tuple[int, SegmentName | None]], end: int) -> tuple[SegmentName, ...]:
    path: list[SegmentName] = []
    while name := best[end][1]:
        path.append(name)
        end = name.first
    return tuple(reversed(path))


def first_hole(names: Iterable[SegmentName], size: int) -> int:
    """The first leaf that no chain of files leads to."""
    reached = {0}
    for name in sorted(names):
        if name.first in reached and name.end <= size:
            reached.add(name.end)
    return max(reached)


def superseded(names: Iterable[SegmentName], covering: Sequence[SegmentName], size: int) -> list[SegmentName]:
    """Files within the tree that nobody needs, because those of the covering set hold their leaves."""
    chosen = set(covering)
    return [name for name in sorted(names) if name.end <= size and name not in chosen]


def cut(first: int, end: int, layout: Layout = LAYOUT) -> list[tuple[int, int]]:
    """Cut a range of leaves at the multiples of a block."""
    edges = [first, *range(first - first % layout.block + layout.block, end, layout.block), end]
    return list(itertools.pairwise(edges)) if first < end else []


def final_blocks(covering: Sequence[SegmentName], layout: Layout = LAYOUT) -> dict[int, SegmentName]:
    """The files that each span one whole block, by the block's number."""
    return {
        name.first // layout.block: name
        for name in covering
        if name.count == layout.block and name.first % layout.block == 0
    }


def plan_merges(covering: Sequence[SegmentName], layout: Layout = LAYOUT) -> list[list[SegmentName]]:
    """Runs of neighbours to write as one file each.

    Each file that comes of it is of a higher class than every one it is made of: that bounds how often a leaf is
    written again.
    """
    blocks: dict[int, list[SegmentName]] = {}
    for name in covering:
        blocks.setdefault(name.first // layout.block, []).append(name)
    runs = [_run_to_merge(files, layout) for files in blocks.values() if len(files) > 1]
    return [run for run in runs if run]


def _run_to_merge(files: list[SegmentName], layout: Layout) -> list[SegmentName]:
    """All files of a block that is whole; else the longest run at its end that makes a file of a higher class."""
    if files[-1].end - files[0].first == layout.block:
        return files
    for start in range(len(files) - 1):
        run = files[start:]
        highest = max(layout.class_of(name.count) for name in run)
        if layout.class_of(run[-1].end - run[0].first) > highest:
            return run
    return []
