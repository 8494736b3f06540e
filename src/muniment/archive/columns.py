"""The typed columns of a segment: what can be read off a payload without trusting it.

A column is a function of one leaf alone, whatever stood beside it, so that anybody can compute it again. A member that
is missing or of another type is null: the leaf keeps the bytes. Nothing here raises, whatever the bytes are.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.leaf import encode_leaves, parse_leaf
from muniment.archive.timestamps import parse_time
from muniment.merkle.tree import hash_leaves

__all__ = [
    "COLUMNS_VERSION",
    "LEAF_SCHEMA",
    "SEGMENT_SCHEMA",
    "LeafBatch",
    "columns_of",
    "entry_batch",
    "leaf_batch",
    "record_leaf",
    "typed_columns",
]

COLUMNS_VERSION: Final = 1
"""Raised whenever a payload would give other columns than before; each segment says by which it was written."""

_INSTANT: Final = pa.timestamp("us", tz="UTC")
LEAF_SCHEMA: Final = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("time", _INSTANT),
        pa.field("day", pa.date32()),
        pa.field("action", pa.string()),
        pa.field("resource_type", pa.string()),
        pa.field("resource_id", pa.string()),
        pa.field("resource_name", pa.string()),
        pa.field("status", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("user_name", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("account_name", pa.string()),
        pa.field("description", pa.string()),
        pa.field("leaf", pa.binary(), nullable=False),
    ]
)
SEGMENT_SCHEMA: Final = pa.schema([pa.field("index", pa.int64(), nullable=False), *LEAF_SCHEMA])
"""All columns of a segment: the leaf's index before those of `LEAF_SCHEMA`."""

_COMMON_TIME: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6}|\.\d{3})?Z$"
_PLAIN: Final = ("action", "resource_type", "resource_id", "resource_name", "status")


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


class _RawId(msgspec.Struct, gc=False):
    id: msgspec.Raw = msgspec.Raw(b"null")


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


_NOTHING: Final = _Item()
_NOBODY: Final = _Named()
_decode_item: Final = msgspec.json.Decoder(_Item).decode
_decode_raw_id: Final = msgspec.json.Decoder(_RawId).decode


@dataclass(frozen=True, slots=True)
class LeafBatch:
    """Leaves of one kind, ready to be appended."""

    kind: str
    leaves: Sequence[bytes]
    hashes: bytes
    """Their leaf hashes, 32 bytes each, one after the other."""
    record_batch: pa.RecordBatch
    """A row each, by `LEAF_SCHEMA`."""


def entry_batch(source: str, observed_at: str, payloads: Sequence[bytes]) -> LeafBatch:
    """Make the leaves of a page of entries.

    Args:
        source: Name of the source.
        observed_at: When the page came: RFC 3339, UTC, with ``Z``.
        payloads: The items' exact bytes; about a thousand at a time are fastest.
    """
    return leaf_batch("entry", source, observed_at, payloads)


def leaf_batch(kind: str, source: str, observed_at: str, payloads: Sequence[bytes]) -> LeafBatch:
    """Make leaves of one kind that is not of the record: `entry`, `user`, `account`, `report`, `package`, `segment`."""
    leaves = encode_leaves(kind, source, observed_at, payloads)
    return _batch(kind, source, leaves, payloads)


def record_leaf(leaf: bytes) -> LeafBatch:
    """A single finished leaf of any kind, as a batch."""
    parsed = parse_leaf(leaf)
    return _batch(parsed.kind, parsed.source, [leaf], [parsed.payload])


def columns_of(leaves: Sequence[bytes]) -> pa.RecordBatch:
    """The columns of any leaves, by `LEAF_SCHEMA`: what a segment written by this version holds for them.

    Raises:
        NotEvidence: One of them is no leaf.
    """
    rows = [(leaf, parse_leaf(leaf)) for leaf in leaves]
    batches = [_no_rows()]
    for (kind, source), group in itertools.groupby(rows, key=lambda row: (row[1].kind, row[1].source)):
        members = list(group)
        payloads = [parsed.payload for _, parsed in members]
        batches.append(_columns(kind, source, [leaf for leaf, _ in members], payloads))
    return pa.concat_batches(batches)


def _no_rows() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in LEAF_SCHEMA], schema=LEAF_SCHEMA)


def _batch(kind: str, source: str, leaves: list[bytes], payloads: Sequence[bytes]) -> LeafBatch:
    return LeafBatch(kind, leaves, hash_leaves(leaves), _columns(kind, source, leaves, payloads))


