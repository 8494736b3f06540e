"""An answer is cut into its items byte for byte, whoever refuses to parse it."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import WireError
from muniment.source.decode import decode_user
from muniment.source.pages import NotJson, RawPage, cut_page, is_no_json, is_no_page
from muniment.source.splitter import split_page

PAGE = b'{"total":3,"offset":0,"limit":1000,"items":[{"id":"a"}, {"id" : "b", "x":[1, {"y":"]}"}]},\n {"id":"c"}]}'

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
spaces = st.text(alphabet=" \t\r\n", max_size=3).map(str.encode)


@st.composite
def written(draw: st.DrawFn, value: Any) -> bytes:
    """A value in one of its many JSON spellings."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode("utf-8", "surrogatepass")


@st.composite
def pages(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A valid page whose members come in any order, some twice, and the exact bytes of its items."""
    items = [draw(written(value)) for value in draw(st.lists(json_values, max_size=5))]
    gap = draw(spaces)
    array = b"[" + gap + (gap + b"," + gap).join(items) + gap + b"]"
    members = [b'"items"%b:%b%b' % (gap, gap, array)]
    members += [draw(written(name)) + b":" + draw(written(draw(json_values))) for name in draw(st.lists(names))]
    order = draw(st.permutations(members)) if draw(st.booleans()) else members
    last = [member for member in order if not member.startswith(b'"items"')] + members[:1]
    chosen = order if sum(is_items(member) for member in order) == 1 else last
    return gap + b"{" + gap + (b"," + gap).join(chosen) + gap + b"}" + gap, items


names = st.sampled_from(["total", "offset", "limit", "extra", "item\u0073", "x\\y"]) | st.text(max_size=5)


def is_items(member: bytes) -> bool:
    name: Any = json.JSONDecoder().raw_decode(member.decode("utf-8", "surrogatepass"))[0]
    return bool(name == "items")


@settings(deadline=None)
@given(pages())
def test_the_splitter_and_the_parser_agree_on_every_valid_page(case: tuple[bytes, list[bytes]]) -> None:
    body, items = case
    parts = split_page(body)
    assert list(parts.items) == items
    try:
        envelope: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        assert b"\\ud" in body.lower()  # lone surrogates are all that it may refuse here
        return
    for name in ("total", "offset", "limit"):
        assert getattr(parts, name) == (bytes(envelope[name]) if name in envelope else None)
    page = cut_page(body)
    assert list(page.items) == items
    assert "cut by brackets" not in "".join(page.odd)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ aitems0tolN').map(str.encode))
def test_any_bytes_are_cut_or_refused_and_items_are_slices_of_the_body(body: bytes) -> None:
    try:
        page = cut_page(body)
    except WireError:
        return
    assert is_no_json(body) is None
    at = 0
    for item in page.items:
        at = body.index(item, at) + len(item)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=len(PAGE) - 1))
def test_a_page_that_was_cut_short_is_never_taken_for_whole(length: int) -> None:
    assert is_no_json(PAGE[:length]) is not None
    with pytest.raises(NotJson):
        cut_page(PAGE[:length])


def test_items_are_exactly_the_bytes_that_the_source_wrote() -> None:
    assert cut_page(PAGE) == RawPage(
        3, 0, 1000, (b'{"id":"a"}', b'{"id" : "b", "x":[1, {"y":"]}"}]}', b'{"id":"c"}'), ()
    )


@pytest.mark.parametrize(
    "item",
    [
        b'{"id":"\\ud800"}',
        b'{"n":NaN,"i":-Infinity}',
        b'{"id":"\xff\xfe"}',
        b'{"id":"tab\there\x00nul"}',
        b'{"n":123456789012345678901234567890,"e":1e999}',
        b'{"a":1,"a":2}',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a":}',
        b'"a line, of csv"',
        b"null",
        b'{"id":"' + b"x" * 300_000 + b'"}',
    ],
    ids=lambda item: repr(item[:20]),
)
def test_what_a_parser_refuses_is_cut_all_the_same(item: bytes) -> None:
    page = cut_page(b'{"total":2,"offset":0,"limit":5,"items":[' + item + b' ,{"id":"z"}]}')
    assert (page.total, page.offset, page.limit) == (2, 0, 5)
    assert page.items == (item, b'{"id":"z"}')


def test_a_byte_order_mark_is_skipped_and_said() -> None:
    page = cut_page(b"\xef\xbb\xbf" + PAGE)
    assert page.items == cut_page(PAGE).items
    assert "begins with a byte order mark" in page.odd


def test_of_a_member_that_comes_twice_the_last_counts_for_parser_and_splitter_alike() -> None:
    body = b'{"items":[1],"total":1,"total":2,"items":[2, 3],"offset":0,"limit":9}'
    assert cut_page(body).items == split_page(body).items == (b"2", b"3")
    assert cut_page(body).total == 2


def test_a_member_whose_name_is_escaped_is_found() -> None:
    body = b'{"\\u0069tems":[NaN],"t\\u006ftal":1,"offset":0,"limit":9}'
    assert cut_page(body).items == (b"NaN",)
    assert cut_page(body).total == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"null", "total: not a count but null null"),
        (b'"12"', 'total: not a count but string "12"'),
        (b"-1", "total: not a count but number -1"),
        (b"1.0", "total: not a count but number 1.0"),
        (b"1e3", "total: not a count but number 1e3"),
        (b"true", "total: not a count but bool true"),
        (b"[1]", "total: not a count but array [1]"),
        (b"99999999999999999999", "total: not a count but number 99999999999999999999"),
    ],
)
def test_a_total_that_counts_nothing_is_none_and_named(value: bytes, said: str) -> None:
    page = cut_page(b'{"total":' + value + b',"offset":0,"limit":1,"items":[]}')
    assert page.total is None
    assert page.odd == (said,)


def test_numbers_that_are_missing_are_named() -> None:
    assert cut_page(b'{"items":[]}').odd == ("total: missing", "offset: missing", "limit: missing")


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        (b'{"total":0}', "items", "items: missing"),
        (b'{"items":null}', "items", "items: expected array, got null"),
        (b'{"items":{"0":{}}}', "items", "items: expected array, got object"),
        (b'{"items":"ITEMS"}', "items", "items: expected array, got string"),
        (b"[]", "", "expected object, got array"),
        (b'"text"', "", "expected object, got string"),
    ],
)
def test_json_of_another_shape_is_named_with_its_place(body: bytes, path: str, said: str) -> None:
    with pytest.raises(WireError) as caught:
        cut_page(body)
    assert not isinstance(caught.value, NotJson)
    assert (caught.value.path, caught.value.message) == (path, said)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html>",
        b"{",
        b'{"items":[1,]}',
        b'{"items":[1 2]}',
        b'{"items":[]}{',
        b'{"items":[}',
        b'{"items":[{"a":[}]]}',
        b"{{ 1 }}",
    ],
)
def test_what_cannot_be_cut_is_not_json(body: bytes) -> None:
    assert is_no_json(body) is not None
    with pytest.raises(NotJson, match="the answer is not JSON"):
        cut_page(body)


@pytest.mark.parametrize(
    "inside",
    [b"[" * 400_000 + b"]" * 400_000, b'"' + b'\\"' * 400_000 + b'"', b"1," * 400_000 + b"1", b'"\\' * 400_000],
    ids=["deep", "escapes", "many", "broken"],
)
def test_the_splitter_never_goes_back_over_what_it_has_read(inside: bytes) -> None:
    # one that does would need minutes here, and the suite its patience
    with contextlib.suppress(WireError):
        cut_page(b'{"items":[NaN,' + inside + b"]}")


@pytest.mark.parametrize("more", ["", ',"extra":NaN'])
def test_null_for_no_items_is_an_empty_page_and_odd(more: str) -> None:
    page = cut_page(b'{"total":0,"offset":0,"limit":9,"items": null%b}' % more.encode())
    assert (page.total, page.items) == (0, ())
    assert "items: null where there are none" in page.odd
    assert cut_page(b'{"total":0,"offset":0,"limit":9,"items":[]}').odd == ()


def test_null_behind_the_last_item_is_an_empty_page_and_odd() -> None:
    page = cut_page(b'{"total":20,"offset":20,"limit":9,"items":null}')
    assert (page.total, page.items, page.odd) == (20, (), ("items: null where there are none",))
    for body in (b'{"total":20,"offset":19,"items":null}', b'{"total":20,"items":null}'):
        with pytest.raises(WireError, match="items: expected array, got null"):
            cut_page(body)


@pytest.mark.parametrize("total", ["3", "-1", '"0"', "null", "0.0"])
def test_null_where_there_may_be_items_is_no_page(total: str) -> None:
    with pytest.raises(WireError, match="items: expected array, got null"):
        cut_page(b'{"total":%b,"offset":0,"limit":9,"items":null}' % total.encode())


@pytest.mark.parametrize("body", [b'{"total":1,"items":{}}', b"[]", b'{"total":0}', b'"text"', b'{"items":[1'])
def test_what_is_no_page_is_said_to_be_none_and_why(body: bytes) -> None:
    assert (is_no_page(body) or "").startswith("something that is no")


@pytest.mark.parametrize("body", [PAGE, b'{"items":[]}', b'{"items":[{"x":NaN}]}'])
def test_what_can_be_cut_is_a_page(body: bytes) -> None:
    assert is_no_page(body) is None


def test_a_user_with_bytes_that_are_no_utf_8_anywhere_is_read_all_the_same() -> None:
    """As a member's name within what is published nowhere, a strict parser fails on them in a way of its own."""
    body = b'{"id":"u1","accounts":[{"id":"a1","auth_config":{"\xff":"\xfe"}}]}'
    assert decode_user(body).id == "u1"
