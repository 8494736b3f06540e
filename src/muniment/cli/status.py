"""`muniment status`: what the archive holds, and how sure we are."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.options import archive_option, config_option, json_option
from muniment.cli.output import console, number, print_json, sign

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.collect.standing import Standing

__all__ = ["status"]


@click.command(
    epilog="""\b
Examples:
  muniment status
  muniment status --days        a calendar: a sign a day, and what is known of each
"""
)
@archive_option
@click.option("--days", is_flag=True, help="Say for each day how it is known to be complete, and when that was checked.")
@config_option
@json_option
def status(archive: Path, *, days: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Say what the archive holds and how sure we are."""
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up

    opened, standing = open_standing(archive)
    document = _document(opened, standing, days=days)
    if as_json:
        print_json(document)
    else:
        _show(document, archive)


def _document(archive: "Archive", standing: "Standing", *, days: bool) -> dict[str, Any]:
    from muniment.cli.shapes import b64, finding_documents  # noqa: PLC0415 - start-up

    known = standing.sources.values()
    every = sorted({day for source in known for day in (*source.days, *source.counts)})
    held = sorted({day for source in known for day, entries in source.counts.items() if entries})
    people = [person for source in known for person in source.users.values()]
    told: dict[str, Any] = {
        "origin": archive.origin,
        "tree_size": archive.size,
        "root": b64(archive.root),
        "entries": standing.entries,
        "users": len(people),
        "accounts": sum(len(source.accounts) for source in known),
        "first": held[0] if held else None,
        "last": held[-1] if held else None,
        "gaps": [gap for source in known for gap in source.gaps],
        "findings": finding_documents(standing.open_findings()),
        "sources": [
            {
                "name": name,
                "manager": name.partition("@")[0],
                "entries": source.entries,
                "method": _weakest(source.days.values()),
            }
            for name, source in standing.sources.items()
        ],
    }
    if days:
        told["days"] = [_day(standing, day) for day in _span(every)]
    return told


def _weakest(days: Any) -> str | None:
    from muniment.sweep.window import weakest  # noqa: PLC0415 - start-up

    methods = [day.method for day in days if day.method]
    return weakest(methods) if methods else None


def _span(days: list[dt.date]) -> list[dt.date]:
    from muniment.sweep.days import days_between  # noqa: PLC0415 - start-up

    return days_between(days[0], days[-1]) if days else []


def _day(standing: "Standing", day: dt.date) -> dict[str, Any]:
    known = [source.days[day] for source in standing.sources.values() if day in source.days]
    return {
        "day": day,
        "entries": sum(source.counts.get(day, 0) for source in standing.sources.values()),
        "source_total": sum(each.rows if each.method else each.total or 0 for each in known) if known else None,
        "state": _state(known),
        "method": _weakest(known),
        "censused_at": min((each.censused_at for each in known), default=None),
    }


def _state(known: Any) -> str:
    if not known:
        return "never"
    if any(each.gaps for each in known):
        return "gap"
    return "complete" if all(each.closed and each.method for each in known) else "open"


def _show(told: dict[str, Any], path: Path) -> None:
    out = console()
    out.print(f"[bold]{told['origin']}[/bold]  {path}", soft_wrap=True)
    out.print(
        f"  {number(told['entries'])} entries, {number(told['users'])} users, {number(told['accounts'])} accounts"
        f"  {told['first'] or '–'} to {told['last'] or '–'}"
    )
    out.print(f"  tree of {number(told['tree_size'])} leaves, root {told['root']}")
    for source in told["sources"]:
        out.print(f"  source {source['name']}: {number(source['entries'])} entries, method {source['method'] or '–'}")
    _show_list(out, told)
    if "days" in told:
        _show_calendar(out, told["days"])


def _show_list(out: Any, told: dict[str, Any]) -> None:
    if not told["gaps"]:
        out.print(f"  {sign('complete')} no gaps known", style="green")
    for gap in told["gaps"]:
        out.print(
            f"  {sign('gap')} gap {gap.from_ or '…'} to {gap.to or '…'} {gap.filter}: expected {number(gap.expected)}, "
            f"got {number(gap.got)}: {gap.why}",
            style="red",
        )
    if told["findings"]:
        out.print(f"  ! {len(told['findings'])} findings without a disposition: see `muniment findings`", style="yellow")


def _show_calendar(out: Any, days: list[dict[str, Any]]) -> None:
    from muniment.cli.calendar import calendar_lines  # noqa: PLC0415 - start-up

    for line in calendar_lines(days):
        out.print(line)
