"""Entries as a person at a terminal reads them: two lines each, so that eighty columns do."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Final

from muniment.archive.timestamps import parse_time
from muniment.cli.entry_forms import Look
from muniment.cli.output import console, table, terminal_width
from muniment.cli.wording import cell, cut, instant, number, or_dash, short, sign
from muniment.query.population import Member, members
from muniment.query.scan import Lines

if TYPE_CHECKING:
    from rich.table import Table

    from muniment.query.search import Found

__all__ = ["write_table"]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NARROW: Final = 80
_MOMENT: Final = 22
_STATUS: Final = 10
_GAP: Final = 3
_NAME: Final = 8
"""Columns that a resource's name is worth."""
_STATES: Final = {"success": "complete", "failure": "gap"}
_STYLES: Final = {"success": "green", "failure": "red"}


def write_table(look: Look, file: IO[bytes] | None) -> int:
    """The query's page; how many entries there are on it.

    Args:
        look: What is asked.
        file: Where to, in plain text; None for the terminal.
    """
    found = look.page()
    shown = _table(look, found, (terminal_width() or _NARROW) if file is None else 2 * _NARROW)
    footer = _footer(look, found)
    if file is None:
        screen = console()
        screen.print(shown)
        screen.print(footer)
    else:
        file.write(_plain(shown, footer).encode())
    return len(found.items)


def _table(look: Look, found: "Found", width: int) -> "Table":
    from rich.text import Text  # noqa: PLC0415 - start-up

    made = table("time", "status", "action", "user")
    room = max(20, width - _MOMENT - _STATUS - 3 * _GAP)
    wide = room * 9 // 20, room - room * 9 // 20
    lines = Lines(found.leaves, look.archive.leaves(found.leaves))
    for member in members(lines):
        upper, lower = _upper(member, wide), _lower(member, wide, look)
        style = _STYLES.get(member.status or "", "")
        made.add_row(
            *(
                Text.assemble((first, style if place == 1 else ""), "\n", (second, "dim"))
                for place, (first, second) in enumerate(zip(upper, lower, strict=True))
            )
        )
    return made


def _upper(member: Member, wide: tuple[int, int]) -> Iterator[str]:
    yield _moment(member.timestamp)
    yield cut(_status(member.status), _STATUS)
    yield cut(cell(or_dash(member.action)), wide[0])
    yield cut(cell(or_dash(member.user_name or member.user_id)), wide[1])


def _lower(member: Member, wide: tuple[int, int], look: Look) -> Iterator[str]:
    account = member.account_name or member.account_id or ""
    yield short(member.id or "")
    yield ""
    yield _resource(member, wide[0])
    yield cut(cell(f"{account} {member.source}" if look.has_several_sources else account), wide[1])


def _resource(member: Member, width: int) -> str:
    """The type, and the name where there is room for it."""
    kind, name = cut(cell(member.resource_type or ""), width), cell(member.resource_name or member.resource_id or "")
    room = width - len(kind) - 1
    return f"{kind} {cut(name, room)}".strip() if room >= _NAME else kind


def _moment(timestamp: str | None) -> str:
    moment = parse_time(timestamp)
    if moment is None:
        return cut(cell(or_dash(timestamp)), _MOMENT)
    return instant(_EPOCH + dt.timedelta(microseconds=moment))


def _status(status: str | None) -> str:
    state = _STATES.get(status or "")
    return f"{sign(state)} {status}" if state else cell(or_dash(status))


def _footer(look: Look, found: "Found") -> str:
    said = f"{number(len(found.items))} of {number(found.total)} entries"
    seen = look.query.offset + len(found.items)
    return f"{said}; --offset {seen} shows the next" if found.items and seen < found.total else said


def _plain(shown: "Table", footer: str) -> str:
    from rich.console import Console  # noqa: PLC0415 - start-up

    text = io.StringIO()
    screen = Console(file=text, width=2 * _NARROW, highlight=False, markup=False, emoji=False, color_system=None)
    screen.print(shown)
    screen.print(footer)
    return text.getvalue()
