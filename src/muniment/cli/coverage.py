"""The days of an archive over all its sources: how many entries each has, and how that is known to be all."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from muniment.collect.standing import Day, Standing
from muniment.sweep.days import days_between
from muniment.sweep.window import Method, weakest

__all__ = ["METHODS", "DayStatus", "State", "day_statuses", "weakest_method"]

State = Literal["complete", "gap", "open", "never"]
METHODS: Final[dict[Method, str]] = {
    "atomic": "in one answer",
    "stable": "by count",
    "confirmed": "read twice alike",
}
"""How a day is known to be complete, in words; see `docs/completeness.md`."""


class DayStatus(msgspec.Struct, frozen=True):
    """A day over all sources.

    Args:
        day: The day, as the source counts them.
        entries: Unique keys archived.
        source_total: The source's total when it was last read; None where that is not known.
        state: Whether the archive agrees with it.
        method: How that is known.
        censused_at: When that was last checked.
    """

    day: dt.date
    entries: int
    source_total: int | None
    state: State
    method: Method | None
    censused_at: str | None


def day_statuses(standing: Standing) -> list[DayStatus]:
    """Every day from the first to the last that anything is known of."""
    every = {day for source in standing.sources.values() for day in (*source.days, *source.counts)}
    return [_day(standing, day) for day in days_between(min(every), max(every))] if every else []


def _day(standing: Standing, day: dt.date) -> DayStatus:
    known = [source.days[day] for source in standing.sources.values() if day in source.days]
    totals = [each.rows if each.method else each.total for each in known]
    return DayStatus(
        day=day,
        entries=sum(source.counts.get(day, 0) for source in standing.sources.values()),
        source_total=sum(total for total in totals if total is not None) if known and None not in totals else None,
        state=_state(known),
        method=weakest_method(known),
        censused_at=min((each.censused_at for each in known), default=None),
    )


def _state(known: Sequence[Day]) -> State:
    if not known:
        return "never"
    if any(each.gaps for each in known):
        return "gap"
    return "complete" if all(each.closed and each.method for each in known) else "open"


def weakest_method(days: Iterable[Day]) -> Method | None:
    """The method that days together may claim; None of days that were never read to their end."""
    methods = [day.method for day in days if day.method]
    return weakest(methods) if methods else None
