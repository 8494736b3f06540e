"""One segment file against its name, its leaves and its own metadata; read as far as it can be read."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from muniment.archive.columns import COLUMNS_VERSION, SEGMENT_SCHEMA
from muniment.archive.parquet import FORMAT, Marks, SegmentEncoder, damage_in
from muniment.errors import NotEvidence, StorageError
from muniment.evidence.account import BlockAccount, SegmentSeen
from muniment.evidence.envelopes import take_apart
from muniment.evidence.extent import BLOCK, Piece
from muniment.evidence.folder import Folder, Gone, Unreadable
from muniment.evidence.rows import column_differences, index_differences, kind_differences
from muniment.evidence.statistics import lies_of_chunk
from muniment.merkle.tree import hash_leaves

__all__ = ["read_segment"]

_CORE: Final = ("index", "kind", "leaf")
_GROUP_BYTES: Final = 1 << 30
"""A row group that claims more is not unpacked: 8 MiB and one leaf are what we write."""


def read_segment(folder: Folder, piece: Piece, account: BlockAccount) -> None:
    """Read the leaves of a piece, and check all that its file says.

    Args:
        folder: The archive's.
        piece: Which leaves of which file.
        account: Takes in leaves and problems.
    """
    path = piece.name.path
    try:
        digest = folder.digest(path)
        if not digest.startswith(piece.name.digest):
            account.problems.add("segments", path, f"its content has the hash {digest[:16]}…, not the one in its name")
        with contextlib.ExitStack() as opened:
            with _damage_told():
                source = opened.enter_context(pa.OSFile(str(folder.root / path)))
                reading = _Reading(opened.enter_context(pq.ParquetFile(source)), piece, account)
                reading.check_metadata(digest)
            reading.read_groups()
    except Gone:
        account.gone = True
    except (Unreadable, _Damaged) as error:
        account.problems.add("segments", path, error.message)


class _Damaged(NotEvidence):
    """A file that cannot be read to its end; the message does not repeat its path."""


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    """Whatever Arrow says of damaged bytes, as one error."""
    try:
        with damage_in(""):
            yield
    except (NotEvidence, StorageError) as error:
        if isinstance(error, _Damaged):
            raise
        raise _Damaged(error.message.removeprefix(": ")) from error
    except (MemoryError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise _Damaged(f"damaged: {type(error).__name__}: {str(error)[:200]}") from error


class _Reading:
    """Reads one file, row group by row group."""

    def __init__(self, file: pq.ParquetFile, piece: Piece, account: BlockAccount) -> None:
        self._file = file
        self._metadata = file.metadata
        self._piece = piece
        self._account = account
        self._path = piece.name.path
        self._columns: Sequence[str] = _CORE
        self._counts: list[int] = []

    def check_metadata(self, digest: str) -> None:
        """Hold what the file says of itself to its name and the format.

        Args:
            digest: SHA-256 of the file, in hex.
        """
        version = self._check_shape()
        if version == COLUMNS_VERSION:
            self._columns = SEGMENT_SCHEMA.names
        name = self._piece.name
        marks = Marks(self._fact("last_record"), self._fact("last_key"), self._fact("segments") or 0)
        self._account.segments.append(SegmentSeen(self._path, name.first, name.end, digest, version, marks))
        self._counts = [self._metadata.row_group(number).num_rows for number in range(self._metadata.num_row_groups)]
        if min(self._counts, default=0) < 0 or sum(self._counts) != self._metadata.num_rows:
            raise _Damaged("its row groups do not have as many rows as it says")

    def read_groups(self) -> None:
        """Read the row groups that hold leaves of the piece, each as far as it can be read."""
        first = self._piece.name.first
        for number, count in enumerate(self._counts):
            if count and first < self._piece.end and self._piece.start < first + count:
                self._read_group(number, first, count)
            first += count

    def _problem(self, check: str, what: str, leaf: int | None = None) -> None:
        self._account.problems.add(check, self._path, what, leaf)

    def _check_shape(self) -> int | None:
        """The version of the columns, None where they cannot be compared."""
        name, metadata = self._piece.name, self._metadata
        if metadata.num_rows != name.count:
            self._problem("segments", f"it has {metadata.num_rows} rows, its name says {name.count}")
        fields = {field.name: field.type for field in self._file.schema_arrow}
        if any(fields.get(column) != SEGMENT_SCHEMA.field(column).type for column in _CORE):
            raise _Damaged("it lacks the columns index, kind and leaf of a segment")
        if (given := self._fact("format")) != FORMAT:
            self._problem("segments", f"it says it is of format {given}, not {FORMAT}")
        version = self._fact("columns_version")
        if version is None or version < 1:
            self._problem("columns", "it does not say by which version of the parser its columns were made")
            return None
        return self._demand_schema(version) if version <= COLUMNS_VERSION else version

    def _demand_schema(self, version: int) -> int | None:
        expected = _expected_metadata()
        if not self._metadata.schema.equals(expected.schema) or not self._file.schema_arrow.equals(SEGMENT_SCHEMA):
            self._problem("columns", "its columns are not those of a segment")
            return None
        strange = sorted(_fact_names(self._metadata) - _fact_names(expected))
        if strange:
            self._problem("segments", f"its metadata says {strange[0][:60]!r}, which no segment says")
        return version

    def _fact(self, name: str) -> int | None:
        text = (self._metadata.metadata or {}).get(f"muniment.{name}".encode(), b"null")
        try:
            return msgspec.json.decode(text, type=int | None)
        except msgspec.MsgspecError:
            self._problem("segments", f"its muniment.{name} is no number")
            return None

    def _read_group(self, number: int, first: int, count: int) -> None:
        """Read a row group; where it is damaged, as much of it as says which leaf differs."""
        for columns in dict.fromkeys([tuple(self._columns), _CORE, ("leaf",)]):
            try:
                with _damage_told():
                    batch = self._unpack(number, count, columns)
            except _Damaged as error:
                self._problem("segments", f"row group {number}: {error.message}")
            else:
                self._take_rows(first, batch)
                return

    def _unpack(self, number: int, count: int, columns: Sequence[str]) -> pa.RecordBatch:
        group = self._metadata.row_group(number)
        claimed = sum(group.column(n).total_uncompressed_size for n in range(group.num_columns))
        if count > BLOCK or claimed > _GROUP_BYTES:
            raise _Damaged(f"it claims {count} rows in {claimed} bytes, more than a segment has")
        table = self._file.read_row_group(number, columns=list(columns), use_threads=False)
        if table.num_rows != count:
            raise _Damaged(f"it has {table.num_rows} rows, its metadata says {count}")
        batch = table.combine_chunks().to_batches()[0]
        if batch.column("leaf").null_count:
            raise _Damaged("it has rows without a leaf")
        self._check_statistics(group, batch)
        return batch

    def _check_statistics(self, group: pq.RowGroupMetaData, batch: pa.RecordBatch) -> None:
        if group.sorting_columns:
            self._problem("statistics", "a row group says how it is sorted, which no segment does")
        for number in range(group.num_columns):
            chunk = group.column(number)
            if chunk.path_in_schema in batch.schema.names:
                for lie in lies_of_chunk(chunk, batch.column(chunk.path_in_schema)):
                    self._problem("statistics", lie)

    def _take_rows(self, first: int, batch: pa.RecordBatch) -> None:
        """Take in the rows that belong to the piece."""
        start = max(0, self._piece.start - first)
        batch = batch.slice(start, min(batch.num_rows, self._piece.end - first) - start)
        first += start
        taken = take_apart(batch.column("leaf"))
        self._account.take_hashes(first, hash_leaves(taken.leaves))
        self._account.take_leaves(self._path, first, taken)
        for row, what in taken.refused:
            self._problem("leaves", what, first + row)
        names = batch.schema.names
        if "index" in names:
            self._tell("leaves", first, index_differences(batch.column("index"), first))
        if len(names) == len(SEGMENT_SCHEMA):
            self._tell("columns", first, column_differences(batch, taken))
        elif "kind" in names:
            self._tell("columns", first, kind_differences(batch.column("kind"), taken))

    def _tell(self, check: str, first: int, differences: Iterator[Any]) -> None:
        for row, what in differences:
            self._problem(check, what, first + row)


def _fact_names(metadata: pq.FileMetaData) -> set[str]:
    return {name.decode("utf-8", "backslashreplace") for name in metadata.metadata or {}}


@lru_cache(maxsize=1)
def _expected_metadata() -> pq.FileMetaData:
    """That of a segment without leaves, as this version writes it."""
    return pq.ParquetFile(pa.BufferReader(SegmentEncoder(0).finish(Marks()))).metadata
