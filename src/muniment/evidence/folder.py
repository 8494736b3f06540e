"""A folder that somebody else may have filled: no link is followed, no size believed, no pipe waited for."""

import os
import stat
from collections.abc import Iterator
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple

from muniment.errors import NotEvidence

__all__ = ["Folder", "Found", "Gone", "Unreadable"]

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK


class Gone(NotEvidence):
    """There is no such file."""


class Unreadable(NotEvidence):
    """There is something, but it cannot be read; the message says why without repeating the path."""


class Found(NamedTuple):
    """Something in the folder."""

    path: str
    """Within the folder; bytes that are no UTF-8 are written as ``\\xff``."""
    odd: str | None
    """Why it is no file to read, such as "is a symbolic link"; None for a plain file."""


class Folder:
    """A folder.

    Args:
        root: Where it is; may itself be a link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def walk(self, folder: str = "") -> Iterator[Found]:
        """Everything in a folder and below it but the folders themselves, sorted folder by folder.

        Args:
            folder: Path within this one; nothing is found where there is none.
        """
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                with os.scandir(self.root / here) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except FileNotFoundError:
                continue
            except OSError as error:
                yield Found(_shown(here) or ".", f"cannot be listed: {error.strerror}")
                continue
            folders = [entry for entry in found if entry.is_dir(follow_symlinks=False)]
            waiting += [_join(here, entry.name) for entry in reversed(folders)]
            yield from (
                Found(_shown(_join(here, entry.name)), _oddity(entry)) for entry in found if entry not in folders
            )

    def read(self, path: str, limit: int) -> bytes:
        """A file's first bytes.

        Args:
            path: Within the folder.
            limit: How many at most; ask for one more than there may be.

        Raises:
            Gone: There is no such file.
            Unreadable: It is no plain file, or cannot be read.
        """
        with self.open(path) as file:
            try:
                return file.read(limit)
            except OSError as error:
                raise Unreadable(f"cannot be read: {error.strerror}") from error

    def digest(self, path: str) -> str:
        """The SHA-256 of a file's bytes, in hex.

        Raises:
            Gone: There is no such file.
            Unreadable: It is no plain file, or cannot be read.
        """
        with self.open(path) as file:
            try:
                return file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise Unreadable(f"cannot be read: {error.strerror}") from error

    def open(self, path: str) -> BufferedReader:
        """A plain file, open for reading.

        Raises:
            Gone: There is no such file.
            Unreadable: It is no plain file, or cannot be opened.
        """
        try:
            descriptor = os.open(self.root / path, _FLAGS)
        except FileNotFoundError as error:
            raise Gone("missing") from error
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable("is no plain file")
        return os.fdopen(descriptor, "rb")


def _oddity(entry: "os.DirEntry[str]") -> str | None:
    if entry.is_symlink():
        return "is a symbolic link"
    return None if entry.is_file(follow_symlinks=False) else "is no plain file"


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
