"""What a source answers, changed in any way: our errors or values, and items that are slices of what was served."""

import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.mutation import examples, mutated

from muniment.archive.columns import entry_batch
from muniment.archive.identity import content_hashes, difference, key_hashes, same_json
from muniment.archive.leaf import one_line, parse_leaf
from muniment.errors import SourceError, WireError
from muniment.source.decode import decode_account, decode_entry, decode_user
from muniment.source.pages import cut_page, is_no_json, is_no_page
from muniment.source.refusal import read_complaint, refusal
from muniment.source.retry import parse_http_date, parse_retry_after
from muniment.source.splitter import split_page

pytestmark = pytest.mark.soak
NOW = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)
AT = "2026-04-02T12:00:00Z"
ITEMS = [
    b'{"id":"e1","timestamp":"2026-03-02T23:56:45Z","action":"LOGIN","user":{"id":"u1","name":"J\xc3\xb6rg"}}',
    b'{"id" : "e2", "x":[1, {"y":"]}\\" \\u00e9"}], "account":{"id":null},"status":"success","timestamp":1e3}',
    b'{"id":"\\ud800","n":NaN,"resource_type":"USER","description":"a\tb"}',
]
PAGE = b'{"total":3,"offset":0,"limit":1000,"items":[' + b", ".join(ITEMS[:2]) + b",\n" + ITEMS[2] + b"]}"
STRICT = b'{"items":[' + b",".join(ITEMS[:2]) + b'],"total":2,"offset":0,"limit":1000,"more":{"items":[]}}'
USER = (
    b'{"id":"u1","user_name":"j","applications":[{"id":"a","permissions":["X"]}],"accounts":[{"id":"a1","admins":[]}]}'
)
ACCOUNT = (
    b'{"id":"a1","active":true,"service_period":{"from":"2026-01-01","to":"2026-12-31"},'
    b'"sign_in_methods":[{"signInMethod":"x","clientAuthCertLoginEnabled":false}],"admins":[{"id":"u1"}]}'
)
REFUSALS = (
    b'{"errors":[{"code":"invalid_input_field","message":"Invalid from [2026/01/01]."}]}',
    b'{"error":{"code":"not_found","message":"User not found."}}',
    b"<html><body>502 Bad Gateway</body></html>",
)


@examples(150, 40_000)
@given(mutated(PAGE, STRICT))
def test_a_changed_page_is_refused_or_cut_into_slices_of_itself(body: bytes) -> None:
    try:
        page = cut_page(body)
    except WireError:
        assert is_no_page(body) is not None, "what is taken for a page can be cut"
        return
    assert is_no_page(body) is None
    assert is_no_json(body) is None
    at = 0
    for item in page.items:
        start = body.index(item, at)
        assert not body[at:start].strip(b" \t\r\n,") or at == 0, "nothing is left out between items"
        at = start + len(item)
    assert all(number is None or number >= 0 for number in (page.total, page.offset, page.limit))


@examples(100, 20_000)
@given(mutated(STRICT))
def test_the_splitter_cuts_as_the_parser_does_wherever_that_reads_the_page(body: bytes) -> None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return
    assert [json.loads(item) for item in split_page(body).items] == document["items"]


@examples(150, 40_000)
@given(mutated(*ITEMS, USER, ACCOUNT))
def test_a_changed_item_user_or_account_is_read_or_refused(data: bytes) -> None:
    for decode in (lambda: decode_entry(data, "items[0]"), lambda: decode_user(data), lambda: decode_account(data)):
        with contextlib.suppress(WireError):
            decode()


@examples(100, 20_000)
@given(st.lists(mutated(*ITEMS) | st.binary(min_size=1, max_size=30), min_size=1, max_size=4))
def test_whatever_an_item_is_it_becomes_a_leaf_that_holds_it(items: list[bytes]) -> None:
    batch = entry_batch("s", AT, items)
    assert [parse_leaf(leaf).payload for leaf in batch.leaves] == [one_line(item) for item in items]
    lines = [one_line(item) for item in items]
    keys = key_hashes("s", batch.record_batch["id"].to_pylist(), lines)
    assert len(keys) == len(content_hashes(lines)) == len(items)
    assert same_json(lines[0], lines[0])
    assert isinstance(difference(lines[0], lines[-1]), str)


@examples(100, 20_000)
@given(status=st.integers(300, 599), body=mutated(*REFUSALS), location=st.none() | st.text(max_size=60))
def test_a_refusal_of_any_form_is_told_in_words_that_print(status: int, body: bytes, location: str | None) -> None:
    error = refusal(status, body, location)
    assert isinstance(error, SourceError)
    assert error.message.isprintable()
    assert all(part.isprintable() for part in read_complaint(body))


@examples(100, 20_000)
@given(mutated(b"Thu, 02 Apr 2026 12:00:00 GMT", b"Thursday, 02-Apr-26 12:00:00 GMT", b"120", b"1e3") | st.binary())
def test_a_header_of_any_form_is_a_moment_or_none(data: bytes) -> None:
    text = data.decode("latin-1")
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is not None
    wait_s = parse_retry_after(text, NOW)
    assert wait_s is None or wait_s >= 0
