"""A new archive: an empty folder, a new key, and leaf 0."""

import datetime as dt
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from muniment.archive.columns import leaf_batch
from muniment.archive.commit import Transaction, seal
from muniment.archive.contents import CHECKPOINT, FACTS
from muniment.archive.genesis import HASH, Genesis, default_origin, demand_origin
from muniment.archive.home import Home
from muniment.archive.leaf import OWN_SOURCE
from muniment.archive.parquet import FORMAT, Marks
from muniment.archive.reading import Archive
from muniment.archive.segments import LAYOUT
from muniment.archive.storage import LOCKS, TEMPORARY, LocalFolder, Storage
from muniment.archive.timestamps import format_time
from muniment.archive.writer import COMMIT_LOCK
from muniment.errors import ArchiveError, ArchiveExists, NotEvidence, StorageError
from muniment.merkle.note import Signer
from muniment.merkle.tiles import EMPTY_HEAD, Tile
from muniment.merkle.tree import leaf_hash

__all__ = ["initialise"]

_UNFINISHED: Final = re.compile(
    rf"{re.escape(FACTS)}|segment/0-1\.[0-9a-f]{{16}}\.parquet|tile/0/000\.p/1|({TEMPORARY}|{LOCKS})/[^/]+"
)
"""What a crash during `initialise` can leave behind, and nothing that holds more than leaf 0."""


def initialise(
    path: Path,
    home: Home,
    origin: str | None = None,
    *,
    now: dt.datetime,
    storage: LocalFolder | None = None,
    token: Callable[[int], str] = secrets.token_hex,
    generate: Callable[[str], Signer] = Signer.generate,
) -> Archive:
    """Make an archive and its signing key.

    Args:
        path: Of a folder that is empty or not there.
        home: Where the key is kept.
        origin: The log's name, for ever; default is one that no other archive has.
        now: The time, aware.
        storage: The folder at `path`, if another disk is to do it.
        token: Gives hex digits by chance, two a byte.
        generate: Makes a key of a name.

    Raises:
        BadInput: No log can have this origin.
        ArchiveExists: There is an archive here.
        ArchiveError: Something else is here, or nothing can be written.
    """
    name = demand_origin(default_origin(socket.gethostname(), token(4)) if origin is None else origin)
    folder = storage or LocalFolder(path)
    if path.exists() and not path.is_dir():
        raise ArchiveError(f"{path} is a file, not a folder")
    try:
        _make(folder, path, home, lambda: generate(name), now)
    except StorageError as error:
        if not _is_made(folder):
            error.hint = f"{error.hint.partition(';')[0].rstrip('.')}; there is no archive yet."
        raise
    return Archive.open(path, storage=folder)


def _is_made(folder: LocalFolder) -> bool:
    try:
        return folder.exists(CHECKPOINT)
    except StorageError:
        return False


def _make(folder: LocalFolder, path: Path, home: Home, generate: Callable[[], Signer], now: dt.datetime) -> None:
    folder.create()
    _refuse_what_is_here(folder, path)
    with folder.lock(COMMIT_LOCK, 0, "is making an archive here"):
        for left in _refuse_what_is_here(folder, path):
            if not left.startswith(f"{LOCKS}/"):
                folder.remove(left)
        signer = generate()
        home.keep(signer)
        _write_leaf_0(folder, home, signer, now)


def _write_leaf_0(storage: Storage, home: Home, signer: Signer, now: dt.datetime) -> None:
    genesis = Genesis(FORMAT, HASH, signer.name, signer.vkey)
    batch = leaf_batch("archive", OWN_SOURCE, format_time(now), [genesis.encode()])
    identity = leaf_hash(batch.leaves[0])
    with Transaction(signer.name, 0, Marks(), LAYOUT, signer) as transaction:
        transaction.append(batch)
        seal(
            storage,
            transaction,
            EMPTY_HEAD,
            _read_no_tile,
            remember=lambda note: home.remember(identity, note),
            beside={FACTS: genesis.toml()},
        )


def _refuse_what_is_here(folder: LocalFolder, path: Path) -> list[str]:
    """What an earlier attempt left behind, if nothing else is here."""
    files = folder.files()
    if CHECKPOINT in files:
        raise ArchiveExists(f"{path} holds an archive already")
    others = [file for file in files if not _UNFINISHED.fullmatch(file)]
    if FACTS in files and others:
        raise ArchiveExists(
            f"{path} holds an archive whose checkpoint is missing", hint="Put the checkpoint back from a backup."
        )
    if others:
        raise ArchiveError(f"{path} is not empty and no archive: it holds {others[0]}")
    return files


def _read_no_tile(tile: Tile) -> bytes:
    raise NotEvidence(f"{tile.path}: there is none before leaf 0")
