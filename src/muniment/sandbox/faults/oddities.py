"""Entries that are odd each in its own way, as bytes."""

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["ODDITIES", "ODDS", "Odd"]

Json = dict[str, Any]

_HUGE: Final = 100_000
_MEBIBYTE: Final = 2**20
_DEPTH: Final = 2_000
_CONTROLS: Final = "".join(map(chr, (*range(0x20), 0x7F, 0x85, 0x9B)))
_BIDI: Final = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SEPARATORS: Final = "\u2028\u2029\u200b\ufeff\ufffd\uffff\U000e0001"

ODDITIES: Final[tuple[Json, ...]] = (
    {"action": "TELEPORT"},
    {"resource_type": "HOLOGRAM"},
    {"status": "warning"},
    {"user": None},
    {"account": None},
    {"user": {"id": None, "name": None}},
    {"resource_id": None, "resource_name": None, "description": None},
    {"description": ""},
    {"description": "long " * (_HUGE // 5)},
    {"resource_name": "Zoë 証明書 \u0627\u0644\u062d\u0633\u0627\u0628 \U0001f510 e\u0301"},
    {"description": 'NUL \x00, escape \x1b[31m, line\u2028separator, tab\t, quote " and \\'},
    {"attempts": 9007199254740993, "ratio": 1e-7},
    {"timestamp": 1_767_225_600_000},
    {"timestamp": "2026-01-01T00:00:00.123456789+05:30"},
    {"timestamp": "1969-12-31T23:59:59Z"},
    {"timestamp": "9999-12-31T23:59:59Z"},
    {"timestamp": "yesterday"},
    {"timestamp": None},
)
"""What is odd about each odd entry, beside an entry of the world."""


class Odd(NamedTuple):
    """Entries that are odd in one way.

    Args:
        name: Of the fault that logs them.
        usual: How many it logs unless told.
        does: What is odd about them, following "logs N entries".
        spoil: The bytes of one, from an entry in order and how many there were before it.
    """

    name: str
    usual: int
    does: str
    spoil: Callable[[Json, int], bytes]


def _with(entry: Json, more: bytes) -> bytes:
    """An entry with members at its end, given as JSON or as what should be JSON."""
    return msgspec.json.encode(entry)[:-1] + b"," + more + b"}"


def _described(entry: Json, text: bytes) -> bytes:
    """An entry whose description is this, between quotes."""
    others = {name: value for name, value in entry.items() if name != "description"}
    return _with(others, b'"description":"' + text + b'"')


def _nulls(entry: Json, _n: int) -> bytes:
    return msgspec.json.encode({name: value if name in ("id", "timestamp") else None for name, value in entry.items()})


def _no_id(entry: Json, n: int) -> bytes:
    entry = {name: value for name, value in entry.items() if name != "id"} | {"description": f"number {n} without id"}
    return msgspec.json.encode({"id": None} | entry if n % 3 == 1 else entry | {"id": ""} if n % 3 == 2 else entry)


def _number_id(entry: Json, n: int) -> bytes:
    return msgspec.json.encode(entry | {"id": 9007199254740993 + n})


def _big(entry: Json, _n: int) -> bytes:
    return _described(entry, b"M" * _MEBIBYTE)


def _nested(entry: Json, n: int) -> bytes:
    opening, closing = ((b"[", b"]"), (b'{"in":', b"}"))[n % 2]
    return _with(entry, b'"details":' + opening * _DEPTH + b"0" + closing * _DEPTH)


def _surrogates(entry: Json, n: int) -> bytes:
    return _described(entry, (rb"half \ud800 a pair", rb"\udc00", rb"turned \udc00\ud800 round")[n % 3])


def _bad_utf8(entry: Json, n: int) -> bytes:
    return _described(
        entry, (b"Latin-1: caf\xe9", b"cut off: \xe8\xa8", b"overlong: \xc0\xaf \xed\xa0\x80 \xff")[n % 3]
    )


def _twice(entry: Json, n: int) -> bytes:
    return _with(entry, b'"status":"failure","description":"said twice","description":"said %d times"' % (3 + n))


def _no_numbers(entry: Json, n: int) -> bytes:
    return _with(entry, b'"ratio":' + (b"NaN", b"Infinity", b"-Infinity")[n % 3])


def _large_numbers(entry: Json, n: int) -> bytes:
    numbers = (b"18446744073709551616", b"-9223372036854775809", b"1e400", b"0." + b"1" * 400, b"9" * 5000)
    return _with(entry, b'"serial":' + numbers[n % len(numbers)])


def _control(entry: Json, _n: int) -> bytes:
    text = f"{_CONTROLS} admin\u202egnp.exe {_BIDI} {_SEPARATORS}"
    return msgspec.json.encode(entry | {"resource_name": text, "user": {"id": None, "name": text}})


def _raw_control(entry: Json, n: int) -> bytes:
    return _described(entry, b"bell \x07 and \x1b[2J, as they are" if n % 2 else b"a tab\tand a NUL \x00, as they are")


def _spaced(entry: Json, n: int) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, indent="\t" if n % 2 else 2, separators=(" , ", " : "))
    return text.replace("\n", "\r\n" if n % 2 else "\n").encode()


def _escaped(entry: Json, _n: int) -> bytes:
    text = json.dumps(entry, ensure_ascii=True)
    return text.replace("/", "\\/").replace('"id"', '"\\u0069d"', 1).encode()


def _other_types(entry: Json, n: int) -> bytes:
    others: tuple[Json, ...] = (
        {"user": "a name alone", "account": ["in", "a", "list"]},
        {"resource_id": 17, "description": {"en": "an object"}},
        {"action": ["LOGIN"], "status": True, "resource_name": 1.5},
    )
    return msgspec.json.encode(entry | others[n % 3])


def _no_object(_entry: Json, n: int) -> bytes:
    return (b'"a text, number %d"', b"%d", b'["a","list",%d]', b"-%d.5e3")[n % 4] % n if n % 5 != 4 else b"null"


ODDS: Final = (
    Odd("nulls", 3, "whose members are all null but id and timestamp", _nulls),
    Odd("no-id", 3, "without an id: missing, null, empty", _no_id),
    Odd("number-ids", 3, "whose ids are numbers beyond 2^53", _number_id),
    Odd("big-items", 3, "of 1 MB each", _big),
    Odd("nesting", 2, "with a member nested 2,000 deep", _nested),
    Odd("surrogates", 3, "with lone surrogates, as escapes", _surrogates),
    Odd("bad-utf8", 3, "with bytes that are not UTF-8", _bad_utf8),
    Odd("duplicate-keys", 3, "that name status and description twice, with other values", _twice),
    Odd("nan", 3, "with NaN, Infinity and -Infinity for numbers", _no_numbers),
    Odd("large-numbers", 5, "with numbers beyond 2^64, beyond a double, and of 5,000 digits", _large_numbers),
    Odd("control", 3, "with control and bidirectional characters in names", _control),
    Odd("raw-control", 2, "with control characters that are not escaped", _raw_control),
    Odd("spaced", 2, "with spaces, tabs and line breaks between tokens", _spaced),
    Odd("escaped", 2, "spelled with escapes that are not needed, in a name too", _escaped),
    Odd("other-types", 3, "with members of other types, such as a text for user", _other_types),
    Odd("no-objects", 5, "that are no objects: a string, numbers, a list, null", _no_object),
)
"""Each way that has a fault of its own."""
