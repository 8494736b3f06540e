"""A calendar on the terminal: a week a line, a sign a day, so that a hole is seen before it is read."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.text import Text

from muniment.cli.coverage import DayStatus, State
from muniment.cli.wording import SIGNS, counted, number, sign

__all__ = ["calendar_lines"]

_WEEK: Final = 7
_IDLE: Final = 3
"""From so many weeks on that are alike and empty, they share a line."""
_COUNTS: Final = 12


def calendar_lines(days: Sequence[DayStatus]) -> Iterator[Text]:
    """A line a week, and a legend that counts.

    Args:
        days: Consecutive ones.
    """
    if not days:
        return
    weeks = [list(week) for _, week in groupby(days, key=lambda told: _monday(told.day))]
    yield Text()
    yield Text(f"  week of     Mo Tu We Th Fr Sa Su{'entries':>{_COUNTS}}{'at source':>{_COUNTS}}", style="bold")
    for state, alike in groupby(weeks, key=_idle_state):
        run = list(alike)
        if state is not None and len(run) >= _IDLE:
            yield _idle_weeks(run, state)
        else:
            yield from map(_week, run)
    yield Text()
    yield _legend(days)


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _idle_state(week: Sequence[DayStatus]) -> State | None:
    """The state of a whole week without entries whose days are alike, else None."""
    is_idle = len(week) == _WEEK and len({day.state for day in week}) == 1
    is_idle &= all(day.entries == 0 and not day.source_total for day in week)
    return week[0].state if is_idle else None


def _idle_weeks(run: Sequence[Sequence[DayStatus]], state: State) -> Text:
    line = Text(f"  {run[0][0].day}  ")
    line.append(f"{sign(state)} ", style=SIGNS[state][2])
    line.append(f"{counted(len(run), 'week')} without entries, each day {state}, until {run[-1][-1].day}")
    return line


def _week(week: Sequence[DayStatus]) -> Text:
    line = Text(f"  {_monday(week[0].day)}  ")
    by_weekday = {told.day.weekday(): told for told in week}
    for weekday in range(_WEEK):
        told = by_weekday.get(weekday)
        line.append(f"{sign(told.state) if told else '':<3}", style=SIGNS[told.state][2] if told else "")
    line.append(f"{number(sum(told.entries for told in week)):>{_COUNTS - 1}}")
    line.append(f"{number(_total(week)):>{_COUNTS}}")
    return line


def _total(week: Sequence[DayStatus]) -> int | None:
    totals = [told.source_total for told in week if told.source_total is not None]
    return sum(totals) if totals else None


def _legend(days: Sequence[DayStatus]) -> Text:
    line = Text()
    for state, (_, _, colour) in SIGNS.items():
        count = sum(1 for told in days if told.state == state)
        if count:
            line.append(f"  {sign(state)} {number(count)} {state}", style=colour)
    return line
