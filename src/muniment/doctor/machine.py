"""This machine: archive, signing key, what was last signed, disk, versions; nothing is written."""

import importlib.metadata
import os
import platform
import shutil
import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.reconcile import unpublished
from muniment.doctor.check import Check
from muniment.doctor.examinations.exam import Finding
from muniment.errors import ArchiveError, MunimentError, NoArchive
from muniment.version import __version__

__all__ = ["KeyInUse", "check_machine"]

_LITTLE_BYTES: Final = 1 << 30
_NOTHING_BYTES: Final = 64 << 20
_BACKUP: Final = "Keep a copy of it elsewhere, readable by nobody else."
_PACKAGES: Final = ("pyarrow", "duckdb", "urllib3", "cryptography")
_NO_ARCHIVE: Final = "there is no archive to look at"
_MADE: Final = "`muniment init` or the first `muniment collect` makes one."


class KeyInUse(NamedTuple):
    """The API key that is in use now.

    Args:
        source: Name of the source that it is for.
        tag: Tells keys apart within an archive, given its origin; see `Client.key_tag`.
    """

    source: str
    tag: Callable[[str], str]


class _Told(msgspec.Struct):
    """What matters here of a receipt."""

    source: str = ""
    key_tag: str = ""


def check_machine(path: Path, home: Home, key: KeyInUse | None = None) -> Iterator[Check]:
    """Every check of this machine.

    Args:
        path: Of the archive, whether it is there or not.
        home: Where signing keys live.
        key: The API key, where there is one.
    """
    archive, finding = _open(path)
    yield Check("archive", "machine", finding)
    yield Check("signing-key", "machine", _signing_key(archive, home))
    yield Check("last-signed", "machine", _last_signed(archive, home))
    yield Check("same-key", "machine", _same_key(archive, key))
    yield Check("disk", "machine", _disk(path))
    yield Check("versions", "machine", _versions())


def _open(path: Path) -> tuple[Archive | None, Finding]:
    try:
        archive = Archive.open(path)
    except NoArchive as error:
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return None, Finding("skipped", f"there is none in {path} yet", _MADE)
        return None, Finding("fail", f"{error.message}, but something else", "Name another folder by --archive.", 1)
    except (MunimentError, OSError) as error:
        return None, _failed(error)
    why = f"{archive.size} {'leaf' if archive.size == 1 else 'leaves'} of {archive.origin}, signed by the archive's key"
    return archive, Finding("pass", why, "`muniment verify` recomputes all of it.")


def _failed(error: MunimentError | OSError) -> Finding:
    if isinstance(error, MunimentError):
        return Finding("fail", error.message, error.hint, error.exit_code)
    where = f"{error.filename}: " if error.filename else ""
    return Finding("fail", f"{where}{error.strerror or error}", "See that this user may read there.", 1)


def _signing_key(archive: Archive | None, home: Home) -> Finding:
    if archive is None:
        return Finding("skipped", _NO_ARCHIVE, _MADE)
    try:
        home.signer(archive.verifier)
        file = home.key_file(archive.verifier)
        mode = stat.S_IMODE(file.stat().st_mode)
    except ArchiveError as error:
        return Finding("fail", error.message, error.hint, error.exit_code)
    except OSError as error:
        return _failed(error)
    if mode & 0o077:
        return Finding("differs", f"others may read {file} (mode {mode:04o})", f"chmod 600 {file}")
    return Finding("pass", f"{file}, mode {mode:04o}", _BACKUP)


def _last_signed(archive: Archive | None, home: Home) -> Finding:
    if archive is None:
        return Finding("skipped", _NO_ARCHIVE, _MADE)
    try:
        if home.last_signed(archive.genesis) is None:
            why = "nothing was signed for it from here: an older copy could not be told"
            return Finding("skipped", why, "It is known from the next collection on.")
        ahead = unpublished(archive, home)
    except (MunimentError, OSError) as error:
        return _failed(error)
    if ahead is not None:
        why = "the last commit was signed, but not published any more"
        return Finding("pass", why, "Its files are all there: the next collection publishes it.")
    return Finding("pass", "the archive extends what was last signed for it here")


def _same_key(archive: Archive | None, key: KeyInUse | None) -> Finding:
    """Whether the key that collected last is in use now: another one may see less."""
    if archive is None:
        return Finding("skipped", _NO_ARCHIVE, _MADE)
    if key is None:
        return Finding("skipped", "there is no key to compare", "See the first failure above.")
    try:
        before = _last_tag(archive, key.source)
    except (MunimentError, OSError, msgspec.DecodeError) as error:
        return Finding("skipped", f"the record cannot be read: {error}", "`muniment verify` says what is damaged.")
    now = key.tag(archive.origin)
    if before is None:
        return Finding("skipped", f"nothing was collected from {key.source} yet", "It is known from then on.")
    if before == now:
        return Finding("pass", f"it is the key that collected last (tag {now})")
    why = f"another key collected last (tag {before}; this one's is {now})"
    return Finding("differs", why, "Where this one sees less, a collection stops with exit 3, unless --accept-scope.")


def _last_tag(archive: Archive, source: str) -> str | None:
    receipts = (leaf.payload for _, leaf in archive.record() if leaf.kind == "receipt")
    told = (msgspec.json.decode(payload, type=_Told) for payload in receipts)
    return next((each.key_tag for each in told if each.source == source), None)


def _disk(path: Path) -> Finding:
    folder = next(each for each in (path, *path.absolute().parents) if each.is_dir())
    if not os.access(folder, os.W_OK):
        return Finding("differs", f"this user may not write in {folder}", "Reading works; collecting does not.")
    return _room(shutil.disk_usage(folder).free)


def _room(free_bytes: int) -> Finding:
    why = f"{free_bytes / (1 << 30):.1f} GiB free"
    if free_bytes < _NOTHING_BYTES:
        return Finding("fail", why, "Make room: without it a collection stops, and the archive stays whole.", 1)
    if free_bytes < _LITTLE_BYTES:
        return Finding("differs", why, "That is some million entries; see that there is room when it grows.")
    return Finding("pass", why)


def _versions() -> Finding:
    others = (f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    openssl = " ".join(ssl.OPENSSL_VERSION.split()[:2])
    return Finding(
        "pass", ", ".join([f"muniment {__version__}", f"Python {platform.python_version()}", *others, openssl])
    )
