"""Where an archive lies: files by their path within it, each whole or not there.

`LocalFolder` is a folder of a file system. What a bucket would have to do is what `Storage` says.
"""

import contextlib
import errno
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol

from muniment.archive.disk import REAL_DISK, Disk
from muniment.errors import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LOCKS", "TEMPORARY", "LocalFolder", "Missing", "Storage"]

TEMPORARY: Final = "tmp"
LOCKS: Final = "lock"
_HINTS: Final = {
    errno.ENOSPC: "Make room on the disk, then run it again; the archive is whole.",
    errno.EDQUOT: "Make room within the quota, then run it again; the archive is whole.",
    errno.EFBIG: "Raise the limit on file sizes (ulimit -f), then run it again; the archive is whole.",
    errno.EROFS: "The file system is read-only: reading works, writing needs another mount.",
    errno.EACCES: "Give this user the right to write there, or run it as the user who owns the archive.",
    errno.EPERM: "Give this user the right to write there, or run it as the user who owns the archive.",
}


class Missing(StorageError):
    """There is no such file."""


class Storage(Protocol):
    """Files by path within the archive, such as ``tile/0/000``; a refusal is a `StorageError` that names the path."""

    def read(self, path: str) -> bytes:
        """All bytes of a file.

        Raises:
            Missing: There is no such file.
        """

    def open(self, path: str) -> "pa.NativeFile":
        """A file to read from here and there.

        Raises:
            Missing: There is no such file.
        """

    def files(self, folder: str = "") -> list[str]:
        """Paths of all files under a folder, its sub-folders included, sorted; none where there is no such folder."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def modified_at(self, path: str) -> float:
        """When the file was written, in seconds since 1970.

        Raises:
            Missing: There is no such file.
        """

    def write(self, files: Mapping[str, "bytes | memoryview"]) -> None:
        """Write files, each at one stroke: whoever reads sees all of it or what was there before.

        The contents are durable on return, the names once `sync` has returned.
        """

    def sync(self, paths: Iterable[str]) -> None:
        """Return once the names of these files are durable, and those of the folders that lead to them."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is none to remove."""

    def lock(self, name: str, wait_s: float, what: str) -> AbstractContextManager[None]:
        """Hold a lock that goes when its holder dies.

        Args:
            name: Of the lock.
            wait_s: How long to wait for somebody else; 0 is not at all.
            what: What its holder does, such as "is writing to the archive".

        Raises:
            Busy: Somebody else holds it; the message begins with who.
        """


