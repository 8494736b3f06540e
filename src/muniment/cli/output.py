"""Where words go: stderr for a person, stdout for tables or for the one JSON document."""

import codecs
import json
import os
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

from muniment.cli.wording import PLAIN, cell, escaped, is_unicode, number, printable, sign
from muniment.errors import MunimentError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "adapt",
    "console",
    "error_document",
    "number",
    "print_error",
    "print_json",
    "printable",
    "say",
    "say_item",
    "show",
    "sign",
    "table",
    "terminal_width",
]

_PIPE_WIDTH: Final = 80


def adapt(streams: "list[TextIO]", environ: Mapping[str, str]) -> None:
    """Make text streams ASCII where the locale says C, and let none fail on a character that it cannot write."""
    codecs.register_error("muniment.plain", _plain)
    encoding = "ascii" if _is_c_locale(environ) else None
    for stream in streams:
        stream.reconfigure(encoding=encoding, errors="muniment.plain")  # type: ignore[attr-defined]


def _is_c_locale(environ: Mapping[str, str]) -> bool:
    # Python itself takes C for "nobody said anything", and writes UTF-8
    named = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environ.get(name))), "")
    return named.upper() in ("C", "POSIX")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(c) or escaped(c) for c in error.object[error.start : error.end]), error.end


def say(text: str) -> None:
    """A line to the person at the terminal."""
    _write(printable(text))


def say_item(text: str) -> None:
    """A sentence that belongs to the line before it: further in, and in as many lines as the terminal makes it take."""
    from muniment.cli.listing import hanging  # noqa: PLC0415 - start-up

    width = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else None
    for line in hanging(cell(text), width):
        _write(line)


def _write(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(document: Any) -> None:
    """The one document on stdout, in UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(_encode(document) + b"\n")
    sys.stdout.buffer.flush()


def _encode(document: Any) -> bytes:
    import msgspec  # noqa: PLC0415 - start-up

    try:
        return msgspec.json.encode(document, enc_hook=str)
    except UnicodeEncodeError:
        # a path that is no UTF-8 has surrogates in it, which only an escape can write
        return json.dumps(msgspec.to_builtins(document, enc_hook=str), separators=(",", ":")).encode()


def error_document(error: MunimentError) -> dict[str, str]:
    """An error as `--json` shows it."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def print_error(error: MunimentError, *, verbose: bool = False) -> None:
    """Say what happened and what next; the chain of causes with `verbose`."""
    if verbose:
        for line in traceback.format_exception(error):
            sys.stderr.write(printable(line))
    start, end = ("\x1b[1;31m", "\x1b[0m") if _is_coloured(sys.stderr) else ("", "")
    _write(f"{start}error:{end} {printable(error.message)}")
    _write(f"  try: {printable(error.hint)}")


def _is_coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is, or that COLUMNS says; None where it goes elsewhere."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None


def show(*lines: "str | Text") -> None:
    """Lines on stdout, as they are: neither wrapped nor cut."""
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def console() -> "Console":
    """The terminal that stdout is; 80 columns where it is none."""
    from rich.console import Console  # noqa: PLC0415 - start-up

    return Console(width=terminal_width() or _PIPE_WIDTH, highlight=False, markup=False, emoji=False)


def table(*columns: str, right: tuple[str, ...] = ()) -> "Table":
    """A table without boxes."""
    from rich import box  # noqa: PLC0415 - start-up
    from rich.table import Table  # noqa: PLC0415 - start-up

    made = Table(box=box.SIMPLE_HEAD if is_unicode() else box.ASCII, show_edge=False, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made
