"""What a Parquet file says about its columns: a reader that prunes by a lie would not show what is there."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["lies_of_chunk"]

_UNKNOWN: Final = (
    ("has_column_index", "a column index"),
    ("has_offset_index", "an offset index"),
    ("bloom_filter_offset", "a Bloom filter"),
    ("file_path", "the path of another file"),
    ("is_geo_stats_set", "geospatial statistics"),
)
"""What no segment has, and this version could not check."""


def lies_of_chunk(chunk: pq.ColumnChunkMetaData, column: pa.Array) -> Iterator[str]:
    """What the metadata of a column chunk says that its values do not bear out, in words.

    Args:
        chunk: The metadata.
        column: The values that were read from it, all of a row group's.
    """
    name = chunk.path_in_schema
    for attribute, what in _UNKNOWN:
        if getattr(chunk, attribute, None):
            yield f"column {name} has {what}, which no segment has"
    statistics = chunk.statistics
    if statistics is None:
        return
    if statistics.has_null_count and statistics.null_count != column.null_count:
        yield f"column {name} has {column.null_count} nulls, its statistics say {statistics.null_count}"
    if statistics.has_distinct_count and statistics.distinct_count != pc.count_distinct(column).as_py():
        yield f"column {name} does not have the {statistics.distinct_count} distinct values that its statistics say"
    if statistics.has_min_max:
        yield from _wrong_bounds(name, statistics, column)


def _wrong_bounds(name: str, statistics: Any, column: pa.Array) -> Iterator[str]:
    values = _physical(column)
    if values.null_count == len(values):
        yield f"column {name} has no values, its statistics say it has"
        return
    bounds = pc.min_max(values).as_py()
    low, high = statistics.min_raw, statistics.max_raw
    # bounds of long texts may be cut: then they lie outside the values, never within
    exact = not pa.types.is_binary(values.type)
    for word, said, found, holds in (
        ("smallest", low, bounds["min"], low <= bounds["min"]),
        ("largest", high, bounds["max"], high >= bounds["max"]),
    ):
        if not holds or (exact and said != found):
            yield f"the {word} value of column {name} is {found!r}, its statistics say {said!r}"


def _physical(column: pa.Array) -> pa.Array:
    """The values as Parquet stores them, which is how its statistics are written."""
    kind = column.type
    if pa.types.is_string(kind):
        return column.cast(pa.binary())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.int64())
    return column.cast(pa.int32()) if pa.types.is_date(kind) else column
