import itertools
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.world import AT, SOURCE, item

from muniment.archive.columns import LEAF_SCHEMA, columns_of, entry_batch
from muniment.archive.leaf import encode_leaves
from muniment.archive.parquet import GROUP_BYTES, ROWS, Marks, SegmentEncoder, SegmentFile, group_rows
from muniment.archive.segments import SegmentName
from muniment.errors import NotEvidence

MARKS = Marks(7, None, 2)


def encoded(batches: Sequence[pa.RecordBatch], first: int = 0) -> bytes:
    encoder = SegmentEncoder(first)
    for batch in batches:
        encoder.add(batch)
    return bytes(encoder.finish(MARKS))


def segment_file(data: bytes, first: int, count: int) -> SegmentFile:
    return SegmentFile(SegmentName(first, first + count, sha256(data).hexdigest()[:16]), pa.BufferReader(data))


@pytest.fixture(scope="module")
def rows() -> pa.RecordBatch:
    return entry_batch(SOURCE, AT, [item(number) for number in range(5_000)]).record_batch


@given(cuts=st.lists(st.integers(1, 4_999), unique=True, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_segment_has_the_same_bytes_however_its_leaves_came(rows: pa.RecordBatch, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 5_000]
    pieces = [rows.slice(start, end - start) for start, end in itertools.pairwise(edges)]
    assert encoded(pieces, 100) == encoded([rows], 100)


def test_a_copy_read_from_a_segment_gives_the_same_bytes_again(rows: pa.RecordBatch) -> None:
    data = encoded([rows], 100)
    with segment_file(data, 100, 5_000) as segment:
        copies = [batch.select(LEAF_SCHEMA.names) for batch in segment.batches(100, 5_100, None, 777)]
    assert encoded([pa.RecordBatch.from_arrays(copy.columns, schema=LEAF_SCHEMA) for copy in copies], 100) == data


@given(
    sizes=st.lists(st.sampled_from([1, 600, GROUP_BYTES // 3, GROUP_BYTES, 2 * GROUP_BYTES]), max_size=40),
    small=st.integers(0, 2 * ROWS),
    cut=st.integers(0, 5_000),
)
@settings(deadline=None)
def test_row_groups_are_cut_alike_whether_rows_come_at_once_or_in_parts(sizes: list[int], small: int, cut: int) -> None:
    every = np.array([*sizes, *[600] * small, *sizes], np.int32)
    first = group_rows(every[:cut], last=False)
    rest = group_rows(every[sum(first) :], last=True)
    assert first + rest == group_rows(every, last=True)
    assert sum(first + rest) == len(every)
    ends = np.cumsum(first + rest)
    for count, end in zip(first + rest, ends, strict=True):
        assert 0 < count <= ROWS
        assert every[end - count : end - 1].sum(dtype=np.int64) < GROUP_BYTES


def test_row_groups_are_small_and_end_early_where_leaves_are_large() -> None:
    half = GROUP_BYTES // 2
    large = [b"x" * half, b"y" * half, b"small", b"z" * (GROUP_BYTES + 1), b"w" * half]
    leaves = encode_leaves("entry", "s", AT, [*large, *[item(n) for n in range(ROWS + 1)]])
    data = encoded([columns_of(leaves)])
    groups = pq.ParquetFile(pa.BufferReader(data)).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [2, 2, ROWS, 2]
    with segment_file(data, 0, len(leaves)) as segment:
        assert segment.leaves([0, 3, 4, len(leaves) - 1], {}) == [leaves[0], leaves[3], leaves[4], leaves[-1]]


@given(first=st.integers(0, 5_000), count=st.integers(0, 5_000), size=st.sampled_from([1, 700, 2_048, 65_536]))
@settings(max_examples=25, deadline=None)
def test_any_range_of_a_segment_is_read_without_a_gap(rows: pa.RecordBatch, first: int, count: int, size: int) -> None:
    size = size if count < 100 else max(size, 100)
    with segment_file(encoded([rows], 100), 100, 5_000) as segment:
        found = list(segment.batches(100 + first, 100 + first + count, ["index", "id"], size))
    assert all(0 < batch.num_rows <= size for batch in found)
    indices = [index for batch in found for index in batch.column("index").to_pylist()]
    assert indices == list(range(100 + first, 100 + min(first + count, 5_000)))
    assert [text for batch in found for text in batch.column("id").to_pylist()] == [f"entry-{i - 100}" for i in indices]


@given(st.lists(st.integers(100, 5_099), unique=True, max_size=20).map(sorted))
@settings(max_examples=25, deadline=None)
def test_single_leaves_are_found_by_their_index(rows: pa.RecordBatch, indices: list[int]) -> None:
    leaves = rows.column("leaf").to_pylist()
    with segment_file(encoded([rows], 100), 100, 5_000) as segment:
        assert segment.leaves(indices, {}) == [leaves[index - 100] for index in indices]


def test_a_segment_says_by_what_it_was_written_and_where_the_record_stands(rows: pa.RecordBatch) -> None:
    data = encoded([rows], 100)
    with segment_file(data, 100, 5_000) as segment:
        assert segment.marks == MARKS
        assert segment.columns_version == 1
    facts = pq.ParquetFile(pa.BufferReader(data)).metadata.metadata
    assert facts[b"muniment.format"] == b"1"
    assert facts[b"muniment.last_key"] == b"null"


def test_marks_are_what_the_leaves_so_far_say() -> None:
    marks = Marks().after("entry", 0, 5)
    assert marks == Marks()
    assert marks.after("receipt", 5, 2) == Marks(last_record=6)
    assert marks.after("key", 5, 1).after("finding", 6, 1) == Marks(last_record=6, last_key=5)
    assert marks.after("segment", 5, 2).after("segment", 9, 1) == Marks(segments=3)
    assert marks.after("receipt", 5, 0) == Marks()


def test_a_segment_that_holds_other_leaves_than_its_name_says_is_refused(rows: pa.RecordBatch) -> None:
    data = encoded([rows], 100)
    with pytest.raises(NotEvidence, match="does not hold leaves 100 to 5098"):
        segment_file(data, 100, 4_999)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"index": [100], "kind": ["entry"], "leaf": [b"x"]}), sink)
    with pytest.raises(NotEvidence, match="format"):
        segment_file(bytes(sink.getvalue()), 100, 1)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"index": [100]}), sink)
    with pytest.raises(NotEvidence, match="does not hold leaves"):
        segment_file(bytes(sink.getvalue()), 100, 1)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_told_as_damage_or_changes_nothing_that_is_read(rows: pa.RecordBatch, data: st.DataObject) -> None:
    leaves = rows.column("leaf").to_pylist()[:300]
    whole = bytearray(encoded([rows.slice(0, 300)]))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    cut = data.draw(st.sampled_from([None, None, None, place]))
    try:
        with segment_file(bytes(whole[:cut]), 0, 300) as segment:
            found = [leaf for batch in segment.batches(0, 300, ["leaf"], 100) for leaf in batch.column(0).to_pylist()]
    except NotEvidence as error:
        assert str(error).startswith("segment/0-300.")  # noqa: PT017 - damage need not be seen here
    else:
        assert len(found) == len(leaves)
