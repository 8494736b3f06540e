"""Segments made anew by somebody who knows the format: every hash in a name right, and yet it shows."""

import struct
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.evidence.world import (
    AT,
    ORIGIN,
    SOURCE,
    World,
    failed,
    item,
    leaves_of,
    named,
    problems_of,
    put,
    receipt,
    result_of,
    rewrite,
    seal_anew,
    why_of,
    with_values,
)

from muniment.archive.leaf import OWN_SOURCE, RECORD_KINDS, encode_leaf, parse_leaf
from muniment.evidence.keys import Trusted
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import sign_note


def test_a_segment_written_by_other_software_with_the_same_rows_verifies(plain: World) -> None:
    (path,) = plain.segments()
    rewrite(plain, path, lambda table: table, compression="gzip", use_dictionary=False, row_group_size=5)
    assert plain.verify().ok


def test_one_leaf_changed_in_a_segment_made_anew_is_named(plain: World) -> None:
    (path,) = plain.segments()
    leaf = encode_leaf("entry", SOURCE, AT, item(4711))

    def change(table: pa.Table) -> pa.Table:
        for column, value in {"leaf": leaf, "id": "entry-4711"}.items():
            table = with_values(table, column, 7, value)
        return table

    new = rewrite(plain, path, change)
    verdict = plain.verify()
    assert (new, 7) in named(verdict)
    assert {problem.leaf for problem in problems_of(verdict, "tree")} == {7}
    assert not problems_of(verdict, "tiles")


def test_leaves_exchanged_in_a_segment_made_anew_are_both_named(plain: World) -> None:
    (path,) = plain.segments()
    order = [*range(5), 6, 5, *range(7, 34)]
    new = rewrite(plain, path, lambda table: table.take(order))
    verdict = plain.verify()
    assert {(new, 5), (new, 6)} <= named(verdict)
    assert {problem.leaf for problem in problems_of(verdict, "leaves")} == {5, 6}


CHANGES: dict[str, Any] = {
    "kind": "user",
    "source": "elsewhere",
    "id": "entry-1",
    "time": 0,
    "day": 20_000,
    "action": "DELETE",
    "resource_type": None,
    "resource_id": "",
    "resource_name": "\u00e9",
    "status": "SUCCESS",
    "user_id": "x",
    "user_name": None,
    "account_id": "x",
    "account_name": "x",
    "description": "nothing happened",
}


@pytest.mark.parametrize(("column", "value"), CHANGES.items(), ids=list(CHANGES))
def test_a_column_that_says_other_than_its_leaf_is_named_with_the_leaf(plain: World, column: str, value: Any) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: with_values(table, column, 9, value))
    verdict = plain.verify()
    assert named(verdict) == {(new, 9)}
    assert failed(verdict) == {"columns"}
    assert f"column {column} says" in verdict.problems[0].what


def test_the_columns_of_users_and_receipts_are_compared_too(plain: World) -> None:
    (path,) = plain.segments()
    kinds = [parse_leaf(leaf).kind for leaf in leaves_of(plain)]
    user, said = kinds.index("user"), kinds.index("receipt")

    def change(table: pa.Table) -> pa.Table:
        return with_values(with_values(table, "id", user, "u9"), "status", said, "success")

    new = rewrite(plain, path, change)
    assert named(plain.verify()) == {(new, user), (new, said)}


def test_a_wrong_index_is_named_with_the_leaf(plain: World) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: with_values(table, "index", 3, 4))
    verdict = plain.verify()
    assert named(verdict) == {(new, 3)}
    assert failed(verdict) == {"leaves"}


@pytest.mark.parametrize("count", [33, 35, 0])
def test_rows_left_out_or_put_in_are_named(plain: World, count: int) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: table.take(pa.array([min(n, 33) for n in range(count)], pa.int64())))
    verdict = plain.verify()
    assert "segments" in failed(verdict)
    assert f"it has {count} rows, its name says 34" in {problem.what for problem in verdict.problems}
    assert new in {file for file, _ in named(verdict)}


def test_a_further_column_is_refused(plain: World) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: table.append_column("remark", pa.array(["x"] * 34)))
    verdict = plain.verify()
    assert named(verdict) == {(new, None)}
    assert failed(verdict) == {"columns"}


