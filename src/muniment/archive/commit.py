"""A commit: leaves become segments, tiles, a signed state and last a checkpoint, each durable before the next.

Until the state is signed, the archive is as it was, whatever happens. From then on it can only go forward: whoever
writes next publishes the signed state, if this one could not.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from muniment.archive.columns import LeafBatch, record_leaf
from muniment.archive.contents import CHECKPOINT
from muniment.archive.leaf import OWN_SOURCE, RECORD_KINDS, encode_leaf
from muniment.archive.parquet import CHUNK, GROUP_BYTES, Marks, SegmentEncoder, leaf_bytes
from muniment.archive.segments import Layout, SegmentName, cut
from muniment.archive.storage import Storage
from muniment.errors import StorageError
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import Signer, sign_note
from muniment.merkle.tiles import ReadTile, TreeHead, extend

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Encoded", "Transaction", "publish", "seal"]

_SIGNED: Final = (
    "Make the archive's folder writable again; what was to be sealed is written and signed already, "
    "and the next command that writes publishes it."
)
_JOBS: Final = 8
"""So many may wait for the encoding thread: what waits is memory."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A segment that is not written yet."""

    name: SegmentName
    data: "pa.Buffer"


class Transaction:
    """Leaves that become part of the archive together, or not at all.

    Made by `Writer.transaction`; encodes what it is given in a thread, so that the caller can go on.
    """

    def __init__(self, origin: str, size: int, marks: Marks, layout: Layout, signer: Signer) -> None:
        self.origin = origin
        self.signer = signer
        """Signs the checkpoint."""
        self.size = size
        """Index of the next leaf."""
        self.marks = marks
        self.is_empty = True
        """Whether the caller has added nothing."""
        self._layout = layout
        self._hashes: list[bytes] = []
        self._has_record = self._ends_with_record = False
        self._encoding = _Encoding(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._encoding.close()

    @property
    def last_record(self) -> int | None:
        """Index of the last leaf of the record, those added here among them."""
        return self.marks.last_record

    def add(self, batch: LeafBatch) -> int:
        """Append leaves that are not of the record.

        Returns:
            The index of the first one.
        """
        if batch.kind in RECORD_KINDS:
            raise ValueError(f"leaves of kind {batch.kind} form a chain: add_record appends them")
        self.is_empty &= not batch.leaves
        return self.append(batch)

    def add_record(self, kind: str, payload: bytes, observed_at: str) -> int:
        """Append a leaf of the record; nothing but further ones may follow in this transaction.

        Args:
            kind: `receipt`, `finding`, `disposition`, `outage`, `recovery` or `key`.
            payload: Compact JSON.
            observed_at: RFC 3339, UTC, with ``Z``.

        Returns:
            Its index.
        """
        self.is_empty = False
        return self.append(record_leaf(encode_leaf(kind, OWN_SOURCE, observed_at, payload, previous=self.last_record)))

    def append(self, batch: LeafBatch) -> int:
        """Append leaves of any kind, on nobody's behalf: alone they are not worth a commit."""
        first, count = self.size, len(batch.leaves)
        if not count:
            return first
        self._ends_with_record = batch.kind in RECORD_KINDS
        self._has_record |= self._ends_with_record
        for start, end in cut(first, first + count, self._layout):
            self.marks = self.marks.after(batch.kind, start, end - start)
            self._encoding.add(batch.record_batch.slice(start - first, end - start))
            if end % self._layout.block == 0:
                self._encoding.cut(self.marks)
        self._hashes.append(batch.hashes)
        self.size += count
        return first

    def finish_hashes(self) -> bytes:
        """The leaf hashes of all that was appended; nothing may be appended any more."""
        if self._has_record and not self._ends_with_record:
            raise RuntimeError("a commit that has leaves of the record ends with one")
        return b"".join(self._hashes)

    def finish_segments(self) -> list[Encoded]:
        """The segments, once the thread that encodes them is done."""
        return self._encoding.finish(self.marks)


class _Encoding:
    """Encodes segments one after the other, in a thread once there is enough to be worth one."""

    def __init__(self, first: int) -> None:
        self._first = self._next = first
        self._encoder: SegmentEncoder | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._pool: ThreadPoolExecutor | None = None
        self._jobs: deque[Future[None]] = deque()
        self._done: list[Encoded] = []

    def add(self, rows: "pa.RecordBatch") -> None:
        self._waiting.append(rows)
        self._next += rows.num_rows
        waiting = sum(batch.num_rows for batch in self._waiting)
        if waiting >= CHUNK or sum(map(leaf_bytes, self._waiting)) >= GROUP_BYTES:
            self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="encode")
            self._encode()

    def cut(self, marks: Marks) -> None:
        if self._next == self._first:
            return
        encoder = self._encode()
        self._run(self._finish_one, encoder, self._first, self._next, marks)
        self._first, self._encoder = self._next, None

    def finish(self, marks: Marks) -> list[Encoded]:
        self.cut(marks)
        while self._jobs:
            self._jobs.popleft().result()
        return self._done

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _encode(self) -> SegmentEncoder:
        encoder = self._encoder = self._encoder or SegmentEncoder(self._first)
        waiting, self._waiting = self._waiting, []
        self._run(encoder.add, *waiting)
        return encoder

    def _finish_one(self, encoder: SegmentEncoder, first: int, end: int, marks: Marks) -> None:
        data = encoder.finish(marks)
        self._done.append(Encoded(SegmentName(first, end, sha256(data).hexdigest()[:16]), data))

    def _run(self, work: Callable[..., None], *args: Any) -> None:
        if self._pool is None:
            work(*args)
            return
        self._jobs.append(self._pool.submit(work, *args))
        if len(self._jobs) > _JOBS:
            self._jobs.popleft().result()


def seal(
    storage: Storage,
    transaction: Transaction,
    head: TreeHead,
    read: ReadTile,
    *,
    remember: Callable[[str], None],
    beside: dict[str, bytes] | None = None,
) -> tuple[SegmentName, ...]:
    """Write a transaction in the order that a crash cannot harm.

    Args:
        storage: Where to.
        transaction: What.
        head: The tree that it extends.
        read: Gives that tree's tiles.
        remember: Keeps the signed state, durably.
        beside: Further files to write before anything is signed.

    Returns:
        The names of the segments.
    """
    # the tree grows while the last rows are being encoded
    after, grown = extend(head, transaction.finish_hashes(), read)
    encoded = transaction.finish_segments()
    segments = {each.name.path: memoryview(each.data) for each in encoded}
    storage.write({**(beside or {}), **segments})
    tiles = {tile.path: data for tile, data in grown.items()}
    storage.write(tiles)
    storage.sync([*segments, *tiles])
    note = sign_note(Checkpoint(transaction.origin, after.size, after.root).encode(), [transaction.signer])
    remember(note)
    try:
        publish(storage, note)
    except StorageError as error:
        raise StorageError(error.message, hint=_SIGNED) from error
    return tuple(each.name for each in encoded)


def publish(storage: Storage, note: str) -> None:
    """Make a signed state the checkpoint."""
    storage.write({CHECKPOINT: note.encode()})
    storage.sync([CHECKPOINT])
