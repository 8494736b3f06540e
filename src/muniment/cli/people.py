"""`muniment users` and `muniment accounts`: whom the entries name, as known now or then."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.options import DAY, archive_option, config_option, json_option
from muniment.cli.output import console, number, print_json, printable, table

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.collect.standing import Person, Standing

__all__ = ["accounts", "users"]

_GONE = {
    "not_found": "not visible to this key: deleted or out of reach",
    "forbidden": "the key's role may not look",
    "unresolved": "no answer",
}


def _options(function: Callable[..., None]) -> Callable[..., None]:
    return archive_option(
        click.option("--at", type=DAY, help="As known at the end of this day.")(config_option(json_option(function)))
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
    """List the users of the entries, with what the source said of each."""
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
    """List the accounts of the entries, with what the source said of each."""
    _list(archive, at, "account", as_json=as_json)


def _list(path: Path, at: dt.date | None, kind: str, *, as_json: bool) -> None:
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up

    archive, standing = open_standing(path)
    listed = list(_documents(archive, standing, kind, at))
    if as_json:
        print_json(listed)
    else:
        _show(listed, kind)


def _documents(archive: "Archive", standing: "Standing", kind: str, at: dt.date | None) -> Iterator[dict[str, Any]]:
    for name, source in standing.sources.items():
        people = source.users if kind == "user" else source.accounts
        shown = people.values() if at is None else _as_of(archive, name, kind, people.values(), at)
        for person in sorted(shown, key=lambda p: (p.name or "", p.id)):
            yield _document(person, name, several=len(standing.sources) > 1)


def _document(person: "Person", source: str, *, several: bool) -> dict[str, Any]:
    latest = person.latest
    told: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "state": latest.state if latest else "unresolved",
        "observed_at": latest.observed_at if latest else None,
        "first": person.first,
        "last": person.last,
        "leaf": latest.leaf if latest else None,
    }
    if told["state"] in _GONE:
        told["state_means"] = _GONE[told["state"]]
    return told | ({"source": source} if several else {})


def _as_of(
    archive: "Archive", source: str, kind: str, people: "Iterable[Person]", at: dt.date
) -> "Iterator[Person]":
    """People as they were known at the end of a day: snapshots taken and entries dated by then."""
    from muniment.collect.standing import people_until  # noqa: PLC0415 - start-up

    end = dt.datetime.combine(at + dt.timedelta(days=1), dt.time(), dt.UTC)
    yield from people_until(archive, source, kind, people, end)


def _show(listed: list[dict[str, Any]], kind: str) -> None:
    shown = table(kind, "state", "first entry", "last entry", "id")
    for told in listed:
        shown.add_row(
            printable(told["name"] or "–"), told["state"], _day(told["first"]), _day(told["last"]), _short(told["id"])
        )
    out = console()
    out.print(shown)
    out.print(f"{number(len(listed))} {kind}s")
    for state, meaning in _GONE.items():
        if any(told["state"] == state for told in listed):
            out.print(f"{state}: {meaning}")


def _day(instant: dt.datetime | None) -> str:
    return instant.date().isoformat() if instant else "–"


def _short(text: str) -> str:
    return text if len(text) <= 13 else f"{text[:8]}…{text[-4:]}"
