"""What can be read off an item of a page, whatever its bytes are."""

import datetime as dt
import hashlib
import json
from typing import Any, Final

import msgspec

from muniment.archive.timestamps import parse_time

__all__ = ["Row", "read_row"]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KEY_DIGITS: Final = 16


class Row(msgspec.Struct, frozen=True):
    """An entry as an examination sees it; what is missing or of another type is None.

    Args:
        key: What tells it from others: its id, else its hash.
        id: Its id.
        at: When it happened, UTC.
        members: Names of its members; None where it is no object.
    """

    key: str
    id: str | None = None
    at: dt.datetime | None = None
    action: str | None = None
    resource_type: str | None = None
    status: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    account_id: str | None = None
    members: frozenset[str] | None = None


def read_row(item: bytes) -> Row:
    """Read an item; never fails."""
    said = _members(item)
    if said is None:
        return Row(_hash(item))
    identity = _text(said.get("id"))
    user, account = _object(said.get("user")), _object(said.get("account"))
    return Row(
        key=identity or _hash(item),
        id=identity,
        at=_moment(said.get("timestamp")),
        action=_text(said.get("action")),
        resource_type=_text(said.get("resource_type")),
        status=_text(said.get("status")),
        user_id=_text(user.get("id")),
        user_name=_text(user.get("name")),
        account_id=_text(account.get("id")),
        members=frozenset(said),
    )


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _members(item: bytes) -> dict[str, Any] | None:
    try:
        # as text, a number of any length is read in linear time, and none is out of range
        text = item.decode("utf-8", "replace")
        said = json.loads(text, strict=False, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> dt.datetime | None:
    time_us = parse_time(float(value) if isinstance(value, _Number) else value) if isinstance(value, str) else None
    return None if time_us is None else _EPOCH + dt.timedelta(microseconds=time_us)


def _hash(item: bytes) -> str:
    return hashlib.sha256(item).hexdigest()[:_KEY_DIGITS]
