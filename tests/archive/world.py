"""What the tests of the archive share: entries, a clock that stands, archives in a folder."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from muniment.archive.columns import LeafBatch, entry_batch
from muniment.archive.disk import REAL_DISK, Disk
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.segments import LAYOUT, Layout
from muniment.archive.storage import LocalFolder
from muniment.archive.writer import Writer
from muniment.merkle.note import Signer
from muniment.merkle.tree import hash_leaves, subtree_root

SOURCE = "account-manager@one.digicert.com"
AT = "2026-03-02T23:56:45Z"
NOW = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
ORIGIN = "example.com/audit"
SMALL = Layout(block=16, ratio=4)
AT_ONCE = -1e12
"""A grace period by which superseded files go at once, whatever the time is."""


def item(number: int) -> bytes:
    """An entry of the Account Manager; each number is one of its own."""
    return (
        f'{{"id":"entry-{number}","account":{{"id":"a{number % 3}","name":"Account {number % 3}"}},'
        f'"resource_type":"USER","resource_id":"u{number % 7}","resource_name":"user{number % 7}@example.com",'
        f'"action":"{"LOGIN" if number % 5 else "LOGIN_ERROR"}",'
        f'"user":{{"id":"u{number % 7}","name":"user{number % 7}"}},'
        f'"timestamp":"2026-03-{1 + number // 1440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00Z",'
        f'"description":"User signed in","status":"{"success" if number % 5 else "failure"}"}}'
    ).encode()


def page(first: int, count: int) -> LeafBatch:
    """Leaves of consecutive entries."""
    return entry_batch(SOURCE, AT, [item(number) for number in range(first, first + count)])


def found(path: Path, *, disk: Disk = REAL_DISK, seed: bytes = bytes(32)) -> tuple[Archive, Home]:
    """A new archive in ``path/archive`` with its home in ``path/home``."""
    home = Home(path / "home", disk=disk)
    storage = LocalFolder(path / "archive", disk=disk)
    archive = initialise(
        path / "archive", home, ORIGIN, now=NOW, storage=storage, generate=lambda name: Signer(name, seed)
    )
    return archive, home


def opened(path: Path, *, disk: Disk = REAL_DISK) -> tuple[Archive, Home]:
    """The archive of `found`, opened again."""
    return Archive.open(storage=LocalFolder(path / "archive", disk=disk)), Home(path / "home", disk=disk)


def writer_on(archive: Archive, home: Home, *, layout: Layout = LAYOUT, grace_s: float = AT_ONCE) -> Writer:
    """A writer that merges before a transaction returns and removes at once what is superseded."""
    return Writer(archive, home, clock=lambda: NOW, layout=layout, grace_s=grace_s, background=False)


def seal(writer: Writer, *batches: LeafBatch, receipt: bytes | None = None) -> int:
    """One commit; returns the tree's size."""
    with writer.transaction() as transaction:
        for batch in batches:
            transaction.add(batch)
        if receipt is not None:
            transaction.add_record("receipt", receipt, AT)
    return writer.archive.size


def leaves_of(archive: Archive) -> list[bytes]:
    """All leaves, as the segments hold them."""
    return [leaf for batch in archive.batches(columns=["leaf"]) for leaf in batch.column(0).to_pylist()]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root hash of a tree of these leaves."""
    return subtree_root(hash_leaves(leaves))
