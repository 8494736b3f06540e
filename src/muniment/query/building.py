"""Building the query index: one DuckDB file that holds what filters and orders need of an archive's final segments.

    facts          an entry a row, in the order (time, id, leaf), which is kept by the row's place alone
    names_<x>      code and text of each value of the column x
    tally_<n>      how many entries there are a day, twice told, and a combination of values of the columns TALLIES[n]
    clashes        hashes that two different resource ids share
    tree           what it was made from

A column of `facts` holds codes of `names_<x>`, or null where the entry has no such text. A resource id is there as its
hash, since there may be as many of them as entries.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.query.corrections import Corrections
from muniment.query.engine import connect
from muniment.query.rows import entry_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from muniment.archive.reading import Archive

__all__ = ["CODED", "DAY_US", "NEVER", "TALLIES", "Tree", "build_index", "hash_of"]

CODED: Final = ("source", "action", "resource_type", "status", "account_id", "user_name")
"""Columns that hold codes."""
TALLIES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("source", "action", "resource_type", "status"),
    ("source", "account_id"),
    ("source", "action", "resource_type", "status", "account_id"),
    ("user_name", "status"),
)
"""Columns whose combinations of values are counted, the fewest combinations first."""
NEVER: Final = 2**63 - 1
"""The time of an entry that has none: after all others."""
DAY_US: Final = 86_400_000_000
"""A tally counts by ``time // DAY_US``, which is in the order of time, and by ``day``, which need not be."""

_FACTS: Final = pa.schema(
    [
        pa.field("time", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("leaf", pa.int64()),
        pa.field("day", pa.date32()),
        pa.field("resource_id", pa.string()),
        *(pa.field(name, pa.int32()) for name in CODED),
    ]
)


class Tree(msgspec.Struct, frozen=True):
    """The tree and the software that an index was made from and by."""

    version: int
    engine: str
    """Of DuckDB: its hashes are its own."""
    genesis: str
    size: int
    """It covers the leaves before this one."""
    root: str
    corrections: str
    hash_bits: int = 64
    """How much of a resource id's hash counts; tests take few."""


def build_index(path: Path, archive: "Archive", tree: Tree, corrections: Corrections) -> None:
    """Write an index.

    Args:
        path: Of a file that is not there.
        archive: Whose entries.
        tree: Of that archive, at the size to be covered.
        corrections: As the tree names them.

    Raises:
        duckdb.Error: The disk refused.
        NotEvidence: A segment is damaged or missing.
    """
    codes = {name: _Codes() for name in CODED}
    with connect(path) as db:
        _write_facts(db, _coded(archive, tree.size, corrections, codes), tree.hash_bits)
        for name, known in codes.items():
            _write_names(db, name, known)
        _write_tallies(db)
        _write_clashes(db, archive, tree, corrections)
        db.execute("CREATE TABLE tree (said VARCHAR)")
        db.execute("INSERT INTO tree VALUES (?)", [msgspec.json.encode(tree).decode()])


def hash_of(text: str, bits: int) -> str:
    """SQL for the hash that stands for a resource id; null for none, which DuckDB would give a hash too.

    Args:
        text: SQL for the id.
        bits: How much of it counts.
    """
    return f"CASE WHEN {text} IS NOT NULL THEN hash({text}) >> {64 - bits} END"


class _Codes:
    """Codes of a column's values, in the order in which they are met."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def of(self, texts: pa.Array) -> pa.Array:
        """A code for each text, null for none."""
        encoded = texts.dictionary_encode()
        codes = self.codes
        known = [codes.setdefault(text, len(codes)) for text in encoded.dictionary.to_pylist()]
        return pa.array(known, pa.int32()).take(encoded.indices)


def _coded(
    archive: "Archive", end: int, corrections: Corrections, codes: dict[str, _Codes]
) -> Iterator[pa.RecordBatch]:
    columns = ["time", "id", "day", "resource_id", *CODED]
    for batch in entry_rows(archive, 0, end, columns, corrections):
        arrays: dict[str, pa.Array] = {name: batch[name] for name in ("id", "day", "resource_id")}
        arrays |= {"time": pc.fill_null(batch["time"], NEVER), "leaf": batch["index"]}
        arrays |= {name: known.of(batch[name]) for name, known in codes.items()}
        yield pa.RecordBatch.from_arrays([arrays[name] for name in _FACTS.names], schema=_FACTS)


def _write_facts(db: "DuckDBPyConnection", batches: Iterator[pa.RecordBatch], hash_bits: int) -> None:
    db.register("incoming", pa.RecordBatchReader.from_batches(_FACTS, batches))
    columns = ", ".join(("time", "leaf", "day", *CODED, f"{hash_of('resource_id', hash_bits)} AS resource_id"))
    db.execute(f"CREATE TABLE facts AS SELECT {columns} FROM incoming ORDER BY time, id NULLS FIRST, leaf")
    db.unregister("incoming")


def _write_names(db: "DuckDBPyConnection", name: str, known: _Codes) -> None:
    codes = np.arange(len(known.codes), dtype=np.int32)
    db.register("incoming", pa.table({"code": codes, name: pa.array(known.codes, pa.string())}))
    db.execute(f"CREATE TABLE names_{name} AS SELECT * FROM incoming")
    db.unregister("incoming")


def _write_tallies(db: "DuckDBPyConnection") -> None:
    for number in range(len(TALLIES) - 1, -1, -1):
        columns = ", ".join(("slot", "day", *TALLIES[number]))
        db.execute(
            f"CREATE TABLE tally_{number} AS SELECT {columns}, sum(entries)::BIGINT AS entries FROM {_counted(number)}"
            " GROUP BY ALL ORDER BY ALL"
        )


def _counted(number: int) -> str:
    """What a tally is counted from: a larger one that has its columns, else the entries themselves."""
    larger = (other for other in range(number + 1, len(TALLIES)) if set(TALLIES[number]) <= set(TALLIES[other]))
    facts = f"(SELECT *, time // {DAY_US} AS slot, 1 AS entries FROM facts)"
    return next((f"tally_{other}" for other in larger), facts)


def _write_clashes(db: "DuckDBPyConnection", archive: "Archive", tree: Tree, corrections: Corrections) -> None:
    """Find what hashes cannot tell apart: exactly, since two ids of one hash would count for each other."""
    schema = pa.schema([pa.field("resource_id", pa.string())])
    rows = entry_rows(archive, 0, tree.size, ["resource_id"], corrections)
    different = (pa.RecordBatch.from_arrays([pc.unique(batch["resource_id"])], schema=schema) for batch in rows)
    db.register("incoming", pa.RecordBatchReader.from_batches(schema, different))
    hashed = f"SELECT DISTINCT resource_id, {hash_of('resource_id', tree.hash_bits)} AS hash FROM incoming"
    db.execute(
        f"CREATE TABLE clashes AS SELECT hash FROM ({hashed}) WHERE hash IS NOT NULL GROUP BY hash HAVING count(*) > 1"
    )
    db.unregister("incoming")
