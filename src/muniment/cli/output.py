"""What a person sees and what a program reads: words on stderr, tables or one JSON document on stdout."""

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from muniment.errors import MunimentError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["SIGNS", "console", "error_document", "number", "print_error", "print_json", "say", "table"]

SIGNS = {
    "complete": ("✓", "OK", "green"),
    "gap": ("✗", "XX", "red"),
    "open": ("◔", "..", "yellow"),
    "never": ("–", "--", "bright_black"),
}
"""State to its sign, the sign where the locale has only ASCII, and its colour; never colour alone."""


def say(text: str) -> None:
    """A line to the person at the terminal."""
    click.echo(text, err=True)


def print_json(document: Any) -> None:
    """The one document on stdout."""
    import msgspec  # noqa: PLC0415 - start-up

    sys.stdout.write(msgspec.json.encode(document, enc_hook=str).decode() + "\n")
    sys.stdout.flush()


def error_document(error: MunimentError) -> dict[str, str]:
    """An error as `--json` shows it."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def print_error(error: MunimentError, *, as_json: bool, verbose: bool = False) -> None:
    """Say what happened and what next; the chain of causes with `verbose`."""
    if verbose:
        traceback.print_exception(error)
    say(f"{click.style('error:', fg='red', bold=True)} {printable(error.message)}")
    say(f"  try: {printable(error.hint)}")
    if as_json:
        sys.stdout.write(json.dumps({"error": error_document(error)}, ensure_ascii=False) + "\n")


def printable(text: str) -> str:
    r"""The text with control and bidirectional characters as ``\u202e``, so that no name can dress up a line."""
    return "".join(c if c in "\n\t" or _harmless(c) else f"\\u{ord(c):04x}" for c in text)


def _harmless(c: str) -> bool:
    point = ord(c)
    controls = point < 0x20 or 0x7F <= point < 0xA0
    return not (controls or point in _BIDIRECTIONAL or 0xD800 <= point < 0xE000)


_BIDIRECTIONAL = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def number(value: int | None) -> str:
    """Digits in groups of three, by thin spaces."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f" if _unicode() else " ")


def _unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()


def sign(state: str) -> str:
    """The sign of a day's state."""
    unicode, ascii_, _ = SIGNS[state]
    return unicode if _unicode() else ascii_


def console(*, err: bool = False) -> "Console":
    """A terminal of at most its own width; 80 columns where there is none."""
    from rich.console import Console  # noqa: PLC0415 - start-up

    width = None if os.environ.get("COLUMNS") or (sys.stderr if err else sys.stdout).isatty() else 80
    return Console(stderr=err, width=width, highlight=False, soft_wrap=False)


def table(*columns: str, right: tuple[str, ...] = ()) -> "Table":
    """A table without boxes."""
    from rich import box  # noqa: PLC0415 - start-up
    from rich.table import Table  # noqa: PLC0415 - start-up

    made = Table(box=box.SIMPLE_HEAD if _unicode() else box.ASCII, show_edge=False, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made
