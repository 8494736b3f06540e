"""Cuts a page into its items by brackets and quotes alone, where no parser will read it.

It never recurses, looks at each byte a fixed number of times, and judges nothing inside an item but that its
brackets match and its strings end. So NaN, lone surrogates, bytes that are no UTF-8, raw control characters and any
depth of nesting come through as they were served.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from muniment.errors import WireError

__all__ = ["NotJson", "Parts", "kind_of", "split_page"]

BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_QUOTED = re.compile(_STRING, re.DOTALL)
# the last branch meets a quote only where the first found no end of the string
_STRING_OR_BRACKET = re.compile(_STRING + rb'|[{}\[\]"]', re.DOTALL)
_SCALAR = re.compile(rb'[^ \t\n\r,:{}\[\]"]++')
_CLOSER = {ord("{"): ord("}"), ord("["): ord("]")}
_KINDS = {
    ord("{"): "object",
    ord("["): "array",
    ord('"'): "string",
    ord("t"): "bool",
    ord("f"): "bool",
    ord("n"): "null",
}
_NUMBER_START = b"-0123456789"
_UNKNOWN = "no JSON value"

Span = tuple[int, int]
"""First byte of a value, and the byte after its last."""


class NotJson(WireError):
    """The answer cannot be cut into values: not JSON, or a part of it only."""

    code = "not_json"


class Parts(NamedTuple):
    """The members of a page, each as the exact bytes it has in the body; None where there is none.

    `is_null` tells `null` for items from an empty array.
    """

    total: bytes | None
    offset: bytes | None
    limit: bytes | None
    items: tuple[bytes, ...]
    is_null: bool = False


def split_page(body: bytes) -> Parts:
    """Find ``total``, ``offset``, ``limit`` and the elements of ``items`` at the top level.

    Of a member that occurs twice the last counts, as in every parser.

    Raises:
        NotJson: The body cannot be cut.
        WireError: It is no object, or ``items`` is missing, or neither an array nor ``null``.
    """
    start = _value_start(body)
    if body[start : start + 1] != b"{":
        raise _no_object(body, start)
    found = _members(body, start)
    if b"items" not in found:
        raise WireError("missing", path="items")
    first, end = found[b"items"]
    is_null = body[first:end] == b"null"
    if body[first] != ord("[") and not is_null:
        raise WireError(f"expected array, got {kind_of(body[first:end])}", path="items")
    total, offset, limit = (_slice(body, found.get(name)) for name in (b"total", b"offset", b"limit"))
    items = () if is_null else tuple(body[i:j] for i, j in _elements(body, first))
    return Parts(total, offset, limit, items, is_null)


def kind_of(value: bytes) -> str:
    """What a value is, in JSON's words, judged by its first byte."""
    first = value[0] if value else -1
    if first in _NUMBER_START:
        return "number"
    return _KINDS.get(first, _UNKNOWN)


def _no_object(body: bytes, start: int) -> WireError:
    end = _value_end(body, start)
    if _skip_space(body, end) != len(body) or kind_of(body[start:]) == _UNKNOWN:
        return _not_json(body, start)
    return WireError(f"expected object, got {kind_of(body[start:])}")


def _value_start(body: bytes) -> int:
    return _skip_space(body, len(BOM) if body.startswith(BOM) else 0)


def _slice(body: bytes, span: Span | None) -> bytes | None:
    return span and body[span[0] : span[1]]


def _members(body: bytes, at: int) -> dict[bytes, Span]:
    """Where the values of the object lie that begins at `at` and is the last thing in the body, by name."""
    found: dict[bytes, Span] = {}
    at = _skip_space(body, at + 1)
    while body[at : at + 1] != b"}":
        key = _QUOTED.match(body, at)
        if key is None:
            raise _not_json(body, at)
        start = _skip_space(body, _skip(body, _skip_space(body, key.end()), b":"))
        end = _value_end(body, start)
        found[_unquote(key[0])] = (start, end)
        at = _next_in(body, end, b"}")
    if _skip_space(body, at + 1) != len(body):
        raise _not_json(body, at + 1)
    return found


def _elements(body: bytes, at: int) -> Iterator[Span]:
    """Where the elements of the array lie that begins at `at`, without the space around them."""
    at = _skip_space(body, at + 1)
    while body[at : at + 1] != b"]":
        end = _value_end(body, at)
        yield at, end
        at = _next_in(body, end, b"]")


def _next_in(body: bytes, at: int, closer: bytes) -> int:
    """Where the next member or element begins, or the closer stands."""
    at = _skip_space(body, at)
    if body[at : at + 1] == closer:
        return at
    at = _skip_space(body, _skip(body, at, b","))
    if body[at : at + 1] == closer:
        raise _not_json(body, at)
    return at


def _value_end(body: bytes, at: int) -> int:
    first = body[at] if at < len(body) else None
    if first in _CLOSER:
        return _bracket_end(body, at)
    match = (_QUOTED if first == ord('"') else _SCALAR).match(body, at)
    if match is None:
        raise _not_json(body, at)
    return match.end()


def _bracket_end(body: bytes, at: int) -> int:
    expected = bytearray()
    for match in _STRING_OR_BRACKET.finditer(body, at):
        char = body[match.start()]
        if char in _CLOSER:
            expected.append(_CLOSER[char])
        elif char != ord('"'):
            if expected.pop() != char:
                raise _not_json(body, match.start())
            if not expected:
                return match.end()
        elif match.end() - match.start() == 1:
            raise _not_json(body, match.start())
    raise _not_json(body, len(body))


def _unquote(key: bytes) -> bytes:
    if b"\\" not in key:
        return key[1:-1]
    try:
        name = json.loads(key)
    except ValueError:
        return key[1:-1]
    return str(name).encode("utf-8", "surrogatepass")


def _skip_space(body: bytes, at: int) -> int:
    match = _SPACE.match(body, at)
    return match.end() if match else at


def _skip(body: bytes, at: int, char: bytes) -> int:
    if body[at : at + 1] != char:
        raise _not_json(body, at)
    return at + 1


def _not_json(body: bytes, at: int) -> NotJson:
    where = f"broken off after {at} bytes" if at >= len(body) else f"unexpected at byte {at}"
    return NotJson(f"the answer is not JSON ({where})")
