import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.archive.columns import LEAF_SCHEMA, columns_of, entry_batch, leaf_batch
from muniment.archive.leaf import encode_leaf
from muniment.archive.timestamps import parse_time

AT = "2026-03-02T23:56:45Z"
UTC = dt.UTC
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["id", "name"]), inner)),
    max_leaves=4,
)
members = st.sampled_from(
    ["id", "account", "user", "timestamp", "action", "status", "resource_id", "description", "more"]
)
items = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(members, values, max_size=6).map(lambda item: json.dumps(item).encode()),
    st.dictionaries(members, values, max_size=6).map(
        lambda item: json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ),
)


def row(payload: bytes) -> dict[str, Any]:
    """The columns of one entry that are not null, but for those that every leaf has."""
    (found,) = entry_batch("s", AT, [payload]).record_batch.to_pylist()
    return {
        name: value for name, value in found.items() if value is not None and name not in ("kind", "source", "leaf")
    }


def test_the_columns_are_what_the_item_says() -> None:
    payload = (
        b'{"id":"e1","account":{"id":"a1","name":"Ac"},"resource_type":"USER","resource_id":"r1","resource_name":"R",'
        b'"action":"LOGIN","user":{"id":"u1","name":"U"},"timestamp":"2026-03-02T23:59:59.5-01:00","description":"D",'
        b'"status":"success","more":[1]}'
    )
    assert row(payload) == {
        "id": "e1",
        "time": dt.datetime(2026, 3, 3, 0, 59, 59, 500_000, tzinfo=UTC),
        "day": dt.date(2026, 3, 3),
        "action": "LOGIN",
        "resource_type": "USER",
        "resource_id": "r1",
        "resource_name": "R",
        "status": "success",
        "user_id": "u1",
        "user_name": "U",
        "account_id": "a1",
        "account_name": "Ac",
        "description": "D",
    }


