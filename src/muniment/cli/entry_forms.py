"""Entries as a program reads them: a page of the API, exact lines, or a table."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Final

import msgspec

from muniment.cli.opening import cache_of
from muniment.cli.output import say
from muniment.cli.wording import escaped
from muniment.query.corrections import Corrections
from muniment.query.scan import Lines, scan

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.collect.standing import Person, Standing
    from muniment.model import Query
    from muniment.query.population import Member
    from muniment.query.search import Found

__all__ = ["CSV_COLUMNS", "Look", "write_csv", "write_lines", "write_page"]

CSV_COLUMNS: Final = (
    "leaf",
    "id",
    "timestamp",
    "action",
    "resource_type",
    "resource_id",
    "resource_name",
    "status",
    "user_id",
    "user_name",
    "user_status",
    "account_id",
    "account_name",
    "account_status",
    "description",
)
_FORMULA: Final = frozenset("=+-@\t\r")
_HIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control and bidirectional characters, but for TAB and LF."""
_OURS: Final = frozenset({"not_found", "forbidden", "unresolved", "unknown"})
"""States that no source says: we do."""


@dataclass(frozen=True)
class Look:
    """What is asked of which archive."""

    archive: "Archive"
    standing: "Standing"
    query: "Query"
    source: str | None
    """The only source whose entries count; None for all."""

    @cached_property
    def corrections(self) -> Corrections:
        """What the archive knows of its entries."""
        sources = self.standing.sources.values()
        return Corrections(
            versions=[leaf for source in sources for leaf in source.versions],
            displaced=[moved for source in sources for moved in source.displaced],
        )

    @property
    def has_several_sources(self) -> bool:
        """Whether it must be said whose entry an entry is."""
        return len(self.standing.sources) > 1

    def page(self) -> "Found":
        """The query's page."""
        from muniment.query.search import Searcher  # noqa: PLC0415 - a database engine, not wanted for exports

        with Searcher(self.archive, cache_of(self.archive), announce=say) as searcher:
            return searcher.search(self.query, self.corrections, self.source)


def write_page(look: Look, file: IO[bytes]) -> int:
    """The page as the API gives it; how many entries there are on it."""
    found = look.page()
    items = b",".join(_as_json(item) for item in found.items)
    head = b'{"total":%d,"offset":%d,"limit":%d,"items":[' % (found.total, look.query.offset, look.query.limit)
    file.write(head + items + b"]}\n")
    return len(found.items)


def write_lines(look: Look, file: IO[bytes], *, whole: bool) -> int:
    """The exact bytes of each content of each entry, a line each; how many lines.

    Args:
        look: What is asked.
        file: Where to.
        whole: Whether all lines are wanted, not the query's limit of them.
    """
    corrections = look.corrections.with_every_version()
    written = 0
    for lines in _scan(look, corrections, whole=whole):
        payloads = lines.payloads
        payloads.append(b"")
        file.write(b"\n".join(payloads))
        written += len(payloads) - 1
    return written


def write_csv(look: Look, file: IO[bytes], *, whole: bool) -> int:
    """The population: a head, and a row each entry; how many entries.

    Args:
        look: What is asked.
        file: Where to.
        whole: Whether all entries are wanted, not the query's limit of them.
    """
    from muniment.query.population import members  # noqa: PLC0415 - for this form only

    width = len(CSV_COLUMNS) + look.has_several_sources
    file.write(_csv_text([(*CSV_COLUMNS, "source")[:width]]))
    written = 0
    for lines in _scan(look, look.corrections, whole=whole):
        rows = [_row(member, look.standing)[:width] for member in members(lines)]
        file.write(_csv_text(rows))
        written += len(rows)
    return written


def _scan(look: Look, corrections: Corrections, *, whole: bool) -> Iterator[Lines]:
    query = look.query
    return scan(look.archive, query, corrections, look.source, skip=query.offset, take=None if whole else query.limit)


def _as_json(item: bytes) -> bytes:
    """The item, or a string of it where it is no JSON, so that the page is."""
    if not _is_json(item):
        return json.dumps(item.decode("utf-8", "backslashreplace")).encode()
    return item


def _is_json(item: bytes) -> bool:
    try:
        msgspec.json.decode(item)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _is_lax_json(item)
    return True


def _is_lax_json(item: bytes) -> bool:
    """Whether Python reads it, which takes lone surrogates as many parsers do."""
    try:
        json.loads(item)
    except (ValueError, RecursionError):
        return False
    return True


def _row(member: "Member", standing: "Standing") -> tuple[str, ...]:
    known = standing.sources.get(member.source)
    texts = (
        str(member.leaf),
        member.id,
        member.timestamp,
        member.action,
        member.resource_type,
        member.resource_id,
        member.resource_name,
        member.status,
        member.user_id,
        member.user_name,
        _user_status(member, known.users if known else {}),
        member.account_id,
        member.account_name,
        _state(member.account_id, known.accounts if known else {}) or "no_account",
        member.description,
        member.source,
    )
    return tuple([_cell(text) if text else "" for text in texts])


def _user_status(member: "Member", users: "Mapping[str, Person]") -> str:
    """As the source says it, in its capitals; why there is none, where there is none."""
    if member.user_id is None and member.user_name is None:
        return "no_user"
    state = _state(member.user_id, users) or "unresolved"
    return state if state in _OURS else state.upper()


def _state(who: str | None, people: "Mapping[str, Person]") -> str | None:
    if who is None:
        return None
    person = people.get(who)
    return person.latest.state if person and person.latest else "unresolved"


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula and no character can disguise."""
    shown = text if text.isascii() and text.isprintable() else _HIDDEN.sub(lambda match: escaped(match[0]), text)
    return f"'{shown}" if text[0] in _FORMULA else shown


def _csv_text(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