def _columns(kind: str, source: str, leaves: Sequence[bytes], payloads: Sequence[bytes]) -> pa.RecordBatch:
    count = len(leaves)
    columns: dict[str, pa.Array] = {
        "kind": pa.repeat(pa.scalar(kind, pa.string()), count),
        "source": pa.repeat(pa.scalar(source, pa.string()), count),
        "leaf": pa.array(leaves, pa.binary()),
    }
    columns |= typed_columns(kind, payloads)
    arrays = [columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in LEAF_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=LEAF_SCHEMA)


def typed_columns(kind: str, payloads: Sequence[bytes]) -> dict[str, pa.Array]:
    """The columns that payloads of one kind decide, by name; for a column that is not among them, every row is null."""
    if kind == "entry":
        return _entry_columns(_read_items(payloads))
    if kind in ("user", "account"):
        return {"id": _ids([_read_item(payload).id for payload in payloads])}
    return {}


def _entry_columns(items: list[_Item]) -> dict[str, pa.Array]:
    users = [item.user or _NOBODY for item in items]
    accounts = [item.account or _NOBODY for item in items]
    time = _times([item.timestamp for item in items])
    return {
        "id": _ids([item.id for item in items]),
        "time": time,
        "day": time.cast(pa.date32()),
        "action": _texts([item.action for item in items]),
        "resource_type": _texts([item.resource_type for item in items]),
        "resource_id": _texts([item.resource_id for item in items]),
        "resource_name": _texts([item.resource_name for item in items]),
        "status": _texts([item.status for item in items]),
        "user_id": _texts([user.id for user in users]),
        "user_name": _texts([user.name for user in users]),
        "account_id": _texts([account.id for account in accounts]),
        "account_name": _texts([account.name for account in accounts]),
        "description": _texts([item.description for item in items]),
    }


def _texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _ids(values: list[str | int | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except pa.ArrowTypeError:  # numbers among them
        return _texts([str(value) if isinstance(value, int) else value for value in values])


def _times(values: list[str | int | float | None]) -> pa.Array:
    common = _common_times(values)
    return pa.array([parse_time(value) for value in values], pa.int64()).cast(_INSTANT) if common is None else common


def _common_times(values: list[str | int | float | None]) -> pa.Array | None:
    """The whole page at once where every time is spelled in the usual way, which means the same to Arrow and to us."""
    try:
        texts = pa.array(values, pa.string())
        if pc.all(pc.match_substring_regex(texts, _COMMON_TIME), min_count=0, skip_nulls=False).as_py():
            return texts.cast(_INSTANT)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    return None


def _read_items(payloads: Sequence[bytes]) -> list[_Item]:
    try:
        return [_decode_item(payload) for payload in payloads]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return [_read_item(payload) for payload in payloads]


def _read_item(payload: bytes) -> _Item:
    try:
        return _decode_item(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_odd_item(payload)


def _read_odd_item(payload: bytes) -> _Item:
    """What can be had from an item with members of unexpected types, or that msgspec refuses altogether."""
    try:
        item = msgspec.json.decode(payload)
        raw_id = bytes(_decode_raw_id(payload).id).decode() if isinstance(item, dict) else ""
    except (msgspec.MsgspecError, ValueError, RecursionError):
        item, raw_id = _read_lax(payload), ""
    if not isinstance(item, dict):
        return _NOTHING
    return _Item(
        id=_odd_id(item.get("id"), raw_id),
        account=_odd_named(item.get("account")),
        user=_odd_named(item.get("user")),
        timestamp=_odd_time(item.get("timestamp")),
        description=_odd_text(item.get("description")),
        **{name: _odd_text(item.get(name)) for name in _PLAIN},
    )


def _read_lax(payload: bytes) -> Any:
    """Read what Python's parser reads beyond msgspec: lone surrogates, NaN, numbers of any size, bad UTF-8."""
    text = payload.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return json.loads(text, strict=False, parse_int=_Literal, parse_float=_Literal, parse_constant=_Literal)
    except (ValueError, RecursionError):
        return None


def _odd_id(value: Any, raw: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _whole(value)
    return raw or _whole(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _odd_named(value: Any) -> _Named | None:
    return _Named(_odd_text(value.get("id")), _odd_text(value.get("name"))) if isinstance(value, dict) else None


def _odd_time(value: Any) -> str | int | float | None:
    if isinstance(value, _Literal):
        try:
            return float(value)
        except ValueError:  # pragma: no cover - every literal of Python's parser is a float's
            return None
    if isinstance(value, str):
        return _whole(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _odd_text(value: Any) -> str | None:
    return _whole(value) if isinstance(value, str) and not isinstance(value, _Literal) else None


def _whole(text: str) -> str:
    """Text that UTF-8 can carry: surrogate pairs are joined, lone surrogates become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
