"""What a run reads, given what is known: pure decisions, so that each can be tried on paper.

Design §4.2 (confirmation in rotation), §4.5 (census, bisection, day checks within an idle run's budget).
"""

import datetime as dt
from collections.abc import Mapping

import msgspec

from muniment.sweep.window import Method

__all__ = ["IDLE_BUDGET", "KnownDay", "Rotation", "must_be_confirmed", "needs_reading", "other_seams", "rotation"]

IDLE_BUDGET = 12
"""Audit-log requests that a run may make when nothing is new."""


class KnownDay(msgspec.Struct, frozen=True):
    """What the last readings and censuses of a day say.

    Args:
        rows: Rows of its last reading.
        method: How it was known to be complete, None where it was not.
        closed: Whether the day was over when it was last read.
        censused_at: When the source's total last agreed, RFC 3339.
    """

    rows: int
    method: Method | None
    closed: bool
    censused_at: str


class Rotation(msgspec.Struct, frozen=True):
    """What an idle run does besides.

    Args:
        count: Days whose total is asked for.
        read: Days that one answer holds, so that reading them costs no more than counting them and shows more: an
            entry that vanished from a day in which another one arrived.
        confirm: Days of several pages to read a second time.
    """

    count: tuple[dt.date, ...]
    read: tuple[dt.date, ...]
    confirm: tuple[dt.date, ...]


def needs_reading(known: KnownDay | None, *, open_: bool) -> bool:
    """Whether a day has to be read, whatever its total says: never read, incomplete, or read before it was over."""
    return known is None or known.method is None or (not open_ and not known.closed)


def must_be_confirmed(day: dt.date, oldest: dt.date | None, *, total_fell: bool) -> bool:
    """Whether `stable` is not enough for this day: retention may eat it while it is read."""
    return day == oldest or total_fell


def rotation(known: Mapping[dt.date, KnownDay], budget: int, page: int) -> Rotation:
    """Days longest unchecked, within a budget of requests; one confirmation before further day checks.

    Args:
        known: Closed days.
        budget: Requests that may be spent.
        page: Rows that one answer holds.
    """
    by_age = sorted(known, key=lambda day: (known[day].censused_at, day))
    confirm = []
    for day in by_age:
        cost = pass_cost(known[day].rows, page)
        if known[day].method == "stable" and cost <= budget:
            confirm.append(day)
            budget -= cost
            break
    check = [day for day in by_age if day not in confirm][: max(budget, 0)]
    read = [day for day in check if 0 < known[day].rows < other_seams(page)]
    return Rotation(tuple(day for day in check if day not in read), tuple(read), tuple(confirm))


def pass_cost(rows: int, page: int) -> int:
    """Requests that one more pass over a day takes, with smaller pages and a look behind the end."""
    return -(-rows // max(other_seams(page) - 1, 1)) + 1


def other_seams(page: int) -> int:
    """The size of pages whose borders lie elsewhere than those of pages of this size."""
    return max(2, page - max(1, page // 15))
