"""Bytes from outside that were once right: flipped, cut, with something put in, with parts swapped or told twice."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SOAK = os.environ.get("MUNIMENT_SOAK") == "1"
SPICE = (
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\n",
    b"\r\n",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"NaN",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"[" * 3_000,
    b"\xe2\x80\x94 ",
)
"""What parsers stumble over."""


def examples(few: int, many: int) -> settings:
    """So few examples always, so many where MUNIMENT_SOAK is 1."""
    return settings(
        max_examples=many if SOAK else few,
        deadline=None,
        derandomize=not SOAK,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def mutated(draw: st.DrawFn, *originals: bytes) -> bytes:
    """One of the originals, changed once to thrice; a change may undo another."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        data = _changed(draw, data)
    return data


def _changed(draw: st.DrawFn, data: bytes) -> bytes:
    first = draw(st.integers(0, len(data)))
    end = draw(st.integers(first, min(len(data), first + draw(st.sampled_from([1, 8, 64, len(data) + 1])))))
    before, part, after = data[:first], data[first:end], data[end:]
    match draw(st.sampled_from(["flip", "cut", "drop", "insert", "overwrite", "repeat", "swap"])):
        case "flip":
            part = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in part[:1]) + part[1:]
        case "cut":
            part = after = b""
        case "drop":
            part = b""
        case "insert":
            part = draw(st.binary(max_size=9) | st.sampled_from(SPICE)) + part
        case "overwrite":
            part = draw(st.binary(min_size=len(part), max_size=len(part)))
        case "repeat":
            part += part
        case _:
            before, after = after, before
    return before + part + after
