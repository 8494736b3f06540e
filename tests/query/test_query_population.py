"""A row says what its entry says, as the source wrote it, however odd."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.archive.columns import columns_of, entry_batch
from muniment.query.population import Member, members
from muniment.query.scan import Lines

AT = "2026-03-02T23:56:45Z"
TEXTS = ("id", "action", "resource_type", "resource_id", "resource_name", "status", "description")
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda v: st.lists(v, max_size=2))


def member(payload: bytes) -> Member:
    leaves = entry_batch("here", AT, [payload]).leaves
    [only] = members(Lines([9], leaves))
    return only


def test_a_row_has_every_member_of_its_entry() -> None:
    said = {
        "id": "e1",
        "account": {"id": "a1", "name": "Acme"},
        "resource_type": "USER",
        "resource_id": "r1",
        "resource_name": "thing",
        "action": "LOGIN",
        "user": {"id": "u1", "name": "ann"},
        "timestamp": "2026-03-02 23:56:45.1+01:00",
        "description": "Signed in",
        "status": "success",
    }
    assert member(json.dumps(said).encode()) == Member(
        leaf=9,
        source="here",
        id="e1",
        timestamp="2026-03-02 23:56:45.1+01:00",
        action="LOGIN",
        resource_type="USER",
        resource_id="r1",
        resource_name="thing",
        status="success",
        user_id="u1",
        user_name="ann",
        account_id="a1",
        account_name="Acme",
        description="Signed in",
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('"2026-03-02T23:56:45Z"', "2026-03-02T23:56:45Z"),
        ('"not a time"', "not a time"),
        ("1772495805", "2026-03-02T23:56:45Z"),
        ("1772495805123", "2026-03-02T23:56:45.123000Z"),
        ("1772495805.5", "2026-03-02T23:56:45.500000Z"),
        ("1e300", "1e300"),
        ("null", None),
        ("[1, 2]", "[1, 2]"),
        ("true", "true"),
    ],
)
@pytest.mark.parametrize("beside", ["", ',"action":["odd"]'])
def test_a_time_is_shown_as_written_and_an_epoch_number_as_rfc_3339(
    written: str, shown: str | None, beside: str
) -> None:
    assert member(f'{{"timestamp":{written}{beside}}}'.encode()).timestamp == shown


@given(st.dictionaries(st.sampled_from([*TEXTS, "user", "account"]), JSON, max_size=5))
def test_a_row_never_fails_and_says_what_the_archive_finds_by(said: dict[str, object]) -> None:
    payload = json.dumps(said).encode()
    row = member(payload)
    [columns] = columns_of(entry_batch("here", AT, [payload]).leaves).to_pylist()
    names = (*TEXTS, "user_id", "user_name", "account_id", "account_name")
    assert {name: getattr(row, name) for name in names} == {name: columns[name] for name in names}


@pytest.mark.parametrize("payload", [b'"a line of CSV"', b"\xff", b"[]", b'{"action":"LOGIN","n":NaN,"timestamp":"x"}'])
def test_what_is_no_object_or_no_json_has_a_row_too(payload: bytes) -> None:
    row = member(payload)
    assert (row.leaf, row.source) == (9, "here")
    assert row.action == ("LOGIN" if b"LOGIN" in payload else None)
