"""Entries as an auditor's table has them: a row each, every cell as the source wrote it."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import msgspec

from muniment.archive.columns import columns_of
from muniment.archive.leaf import parse_leaf
from muniment.archive.timestamps import parse_time
from muniment.query.scan import Lines

__all__ = ["Member", "members"]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PARTS: Final = ("user", "account")
_TEXTS: Final = ("action", "resource_type", "resource_id", "resource_name", "status", "description")


class Member(msgspec.Struct, frozen=True, gc=False):
    """One entry of a population; what an entry does not say is None."""

    leaf: int
    source: str
    id: str | None = None
    timestamp: str | None = None
    """As the source wrote it; an epoch number as RFC 3339."""
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    status: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    description: str | None = None


class _Named(msgspec.Struct, gc=False):
    id: str | None = None
    name: str | None = None


class _Item(msgspec.Struct, gc=False):
    id: str | int | None = None
    account: _Named | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    action: str | None = None
    user: _Named | None = None
    timestamp: str | int | float | None = None
    description: str | None = None
    status: str | None = None


class _Written(msgspec.Struct, gc=False):
    timestamp: msgspec.Raw = msgspec.Raw(b"null")


_NOBODY: Final = _Named()
_decode: Final = msgspec.json.Decoder(_Item).decode
_decode_written: Final = msgspec.json.Decoder(_Written).decode


def members(lines: Lines) -> Iterator[Member]:
    """The rows of some entries, in their order."""
    for index, leaf in zip(lines.indices, lines.leaves, strict=True):
        parsed = parse_leaf(leaf)
        try:
            item = _decode(parsed.payload)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            yield _odd_member(index, parsed.source, leaf, parsed.payload)
        else:
            yield _member(index, parsed.source, item, parsed.payload)


def _member(index: int, source: str, item: _Item, payload: bytes) -> Member:
    user, account = item.user or _NOBODY, item.account or _NOBODY
    return Member(
        leaf=index,
        source=source,
        id=str(item.id) if isinstance(item.id, int) else item.id,
        timestamp=_timestamp(item.timestamp, payload),
        action=item.action,
        resource_type=item.resource_type,
        resource_id=item.resource_id,
        resource_name=item.resource_name,
        status=item.status,
        user_id=user.id,
        user_name=user.name,
        account_id=account.id,
        account_name=account.name,
        description=item.description,
    )


def _odd_member(index: int, source: str, leaf: bytes, payload: bytes) -> Member:
    """The row of an entry with members of unexpected types: what the archive's own columns could read of it."""
    [row] = columns_of([leaf]).to_pylist()
    cells = {name: row[name] for name in ("id", *_TEXTS)}
    cells |= {f"{part}_{name}": row[f"{part}_{name}"] for part in _PARTS for name in ("id", "name")}
    return Member(leaf=index, source=source, timestamp=_odd_timestamp(payload, row["time"]), **cells)


def _timestamp(value: str | float | None, payload: bytes) -> str | None:
    if value is None or isinstance(value, str):
        return value
    moment = parse_time(value)
    return _written_timestamp(payload) if moment is None else _rfc3339(_EPOCH + dt.timedelta(microseconds=moment))


def _odd_timestamp(payload: bytes, moment: dt.datetime | None) -> str | None:
    written = _written_timestamp(payload)
    if written is not None and written.startswith('"'):
        return _text(written)
    return written if moment is None else _rfc3339(moment)


def _written_timestamp(payload: bytes) -> str | None:
    """The JSON that stands there, None where there is none or nothing can be read."""
    try:
        written = bytes(_decode_written(payload).timestamp).decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return None if written == "null" else written


def _text(written: str) -> str:
    try:
        return msgspec.json.decode(written, type=str)
    except msgspec.MsgspecError:
        return written


def _rfc3339(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
