"""A calendar on the terminal: a week a line, a sign a day, so that a hole is seen before it is read."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from muniment.cli.output import SIGNS, number, sign

__all__ = ["calendar_lines"]


def calendar_lines(days: Sequence[dict[str, Any]]) -> Iterator[Text]:
    """A line a week, and a legend that counts.

    Args:
        days: As `status --days` gives them, consecutive.
    """
    if not days:
        return
    yield Text()
    yield Text("              Mo Tu We Th Fr Sa Su   entries  the source's", style="bold")
    for monday, week in groupby(days, key=lambda told: told["day"] - dt.timedelta(days=told["day"].weekday())):
        yield _week(monday, list(week))
    yield Text()
    yield _legend(days)


def _week(monday: dt.date, week: list[dict[str, Any]]) -> Text:
    line = Text(f"  {monday}  ")
    by_weekday = {told["day"].weekday(): told for told in week}
    for weekday in range(7):
        told = by_weekday.get(weekday)
        line.append(f"{sign(told['state']):<3}" if told else "   ", style=SIGNS[told["state"]][2] if told else "")
    totals = [told["source_total"] for told in week if told["source_total"] is not None]
    entries = sum(told["entries"] for told in week)
    line.append(f"{number(entries):>9}  {number(sum(totals)) if totals else '–':>12}")
    return line


def _legend(days: Sequence[dict[str, Any]]) -> Text:
    line = Text("  ")
    for state, (_, _, colour) in SIGNS.items():
        count = sum(1 for told in days if told["state"] == state)
        line.append(f"{sign(state)} {state} {number(count)}   ", style=colour)
    return line