@pytest.mark.parametrize("column", ["leaf", "kind", "index", "id", "description"])
def test_a_missing_column_is_refused(plain: World, column: str) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: table.drop_columns([column]))
    verdict = plain.verify()
    assert not verdict.ok
    assert new in {file for file, _ in named(verdict)}


def test_columns_of_another_type_are_refused(plain: World) -> None:
    (path,) = plain.segments()

    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("time")
        return table.set_column(place, "time", table.column("time").cast(pa.timestamp("ms", tz="UTC")))

    new = rewrite(plain, path, change)
    assert named(plain.verify()) == {(new, None)}


def with_facts(plain: World, **facts: bytes | None) -> str:
    """The plain segment with other metadata; returns its new path."""
    (path,) = plain.segments()
    file = pq.ParquetFile(plain.archive / path)
    kept = {key: value for key, value in file.metadata.metadata.items() if key.startswith(b"muniment.")}
    kept |= {f"muniment.{name}".encode(): value for name, value in facts.items() if value is not None}
    for name in [name for name, value in facts.items() if value is None]:
        del kept[f"muniment.{name}".encode()]
    sink = pa.BufferOutputStream()
    pq.write_table(file.read().replace_schema_metadata(kept), sink, write_statistics=["index", "time", "day"])
    return put(plain, path, sink.getvalue().to_pybytes())


def test_a_file_of_a_later_version_of_the_columns_is_skipped_and_that_is_said(plain: World) -> None:
    with_facts(plain, columns_version=b"2")
    verdict = plain.verify()
    assert verdict.ok
    assert result_of(verdict, "columns") == "skipped"
    assert "1 file made by a later version" in why_of(verdict, "columns")


def test_a_leaf_changed_in_a_file_of_a_later_version_is_named_all_the_same(plain: World) -> None:
    path = with_facts(plain, columns_version=b"2")
    new = rewrite(plain, path, lambda table: with_values(with_values(table, "kind", 2, "user"), "index", 3, 8))
    assert named(plain.verify()) == {(new, 2), (new, 3)}


@pytest.mark.parametrize("version", [None, b"0", b"-1", b'"1"', b"null", b"[", b"1e3"])
def test_a_file_that_does_not_say_its_version_is_refused(plain: World, version: bytes | None) -> None:
    new = with_facts(plain, columns_version=version)
    verdict = plain.verify()
    assert "columns" in failed(verdict)
    assert {file for file, _ in named(verdict)} == {new}


@pytest.mark.parametrize(
    "facts", [{"format": b"2"}, {"format": None}, {"more": b"1"}, {"last_record": b"5"}, {"segments": b"3"}]
)
def test_what_a_file_says_of_itself_and_of_all_leaves_is_held_to_them(
    plain: World, facts: dict[str, bytes | None]
) -> None:
    new = with_facts(plain, **facts)
    verdict = plain.verify()
    assert failed(verdict) == {"segments"}
    assert named(verdict) == {(new, None)}


def lie(plain: World, changes: dict[bytes, bytes]) -> str:
    """The plain segment with other bytes in its footer; returns its new path."""
    (path,) = plain.segments()
    data = (plain.archive / path).read_bytes()
    length = struct.unpack("<I", data[-8:-4])[0]
    body, footer = data[: -8 - length], data[-8 - length :]
    for before, after in changes.items():
        assert before in footer
        footer = footer.replace(before, after)
    return put(plain, path, body + footer)


def test_statistics_that_would_hide_rows_are_named(plain: World) -> None:
    new = lie(plain, {struct.pack("<q", 33): struct.pack("<q", 20)})
    verdict = plain.verify()
    assert failed(verdict) == {"statistics"}
    assert named(verdict) == {(new, None)}
    assert "largest value of column index is 33, its statistics say 20" in verdict.problems[0].what


def test_statistics_that_promise_rows_that_are_not_there_are_named(plain: World) -> None:
    lie(plain, {struct.pack("<q", 33): struct.pack("<q", 2_000)})
    assert failed(plain.verify()) == {"statistics"}


def test_statistics_of_days_are_compared(plain: World) -> None:
    (path,) = plain.segments()
    day = pq.ParquetFile(plain.archive / path).metadata.row_group(0).column(5).statistics.min_raw
    lie(plain, {struct.pack("<i", day): struct.pack("<i", day + 1)})
    assert "statistics" in failed(plain.verify())


