"""Rows under headings, without boxes, as wide as they take or as the terminal is."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from muniment.cli.output import terminal_width
from muniment.cli.wording import cut, printable

__all__ = ["Column", "hanging", "labelled", "listing", "wrapped"]

_BETWEEN: Final = "  "
_LEAST: Final = 20
_ENDLESS: Final = 1_000_000


class Column(NamedTuple):
    """A column.

    Args:
        name: Its heading.
        least: How narrow its cells may be cut, in the middle, where the terminal asks for it; None for never.
        right: Whether it is aligned to the right.
        wraps: Whether it takes the lines it needs in the width that is left; only for the last one.
    """

    name: str
    least: int | None = None
    right: bool = False
    wraps: bool = False


def listing(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[Text]:
    """The lines of a list; columns nearer to the end are cut first.

    Args:
        columns: From left to right.
        rows: A cell for each column, printable and without line breaks.
    """
    widths = _widths(columns, rows, terminal_width())
    yield Text(_joined(columns, [column.name for column in columns], widths), style="bold")
    yield Text(printable("─") * (sum(widths) + len(_BETWEEN) * (len(widths) - 1)), style="bright_black")
    for row in rows:
        yield from map(Text, _lines(columns, row, widths))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[int]:
    widths = [max(map(cell_len, cells)) for cells in zip([column.name for column in columns], *rows, strict=True)]
    if width is None:
        return widths
    excess = sum(widths) + len(_BETWEEN) * (len(widths) - 1) - width
    for place in reversed(range(len(columns))):
        least = columns[place].least
        if excess > 0 and least is not None and least < widths[place]:
            given = min(excess, widths[place] - least)
            widths[place] -= given
            excess -= given
    return widths


def _lines(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    if not columns[-1].wraps:
        yield _joined(columns, [cut(text, width) for text, width in zip(row, widths, strict=True)], widths)
        return
    first = [cut(text, width) for text, width in zip(row[:-1], widths, strict=False)]
    for part in wrapped(row[-1], widths[-1]):
        yield _joined(columns, [*first, part], widths)
        first = [""] * len(first)


def labelled(label: str, words: str, indent: int = 12) -> Iterator[Text]:
    """A label and what it is about, in as many lines as the terminal makes it take."""
    for part in wrapped(words, max(_LEAST, (terminal_width() or _ENDLESS) - indent)):
        line = Text(f"  {label:<{indent - 2}}", style="bright_black")
        yield line.append(part, style="default")
        label = ""


def hanging(words: str, width: int | None, indent: int = 4) -> Iterator[str]:
    """The lines of a sentence whose further ones stand further in.

    Args:
        words: Printable.
        width: Columns that there are; None for as many as it takes.
        indent: Of the further lines; the first has two less.
    """
    for number, part in enumerate(wrapped(words, max(_LEAST, (width or _ENDLESS) - indent))):
        yield f"{' ' * (indent if number else indent - 2)}{part}"


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most so many columns, broken at spaces, and where a word is wider than a line."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) or [""]
        lines += full
    return [*lines, line]


def _joined(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return _BETWEEN.join(padded).rstrip()
