import json
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.archive.columns import entry_batch
from muniment.archive.identity import (
    content_hash,
    content_hashes,
    difference,
    key_hash,
    key_hashes,
    row_keys,
    same_json,
)

AT = "2026-03-02T23:56:45Z"
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


def test_a_key_is_the_source_and_the_id_or_else_the_payload() -> None:
    assert key_hash("s", "e1", b"ignored") == int.from_bytes(sha256(b"s\0e1").digest()[:8], "big")
    assert key_hash("s", None, b'{"a":\n1}') == int.from_bytes(sha256(b's\0\0{"a": 1}').digest()[:8], "big")
    assert key_hash("s", "e1", b"") != key_hash("t", "e1", b"")
    assert content_hash(b'{"a":\n1}') == int.from_bytes(sha256(b'{"a": 1}').digest()[:8], "big")


def test_a_page_has_the_hashes_of_its_items_and_so_have_its_rows() -> None:
    payloads = [b'{"id":"a"}', b'{"x":1}', b'{"id":7}', b"not json"]
    ids = ["a", None, "7", None]
    expected = [key_hash("s", item_id, payload) for item_id, payload in zip(ids, payloads, strict=True)]
    assert key_hashes("s", ids, payloads).tolist() == expected
    assert content_hashes(payloads).tolist() == [content_hash(payload) for payload in payloads]
    assert row_keys(entry_batch("s", AT, payloads).record_batch).tolist() == expected
    assert row_keys(entry_batch("s", AT, []).record_batch).dtype == np.uint64


@given(values, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_json_is_the_same_in_other_white_space_and_order_of_members(value: Any, chance: Any) -> None:
    def shuffled(node: Any) -> Any:
        if isinstance(node, dict):
            members = list(node.items())
            chance.shuffle(members)
            return {name: shuffled(member) for name, member in members}
        return [shuffled(member) for member in node] if isinstance(node, list) else node

    one = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    other = json.dumps(shuffled(value), indent=1).encode()
    assert same_json(one, other)
    assert same_json(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"1", b"1.0"),
        (b"1", b'"1"'),
        (b"1", b"true"),
        (b"0", b"-0"),
        (b"1e3", b"1000"),
        (b"null", b'""'),
        (b"{}", b"[]"),
        (b"[1,2]", b"[2,1]"),
        (b'{"a":1,"a":2}', b'{"a":2,"a":1}'),
        (b'{"a":1}', b'{"a":1,"a":1}'),
        (b'{"a":1}', b'{"a":1,"b":null}'),
        (b'"\xff"', b'"\xfe"'),
        (b"NaN", b'"NaN"'),
        (b"nope", b" nope"),
        (b"[" * 100_000, b"[" * 100_001),
    ],
    ids=lambda value: str(value)[:30],
)
def test_json_that_differs_in_a_type_a_literal_or_an_order_that_matters_is_not_the_same(
    one: bytes, other: bytes
) -> None:
    assert not same_json(one, other)
    assert same_json(one, one)
    assert difference(one, other)


def test_duplicate_members_may_stand_elsewhere_as_long_as_their_own_order_is_kept() -> None:
    assert same_json(b'{"a":1,"b":0,"a":2}', b'{"b":0,"a":1,"a":2}')


def test_a_difference_names_what_changed_what_came_and_what_went() -> None:
    before = b'{"id":"e","status":"failure","user":{"id":"u","name":"n"},"roles":["a","b"],"old":1}'
    after = b'{"id":"e","status":"success","user":{"id":"u","name":"m"},"roles":["a","c"],"ip":"::1"}'
    assert difference(before, after) == "value changed: roles[1], status, user.name; field added: ip; field gone: old"
    assert difference(b'{"a":1}', b'{"a":1,"b":2}') == "field added: b"
    assert difference(b'{"a":1}', b'{"a":1.0}') == "value changed: a"
    assert difference(b'{"a":1}', b' {"a":1}') == "only its bytes changed"
    assert difference(b'{"a":1}', b"gone") == "its bytes changed"
    many = json.dumps({f"m{n}": n for n in range(12)}).encode()
    assert difference(b"{}", many) == "field added: m0, m1, m10, m11, m2, m3, m4, m5 and 4 more"