@pytest.mark.parametrize("written", [{"write_page_index": True}, {"sorting_columns": [pq.SortingColumn(0)]}])
def test_indexes_that_cannot_be_checked_are_refused(plain: World, written: dict[str, Any]) -> None:
    (path,) = plain.segments()
    new = rewrite(plain, path, lambda table: table, **written)
    verdict = plain.verify()
    assert failed(verdict) == {"statistics"}
    assert named(verdict) == {(new, None)}


def test_statistics_of_every_column_may_stand_there_if_they_are_true(plain: World) -> None:
    (path,) = plain.segments()
    rewrite(plain, path, lambda table: table, write_statistics=True)
    assert plain.verify().ok


# what an operator can do who has the key, and signs whatever he made


def test_a_leaf_of_the_record_left_out_and_all_signed_anew_shows_in_the_chain(plain: World) -> None:
    leaves = leaves_of(plain)
    record = [index for index, leaf in enumerate(leaves) if parse_leaf(leaf).kind in RECORD_KINDS]
    del leaves[record[1]]
    seal_anew(plain, leaves)
    verdict = plain.verify()
    assert result_of(verdict, "signature") == "pass"
    assert {problem.leaf for problem in problems_of(verdict, "record")} == {record[2] - 1}


def test_the_last_receipt_left_out_shows_only_against_a_checkpoint_noted_earlier(plain: World) -> None:
    noted = plain.note()
    seal_anew(plain, leaves_of(plain)[:-1])
    assert plain.verify().ok
    assert failed(plain.verify(noted=(noted,))) == {"earlier"}


@pytest.mark.parametrize("previous", [None, 1, 33, 34, 35, 10**18])
def test_a_leaf_of_the_record_that_names_another_one_breaks_the_chain(plain: World, previous: int | None) -> None:
    leaves = leaves_of(plain)
    assert parse_leaf(leaves[-1]).kind == "receipt"
    said = encode_leaf("finding", OWN_SOURCE, AT, b'{"kind":"twin","what":"x"}', previous=previous)
    seal_anew(plain, [*leaves, said])
    verdict = plain.verify()
    assert verdict.ok is (previous == 33)
    assert {problem.leaf for problem in problems_of(verdict, "record")} == (set() if previous == 33 else {34})


@pytest.mark.parametrize(
    "said",
    [
        receipt(0, 5),
        receipt(10, 12),
        receipt(1, 400),
        receipt(34, 35),
        receipt(5, 3),
        b"{}",
        b'"a receipt"',
        b"not JSON",
        b'{"run":"r","phase":"begun"}',
        b'{"run":"r","phase":"part","windows":[{"leaves":[[-1,3]]}]}',
        b'{"run":"r","phase":"part","windows":[{"parts":[{"leaves":[[10,12]]}]}]}',
        b'{"run":"r","phase":"part","windows":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_receipt_that_cannot_be_so_is_named(plain: World, said: bytes) -> None:
    seal_anew(plain, [*leaves_of(plain), encode_leaf("receipt", OWN_SOURCE, AT, said, previous=33)])
    verdict = plain.verify()
    assert failed(verdict) == {"receipts"}
    assert {leaf for _, leaf in named(verdict)} == {34}


@pytest.mark.parametrize(
    "said", [receipt(1, 10), receipt(3, 3), b'{"run":"r","phase":"closed","gaps":[],"windows":[{"parts":[]}]}']
)
def test_a_receipt_that_is_so_passes(plain: World, said: bytes) -> None:
    seal_anew(plain, [*leaves_of(plain), encode_leaf("receipt", OWN_SOURCE, AT, said, previous=33)])
    assert plain.verify().ok


def test_a_receipt_that_claims_entries_after_it_is_named(plain: World) -> None:
    early = encode_leaf("receipt", OWN_SOURCE, AT, receipt(35, 36), previous=33)
    seal_anew(plain, [*leaves_of(plain), early, encode_leaf("entry", SOURCE, AT, item(1))])
    verdict = plain.verify()
    assert failed(verdict) == {"receipts"}
    assert {leaf for _, leaf in named(verdict)} == {34}


def test_two_neighbours_in_the_record_that_name_the_same_one_break_the_chain(plain: World) -> None:
    twice = [encode_leaf("finding", OWN_SOURCE, AT, b'{"n":%d}' % number, previous=33) for number in range(2)]
    seal_anew(plain, [*leaves_of(plain), *twice])
    verdict = plain.verify()
    assert failed(verdict) == {"record"}
    assert {leaf for _, leaf in named(verdict)} == {35}


def test_a_seal_of_another_file_is_named(plain: World) -> None:
    seal = b'{"first":0,"end":34,"sha256":"%s"}' % (b"0" * 64)
    seal_anew(plain, [*leaves_of(plain), encode_leaf("segment", OWN_SOURCE, AT, seal)])
    verdict = plain.verify()
    assert failed(verdict) == {"seals"}
    assert ("segment/0-34.0000000000000000.parquet", 0) in named(verdict)


@pytest.mark.parametrize(
    "seal", [b"{}", b"[]", b'{"first":0,"end":34,"sha256":"00"}', b'{"first":5,"end":34,"sha256":"%s"}' % (b"0" * 64)]
)
def test_a_seal_that_makes_no_sense_is_named(plain: World, seal: bytes) -> None:
    seal_anew(plain, [*leaves_of(plain), encode_leaf("segment", OWN_SOURCE, AT, seal)])
    verdict = plain.verify()
    assert failed(verdict) == {"seals"}
    assert 34 in {leaf for _, leaf in named(verdict)}


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        ("another origin", lambda data: data.replace(ORIGIN.encode(), b"example.org/audit", 1)),
        ("a comment more", lambda data: data + b"# more\n"),
        ("the same facts in another order", lambda data: b"\n".join(sorted(data.split(b"\n")))),
    ],
)
def test_facts_that_are_not_byte_for_byte_those_of_leaf_0_are_named(
    plain: World, what: str, facts: Callable[[bytes], bytes]
) -> None:
    with plain.harmed("archive.toml", facts):
        verdict = plain.verify()
    assert failed(verdict) == {"facts"}, what
    assert named(verdict) == {("archive.toml", None)}


