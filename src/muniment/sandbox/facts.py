"""What the audit log can be asked about an entry, read from any JSON, however odd."""

import datetime as dt
import json
import re
from typing import Any, Final, NamedTuple

__all__ = ["NEVER", "Facts", "microseconds", "read_facts"]

NEVER: Final = 2**63 - 1
"""The time of an entry without a timestamp that can be read: after all others, in no day."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_RFC_3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_MILLISECONDS_FROM: Final = 10**11  # read as seconds this would be the year 5138
_LATEST: Final = 253_402_300_800  # seconds: the end of the year 9999


class Facts(NamedTuple):
    """The attributes that filters and sorts look at; None where the entry has no text there."""

    at: int
    id: str
    account_id: str | None
    resource_type: str | None
    resource_id: str | None
    action: str | None
    user_name: str | None
    description: str | None
    status: str | None


def read_facts(item: bytes) -> Facts:
    """Read what can be read; bytes that are no JSON object have no facts, and no time."""
    try:
        entry = json.loads(item)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        entry = {}
    return Facts(
        at=_read_time(entry.get("timestamp")),
        id=_text(entry.get("id")) or "",
        account_id=_text(_member(entry.get("account"), "id")),
        resource_type=_text(entry.get("resource_type")),
        resource_id=_text(entry.get("resource_id")),
        action=_text(entry.get("action")),
        user_name=_text(_member(entry.get("user"), "name")),
        description=_text(entry.get("description")),
        status=_text(entry.get("status")),
    )


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _MICROSECOND


def _read_time(value: Any) -> int:
    """Microseconds since 1970 of an RFC 3339 text or a number of seconds or milliseconds; else `NEVER`."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return microseconds(dt.datetime.fromisoformat(value.upper()))
        except (ValueError, OverflowError):
            return NEVER
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return round(seconds * 1_000_000) if 0 <= seconds < _LATEST else NEVER
    return NEVER


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
