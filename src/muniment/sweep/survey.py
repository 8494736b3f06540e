"""All the totals that a run needs, asked for in a row: six requests say whether anything is new, lost or odd.

Design §4.3 (totals are tested before they are trusted; status control totals), §4.4 (nothing outside the days), §4.5.
"""

import datetime as dt

import msgspec

from muniment.model import RESOURCE_TYPES, STATUSES
from muniment.sweep.census import ControlTotals
from muniment.sweep.sweeping import count
from muniment.sweep.together import together
from muniment.sweep.window import EVERYTHING, Answer, Ask, Filter, Sheet, Steps, Window

__all__ = ["Stretch", "Survey", "survey", "undated_windows"]

_DAY = dt.timedelta(days=1)
_TRIES = 3
_MILLENNIUM = dt.date(2000, 1, 1)


class Stretch(msgspec.Struct, frozen=True):
    """The days of a run.

    Args:
        first: The first day.
        open_from: The first day that may still grow.
        last: The last day; today, where the whole history is wanted.
        whole: Whether it is, so that what lies outside the days matters.
        from_start: Whether everything up to the last day is wanted, so that what lies before the first day matters.
    """

    first: dt.date
    open_from: dt.date
    last: dt.date
    whole: bool
    from_start: bool = False

    @property
    def everything(self) -> Window:
        """What the run is about."""
        if self.whole:
            return EVERYTHING
        return Window(None if self.from_start else self.first, self.last)

    @property
    def closed(self) -> Window | None:
        """Its closed days; None where there are none."""
        last = min(self.open_from - _DAY, self.last)
        return Window(self.first, last) if last >= self.first else None

    @property
    def open(self) -> Window | None:
        """Its open days; None where there are none."""
        first = max(self.first, self.open_from)
        return Window(first, self.last) if first <= self.last else None

    @property
    def before(self) -> Window:
        """Everything before its first day."""
        return Window(None, self.first - _DAY)

    def leaves_out(self, day: dt.date) -> bool:
        """Whether a day is none of these, though the run is about it."""
        return day < self.first or (self.whole and day > self.last)

    @property
    def after(self) -> Window:
        """Everything after its last day."""
        return Window(self.last + _DAY, None)


class Survey(msgspec.Struct, frozen=True):
    """The totals of a stretch; None where the source gave none.

    Args:
        whole_before: Of all that the run is about, before the others were asked for.
        whole: The same after them.
        closed: Of the closed days; 0 where there are none.
        open: Of the open days; 0 where there are none.
        status: Control totals of the closed days by status, None without closed days.
        doubt: Why totals are not to be trusted, or None.
        closed_moved: By how many entries the closed days themselves grew or shrank, where the whole did.
    """

    whole_before: int | None
    whole: int | None
    closed: int | None
    open: int | None
    status: ControlTotals | None
    doubt: str | None
    closed_moved: int = 0

    @property
    def moved(self) -> int:
        """By how many entries the whole grew or shrank while the totals were asked for."""
        return 0 if self.whole is None or self.whole_before is None else self.whole - self.whole_before

    @property
    def outside(self) -> int | None:
        """Entries that none of the days serves; negative where the days serve more than the whole."""
        if self.whole is None or self.closed is None or self.open is None:
            return None
        return self.whole - self.closed - self.open

    @property
    def has_none_outside(self) -> bool:
        """Whether the days serve everything there is, by totals that stood still."""
        return self.outside == 0 and not self.moved

    def bears_out(self, outside: int) -> bool:
        """Whether so many entries of none of the days agree with the totals; of a whole that moved, within its move.

        Without totals nothing is said against it here: that is a doubt of its own.
        """
        if self.outside is None or self.whole_before is None:
            return True
        other = self.outside - self.moved
        return min(self.outside, other) <= outside <= max(self.outside, other)


