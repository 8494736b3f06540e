"""Instants as we write them: RFC 3339, UTC, to the millisecond, with ``Z``."""

import datetime as dt
from collections.abc import Callable

__all__ = ["Clock", "rfc3339", "utc_now"]

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The machine's clock, aware."""
    return dt.datetime.now(dt.UTC)


def rfc3339(instant: dt.datetime) -> str:
    """Such as ``2026-03-02T23:56:45.123Z``."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
