"""Which files of an archive's folder are part of it, which are passed over, and which have no business there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from muniment.archive.contents import CHECKPOINT, FACTS
from muniment.archive.segments import SegmentName
from muniment.errors import MerkleError
from muniment.evidence.extent import spans_blocks
from muniment.evidence.folder import Folder, Found
from muniment.evidence.verdict import Problems
from muniment.merkle.tiles import TILE_WIDTH, Tile

__all__ = ["Sorted", "looks_like_archive", "segments_in", "sort_files"]

_OURS = (CHECKPOINT, FACTS, "segment", "tile")


@dataclass(slots=True)
class Sorted:
    """The files of a folder."""

    covered: int
    """How many are verified."""
    superseded: int
    """How many hold what wider ones hold."""
    past: int
    """How many lie past the checkpoint: of a commit under way, or of one that never was."""
    passed_over: list[str]
    """Paths of all that nothing is concluded from."""


def looks_like_archive(folder: Folder) -> bool:
    """Whether anything of an archive is in a folder, damaged as it may be."""
    return any((folder.root / name).exists() or (folder.root / name).is_symlink() for name in _OURS)


def segments_in(folder: Folder) -> list[SegmentName]:
    """The segment files there are, whatever is in them; those whose names claim more than a segment holds left out."""
    names = (SegmentName.parse(found.path) for found in folder.walk("segment") if found.odd is None)
    return sorted(name for name in names if name and not spans_blocks(name))


def sort_files(folder: Folder, size: int, used: Collection[SegmentName], problems: Problems) -> Sorted:
    """Sort all files of an archive.

    Args:
        folder: The archive's.
        size: Number of leaves that are verified.
        used: The segment files that they are read from.
        problems: Takes files that are neither part of it nor outside it.
    """
    files = Sorted(0, 0, 0, [])
    for found in folder.walk():
        if found.path.split("/")[0] not in _OURS:
            files.passed_over.append(found.path)
        else:
            for what in _take(found, size, used, files):
                problems.add("files", found.path, what)
    return files


def _take(found: Found, size: int, used: Collection[SegmentName], files: Sorted) -> Iterator[str]:
    """Sort one file that lies where the archive's do; why it has no business there."""
    if found.odd is not None:
        yield found.odd
    elif found.path in (CHECKPOINT, FACTS):
        files.covered += 1
    elif found.path.startswith("segment/"):
        yield from _take_segment(found.path, size, used, files)
    else:
        yield from _take_tile(found.path, size, files)


def _take_segment(path: str, size: int, used: Collection[SegmentName], files: Sorted) -> Iterator[str]:
    name = SegmentName.parse(path)
    if name is None:
        yield "no segment is called so"
    elif spans_blocks(name):
        yield "its name claims leaves of more than one block of 65,536, which no segment has"
    elif name in used:
        files.covered += 1
    else:
        _pass_over(path, files, is_past=name.end > size)


def _take_tile(path: str, size: int, files: Sorted) -> Iterator[str]:
    try:
        tile = Tile.parse(path)
    except MerkleError:
        yield "no file of an archive is called so"
        return
    width = min(TILE_WIDTH, (size >> 8 * tile.level) - tile.index * TILE_WIDTH)
    if tile.width == width:
        files.covered += 1
    else:
        _pass_over(path, files, is_past=tile.width > width)


def _pass_over(path: str, files: Sorted, *, is_past: bool) -> None:
    files.passed_over.append(path)
    if is_past:
        files.past += 1
    else:
        files.superseded += 1