def survey(stretch: Stretch) -> Steps[Survey]:
    """Ask for the totals of a stretch, again while the whole moves, three times at most."""
    windows = _asked(stretch)
    whole = stretch.everything
    for _ in range(_TRIES):
        # one after the other: what is asked for between two equal totals was asked for while nothing moved
        (one,) = yield (Ask(whole, 0, 1),)
        answers = yield tuple(Ask(each, 0, 1) for each in windows.values())
        (two,) = yield (Ask(whole, 0, 2),)
        totals = {name: _total(answer) for name, answer in zip(windows, answers, strict=True)}
        if _total(one) == _total(two):
            break
    doubt = yield from _doubt(whole, _total(one), _total(two))
    closed_moved = 0 if _total(one) == _total(two) else (yield from _closed_moved(stretch, totals.get("closed")))
    return Survey(
        whole_before=_total(one),
        whole=_total(two),
        closed=totals.get("closed", 0),
        open=totals.get("open", 0),
        status=_status(stretch.closed, totals, closed_moved) if stretch.closed else None,
        doubt=doubt,
        closed_moved=closed_moved,
    )


def _asked(stretch: Stretch) -> dict[str, Window]:
    windows: dict[str, Window] = {}
    if stretch.closed is not None:
        windows["closed"] = stretch.closed
        for status in STATUSES:
            windows[status] = Window(stretch.closed.from_, stretch.closed.to, Filter(status=status))
    if stretch.open is not None:
        windows["open"] = stretch.open
    return windows


def _closed_moved(stretch: Stretch, before: int | None) -> Steps[int]:
    """What is new today moves the whole, and is no excuse for the days that are over: they are asked for again."""
    after = (yield from count(stretch.closed)) if stretch.closed else None
    return 0 if before is None or after is None else abs(after - before)


def _status(closed: Window, totals: dict[str, int | None], moved: int) -> ControlTotals:
    parts = {status: totals[status] or 0 for status in STATUSES}
    return ControlTotals("status", closed.from_, closed.to, parts, sum(parts.values()), totals["closed"], moved)


def _doubt(whole: Window, one: int | None, two: int | None) -> Steps[str | None]:
    """Why totals are not to be trusted: there is none, or it depends on how many rows are asked for."""
    if one is None or two is None:
        return "the source gives no total"
    if one == two:
        return None
    # one after the other: asked for at once, an entry that arrives meanwhile could be counted by the second one alone
    totals = []
    for limit in (1, 2, 1):
        (answer,) = yield (Ask(whole, 0, limit),)
        totals.append(_total(answer))
    again, more, last = totals
    if again == last != more:
        return f"the total is {again} when one row is asked for and {more} when two are"
    return None


def _total(answer: Answer) -> int | None:
    return answer.total if isinstance(answer, Sheet) else None


def undated_windows() -> Steps[list[Window]]:
    """The narrowest windows without dates, by resource type, that hold entries which no range of dates serves.

    Everything, where the resource types do not tell, or not of all of them.
    """
    every, listed = yield from together([_undated_rows(EVERYTHING.filter), _undated_rows(_of(RESOURCE_TYPES))])
    if every != listed:
        return [EVERYTHING]
    found = yield from _undated(RESOURCE_TYPES, listed)
    return found or [EVERYTHING]


def _undated(types: tuple[str, ...], rows: int) -> Steps[list[Window]]:
    if rows <= 0 or len(types) == 1:
        return [Window(None, None, _of(types))] if rows > 0 else []
    halves = types[: len(types) // 2], types[len(types) // 2 :]
    counts = yield from together([_undated_rows(_of(half)) for half in halves])
    found = yield from together([_undated(half, count) for half, count in zip(halves, counts, strict=True)])
    return found[0] + found[1]


def _of(types: tuple[str, ...]) -> Filter:
    return Filter(resource_types=types)


def _undated_rows(narrow: Filter) -> Steps[int]:
    """How many entries that pass a filter no range of dates serves; 0 where the source gives no totals."""
    # with no date that a source might refuse as too early or too late
    windows = [Window(None, None, narrow), Window(None, _MILLENNIUM - _DAY, narrow), Window(_MILLENNIUM, None, narrow)]
    whole, early, late = yield from together([count(window) for window in windows])
    return 0 if whole is None or early is None or late is None else whole - early - late
