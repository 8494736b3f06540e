"""Looking without an index: the portable SQL over columns as they come from the segments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa

from muniment.model import Query
from muniment.query.corrections import Corrections
from muniment.query.engine import connect
from muniment.query.order import Row
from muniment.query.rows import entry_rows, entry_schema
from muniment.query.sql import Statement, count, every_index, page

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from muniment.archive.reading import Archive

__all__ = ["Direct"]

_KEPT: Final = 8 * 65_536
"""Up to so many leaves, columns once read are kept; beyond, they are read for each statement and never held whole."""
_FETCHED: Final = 16_384


class Direct:
    """The entries among the leaves [first, end); asked by any number of threads.

    Args:
        archive: Where they are.
        first: Index of the first leaf.
        end: Index after the last one.
        corrections: What is known of them besides.
    """

    def __init__(self, archive: "Archive", first: int, end: int, corrections: Corrections) -> None:
        self._archive = archive
        self._first = first
        self._end = end
        self._corrections = corrections
        self._kept: dict[str, pa.ChunkedArray] = {}
        self._db: DuckDBPyConnection | None = None

    def count(self, query: Query, source: str | None = None) -> int:
        """How many entries match."""
        if self._first == self._end:
            return 0
        return int(self._run(count(query, source)).fetchall()[0][0])

    def rows(self, query: Query, source: str | None, skip: int, take: int) -> list[Row]:
        """At most `take` of the entries that match, in the query's order, after the first `skip`."""
        if self._first == self._end or take <= 0:
            return []
        asked = page(msgspec.structs.replace(query, offset=skip, limit=take), source)
        return [Row(*row) for row in self._run(asked).fetchall()]

    def indices(self, query: Query, source: str | None = None) -> Iterator[list[int]]:
        """The indices of all leaves that match, some at a time; see `every_index` for their order."""
        if self._first == self._end:
            return
        found = self._run(every_index(query, source))
        while rows := found.fetchmany(_FETCHED):
            yield [row[0] for row in rows]

    def _run(self, statement: Statement) -> "DuckDBPyConnection":
        self._db = self._db or connect()
        cursor = self._db.cursor()
        cursor.register("entries", self._relation(statement.columns))
        return cursor.execute(statement.sql, list(statement.params))

    def _relation(self, columns: list[str]) -> "pa.Table | pa.RecordBatchReader":
        if self._end - self._first > _KEPT:
            return pa.RecordBatchReader.from_batches(entry_schema(columns), self._read(columns))
        missing = [name for name in ("index", *columns) if name not in self._kept]
        if missing:
            read = pa.Table.from_batches(self._read(missing), entry_schema(missing))
            self._kept |= {name: read[name] for name in missing}
        return pa.table({name: self._kept[name] for name in ("index", *columns)})

    def _read(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        return entry_rows(self._archive, self._first, self._end, columns, self._corrections)
