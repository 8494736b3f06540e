"""A segment's bytes: Parquet, the same for the same leaves.

Its row groups are small enough that one leaf is cheap to fetch, and a batch of them flat in memory.
"""

import contextlib
import itertools
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from muniment.archive.columns import COLUMNS_VERSION, SEGMENT_SCHEMA
from muniment.archive.leaf import RECORD_KINDS
from muniment.archive.segments import SegmentName
from muniment.errors import NotEvidence, StorageError

__all__ = [
    "CHUNK",
    "FORMAT",
    "GROUP_BYTES",
    "ROWS",
    "Group",
    "Marks",
    "SegmentEncoder",
    "SegmentFile",
    "damage_in",
    "group_rows",
    "leaf_bytes",
]

FORMAT: Final = 1
"""Version of the archive's format."""
ROWS: Final = 2_048
"""Rows of a row group."""
CHUNK: Final = ROWS
"""Rows that are encoded by one call, without the interpreter's lock: each return to it can cost 5 ms."""
GROUP_BYTES: Final = 8 << 20
"""A row group ends early with the row by which its leaves reach this many bytes."""

_DICTIONARIES: Final = [
    "kind",
    "source",
    "day",
    "action",
    "resource_type",
    "resource_id",
    "resource_name",
    "status",
    "user_id",
    "user_name",
    "account_id",
    "account_name",
]
_STATISTICS: Final = ["index", "time", "day"]
_PAGE_BYTES: Final = 1 << 30
"""A row group is one page a column: else bytes would depend on how the rows came, and take twice as long to read."""
_ENCODINGS: Final = {"index": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"}
_PREFIX: Final = "muniment."

Group = tuple[SegmentName, int]
"""A row group: its file, and its number there."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a writer must know of all leaves so far, so that it need not look for it: a function of the leaves alone.

    Each segment says it as of its end; `verify` computes it again.
    """

    last_record: int | None = None
    """Index of the last leaf of the record."""
    last_key: int | None = None
    """Index of the last leaf of kind `key`."""
    segments: int = 0
    """Number of leaves of kind `segment`: so many blocks, from the first on, have their file's hash sealed."""

    def after(self, kind: str, first: int, count: int) -> "Marks":
        """The marks once `count` leaves of one kind, from index `first` on, are appended."""
        if count and kind in RECORD_KINDS:
            last = first + count - 1
            return replace(self, last_record=last, last_key=last if kind == "key" else self.last_key)
        if kind == "segment":
            return replace(self, segments=self.segments + count)
        return self


class SegmentEncoder:
    """Turns batches into a segment file, a row group at a time as they come.

    Args:
        first: Index of the first leaf.
    """

    def __init__(self, first: int) -> None:
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(
            self._sink,
            SEGMENT_SCHEMA,
            compression="zstd",
            compression_level=1,
            use_dictionary=_DICTIONARIES,
            write_statistics=_STATISTICS,
            column_encoding=_ENCODINGS,
            data_page_size=_PAGE_BYTES,
        )
        self._next = first
        self._waiting: list[pa.RecordBatch] = []

    def add(self, *batches: pa.RecordBatch) -> None:
        """Take in batches by `LEAF_SCHEMA`; fastest with `CHUNK` rows at a time, and that from a thread."""
        self._waiting += [batch for batch in batches if batch.num_rows]
        rows = sum(batch.num_rows for batch in self._waiting)
        if rows >= CHUNK or sum(map(leaf_bytes, self._waiting)) >= GROUP_BYTES:
            self._write_groups(last=False)

    def finish(self, marks: Marks) -> pa.Buffer:
        """The file's bytes.

        Args:
            marks: As of the file's end.
        """
        self._write_groups(last=True)
        facts = {"format": FORMAT, "columns_version": COLUMNS_VERSION} | {
            name: getattr(marks, name) for name in ("last_record", "last_key", "segments")
        }
        self._writer.add_key_value_metadata(
            {_PREFIX + name: msgspec.json.encode(value).decode() for name, value in facts.items()}
        )
        self._writer.close()
        return self._sink.getvalue()

    def _write_groups(self, *, last: bool) -> None:
        if not self._waiting:
            return
        rows = pa.Table.from_batches(self._waiting)
        at = 0
        sizes = np.concatenate([_leaf_sizes(batch) for batch in self._waiting])
        for count, groups in itertools.groupby(group_rows(sizes, last=last)):
            end = at + count * len(list(groups))
            self._write(rows.slice(at, end - at), count)
            at = end
        self._waiting = rows.slice(at).to_batches()

    def _write(self, rows: pa.Table, group: int) -> None:
        index = pa.array(np.arange(self._next, self._next + rows.num_rows, dtype=np.int64))
        self._writer.write_table(rows.add_column(0, SEGMENT_SCHEMA.field("index"), index), row_group_size=group)
        self._next += rows.num_rows


class SegmentFile:
    """A segment file, open for reading.

    Args:
        name: Its name, whose range of leaves it must hold.
        source: Its bytes.
        metadata: Of this very file, where it was read before: saves reading it again.

    Raises:
        NotEvidence: It is damaged, or no segment.
    """

    def __init__(self, name: SegmentName, source: pa.NativeFile, metadata: pq.FileMetaData | None = None) -> None:
        self.name = name
        with damage_in(name.path):
            self._file = pq.ParquetFile(source, metadata=metadata, pre_buffer=False)
        self.metadata = self._file.metadata
        names = set(self._file.schema_arrow.names)
        if self.metadata.num_rows != name.count or not {"index", "kind", "leaf"} <= names:
            raise NotEvidence(f"{name.path}: it does not hold leaves {name.first} to {name.end - 1}")
        if self._fact("format") != FORMAT:
            raise NotEvidence(f"{name.path}: it is not of format {FORMAT}")
        self._starts = np.cumsum(
            [0, *(self.metadata.row_group(n).num_rows for n in range(self.metadata.num_row_groups))]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close(force=True)

    @property
    def columns_version(self) -> int:
        """By which version of the parser its typed columns were made."""
        return self._fact("columns_version") or 0

    @property
    def marks(self) -> Marks:
        """As of its end."""
        return Marks(self._fact("last_record"), self._fact("last_key"), self._fact("segments") or 0)

    def batches(self, first: int, end: int, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
        """Its leaves within [first, end), ascending.

        Args:
            first: Index of a leaf in the log, not in the file.
            end: As `first`.
            columns: Which ones; None for all.
            rows: At most so many in a batch.

        Raises:
            NotEvidence: The file is damaged.
        """
        first, end = max(first, self.name.first) - self.name.first, min(end, self.name.end) - self.name.first
        if first >= end:
            return
        groups = self._groups_of(first, end)
        at = int(self._starts[groups[0]])
        # Arrow's own threads gain nothing on row groups this small, and hold a third more memory
        found = self._file.iter_batches(batch_size=rows, row_groups=groups, columns=columns, use_threads=False)
        while at < end:
            with damage_in(self.name.path):
                batch = next(found, None)
            if batch is None:
                raise NotEvidence(f"{self.name.path}: it ends early")
            skip = max(first - at, 0)
            if skip < batch.num_rows:
                yield batch.slice(skip, min(batch.num_rows, end - at) - skip)
            at += batch.num_rows

    def leaves(self, indices: Sequence[int], kept: MutableMapping[Group, pa.BinaryArray]) -> list[bytes]:
        """Leaves by their indices in the log.

        Args:
            indices: Ascending.
            kept: Row groups read before, to which those read now are added.

        Raises:
            NotEvidence: The file is damaged.
        """
        places = np.asarray(indices, dtype=np.int64) - self.name.first
        groups = np.searchsorted(self._starts, places, side="right") - 1
        found: list[bytes] = []
        for group in np.unique(groups).tolist():
            key = (self.name, group)
            if key not in kept:
                kept[key] = self._leaf_column(group)
            found += kept[key].take(pa.array(places[groups == group] - self._starts[group])).to_pylist()
        return found

    def _leaf_column(self, group: int) -> pa.BinaryArray:
        with damage_in(self.name.path):
            column = self._file.read_row_group(group, columns=["leaf"], use_threads=False).column(0)
            return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _groups_of(self, first: int, end: int) -> list[int]:
        low = int(np.searchsorted(self._starts, first, side="right")) - 1
        high = int(np.searchsorted(self._starts, end, side="left"))
        return list(range(low, high))

    def _fact(self, name: str) -> int | None:
        text = (self.metadata.metadata or {}).get(f"{_PREFIX}{name}".encode(), b"null")
        try:
            return msgspec.json.decode(text, type=int | None)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotEvidence(f"{self.name.path}: its {_PREFIX}{name} is no number") from error


@contextlib.contextmanager
def damage_in(path: str) -> Iterator[None]:
    """Tell a damaged file from a disk that refuses: Arrow raises `OSError` for both, without a number for damage."""
    try:
        yield
    except OSError as error:
        if error.errno:
            raise StorageError(f"{path}: {error.strerror}") from error
        raise NotEvidence(f"{path}: damaged: {_first_line(error)}") from error
    except (pa.ArrowException, ValueError) as error:
        raise NotEvidence(f"{path}: damaged: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def leaf_bytes(batch: pa.RecordBatch) -> int:
    """How many bytes its leaves have together."""
    return int(_leaf_sizes(batch).sum())


def group_rows(sizes: NDArray[np.int32], *, last: bool) -> list[int]:
    """Cut rows into row groups: of `ROWS` rows each, or up to the row by which they reach `GROUP_BYTES`.

    Args:
        sizes: Bytes of each leaf, from a row on that begins a group.
        last: Whether no more rows follow; else the last group is left out as long as it may grow.

    Returns:
        The number of rows of each group.
    """
    full, rest = divmod(len(sizes), ROWS)
    if (np.add.reduceat(sizes, np.arange(0, len(sizes), ROWS), dtype=np.int64) < GROUP_BYTES).all():
        return [ROWS] * full + [rest] * (last and rest > 0)
    counts: list[int] = []
    at = 0
    while at < len(sizes):
        ahead = np.cumsum(sizes[at : at + ROWS], dtype=np.int64)
        count = int(np.searchsorted(ahead, GROUP_BYTES)) + 1
        if count > len(ahead) and len(ahead) < ROWS and not last:
            break
        counts.append(min(count, len(ahead)))
        at += counts[-1]
    return counts


def _leaf_sizes(batch: pa.RecordBatch) -> NDArray[np.int32]:
    """Bytes of each leaf; read off the array's own offsets."""
    leaves = batch.column("leaf")
    offsets = np.frombuffer(leaves.buffers()[1], dtype=np.int32)
    return np.diff(offsets[leaves.offset : leaves.offset + len(leaves) + 1])
