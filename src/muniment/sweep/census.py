"""Asking only for totals: where do they differ from what is archived, do their parts sum up.

Design §4.3 and §4.5. A census of a window costs one request, whatever the window holds.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import msgspec

from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES
from muniment.sweep.sweeping import count
from muniment.sweep.together import together
from muniment.sweep.window import Filter, Steps, Window

__all__ = ["VALUES", "ControlTotals", "Dimension", "control_totals", "days_that_differ"]

Dimension = Literal["status", "action", "resource_type"]
_TRIES = 3
VALUES: Mapping[Dimension, Sequence[str]] = {
    "status": STATUSES,
    "action": ACTIONS,
    "resource_type": RESOURCE_TYPES,
}


class ControlTotals(msgspec.Struct, frozen=True):
    """The totals of a window's parts by one dimension, beside the total of the whole.

    Args:
        by: The dimension.
        from_: First day of the window, None where unbounded.
        to: Last day.
        parts: The source's total of each value that has any.
        sum: Of the parts.
        whole: The source's total of the window, None where it gave none.
        moved: By how many entries the totals moved, at the last try, while they were asked for.
    """

    by: Dimension
    from_: dt.date | None = msgspec.field(name="from")
    to: dt.date | None
    parts: dict[str, int]
    sum: int
    whole: int | None
    moved: int = 0

    @property
    def agree(self) -> bool:
        """Whether the parts sum up to the whole."""
        return self.agree_with(0)

    def holds(self, day: dt.date) -> bool:
        """Whether the window has this day."""
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)

    def agree_with(self, others: int) -> bool:
        """Whether the parts, and so many entries of none of them, sum up to the whole, within what it moved."""
        return self.whole is not None and abs(self.sum + others - self.whole) <= self.moved


def days_that_differ(
    expected: Mapping[dt.date, int], known: AbstractSet[dt.date] = frozenset()
) -> Steps[list[dt.date]]:
    """The days whose total is not what is expected, by bisection; one request where none differs.

    Two days between which the same number was exchanged hide each other, until one of them is known: the rotation of
    day checks finds it, and then the other one is found here.

    Args:
        expected: Rows of each day's last complete reading; consecutive days.
        known: Days that are known to differ.
    """
    days = sorted(expected)
    if not days:
        return []
    total = yield from count(Window(days[0], days[-1]))
    return (yield from _bisect(days, expected, total, known))


def _bisect(
    days: list[dt.date], expected: Mapping[dt.date, int], total: int | None, known: AbstractSet[dt.date]
) -> Steps[list[dt.date]]:
    if total == sum(expected[day] for day in days) and known.isdisjoint(days):
        return []
    if len(days) == 1 or total is None:
        return days
    left, right = days[: len(days) // 2], days[len(days) // 2 :]
    on_the_left = yield from count(Window(left[0], left[-1]))
    if on_the_left is None:
        return days
    halves = yield from together(
        [_bisect(left, expected, on_the_left, known), _bisect(right, expected, total - on_the_left, known)]
    )
    return halves[0] + halves[1]


def control_totals(window: Window, by: Dimension) -> Steps[ControlTotals]:
    """Partition a window by one dimension and add up; asked again, three times at most, while the whole moves."""
    values = VALUES[by]
    asked = [_narrow(window, by, value) for value in values]
    for _ in range(_TRIES):
        before, *parts = yield from together([count(window), *map(count, asked)])
        found = ControlTotals(
            by=by,
            from_=window.from_,
            to=window.to,
            parts={value: part for value, part in zip(values, parts, strict=True) if part},
            sum=sum(part or 0 for part in parts),
            whole=before,
        )
        if found.agree:
            return found
        after = yield from count(window)
        if after == before:
            return found
    moved = 0 if before is None or after is None else abs(after - before)
    return msgspec.structs.replace(found, moved=moved)


def _narrow(window: Window, by: Dimension, value: str) -> Window:
    if by == "resource_type":
        return Window(window.from_, window.to, Filter(resource_types=(value,)))
    narrow = Filter(action=value) if by == "action" else Filter(status=value)
    return Window(window.from_, window.to, narrow)
