"""What follows a commit: neighbours are merged, and files that nobody needs any more go.

None of it touches what is sealed: a merged file holds the same leaves, and a file is removed only after the one that
took its place is durable and readers have had time to see it. It may be stopped at any point.
"""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Container, Sequence
from hashlib import sha256

import pyarrow as pa

from muniment.archive.columns import COLUMNS_VERSION, LEAF_SCHEMA, columns_of
from muniment.archive.contents import list_segments
from muniment.archive.damage import demand_content, demand_hashes
from muniment.archive.parquet import CHUNK, Marks, SegmentEncoder, SegmentFile
from muniment.archive.segments import Layout, SegmentName, cover, plan_merges, superseded
from muniment.archive.storage import TEMPORARY, Missing, Storage
from muniment.errors import Busy, MunimentError, NotEvidence
from muniment.merkle.tiles import TILE_WIDTH, Tile
from muniment.merkle.tree import hash_leaves

__all__ = [
    "MERGE_LOCK",
    "Tidier",
    "merge",
    "partial_tiles_of",
    "remove_abandoned",
    "remove_partial_tiles",
    "remove_superseded",
]

MERGE_LOCK = "merge"
_EDGES = 16
"""Tidied once so many partial tiles wait for it, if nothing else needs to be."""
_ABANDONED_S = 3_600.0
"""Older temporary files belong to nobody."""


class Tidier:
    """Merges and removes after each commit, one writer of all at a time."""

    def __init__(
        self, storage: Storage, layout: Layout, grace_s: float, clock: Callable[[], dt.datetime], *, background: bool
    ) -> None:
        self._storage = storage
        self._layout = layout
        self._grace_s = grace_s
        self._clock = clock
        self._background = background
        self.own: set[SegmentName] = set()
        """Files that this process wrote."""
        self._edges: set[Tile] = set()
        self._lock = threading.Lock()
        self._wanted: int | None = None
        self._thread: threading.Thread | None = None
        self._error: MunimentError | None = None

    def tidy(self, before: int, size: int) -> None:
        """Tidy after a commit; what is asked for while it is being done is done after that.

        Args:
            before: The tree's size before the commit.
            size: Its size now.
        """
        with self._lock:
            self._edges |= {*partial_tiles_of(before), *partial_tiles_of(size)}
            self._wanted = size
            if self._background and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="tidy")
                self._thread.start()
        if not self._background:
            self._work()

    def raise_damage(self) -> None:
        """Raise what was found damaged since the last time; a disk that refused can wait until `close`."""
        if isinstance(self._error, NotEvidence):
            self._raise()

    def close(self) -> None:
        """Wait until it is done, and raise what it met."""
        thread = self._thread
        if thread is not None:
            thread.join()
        self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _work(self) -> None:
        while (size := self._next()) is not None:
            try:
                self._tidy(size)
            except (Busy, Missing):
                pass  # somebody else is at it, or was a moment ago
            except MunimentError as error:
                self._error = error

    def _next(self) -> int | None:
        with self._lock:
            size, self._wanted = self._wanted, None
            if size is None:
                self._thread = None
            return size

    def _tidy(self, size: int) -> None:
        if self._is_tidy(size):
            return
        with self._storage.lock(MERGE_LOCK, 0, "is merging segments of the archive"):
            for run in plan_merges(self._covering(size), self._layout):
                self.own.add(merge(self._storage, run, size, self.own))
            until = self._clock().timestamp() - self._grace_s
            remove_superseded(self._storage, size, until)
            remove_abandoned(self._storage, self._clock().timestamp() - _ABANDONED_S)
            with self._lock:
                edges, self._edges = self._edges, set()
            for tile in edges:
                remove_partial_tiles(self._storage, tile, size, until)

    def _is_tidy(self, size: int) -> bool:
        names = list_segments(self._storage)
        covering = cover(names, size) or ()
        return len(self._edges) < _EDGES and not plan_merges(covering, self._layout) and len(names) == len(covering)

    def _covering(self, size: int) -> Sequence[SegmentName]:
        return cover(list_segments(self._storage), size) or ()


