"""Looking without an index: the portable SQL over columns as they come from the segments."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import duckdb
import msgspec
import pyarrow as pa

from muniment.errors import MunimentError, StorageError
from muniment.model import Query
from muniment.query.corrections import Corrections
from muniment.query.engine import connect, cursor_of
from muniment.query.order import Answer, Nothing, Row
from muniment.query.rows import entry_rows, entry_schema
from muniment.query.sql import Statement, count, page

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from muniment.archive.reading import Archive

__all__ = ["Direct"]

_KEPT: Final = 8 * 65_536
_FETCHED: Final = 16_384

Values = tuple[Any, ...]


class Direct:
    """The entries among the leaves [first, end); asked by any number of threads.

    Args:
        archive: Where they are.
        first: Index of the first leaf.
        end: Index after the last one.
        corrections: What is known of them besides.
        db: A database in memory to use; one of its own if there is none.
        kept: Up to so many leaves, columns once read are kept; beyond, they are read for each statement and never held.
    """

    def __init__(
        self,
        archive: "Archive",
        first: int,
        end: int,
        corrections: Corrections,
        *,
        db: "DuckDBPyConnection | None" = None,
        kept: int = _KEPT,
    ) -> None:
        self._archive = archive
        self._first = first
        self._end = end
        self._corrections = corrections
        self._keeps = end - first <= kept
        self._kept: dict[str, pa.ChunkedArray] = {}
        self._db = db

    def ask(self, query: Query, source: str | None = None) -> Answer:
        """What they have to say to a query."""
        return Nothing() if self._first >= self._end else _Asked(self, query, source)

    def run(self, statement: Statement, rows: int = _FETCHED) -> Iterator[list[Values]]:
        """What a statement gives, some rows at a time.

        Args:
            statement: Asks `entries`.
            rows: At most so many at a time.

        Raises:
            NotEvidence: A segment that must be read is damaged or missing.
            StorageError: There is no room to sort so much.
        """
        reading = _Reading(entry_schema(statement.columns))
        self._db = self._db or connect()
        with reading.failures_told(), cursor_of(self._db) as cursor:  # a cursor sees no other thread's relation
            cursor.register("entries", self._relation(statement.columns, reading))
            cursor.execute(statement.sql, list(statement.params))
            while found := cursor.fetchmany(rows):
                yield found

    def _relation(self, columns: list[str], reading: "_Reading") -> "pa.Table | pa.RecordBatchReader":
        if not self._keeps:
            return reading.stream(self._read(columns))
        missing = [name for name in ("index", *columns) if name not in self._kept]
        if missing:
            read = pa.Table.from_batches(self._read(missing), entry_schema(missing))
            self._kept |= {name: read[name] for name in missing}
        return pa.table({name: self._kept[name] for name in reading.schema.names})

    def _read(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        return entry_rows(self._archive, self._first, self._end, columns, self._corrections)


class _Asked:
    """One query, for as long as it is asked."""

    def __init__(self, entries: Direct, query: Query, source: str | None) -> None:
        self._entries = entries
        self._query = query
        self._source = source

    def count(self) -> int:
        [[(total,)]] = self._entries.run(count(self._query, self._source))
        return int(total)

    def rows(self, skip: int, take: int) -> list[Row]:
        asked = page(msgspec.structs.replace(self._query, offset=skip, limit=take), self._source)
        return [Row(*row) for rows in self._entries.run(asked) for row in rows]


class _Reading:
    """What is read while the engine runs, which tells of a failure in words only."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._failure: MunimentError | None = None

    def stream(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._watched(batches))

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except MunimentError as error:
            self._failure = error
            raise

    @contextlib.contextmanager
    def failures_told(self) -> Iterator[None]:
        """Raise what was raised in reading, not what the engine made of it."""
        try:
            yield
        except duckdb.Error as error:
            if self._failure is not None:
                raise self._failure from error
            raise StorageError(
                f"the query could not be run: {error}", hint="Make room in the folder for temporary files."
            ) from error
