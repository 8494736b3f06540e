"""When an entry says it happened: RFC 3339 in its many spellings, or an epoch number, as microseconds since 1970."""

import datetime as dt
import math
import re
from typing import Final

__all__ = ["format_time", "parse_time"]

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))? ?(?:[Zz]|([+-]\d\d):?(\d\d))?)?", re.ASCII
)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_FIRST: Final = (dt.datetime.min.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_MILLISECONDS_FROM: Final = 1e11
"""Epoch numbers from here on are milliseconds: as seconds they would lie past the year 5138."""


def parse_time(value: str | float | None) -> int | None:
    """Microseconds since the epoch, or None where the value says no time between the years 1 and 9999.

    A time without a zone is taken as UTC, a date alone as its midnight, digits past the microsecond are cut, a leap
    second counts as the last microsecond before it.

    Args:
        value: RFC 3339 (``T`` may be a space, the zone may lack its colon), or seconds or milliseconds since 1970.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if value is None or isinstance(value, bool):
        return None
    return _parse_number(value)


def format_time(moment: dt.datetime) -> str:
    """A moment as leaves say it: RFC 3339, UTC, whole seconds, with ``Z``.

    Args:
        moment: Aware, of any zone.
    """
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_number(value: float) -> int | None:
    try:
        if not math.isfinite(value):
            return None
        scale = 1_000 if abs(value) >= _MILLISECONDS_FROM else 1_000_000
        return _within(round(value * scale))
    except OverflowError:  # an integer too large for a float
        return None


def _parse_text(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone_hours, zone_minutes = match.groups()
    leap = second == "60"
    try:
        whole = dt.datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            tzinfo=dt.UTC,
        )
    except ValueError:
        return None
    micros = 999_999 if leap else int((fraction or "")[:6].ljust(6, "0"))
    offset = _offset_minutes(zone_hours, zone_minutes)
    if offset is None:
        return None
    return _within((whole - _EPOCH) // _MICROSECOND + micros - offset * 60_000_000)


def _offset_minutes(hours: str | None, minutes: str | None) -> int | None:
    if hours is None or minutes is None:
        return 0
    size = abs(int(hours)) * 60 + int(minutes)
    if size >= 24 * 60 or int(minutes) > 59:
        return None
    return -size if hours.startswith("-") else size


def _within(micros: int) -> int | None:
    return micros if _FIRST <= micros <= _LAST else None
