"""The archive and what it knows, as most commands want them."""

from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli.options import cache_folder

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.collect.standing import Standing

__all__ = ["cache_of", "open_archive", "open_standing"]


def open_archive(path: Path) -> "Archive":
    """The archive in a folder.

    Raises:
        NoArchive: There is none.
    """
    from muniment.archive.reading import Archive  # noqa: PLC0415 - start-up

    return Archive.open(path)


def cache_of(archive: "Archive") -> Path:
    """Where what is derived from this archive lies; copies of it share it, as far as their trees are the same."""
    return cache_folder() / archive.genesis.hex()


def open_standing(path: Path) -> "tuple[Archive, Standing]":
    """The archive in a folder, and what it knows."""
    from muniment.collect.standing import load_standing  # noqa: PLC0415 - start-up

    archive = open_archive(path)
    return archive, load_standing(archive, cache_of(archive))
