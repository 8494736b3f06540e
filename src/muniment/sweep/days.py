"""Which days are over, and what the days themselves tell of the source's time zone.

Design §4.9: a day is closed when the source's clock and ours are both past its end by an hour, by fourteen while the
zone is not known.
"""

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise

import msgspec

__all__ = ["DayEdges", "days_between", "first_open_day", "first_settled"]

_DAY = dt.timedelta(days=1)
_QUARTER = dt.timedelta(minutes=15)
_SURE = dt.timedelta(hours=1)
_UNSURE = dt.timedelta(hours=14)
_FAR = dt.timedelta(days=366)
_LONGEST = dt.timedelta(days=3660)


class DayEdges(msgspec.Struct, frozen=True):
    """How early and how late the entries of a day's window lie, in seconds from that day's midnight UTC.

    A day served in a zone east of UTC begins before midnight UTC. Whatever zones are consistent with every entry seen
    are the zones the source may count its days in.
    """

    earliest_s: float | None = None
    latest_s: float | None = None

    def widened(self, earliest_s: float, latest_s: float) -> "DayEdges":
        """With the entries of one more day."""
        return DayEdges(
            earliest_s if self.earliest_s is None else min(self.earliest_s, earliest_s),
            latest_s if self.latest_s is None else max(self.latest_s, latest_s),
        )

    @property
    def zone(self) -> dt.timedelta | None:
        """The one offset from UTC, in quarters of an hour, that all entries seen allow; None while several do."""
        if self.earliest_s is None or self.latest_s is None:
            return None
        possible = [q * _QUARTER for q in range(-12 * 4, 14 * 4 + 1) if self._allows(q * _QUARTER)]
        return possible[0] if len(possible) == 1 else None

    def _allows(self, zone: dt.timedelta) -> bool:
        begins = -zone.total_seconds()
        return (self.earliest_s or 0) >= begins and (self.latest_s or 0) < begins + _DAY.total_seconds()


def first_open_day(ours: dt.datetime, source: dt.datetime | None, zone: dt.timedelta | None) -> dt.date:
    """The first day that may still grow.

    Args:
        ours: Our clock, aware.
        source: The source's clock as its last `Date` said, aware; None where it sent none.
        zone: The source's offset from UTC; None while it is not known.
    """
    now = min(ours, source or ours).astimezone(dt.UTC)
    if zone is None:
        return (now - _UNSURE).date()
    return (now + zone - _SURE).date()


def days_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every day from first to last, both inclusive; none where last is before first."""
    return [first + n * _DAY for n in range((last - first).days + 1)]


def first_settled(days: Iterable[dt.date], last: dt.date) -> dt.date:
    """The first day from which on no two days lie more than a year apart; the last where there is none.

    An entry dated 1970 or 2999 is read as one of no day: it must not make a run ask for every day since or until. Of
    days that all lie long ago, not knowing what came after them, ten years are asked for at most.

    Args:
        days: Such as there are entries of.
        last: The last day that there can be entries of; later ones are left out.
    """
    ascending = sorted({day for day in days if day <= last})
    first = _behind_holes(ascending) if ascending else last
    return first if last - first <= _LONGEST else _behind_holes([*ascending, last])


def _behind_holes(ascending: list[dt.date]) -> dt.date:
    far = [later for earlier, later in pairwise(ascending) if later - earlier > _FAR]
    return far[-1] if far else ascending[0]
