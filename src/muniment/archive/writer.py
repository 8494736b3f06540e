"""Writing to an archive: one transaction at a time, and tidying behind it."""

import contextlib
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Self

import msgspec
import pyarrow as pa

from muniment.archive.columns import leaf_batch
from muniment.archive.commit import Transaction, seal
from muniment.archive.damage import demand_content
from muniment.archive.home import Home
from muniment.archive.leaf import OWN_SOURCE
from muniment.archive.reading import Archive
from muniment.archive.reconcile import reconcile, remove_leftovers
from muniment.archive.segments import LAYOUT, Layout, SegmentName, final_blocks
from muniment.archive.storage import Missing
from muniment.archive.tidying import Tidier, partial_tiles_of
from muniment.archive.timestamps import format_time
from muniment.errors import NotEvidence
from muniment.merkle.note import Signer
from muniment.merkle.tiles import TreeHead, load_head

__all__ = ["COMMIT_LOCK", "GRACE_S", "Writer", "collect_lock", "utc_now"]

_SWITCH_S = 0.0005
COMMIT_LOCK = "commit"
GRACE_S = 5.0
"""How long a superseded file stays, for readers that have chosen it already."""


def utc_now() -> dt.datetime:
    """The time, aware."""
    return dt.datetime.now(dt.UTC)


def _share_the_process() -> None:
    """Let encoding and merging threads work beside the caller's."""
    # the default pool keeps what one thread frees for that thread: half as much memory again
    pa.set_memory_pool(pa.system_memory_pool())
    # a thread that encodes wants the interpreter for moments only, and would wait 5 ms for each
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))


def collect_lock(archive: Archive, source: str) -> contextlib.AbstractContextManager[None]:
    """Hold the right to collect one source into an archive; refused at once where somebody has it.

    Raises:
        Busy: Another process is collecting this source; its process id is named.
    """
    name = f"collect.{sha256(source.encode()).hexdigest()[:16]}"
    return archive.storage.lock(name, 0, f"is collecting {source} into the archive")


class Writer:
    """Appends to an archive, for whoever has its signing key.

    Any number of writers, in any number of processes, may be open: each transaction takes the commit lock.

    Args:
        archive: Which is brought up to date with every transaction.
        home: Where the signing key and the last signed state are.
        clock: The time, aware.
        grace_s: How long superseded files stay.
        layout: By which segments are cut and merged.
        background: Whether to merge in a thread; else merging is done when a transaction returns.
    """

    def __init__(
        self,
        archive: Archive,
        home: Home,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        grace_s: float = GRACE_S,
        layout: Layout = LAYOUT,
        background: bool = True,
    ) -> None:
        self.archive = archive
        self.home = home
        self.clock = clock
        _share_the_process()
        self._layout = layout
        self._checked: set[SegmentName] = set()
        self._tidier = Tidier(archive.storage, layout, grace_s, clock, background=background)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait until merging is done.

        Raises:
            NotEvidence: A segment that was to be merged is damaged.
            StorageError: The disk refused; the archive is whole, only in more files than need be.
        """
        self._tidier.close()

    @contextlib.contextmanager
    def transaction(self, wait_s: float = 10.0) -> Iterator[Transaction]:
        """Append leaves under the commit lock; they are sealed when the block ends, unless it raises or added nothing.

        Args:
            wait_s: How long to wait for other writers.

        Raises:
            Busy: Another process held the lock for `wait_s` seconds; its process id is named.
            NotOurs: The archive does not extend what was last signed.
            KeyMissing: Its signing key is not in the home.
            NotEvidence: What a commit reads is damaged.
            StorageError: The disk refused.
        """
        self._tidier.raise_damage()
        with self.locked(wait_s):
            reconcile(self.archive, self.home)
            # what was published by that may be a change of key
            signer = self.home.signer(self.archive.verifier)
            with self.appending(signer) as transaction:
                before = self.archive.size
                yield transaction
        self._tidier.tidy(before, self.archive.size)

    @contextlib.contextmanager
    def locked(self, wait_s: float) -> Iterator[None]:
        """Hold the commit lock and the home's, with the archive as it is now; for `transaction` and for recovery."""
        until = time.monotonic() + wait_s
        with contextlib.ExitStack() as locks:
            locks.enter_context(self.archive.storage.lock(COMMIT_LOCK, wait_s, "is writing to the archive"))
            locks.enter_context(self.home.lock(self.archive.genesis, max(0.0, until - time.monotonic())))
            self.archive.refresh()
            self.archive.list_again()
            yield

    @contextlib.contextmanager
    def appending(self, signer: Signer) -> Iterator[Transaction]:
        """A transaction on the archive as it is, whatever was last signed; for `transaction` and for recovery.

        Args:
            signer: Signs the checkpoint, unless the block gives the transaction another.
        """
        archive = self.archive
        remove_leftovers(archive)
        head = self._sound_edge()
        with Transaction(archive.origin, archive.size, archive.marks, self._layout, signer) as transaction:
            self._seal_blocks(transaction)
            yield transaction
            if transaction.is_empty:
                return
            written = seal(archive.storage, transaction, head, archive.read_tile, remember=self._remember)
        self._checked.update(written)
        self._tidier.own.update(written)
        archive.refresh()

    def _remember(self, note: str) -> None:
        self.home.remember(self.archive.genesis, note)

    def _sound_edge(self) -> TreeHead:
        """The tree's head, after a look at what the commit builds on."""
        archive = self.archive
        head = load_head(archive.size, archive.read_tile)
        if head.root != archive.root:
            tiles = ", ".join(tile.path for tile in partial_tiles_of(archive.size))
            raise NotEvidence(f"{tiles}: the tiles at the right edge do not give the checkpoint's root")
        self._check_tail()
        return head

    def _check_tail(self) -> None:
        """Look at the files that are not final and at the last one, each once per writer."""
        archive = self.archive
        tail = archive.size - archive.size % self._layout.block
        for name in archive.covering:
            if name in self._checked or (name.end <= tail and name is not archive.covering[-1]):
                continue
            try:
                demand_content(archive.storage, name)
            except Missing:
                # another writer merged it a moment ago; what it became is looked at when it is read
                archive.list_again()
                return
            self._checked.add(name)

    def _seal_blocks(self, transaction: Transaction) -> None:
        """Append the hashes of final segments that no leaf holds yet: block after block, from the first on."""
        blocks = final_blocks(self.archive.covering, self._layout)
        while name := blocks.get(transaction.marks.segments):
            digest = sha256(demand_content(self.archive.storage, name)).hexdigest()
            payload = msgspec.json.encode({"first": name.first, "end": name.end, "sha256": digest})
            transaction.append(leaf_batch("segment", OWN_SOURCE, format_time(self.clock()), [payload]))
