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
_FIXED: Final = 22 + 9 + 3 * 2
"""What moment, status and the gaps between four columns take."""
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
    room = max(20, width - _FIXED)
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
    yield cut(_status(member.status), 9)
    yield cut(cell(or_dash(member.action)), wide[0])
    yield cut(cell(or_dash(member.user_name or member.user_id)), wide[1])


def _lower(member: Member, wide: tuple[int, int], look: Look) -> Iterator[str]:
    account = member.account_name or member.account_id or ""
    yield short(member.id or "")
    yield ""
    yield cut(cell(f"{member.resource_type or ''} {member.resource_name or member.resource_id or ''}".strip()), wide[0])
    yield cut(cell(f"{account} {member.source}" if look.has_several_sources else account), wide[1])


def _moment(timestamp: str | None) -> str:
    moment = parse_time(timestamp)
    if moment is None:
        return cut(cell(or_dash(timestamp)), 22)
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
