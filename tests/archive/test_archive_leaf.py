import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.archive.leaf import (
    ABSENT,
    KINDS,
    RECORD_KINDS,
    Leaf,
    encode_entries,
    encode_leaf,
    encode_leaves,
    one_line,
    parse_leaf,
    payloads_of,
)
from muniment.errors import NotEvidence

AT = "2026-03-02T23:56:45Z"
kinds = st.sampled_from(sorted(KINDS))
sources = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
payloads = st.one_of(st.binary(max_size=60), st.just(b'{"id":"a"}'))
previous = st.one_of(st.none(), st.integers(0, 2**62))


def test_an_entry_is_written_as_the_format_says() -> None:
    leaf = encode_leaf("entry", "account-manager@one.digicert.com", AT, b'{"id": 1}')
    assert leaf == (
        b'{"kind":"entry","source":"account-manager@one.digicert.com","observed_at":"2026-03-02T23:56:45Z",'
        b'"entry":{"id": 1}}'
    )


def test_a_leaf_of_the_record_names_the_one_before_right_before_its_payload() -> None:
    first = encode_leaf("receipt", "muniment", AT, b"{}", previous=None)
    second = encode_leaf("finding", "muniment", AT, b"{}", previous=12)
    assert (
        first == b'{"kind":"receipt","source":"muniment","observed_at":"%s","previous":null,"receipt":{}}' % AT.encode()
    )
    assert second.endswith(b',"previous":12,"finding":{}}')


@given(kind=kinds, source=sources, payload=payloads, link=previous)
@settings(deadline=None)
def test_a_leaf_taken_apart_is_what_it_was_made_of(kind: str, source: str, payload: bytes, link: int | None) -> None:
    chained = link if kind in RECORD_KINDS else ABSENT
    leaf = encode_leaf(kind, source, AT, payload, previous=chained)
    assert parse_leaf(leaf) == Leaf(kind, source, AT, chained, one_line(payload))
    assert b"\n" not in leaf
    assert b"\r" not in leaf


@given(kind=kinds, source=sources, payload=payloads, link=previous, place=st.integers(0), bit=st.integers(0, 7))
@settings(deadline=None)
def test_a_flipped_bit_is_refused_or_reads_as_another_leaf(
    *, kind: str, source: str, payload: bytes, link: int | None, place: int, bit: int
) -> None:
    chained = link if kind in RECORD_KINDS else ABSENT
    leaf = bytearray(encode_leaf(kind, source, AT, payload, previous=chained))
    leaf[place % len(leaf)] ^= 1 << bit
    try:
        parsed = parse_leaf(bytes(leaf))
    except NotEvidence:
        return
    if parsed.kind in KINDS:
        again = encode_leaf(parsed.kind, parsed.source, parsed.observed_at, parsed.payload, previous=parsed.previous)
        assert again == bytes(leaf)


def test_line_breaks_in_a_payload_become_spaces() -> None:
    pretty = b'{\r\n  "id": "a",\n  "note": "b\\n"\n}'
    assert encode_entries("s", AT, [pretty, b"{}"]) == encode_leaves(
        "entry", "s", AT, [b'{    "id": "a",   "note": "b\\n" }', b"{}"]
    )
    assert parse_leaf(encode_leaf("entry", "s", AT, pretty)).payload == b'{    "id": "a",   "note": "b\\n" }'


@given(source=sources, items=st.lists(payloads, max_size=5))
@settings(deadline=None)
def test_a_page_of_leaves_is_its_leaves(source: str, items: list[bytes]) -> None:
    leaves = encode_entries(source, AT, items)
    assert leaves == [encode_leaf("entry", source, AT, item) for item in items]
    assert payloads_of("entry", leaves) == [one_line(item) for item in items]


def test_the_payload_is_found_behind_a_source_that_looks_like_a_leaf() -> None:
    leaf = encode_leaf("entry", 'x","observed_at":"y","entry":{', AT, b"[1]")
    assert parse_leaf(leaf).payload == b"[1]"
    assert payloads_of("entry", [leaf]) == [b"[1]"]


def test_a_kind_that_is_not_known_yet_is_read_and_kept() -> None:
    leaf = b'{"kind":"weather","source":"s","observed_at":"2026-03-02T23:56:45.5Z","previous":3,"weather":"fine"}'
    assert parse_leaf(leaf) == Leaf("weather", "s", "2026-03-02T23:56:45.5Z", 3, b'"fine"')


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"{}",
        b'{"kind":"entry","source":"s","observed_at":"2026-03-02T23:56:45Z","entry":[1]',
        b'{"kind":"entry","source":"s","observed_at":"2026-03-02T23:56:45Z","user":{}}',
        b'{"kind":"entry", "source":"s","observed_at":"2026-03-02T23:56:45Z","entry":{}}',
        b'{"source":"s","kind":"entry","observed_at":"2026-03-02T23:56:45Z","entry":{}}',
        b'{"kind":"entry","source":"\\u0073","observed_at":"2026-03-02T23:56:45Z","entry":{}}',
        b'{"kind":"entry","source":"\xff","observed_at":"2026-03-02T23:56:45Z","entry":{}}',
        b'{"kind":"entry","source":"s","observed_at":"2026-03-02 23:56:45Z","entry":{}}',
        b'{"kind":"entry","source":"s","observed_at":"2026-02-30T23:56:45Z","entry":{}}',
        b'{"kind":"entry","source":"s","observed_at":"2026-03-02T23:56:45Z","previous":1,"entry":{}}',
        b'{"kind":"receipt","source":"s","observed_at":"2026-03-02T23:56:45Z","receipt":{}}',
        b'{"kind":"receipt","source":"s","observed_at":"2026-03-02T23:56:45Z","previous":01,"receipt":{}}',
        b'{"kind":"entry","source":"s","observed_at":"2026-03-02T23:56:45Z","entry":{\n}}',
    ],
)
def test_a_leaf_written_in_any_other_way_is_refused(leaf: bytes) -> None:
    with pytest.raises(NotEvidence, match="leaf"):
        parse_leaf(leaf)


def test_only_kinds_of_the_registry_are_written() -> None:
    with pytest.raises(ValueError, match="weather"):
        encode_leaf("weather", "s", AT, b"{}")
    with pytest.raises(ValueError, match="receipt"):
        encode_leaf("receipt", "s", AT, b"{}")
    with pytest.raises(ValueError, match="entry"):
        encode_leaf("entry", "s", AT, b"{}", previous=None)
    with pytest.raises(ValueError, match="RFC 3339"):
        encode_leaf("entry", "s", "2026-03-02", b"{}")
