"""The rows of a segment against their leaves: what a leaf gives is computed again and compared with every column."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from muniment.archive.columns import LEAF_SCHEMA
from muniment.evidence.envelopes import TakenApart, expected_columns

__all__ = ["Difference", "column_differences", "index_differences", "kind_differences"]

_SHOWN = 60


class Difference(NamedTuple):
    """A row whose column is not what its leaf says."""

    row: int
    what: str


def index_differences(column: pa.Array, first: int) -> Iterator[Difference]:
    """Rows whose index is not that of their leaf.

    Args:
        column: Of type int64.
        first: Index of the first row's leaf.
    """
    expected = np.arange(first, first + len(column), dtype=np.int64)
    yield from _differences("index", column, pa.array(expected))


def kind_differences(column: pa.Array, taken: TakenApart) -> Iterator[Difference]:
    """Rows whose kind is not that of their leaf: all that can be compared of a file of a later version."""
    yield from _differences("kind", column, taken.column(lambda run: run.kind), {row for row, _ in taken.refused})


def column_differences(batch: pa.RecordBatch, taken: TakenApart) -> Iterator[Difference]:
    """Rows whose columns are not those that their leaves give.

    Args:
        batch: By `SEGMENT_SCHEMA`.
        taken: Its leaves; those that are none are not compared.
    """
    expected = expected_columns(taken)
    refused = {row for row, _ in taken.refused}
    for name in LEAF_SCHEMA.names:
        if name != "leaf":
            yield from _differences(name, batch.column(name), expected[name], refused)


def _differences(
    name: str, said: pa.Array, made: pa.Array, refused: Sequence[int] | set[int] = ()
) -> Iterator[Difference]:
    if said.equals(made):
        return
    for row, (here, there) in enumerate(zip(_plain(said), _plain(made), strict=True)):
        if here != there and row not in refused:
            yield Difference(row, f"column {name} says {_shown(here)}, the leaf {_shown(there)}")


def _plain(column: pa.Array) -> list[Any]:
    """Values that Python can hold, whatever they are: texts as bytes, for they may be no UTF-8, moments as numbers."""
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    values: list[Any] = column.to_pylist()
    return values


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
        return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    return "nothing" if value is None else str(value)