def merge(storage: Storage, run: Sequence[SegmentName], size: int, own: Container[SegmentName] = ()) -> SegmentName:
    """Write neighbours as one file; they stay.

    Args:
        storage: Where.
        run: The neighbours, ascending.
        size: Of a tree that holds them.
        own: Files that this process wrote: the hash in their name is enough, their leaves need no second look.

    Raises:
        Missing: One of them is gone.
        NotEvidence: One of them is damaged; nothing is written.
    """
    encoder = SegmentEncoder(run[0].first)
    marks = Marks()
    for name in run:
        with SegmentFile(name, pa.BufferReader(demand_content(storage, name))) as segment:
            marks = segment.marks
            first = name.first
            for batch in segment.batches(name.first, name.end, None, CHUNK):
                encoder.add(_copy(batch, segment.columns_version))
                if name not in own:
                    demand_hashes(storage, name.path, first, hash_leaves(_leaves(batch)), size)
                first += batch.num_rows
    data = encoder.finish(marks)
    merged = SegmentName(run[0].first, run[-1].end, sha256(data).hexdigest()[:16])
    storage.write({merged.path: memoryview(data)})
    storage.sync([merged.path])
    pa.default_memory_pool().release_unused()  # a block is large beside everything else
    return merged


def remove_superseded(storage: Storage, size: int, until: float) -> None:
    """Remove files whose leaves other files hold, if those others are older than `until` (seconds since 1970)."""
    names = list_segments(storage)
    covering = cover(names, size)
    if not covering:
        return
    going = [name for name in superseded(names, covering, size) if _is_old(storage, covering, name, until)]
    if going:
        # a process that was killed may have left the heirs, or the checkpoint they are for, to be seen but not durable
        storage.sync([name.path for name in covering])
    for name in going:
        storage.remove(name.path)


def _is_old(storage: Storage, covering: Sequence[SegmentName], name: SegmentName, until: float) -> bool:
    """Whether all the files that took a file's place are older than `until`."""
    heirs = [heir for heir in covering if heir.first < name.end and name.first < heir.end]
    return all(storage.modified_at(heir.path) <= until for heir in heirs)


def remove_abandoned(storage: Storage, until: float) -> None:
    """Remove temporary files that a killed process left behind before `until`."""
    for path in storage.files(TEMPORARY):
        with contextlib.suppress(Missing):
            if storage.modified_at(path) <= until:
                storage.remove(path)


def remove_partial_tiles(storage: Storage, tile: Tile, size: int, until: float) -> None:
    """Remove partial tiles that a wider one supersedes: those from before `until`, and all once the tile is full."""
    width = min(TILE_WIDTH, (size >> 8 * tile.level) - tile.index * TILE_WIDTH)
    folder = Tile(tile.level, tile.index).path + ".p"
    for path in storage.files(folder):
        if Tile.parse(path).width >= width:
            continue
        with contextlib.suppress(Missing):
            if width == TILE_WIDTH or storage.modified_at(path) <= until:
                storage.remove(path)


def partial_tiles_of(size: int) -> list[Tile]:
    """The partial tile of each level at the right edge of a tree."""
    counts = [(level, size >> 8 * level) for level in range((size.bit_length() + 7) // 8)]
    return [Tile(level, count // TILE_WIDTH, count % TILE_WIDTH) for level, count in counts if count % TILE_WIDTH]


def _copy(batch: pa.RecordBatch, columns_version: int) -> pa.RecordBatch:
    """Rows by `LEAF_SCHEMA`, with columns made anew where an earlier parser made them."""
    if columns_version != COLUMNS_VERSION:
        return columns_of(_leaves(batch))
    return pa.RecordBatch.from_arrays([batch.column(name) for name in LEAF_SCHEMA.names], schema=LEAF_SCHEMA)


def _leaves(batch: pa.RecordBatch) -> list[bytes]:
    leaves: list[bytes] = batch.column("leaf").to_pylist()
    return leaves
