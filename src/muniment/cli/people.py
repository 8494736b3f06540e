"""`muniment users` and `muniment accounts`: whom the entries name, as known now or then."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from muniment.cli.options import DAY, archive_option, config_option, json_option

if TYPE_CHECKING:
    from rich.text import Text

    from muniment.archive.reading import Archive
    from muniment.collect.standing import Person, SourceStanding, Standing

__all__ = ["accounts", "users"]

_MEANING: Final = {
    "not_found": "not visible to this key: deleted or out of reach",
    "forbidden": "the key's role may not look",
    "unresolved": "no answer, or none asked for by then",
}
"""States that no source writes, in words."""


def _options(function: Callable[..., None]) -> Callable[..., None]:
    return archive_option(
        click.option("--at", type=DAY, help="As known at the end of this day (UTC).")(
            config_option(json_option(function))
        )
    )


@click.command(
    epilog="""\b
Examples:
  muniment users
  muniment users --at 2026-03-31 --json
"""
)
@_options
def users(archive: Path, at: dt.date | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """List the users of the entries, as the source knew them."""
    _list(archive, at, "user", as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  muniment accounts
  muniment accounts --at 2026-03-31 --json
"""
)
@_options
def accounts(archive: Path, at: dt.date | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """List the accounts of the entries, as the source knew them."""
    _list(archive, at, "account", as_json=as_json)


def _list(path: Path, at: dt.date | None, kind: str, *, as_json: bool) -> None:
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, show  # noqa: PLC0415 - start-up

    listed = list(_documents(*open_standing(path), kind, at))
    if as_json:
        print_json(listed)
    else:
        show(*_lines(listed, kind))


def _documents(archive: "Archive", standing: "Standing", kind: str, at: dt.date | None) -> Iterator[dict[str, Any]]:
    for name, source in standing.sources.items():
        for person in sorted(_known(archive, name, source, kind, at), key=lambda p: (p.name or "", p.id)):
            yield _document(person, name, several=len(standing.sources) > 1)


def _known(
    archive: "Archive", name: str, source: "SourceStanding", kind: str, at: dt.date | None
) -> "list[Person] | Iterator[Person]":
    """People as known now, or at the end of a day: by the snapshots taken and the entries dated by then."""
    people = list((source.users if kind == "user" else source.accounts).values())
    if at is None:
        return people
    from muniment.collect.standing import people_until  # noqa: PLC0415 - start-up

    # the last day there is has no day after it
    end = dt.datetime.combine(min(at, dt.date.max - dt.timedelta(days=1)) + dt.timedelta(days=1), dt.time(), dt.UTC)
    return people_until(archive, name, kind, people, end)


def _document(person: "Person", source: str, *, several: bool) -> dict[str, Any]:
    latest = person.latest
    state = latest.state if latest else "unresolved"
    told: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "state": state,
        "observed_at": latest.observed_at if latest else None,
        "first": person.first,
        "last": person.last,
        "leaf": latest.leaf if latest else None,
    }
    meaning = {"state_means": _MEANING[state]} if state in _MEANING else {}
    return told | meaning | ({"source": source} if several else {})


def _lines(listed: list[dict[str, Any]], kind: str) -> "Iterator[str | Text]":
    from muniment.cli.listing import Column, listing  # noqa: PLC0415 - start-up
    from muniment.cli.wording import cell, counted, or_dash  # noqa: PLC0415 - start-up

    columns = [Column(kind, 12), Column("state"), Column("first entry"), Column("last entry"), Column("id", 13)]
    rows = [
        [cell(or_dash(told["name"])), cell(told["state"]), _day(told["first"]), _day(told["last"]), cell(told["id"])]
        for told in listed
    ]
    if rows:
        yield from listing(columns, rows)
    yield counted(len(listed), kind)
    for state, meaning in _MEANING.items():
        if any(told["state"] == state for told in listed):
            yield f"{state}: {meaning}"


def _day(moment: dt.datetime | None) -> str:
    from muniment.cli.wording import or_dash  # noqa: PLC0415 - start-up

    return or_dash(moment and moment.date())