def test_a_first_leaf_that_is_no_genesis_is_named(plain: World) -> None:
    leaves = leaves_of(plain)
    seal_anew(plain, [leaves[1], *leaves[1:]])
    verdict = plain.verify(trusted=Trusted())
    assert {"facts", "signature"} <= failed(verdict)
    assert 0 in {leaf for _, leaf in named(verdict)}


def test_a_checkpoint_of_another_origin_is_refused(plain: World) -> None:
    leaves = leaves_of(plain)
    seal_anew(plain, leaves, origin="example.org/other")
    verdict = plain.verify()
    assert failed(verdict) == {"checkpoint"}
    assert "example.org/other" in why_of(verdict, "checkpoint")


@pytest.mark.parametrize("size", [33, 35, 1, 10**6])
def test_a_checkpoint_signed_for_another_number_of_leaves_is_refused(plain: World, size: int) -> None:
    archive = plain.open()
    note = sign_note(Checkpoint(ORIGIN, size, archive.root).encode(), [plain.home.signer(archive.verifier)])
    with plain.harmed("checkpoint", lambda _: note.encode()):
        verdict = plain.verify()
    assert {"checkpoint", "tree"} <= failed(verdict)
    assert {file for file, _ in named(verdict)} == {"checkpoint"}
    assert result_of(verdict, "signature") == "pass"


def test_a_file_with_rows_that_have_no_leaf_is_named(plain: World) -> None:
    (path,) = plain.segments()

    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("leaf")
        leaves: list[bytes | None] = table.column("leaf").to_pylist()
        leaves[3] = None
        return table.set_column(place, "leaf", pa.array(leaves, pa.binary()))

    new = rewrite(plain, path, change)
    verdict = plain.verify()
    assert "it has rows without a leaf" in "; ".join(problem.what for problem in verdict.problems)
    assert new in {file for file, _ in named(verdict)}


def test_an_envelope_written_in_another_way_is_named(plain: World) -> None:
    (path,) = plain.segments()
    odd = b'{"kind": "entry","source":"s","observed_at":"2026-03-02T23:56:45Z","entry":{}}'
    new = rewrite(plain, path, lambda table: with_values(table, "leaf", 4, odd))
    verdict = plain.verify()
    assert ("leaves", new, 4) in {(problem.check, problem.file, problem.leaf) for problem in verdict.problems}
    assert ("tree", new, 4) in {(problem.check, problem.file, problem.leaf) for problem in verdict.problems}