@pytest.mark.parametrize(
    ("payload", "columns"),
    [
        (
            b'{"id":5,"action":7,"status":null,"user":"x","account":{"id":4,"name":"n"}}',
            {"id": "5", "account_name": "n"},
        ),
        (b'{"id":1.50}', {"id": "1.50"}),
        (b'{"id":true}', {"id": "true"}),
        (b'{"id":{"a" : [1 ]}}', {"id": '{"a" : [1 ]}'}),
        (b'{"id":123456789012345678901234567890}', {"id": "123456789012345678901234567890"}),
        (b'{"id":"","action":""}', {"id": "", "action": ""}),
        (b'{"id":"a\\u0000b"}', {"id": "a\0b"}),
        (b'{"id":"\\ud83d\\ude00","action":"\\ud83d"}', {"id": "\U0001f600", "action": "\ufffd"}),
        (b'{"id":"\xff"}', {"id": "\ufffd"}),
        (b'{"id":"x","action":NaN}', {"id": "x"}),
        (b'\xef\xbb\xbf{"id":"x"}', {"id": "x"}),
        (b'{"id":"a","id":"b"}', {"id": "b"}),
        (b'{"id":"' + b"x" * 100_000 + b'"}', {"id": "x" * 100_000}),
        (b'{"id":' + b"1" * 5_000 + b"}", {"id": "1" * 5_000}),
        (b'{"id":"x","deep":' + b"[" * 100_000, {}),
        (b"[" * 100_000 + b"]" * 100_000, {}),
        (b'["id"]', {}),
        (b"", {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_odd_is_null_and_never_an_error(payload: bytes, columns: dict[str, Any]) -> None:
    assert row(payload) == columns


@given(st.lists(items, max_size=6))
@settings(deadline=None)
def test_columns_depend_on_one_leaf_alone_whatever_the_bytes_are(payloads: list[bytes]) -> None:
    batch = entry_batch("s", AT, payloads)
    singles = [entry_batch("s", AT, [payload]) for payload in payloads]
    assert batch.leaves == [single.leaves[0] for single in singles]
    assert batch.hashes == b"".join(single.hashes for single in singles)
    assert batch.record_batch.to_pylist() == [r for single in singles for r in single.record_batch.to_pylist()]
    assert columns_of(batch.leaves).equals(batch.record_batch)
    batch.record_batch.validate(full=True)


def test_users_and_accounts_have_their_id_and_other_kinds_their_source_only() -> None:
    user = leaf_batch("user", "s", AT, [b'{"id":"u1","status":"active"}']).record_batch.to_pylist()[0]
    assert (user["kind"], user["source"], user["id"], user["status"]) == ("user", "s", "u1", None)
    report = leaf_batch("report", "muniment", AT, [b'{"id":"r1"}']).record_batch.to_pylist()[0]
    assert (report["kind"], report["source"], report["id"]) == ("report", "muniment", None)


def test_columns_of_leaves_of_all_kinds_stand_in_their_order() -> None:
    leaves = [
        encode_leaf("entry", "s", AT, b'{"id":"e1"}'),
        encode_leaf("receipt", "muniment", AT, b"{}", previous=None),
        encode_leaf("entry", "t", AT, b'{"id":"e2"}'),
    ]
    assert [(r["kind"], r["source"], r["id"]) for r in columns_of(leaves).to_pylist()] == [
        ("entry", "s", "e1"),
        ("receipt", "muniment", None),
        ("entry", "t", "e2"),
    ]
    assert columns_of([]).schema == LEAF_SCHEMA


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-02T23:56:45Z", "2026-03-02T23:56:45+00:00"),
        ("2026-03-02T23:56:45z", "2026-03-02T23:56:45+00:00"),
        ("2026-03-02t23:56:45.123456789Z", "2026-03-02T23:56:45.123456+00:00"),
        ("2026-03-02 23:56:45.1+0530", "2026-03-02T18:26:45.100000+00:00"),
        ("2026-03-02T23:56:45", "2026-03-02T23:56:45+00:00"),
        ("2026-03-02", "2026-03-02T00:00:00+00:00"),
        ("2026-06-30T23:59:60Z", "2026-06-30T23:59:59.999999+00:00"),
        (1772495805, "2026-03-02T23:56:45+00:00"),
        (1772495805123, "2026-03-02T23:56:45.123000+00:00"),
        (1772495805.25, "2026-03-02T23:56:45.250000+00:00"),
        (-1, "1969-12-31T23:59:59+00:00"),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-03-02T24:00:00Z", None),
        ("2026-03-02T23:56:45+24:00", None),
        ("2026-03-02T23:56:45+01:60", None),
        ("1772495805", None),
        ("yesterday", None),
        ("2026-03-02T23:56:45Z ", None),
        ("\uff12026-03-02", None),
        (1e300, None),
        (float("inf"), None),
        (10**400, None),
        (None, None),
    ],
)
def test_a_time_is_read_in_each_spelling(value: str | float | None, expected: str | None) -> None:
    micros = parse_time(value)
    told = (
        None
        if micros is None
        else (dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=micros)).isoformat()
    )
    assert told == expected
    (column,) = (
        entry_batch("s", AT, [json.dumps({"timestamp": value}).encode()])
        .record_batch.column("time")
        .cast(pa.int64())
        .to_pylist()
    )
    assert column == micros


@given(
    st.lists(st.datetimes(), min_size=1, max_size=5),
    st.sampled_from(["", ".123", ".000001"]),
)
@settings(deadline=None)
def test_the_fast_way_of_reading_times_agrees_with_the_slow_one(times: list[dt.datetime], fraction: str) -> None:
    texts = [f"{time.replace(microsecond=0).isoformat()}{fraction}Z" for time in times]
    batch = entry_batch("s", AT, [json.dumps({"timestamp": text}).encode() for text in texts]).record_batch
    assert batch.column("time").cast(pa.int64()).to_pylist() == [parse_time(text) for text in texts]


def test_seconds_of_sixty_in_the_common_spelling_are_the_last_of_their_day() -> None:
    batch = entry_batch("s", AT, [b'{"timestamp":"2016-12-31T23:59:60Z"}', b'{"timestamp":"2016-12-31T23:59:59Z"}'])
    assert batch.record_batch.column("day").to_pylist() == [dt.date(2016, 12, 31)] * 2
