"""Which days a run is about, and which of them are over: by the source's clock and ours."""

import datetime as dt
from collections.abc import Callable, Sequence

from muniment.collect.goal import Goal
from muniment.collect.instants import Clock
from muniment.sweep.days import days_between, first_open_day
from muniment.sweep.survey import Stretch

__all__ = ["Calendar", "consecutive"]

_DAY = dt.timedelta(days=1)
_BELIEVED = dt.timedelta(days=2)
"""A clock that is further ahead of ours is wrong, or ours is; what is dated after our day is read all the same."""


class Calendar:
    """The days of a run; `look` again whenever time has passed or earlier days came up.

    Args:
        goal: What is wanted.
        zone: The source's offset from UTC; None while it is not known.
        clock: Ours.
        source_clock: The source's, as its last answer said; None while there was none.
    """

    def __init__(
        self, goal: Goal, zone: dt.timedelta | None, clock: Clock, source_clock: Callable[[], dt.datetime | None]
    ) -> None:
        self._goal = goal
        self._zone = zone
        self._clock = clock
        self._source_clock = source_clock
        self._first: dt.date | None = goal.from_
        self._reached = dt.date.min

    @property
    def last(self) -> dt.date:
        """The last day that there can be entries of, or that is wanted."""
        ours, theirs = self._clock(), self._source_clock()
        theirs = ours if theirs is None or theirs - ours > _BELIEVED else theirs
        latest = max(ours, theirs).astimezone(dt.UTC) + (self._zone or dt.timedelta())
        return max(min(self._goal.to or latest.date(), latest.date()), self._reached)

    @property
    def stretch(self) -> Stretch:
        """The days as they are now."""
        last = self.last
        open_from = first_open_day(self._clock(), self._source_clock(), self._zone)
        first = min(self._first or last, last)
        return Stretch(first, open_from, last, whole=self._goal.whole, from_start=self._goal.from_start)

    def begin(self, first: dt.date) -> None:
        """Say which day is the first, where everything from the start is wanted."""
        if self._goal.from_start:
            self._first = first

    def reach(self, last: dt.date) -> None:
        """Say that a day has begun, where the source is."""
        self._reached = last

    @property
    def days(self) -> list[dt.date]:
        """All of them."""
        stretch = self.stretch
        return days_between(stretch.first, stretch.last)

    @property
    def closed(self) -> list[dt.date]:
        """Those that are over."""
        stretch = self.stretch
        return days_between(stretch.first, min(stretch.last, stretch.open_from - _DAY))

    @property
    def open(self) -> list[dt.date]:
        """Those that may still grow."""
        stretch = self.stretch
        return days_between(max(stretch.first, stretch.open_from), stretch.last)


def consecutive(days: Sequence[dt.date]) -> list[list[dt.date]]:
    """Ascending days in runs without a hole."""
    runs: list[list[dt.date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == _DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
