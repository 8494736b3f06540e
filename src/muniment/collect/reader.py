"""Which days are read, and reading them: the census decides, the rotation spends what an idle run has left."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muniment.collect.calendar import consecutive
from muniment.collect.desk import Desk
from muniment.collect.fetching import Crew
from muniment.collect.record import Census
from muniment.sweep.census import days_that_differ
from muniment.sweep.days import days_between, first_settled
from muniment.sweep.plan import IDLE_BUDGET, must_be_confirmed, needs_reading, rotation
from muniment.sweep.survey import Survey, survey
from muniment.sweep.sweeping import Verdict, count, first_page, once_more, sweep
from muniment.sweep.together import together
from muniment.sweep.window import EVERYTHING, Ask, Window, Words

__all__ = ["FIRST_PAGE", "Reader"]

FIRST_PAGE = Ask(EVERYTHING, 0, 1000)
"""What a first run asks to learn which day is the first."""

_DAY = dt.timedelta(days=1)
_ROUNDS = 3
_SAMPLE = 7


class Reader:
    """Reads the days of a run.

    Args:
        desk: The run's.
        crew: Asks.
    """

    def __init__(self, desk: Desk, crew: Crew[Any]) -> None:
        self._outside: list[Verdict] = []
        self._desk = desk
        self._crew = crew

    # -- which days there are

    def begin(self) -> Survey | None:
        """Learn which days there are; the first totals, where some of them are archived already."""
        desk = self._desk
        if not desk.days.days:
            window = EVERYTHING if desk.goal.from_ is None else Window(desk.goal.from_, desk.calendar.last)
            withheld = self._crew.run(first_page(FIRST_PAGE if window == EVERYTHING else Ask(window, 0, 1), desk.seen))
            desk.calendar.begin(first_settled([*desk.sealer.days_shown, *withheld], desk.calendar.last))
            return None
        desk.calendar.begin(min(desk.days.days))
        before = desk.calendar.stretch
        found = self._crew.run(survey(before))
        # the first answer told the source's clock: a day may be open that was not by ours
        return found if desk.calendar.stretch == before else self._crew.run(survey(desk.calendar.stretch))

    def days_to_read(self, told: Survey | None) -> list[dt.date]:
        """Days never read, incomplete, over since they were read, grown, or different at the source; oldest first."""
        desk, open_from = self._desk, self._desk.calendar.stretch.open_from
        days = desk.calendar.days
        unread = {day for day in days if needs_reading(desk.days.known(day), open_=day >= open_from)}
        closed = [day for day in desk.calendar.closed if day not in unread]
        growing = [day for day in desk.calendar.open if day not in unread]
        wanted = unread | set(self._rechecked(closed)) | self._census(closed, told) | self._grown(growing, told)
        if desk.goal.confirm:
            wanted |= {day for day in closed if desk.days.days[day].method == "stable"}
        return sorted(wanted)

    def _rechecked(self, closed: Sequence[dt.date]) -> Sequence[dt.date]:
        if self._desk.goal.recheck == "sample":
            draw = random.Random(self._desk.archive.root)  # noqa: S311 - anybody can draw the same sample again
            return draw.sample(closed, min(len(closed), max(_SAMPLE, len(closed) // 10)))
        return closed if self._desk.goal.recheck == "full" else ()

    def _census(self, closed: list[dt.date], told: Survey | None) -> set[dt.date]:
        """Closed days whose total is not what is archived: by bisection, or one by one where days were asked for."""
        desk = self._desk
        expected = {day: desk.days.rows(day) for day in closed}
        if not desk.goal.whole:
            return set(self._count_each(expected))
        if told is not None and closed and closed == desk.calendar.closed:
            rows = sum(expected.values())
            desk.scribe.census.append(Census(closed[0], closed[-1], rows, told.closed, desk.now()))
            if told.closed == rows:
                return set()
        return {day for days in consecutive(closed) for day in self._bisect(days, expected)}

    def _bisect(self, days: list[dt.date], expected: Mapping[dt.date, int]) -> list[dt.date]:
        differ = self._crew.run(days_that_differ({day: expected[day] for day in days}))
        if not differ:
            rows = sum(expected[day] for day in days)
            self._desk.scribe.census.append(Census(days[0], days[-1], rows, rows, self._desk.now()))
        return differ

    def _count_each(self, expected: Mapping[dt.date, int]) -> list[dt.date]:
        """Days whose total differs, each asked for by itself."""
        found = self._crew.run(together([days_that_differ({day: rows}) for day, rows in expected.items()]))
        for (day, rows), differs in zip(expected.items(), found, strict=True):
            if not differs:
                self._desk.scribe.census.append(Census(day, day, rows, rows, self._desk.now()))
        return [day for differs in found for day in differs]

    def _grown(self, growing: list[dt.date], told: Survey | None) -> set[dt.date]:
        """Days not over that have other totals than when they were last read."""
        expected = {day: self._desk.days.rows(day) for day in growing}
        if told is not None and growing == self._desk.calendar.open and told.open == sum(expected.values()):
            return set()
        return set(self._crew.run(days_that_differ(expected)))

    # -- reading

    def read(self, days: Sequence[dt.date]) -> None:
        """Read days, oldest first: retention eats the oldest."""
        desk, stretch = self._desk, self._desk.calendar.stretch
        oldest = stretch.first if desk.goal.from_ is None else None
        procedures = (
            sweep(
                Window.day(day),
                desk.seen,
                confirm=desk.goal.confirm or must_be_confirmed(day, oldest, total_fell=desk.days.total_fell),
                growing=day >= stretch.open_from,
            )
            for day in days
        )
        for verdict in self._crew.run_all(procedures):
            closed = verdict.window.first_day < stretch.open_from
            desk.days.finish(verdict, desk.sealer, closed=closed, at=desk.now())

    def agrees(self, told: Survey) -> bool:
        """Whether totals are those of the days as they are known now."""
        desk = self._desk
        rows = desk.days.rows
        return all(day in desk.days.days for day in desk.calendar.days) and (told.closed, told.open) == (
            sum(map(rows, desk.calendar.closed)),
            sum(map(rows, desk.calendar.open)),
        )

    def survey_again(self) -> Survey:
        """Totals after reading; what moved meanwhile is read again, a few times."""
        for _ in range(_ROUNDS):
            told = self._crew.run(survey(self._desk.calendar.stretch))
            late = self._late(told)
            if not late:
                break
            self.read(late)
        return told

    def _late(self, told: Survey) -> list[dt.date]:
        """Days that came to be, or closed days that grew, since the days were chosen."""
        desk = self._desk
        unread = [day for day in desk.calendar.days if day not in desk.days.days]
        whole = {day: desk.days.rows(day) for day in desk.calendar.closed if desk.days.is_complete(day)}
        if unread or len(whole) < len(desk.calendar.closed) or told.closed == sum(whole.values()):
            return unread
        return self._crew.run(days_that_differ(whole))

    def rotate(self) -> bool:
        """Nothing is new: spend what is left of the budget on the days longest unchecked.

        Returns:
            Whether one of them differs, so that days were read and totals are to be asked for again.
        """
        desk = self._desk
        complete = {day: known for day in desk.calendar.closed if (known := desk.days.known(day)) and known.method}
        page = min(desk.seen.limit, desk.seen.fullest or desk.seen.limit)
        due = rotation(complete, IDLE_BUDGET - desk.asker.requests, page)
        differ = set(self._count_each({day: desk.days.rows(day) for day in due.count}))
        again = (once_more(Window.day(day), desk.seen) for day in (*due.read, *due.confirm))
        for verdict in self._crew.run_all(again):
            if verdict.rows != desk.days.rows(verdict.window.first_day):
                differ.add(verdict.window.first_day)
            desk.days.finish(verdict, desk.sealer, closed=True, at=desk.now(), once_more=True)
        if not differ:
            return False
        # the whole is what it was: what this day lacks or has too many of, another one has or lacks
        rows = {day: desk.days.rows(day) for day in desk.calendar.closed}
        self.read(self._crew.run(days_that_differ(rows, differ)))
        return True

    # -- what no day serves

    def look_before(self) -> None:
        """Entries lie before the first day: read the days back to the earliest, what is older still as one window."""
        desk = self._desk
        first = desk.calendar.stretch.first
        # the day before is read in any case: it may have begun on our first day, in a zone to the west
        earliest = min(self._shown_before(), first - _DAY)
        while earliest < first:
            self.read(days_between(earliest, first - _DAY))
            desk.calendar.begin(earliest)
            first = earliest
            if not self._crew.run(count(desk.calendar.stretch.before)):
                return
            earliest = self._shown_before()  # a source that begins with the newest shows days by and by
        self.look_at(desk.calendar.stretch.before)

    def look_after(self) -> bool:
        """Read what lies after the last day; whether there is anything."""
        calendar = self._desk.calendar
        if not self._crew.run(count(calendar.stretch.after)):
            return False
        if not self.read_tomorrow() or self._crew.run(count(calendar.stretch.after)):
            self.look_at(calendar.stretch.after, growing=True)
        return True

    def read_tomorrow(self) -> bool:
        """Read the day after the last if it has begun where the source is, as in the east it may; whether it has."""
        tomorrow = self._desk.calendar.last + _DAY
        if not self._crew.run(count(Window.day(tomorrow))):
            return False
        self.read([tomorrow])
        self._desk.calendar.reach(tomorrow)
        return True

    def _shown_before(self) -> dt.date:
        before = self._desk.calendar.stretch.before
        return self._earliest(*self._crew.run(first_page(Ask(before, 0, 1000), self._desk.seen)))

    def has_days_before(self) -> bool:
        """Whether entries of days before the first are archived, which an answer to another question brought."""
        return self._earliest() < self._desk.calendar.stretch.first

    def _earliest(self, *others: dt.date) -> dt.date:
        """The first day of archived entries, and some others; but for such as lie long before all others."""
        first = self._desk.calendar.stretch.first
        known = (day for day, rows in self._desk.known.counts.items() if rows)
        return first_settled({*known, *self._desk.sealer.days_shown, *others, first}, first)

    def look_at(self, window: Window, *, growing: bool = False) -> None:
        """Read a window that is no day."""
        verdict = self._crew.run(sweep(window, self._desk.seen, growing=growing))
        self._outside.append(verdict)
        self._desk.missing.saw_outside(verdict.keys)
        self._desk.days.finish_other(verdict)

    @property
    def served_outside(self) -> Words | None:
        """Keys of all that windows served which are no days; None where one of them was not read whole."""
        if all(verdict.complete for verdict in self._outside):
            return np.concatenate([np.empty(0, np.uint64), *(verdict.keys for verdict in self._outside)])
        return None
