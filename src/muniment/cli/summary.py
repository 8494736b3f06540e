"""What an archive knows of itself, as a document and in words."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from muniment.archive.reading import Archive
from muniment.cli.calendar import calendar_lines
from muniment.cli.coverage import METHODS, DayStatus, State, day_statuses, weakest_method
from muniment.cli.listing import hanging
from muniment.cli.output import terminal_width
from muniment.cli.shapes import b64, finding_documents, gap_line
from muniment.cli.sources import MANAGER
from muniment.cli.wording import SIGNS, cell, counted, instant, number, or_dash, period, sign
from muniment.collect.standing import Standing
from muniment.sweep.window import Gap

__all__ = ["describe", "status_lines"]

_SHOWN: Final = 20


def describe(archive: Archive, standing: Standing, *, days: bool) -> dict[str, Any]:
    """The document of `status --json`."""
    known = standing.sources.values()
    first, last = _span(standing)
    told: dict[str, Any] = {
        "origin": archive.origin,
        "tree_size": archive.size,
        "root": b64(archive.root),
        "entries": standing.entries,
        "users": sum(len(source.users) for source in known),
        "accounts": sum(len(source.accounts) for source in known),
        "first": first,
        "last": last,
        "gaps": _gaps(standing),
        "findings": finding_documents(standing.open_findings()),
        "sources": [
            {
                "name": name,
                "manager": MANAGER,
                "entries": source.entries,
                "method": weakest_method(source.days.values()),
            }
            for name, source in standing.sources.items()
        ],
    }
    return told | ({"days": day_statuses(standing)} if days else {})


def _span(standing: Standing) -> tuple[dt.date | None, dt.date | None]:
    """First and last day that have entries."""
    held = [day for source in standing.sources.values() for day, entries in source.counts.items() if entries]
    return min(held, default=None), max(held, default=None)


def _gaps(standing: Standing) -> list[Gap]:
    return [gap for source in standing.sources.values() for gap in source.gaps]


def status_lines(archive: Archive, standing: Standing, path: Path, *, days: bool) -> Iterator[Text | str]:
    """The same for people."""
    known = standing.sources.values()
    users, accounts = sum(len(source.users) for source in known), sum(len(source.accounts) for source in known)
    yield Text(f"{cell(archive.origin)}   in {cell(str(path))}", style="bold")
    held = [counted(standing.entries, "entry"), counted(users, "user"), counted(accounts, "account")]
    first, last = _span(standing)
    yield f"  {', '.join(held)}" + (f", {period(first, last)}" if first else "")
    every = day_statuses(standing)
    yield from _verdict(standing, every)
    yield from _source_lines(standing)
    yield f"  tree of {counted(archive.size, 'leaf')}, root {b64(archive.root)}"
    if days:
        yield from calendar_lines(every)


def _verdict(standing: Standing, days: Sequence[DayStatus]) -> Iterator[Text]:
    """How sure we are: a sentence, then what speaks against it."""
    gaps, states = _gaps(standing), Counter(day.state for day in days)
    if not days:
        yield _signed("never", "nothing was collected yet: `muniment collect`")
    elif gaps or states["gap"]:
        yield _signed("gap", f"{counted(len(gaps), 'gap')}: the source counts entries that the archive lacks")
        for gap in gaps[:_SHOWN]:
            yield from (Text(line, style="red") for line in hanging(cell(gap_line(gap)), terminal_width()))
        if len(gaps) > _SHOWN:
            yield Text(f"  and {number(len(gaps) - _SHOWN)} more: `muniment status --json` has them all", style="red")
    elif states["complete"]:
        yield _signed("complete", _agreement(days))
    if states["open"]:
        yield _signed("open", f"{counted(states['open'], 'day')} not over yet, and may still grow")
    waiting = standing.open_findings()
    if waiting:
        yield Text(f"  ! {counted(len(waiting), 'finding')} without an answer: `muniment findings`", style="yellow")


def _agreement(days: Sequence[DayStatus]) -> str:
    complete = [day for day in days if day.state == "complete"]
    checked = min(day.censused_at for day in complete if day.censused_at)
    return f"{counted(len(complete), 'day')} agree with the source's own totals, as of {instant(checked)}"


def _signed(state: State, words: str) -> Text:
    return Text(f"  {sign(state)} {words}", style=SIGNS[state][2])


def _source_lines(standing: Standing) -> Iterator[str]:
    for name, source in standing.sources.items():
        methods = Counter(day.method for day in source.days.values() if day.method)
        how = ", ".join(f"{counted(count, 'day')} {METHODS[method]}" for method, count in methods.most_common())
        yield f"  source {cell(name)}: {counted(source.entries, 'entry')}; {or_dash(how)}"
        if source.unfinished is not None:
            yield f"    run {source.unfinished} did not come to its end: the next `muniment collect` goes on from there"
