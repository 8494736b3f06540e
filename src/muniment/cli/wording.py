"""How things are written for people: numbers, moments, signs, names; in ASCII where stdout can do no better."""

import datetime as dt
import sys
from typing import Final

__all__ = [
    "PLAIN",
    "SIGNS",
    "cell",
    "counted",
    "cut",
    "escaped",
    "instant",
    "is_unicode",
    "mark",
    "number",
    "or_dash",
    "period",
    "printable",
    "short",
    "sign",
]

SIGNS: Final = {
    "complete": ("✓", "OK", "green"),
    "gap": ("✗", "XX", "red"),
    "open": ("◔", "..", "yellow"),
    "never": ("–", "--", "bright_black"),  # noqa: RUF001 - the sign is an en dash
}
"""State to its sign, the sign where there is only ASCII, and its colour; never colour alone."""
PLAIN: Final = {
    "…": "...",
    "–": "-",  # noqa: RUF001 - see above
    "\u202f": " ",
    "─": "-",
    **{unicode: ascii_ for unicode, ascii_, _ in SIGNS.values()},
}
"""What our own words hold beside ASCII, and what stands for it where that cannot be shown."""
_MANY: Final = {"day": "days", "y": "ies", "leaf": "leaves", "": "s"}
"""How words end, and how they do of many things."""
_INVISIBLE: Final = frozenset(
    {0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF}
)
"""Bidirectional controls, line breaks and what has no width: two names that differ in these look the same."""


def is_unicode() -> bool:
    """Whether stdout can write any character."""
    return "utf" in (sys.stdout.encoding or "").lower()


def printable(text: str) -> str:
    r"""The text with control and bidirectional characters as ``\u202e``, so that no name can dress up a line.

    So is what stdout cannot write, before anything is aligned by its width.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def cell(text: str) -> str:
    """The text as it may stand in a line of a list: printable, without breaks and tabs."""
    return printable(" ".join(text.splitlines()).replace("\t", " "))


def _shown(c: str) -> str:
    point = ord(c)
    if 0x20 <= point < 0x7F or c in "\n\t":
        return c
    hidden = point < 0xA0 or point in _INVISIBLE or 0xD800 <= point < 0xE000
    if hidden or not is_unicode():
        return PLAIN.get(c) or escaped(c)
    return c


def escaped(c: str) -> str:
    r"""A character as ``\u202e``."""
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"


def cut(text: str, width: int) -> str:
    """The text, cut in the middle where it is wider than so many columns of a terminal."""
    from rich.cells import cell_len, chop_cells  # noqa: PLC0415 - start-up

    if cell_len(text) <= width:
        return text
    dots = printable("…")
    room = max(2, width - len(dots))
    head = chop_cells(text, room - room // 2)[0]
    tail = chop_cells(text[::-1], room // 2)[0][::-1]
    return head + dots + tail


def short(identity: str) -> str:
    """An id as ``78e51061…d57b``."""
    return identity if len(identity) <= 13 else cell(identity[:8]) + printable("…") + cell(identity[-4:])


def number(value: int | None) -> str:
    """Digits in groups of three, by thin spaces."""
    return or_dash(None) if value is None else f"{value:,}".replace(",", printable("\u202f"))


def counted(value: int, what: str) -> str:
    """So many of a thing, such as ``1 gap``, ``2 gaps``, ``3 entries``, ``4 leaves``."""
    ending = next((ending for ending in _MANY if what.endswith(ending)), "")
    return f"{number(value)} {what if value == 1 else what.removesuffix(ending) + _MANY[ending]}"


def or_dash(value: object) -> str:
    """The value as text; a dash where there is none."""
    return sign("never")[:1] if value in (None, "") else str(value)


def period(first: object, last: object) -> str:
    """Days as ``2026-03-01 to 2026-03-31``; a single one by itself, dots where there is no bound."""
    if first is not None and first == last:
        return str(first)
    dots = printable("…")
    return f"{first or dots} to {last or dots}"


def instant(moment: str | dt.datetime | None) -> str:
    """A moment as ``2026-03-02 23:56:45 Z``; a dash for none."""
    if moment is None:
        return or_dash(None)
    aware = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{aware.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} Z"


def sign(state: str) -> str:
    """The sign of a day's state."""
    unicode, ascii_, _ = SIGNS[state]
    return unicode if is_unicode() else ascii_


def mark(complete: bool | None) -> str:
    """The sign of something that is complete, is not, or of which that is not known."""
    return sign("never" if complete is None else "complete" if complete else "gap")
