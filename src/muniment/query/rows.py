"""The relation ``entries`` that `muniment.query.sql` asks: the entries of an archive, as corrected."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.columns import SEGMENT_SCHEMA
from muniment.query.corrections import Corrections

if TYPE_CHECKING:
    from muniment.archive.reading import Archive

__all__ = ["entry_rows", "entry_schema"]

_ROWS: Final = 16_384


def entry_schema(columns: Iterable[str]) -> pa.Schema:
    """The columns that `entry_rows` gives: those named, and ``index``; ``time`` in microseconds since 1970."""
    wanted = {"index", *columns}
    fields = [field for field in SEGMENT_SCHEMA if field.name in wanted]
    return pa.schema([field if field.name != "time" else pa.field("time", pa.int64()) for field in fields])


def entry_rows(
    archive: "Archive", first: int, end: int, columns: Sequence[str], corrections: Corrections
) -> Iterator[pa.RecordBatch]:
    """The entries among the leaves [first, end), ascending, each key once, each with the day that counts.

    Args:
        archive: Where they are.
        first: Index of the first leaf.
        end: Index after the last one.
        columns: Which columns of `SEGMENT_SCHEMA`; ``index`` comes always.
        corrections: What is known of them besides.

    Raises:
        NotEvidence: A segment is damaged or missing.
    """
    schema = entry_schema(columns)
    read = [field.name for field in SEGMENT_SCHEMA if field.name in schema.names or field.name == "kind"]
    for batch in archive.batches(first, end, read, rows=_ROWS):
        indices = batch["index"].to_numpy()
        wanted = corrections.first_contents(indices) & np.asarray(pc.equal(batch["kind"], "entry"))
        yield _shaped(batch, indices, schema, corrections).filter(pa.array(wanted))


def _shaped(
    batch: pa.RecordBatch, indices: "np.typing.NDArray[np.int64]", schema: pa.Schema, corrections: Corrections
) -> pa.RecordBatch:
    arrays = {name: batch[name] for name in schema.names}
    if "time" in arrays:
        arrays["time"] = arrays["time"].cast(pa.int64())
    if "day" in arrays:
        arrays["day"] = corrections.days(indices, arrays["day"])
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)
