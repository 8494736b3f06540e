"""What an operating system does to files, in the few steps that a crash can come between.

Everything the archive and the home put on a disk goes through a `Disk`, so that tests run the same code on one that
loses and reorders whatever was not synced.
"""

import contextlib
import fcntl
import itertools
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from muniment.errors import Busy

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["REAL_DISK", "Disk", "Name", "RealDisk"]

T = TypeVar("T")

_OPEN_FILES: Final = 128
_SYNCS_AT_ONCE: Final = 8
_LOCK_POLL_S: Final = 0.002
"""As short as what lies between two commits of a busy writer: who looks less often may never find it free."""
_SIGNATURE_BYTES: Final = 300
"""A process id and a host name of at most 255 characters."""


class Name(NamedTuple):
    """Something in a folder."""

    name: str
    is_folder: bool


class Disk(Protocol):
    """The steps; each raises `OSError`."""

    def read(self, path: Path) -> bytes:
        """All bytes of a file."""

    def open(self, path: Path) -> "pa.NativeFile":
        """A file to read from here and there; it stays readable when its name goes."""

    def names(self, folder: Path) -> list[Name]:
        """What a folder holds, sorted by name."""

    def modified_at(self, path: Path) -> float:
        """Seconds since 1970."""

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """Make one folder; one that is there already is left as it is."""

    def write(self, files: "Mapping[Path, bytes | memoryview]", mode: int = 0o666) -> None:
        """Make files or replace their contents; the contents are durable on return, the names only after `sync`.

        Raises:
            OSError: With the name of the file that was refused.
        """

    def sync(self, folder: Path) -> None:
        """Return once the names in a folder are durable."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name at one stroke; a file that had it is gone."""

    def remove(self, path: Path) -> None:
        """Take a file's name away."""

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""

    def lock(self, path: Path, wait_s: float, what: str) -> AbstractContextManager[None]:
        """Hold a lock that goes when its holder dies.

        Raises:
            Busy: Somebody else held it for `wait_s` seconds; `what` says what they do.
        """


class RealDisk:
    """The operating system's."""

    def read(self, path: Path) -> bytes:
        """See `Disk`."""
        return path.read_bytes()

    def open(self, path: Path) -> "pa.NativeFile":
        """See `Disk`; never mapped into memory: a file cut by somebody else would kill the process."""
        import pyarrow as pa  # noqa: PLC0415 - start-up

        return pa.OSFile(str(path), "rb")

    def names(self, folder: Path) -> list[Name]:
        """See `Disk`."""
        with os.scandir(folder) as found:
            return sorted(Name(each.name, each.is_dir(follow_symlinks=False)) for each in found)

    def modified_at(self, path: Path) -> float:
        """See `Disk`."""
        return path.stat().st_mtime

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """See `Disk`."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode)

    def write(self, files: "Mapping[Path, bytes | memoryview]", mode: int = 0o666) -> None:
        """See `Disk`; many files are made durable side by side, which is several times faster."""
        for group in _batched(files.items(), _OPEN_FILES):
            with contextlib.ExitStack() as opened:
                written = [(_write(opened, path, data, mode), path) for path, data in group]
                if len(written) == 1:
                    _make_durable(*written[0])
                    continue
                with ThreadPoolExecutor(min(len(written), _SYNCS_AT_ONCE), thread_name_prefix="sync") as pool:
                    list(pool.map(_make_durable, *zip(*written, strict=True)))

    def sync(self, folder: Path) -> None:
        """See `Disk`."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _make_durable(descriptor, folder)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """See `Disk`."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """See `Disk`."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """See `Disk`."""
        path.rmdir()

    @contextlib.contextmanager
    def lock(self, path: Path, wait_s: float, what: str) -> Iterator[None]:
        """See `Disk`; by `flock`, which the kernel lets go of when its holder dies, however it dies."""
        descriptor = _take_lock(path, time.monotonic() + wait_s, what)
        try:
            yield
        finally:
            # said, not left to close: a child that a fork made would hold on to it
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _write(opened: contextlib.ExitStack, path: Path, data: "bytes | memoryview", mode: int) -> int:
    """Write a file that stays open until the stack ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    opened.callback(os.close, descriptor)
    rest = memoryview(data)
    with _naming(path):
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    return descriptor


def _batched(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """The items in lists of at most so many."""
    rest = iter(items)
    while group := list(itertools.islice(rest, count)):
        yield group


def _make_durable(descriptor: int, path: Path) -> None:
    with _naming(path):
        if sys.platform == "darwin":  # where fsync leaves it in the drive's own memory
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file it is that the operating system refuses: it does so itself only where it is told a name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _take_lock(path: Path, until: float, what: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _wait_for(descriptor, until, what)
            if _is_still_at(descriptor, path):
                _sign(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _wait_for(descriptor: int, until: float, what: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise Busy(f"{_holder(descriptor)} {what}") from None
            time.sleep(min(_LOCK_POLL_S, left_s))
        else:
            return


def _is_still_at(descriptor: int, path: Path) -> bool:
    """Whether the lock that we hold is the one that others ask for: the folder may have been moved meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    # a courtesy to whoever finds it held: a disk too full for it does not stop us
    with contextlib.suppress(OSError):
        # always as wide: cutting a file first costs more than the whole commit's hashing
        os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}".ljust(_SIGNATURE_BYTES - 1).encode() + b"\n", 0)


def _holder(descriptor: int) -> str:
    pid, _, host = os.pread(descriptor, _SIGNATURE_BYTES, 0).decode("utf-8", "replace").strip().partition(" ")
    if not pid:
        return "another process"
    return f"process {pid}" if host in ("", socket.gethostname()) else f"process {pid} on {host}"


REAL_DISK: Final = RealDisk()