class LocalFolder:
    """A folder of a file system.

    Args:
        root: The folder; need not be there yet.
        disk: What does it.
        private: Whether nobody else may read what is written: files of mode 0600, folders of 0700.
    """

    def __init__(self, root: Path, *, disk: Disk = REAL_DISK, private: bool = False) -> None:
        self.root = root
        self._disk = disk
        self._private = private
        self._file_mode, self._folder_mode = (0o600, 0o700) if private else (0o666, 0o777)
        self._token = secrets.token_hex(4)  # hosts that share the folder may share process ids
        self._numbers = itertools.count()

    def __repr__(self) -> str:
        return f"LocalFolder({str(self.root)!r})"

    def create(self) -> None:
        """Make the folder, and those above it, durably; what is there already stays.

        Raises:
            StorageError: It cannot be made.
        """
        missing = [folder for folder in (self.root, *self.root.parents) if not self._is_there(folder)]
        for folder in reversed(missing):
            with self._told(str(folder)):
                self._disk.make_folder(folder, self._folder_mode)
                self._disk.sync(folder.parent)

    def read(self, path: str) -> bytes:
        """See `Storage`."""
        with self._told(path):
            return self._disk.read(self.root / path)

    def open(self, path: str) -> "pa.NativeFile":
        """See `Storage`."""
        with self._told(path):
            return self._disk.open(self.root / path)

    def files(self, folder: str = "") -> list[str]:
        """See `Storage`."""
        found: list[str] = []
        try:
            with self._told(folder or "."):
                names = self._disk.names(self.root / folder)
        except Missing:
            return found
        for name, is_folder in names:
            path = f"{folder}/{name}" if folder else name
            found.extend(self.files(path) if is_folder else [path])
        return sorted(found)

    def exists(self, path: str) -> bool:
        """See `Storage`."""
        try:
            self.modified_at(path)
        except Missing:
            return False
        return True

    def modified_at(self, path: str) -> float:
        """See `Storage`."""
        with self._told(path):
            return self._disk.modified_at(self.root / path)

    def write(self, files: Mapping[str, "bytes | memoryview"]) -> None:
        """See `Storage`: written under another name, synced, then renamed."""
        if not files:
            return
        self._make_folders([TEMPORARY, *_folders_of(files)])
        folder = self.root / TEMPORARY
        temporary = [(folder / self._temporary_name(), path) for path in files]
        try:
            self._disk.write({place: files[path] for place, path in temporary}, self._file_mode)
            for place, path in temporary:
                with self._told(path):
                    self._disk.rename(place, self.root / path)
        except (OSError, StorageError) as error:
            for place, _ in temporary:
                with contextlib.suppress(OSError):
                    self._disk.remove(place)
            if isinstance(error, OSError):
                names = {str(place): path for place, path in temporary}
                raise self._refusal(names[str(error.filename)], error) from error
            raise

    def sync(self, paths: Iterable[str]) -> None:
        """See `Storage`: deepest folders first."""
        for folder in reversed(["", *_folders_of(paths)]):
            with self._told(folder or "."):
                self._disk.sync(self.root / folder)

    def remove(self, path: str) -> None:
        """See `Storage`; a folder of partial tiles goes with its last one."""
        with contextlib.suppress(Missing), self._told(path):
            self._disk.remove(self.root / path)
        folder = (self.root / path).parent
        if folder.name.endswith(".p"):
            with contextlib.suppress(OSError):  # not empty yet, or gone
                self._disk.remove_folder(folder)

    @contextlib.contextmanager
    def lock(self, name: str, wait_s: float, what: str) -> Iterator[None]:
        """See `Storage`: a file under ``lock/``, which stays."""
        self._make_folders([LOCKS])
        path = f"{LOCKS}/{name}"
        with contextlib.ExitStack() as held:
            with self._told(path):
                held.enter_context(self._disk.lock(self.root / path, wait_s, what))
            yield

    def _make_folders(self, folders: Iterable[str]) -> None:
        for folder in folders:
            with self._told(folder):
                self._disk.make_folder(self.root / folder, self._folder_mode)

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Turn the operating system's refusals into ours; they name the path in the archive, of a home all of it."""
        try:
            yield
        except OSError as error:
            raise self._refusal(path, error) from error

    def _refusal(self, path: str, error: OSError) -> StorageError:
        name = str(self.root / path) if self._private else path
        if isinstance(error, FileNotFoundError):
            return Missing(f"{name}: {os.strerror(errno.ENOENT)}")
        words = os.strerror(error.errno) if error.errno else str(error)
        return StorageError(f"{name}: {words}", hint=_HINTS.get(error.errno or 0))

    def _temporary_name(self) -> str:
        return f"{os.getpid()}.{self._token}.{next(self._numbers)}"

    def _is_there(self, folder: Path) -> bool:
        try:
            self._disk.modified_at(folder)
        except OSError:
            return False
        return True


def _folders_of(paths: Iterable[str]) -> list[str]:
    """The folders that lead to files, each after the one that it lies in; the archive's own is not among them."""
    parents = {path.rpartition("/")[0] for path in paths} - {""}
    nested = {str(parent) for folder in parents for parent in PurePosixPath(folder).parents} - {"."}
    return sorted(parents | nested, key=lambda folder: (folder.count("/"), folder))
