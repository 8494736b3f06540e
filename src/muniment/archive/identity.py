"""Which entry an item is, and whether two items say the same."""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from muniment.archive.leaf import one_line, one_lines, payloads_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["content_hash", "content_hashes", "difference", "key_hash", "key_hashes", "row_keys", "same_json"]

_NAMED: Final = 8
"""So many members a difference names; the others are counted."""


def key_hash(source: str, item_id: str | None, payload: bytes) -> int:
    """64 bits that stand for an entry's key: (source, id), or (source, payload) where there is no id.

    Args:
        source: Name of the source.
        item_id: As the column `id` has it.
        payload: The item's bytes.
    """
    rest = b"\0" + one_line(payload) if item_id is None else item_id.encode()
    return int.from_bytes(sha256(source.encode() + b"\0" + rest).digest()[:8])


def key_hashes(source: str, ids: Sequence[str | None], payloads: Sequence[bytes]) -> "NDArray[np.uint64]":
    """`key_hash` of each item of a page."""
    if None in ids:
        return np.array([key_hash(source, *item) for item in zip(ids, payloads, strict=True)], np.uint64)
    prefix = source.encode() + b"\0"
    return _heads([sha256(prefix + item_id.encode()).digest() for item_id in ids if item_id is not None])


def row_keys(rows: "pa.RecordBatch") -> "NDArray[np.uint64]":
    """`key_hash` of each row of entries.

    Args:
        rows: Of a segment, all of kind `entry`, with the columns `source`, `id` and `leaf` among theirs.
    """
    keys = np.zeros(rows.num_rows, np.uint64)
    for source in rows.column("source").unique().to_pylist():
        places = pc.indices_nonzero(pc.equal(rows.column("source"), source))
        ids = rows.column("id").take(places)
        # only an item without an id is known by its payload
        leaves = rows.column("leaf").take(places).to_pylist() if ids.null_count else [b""] * len(ids)
        payloads = payloads_of("entry", leaves) if ids.null_count else leaves
        keys[places.to_numpy()] = key_hashes(source, ids.to_pylist(), payloads)
    return keys


def content_hash(payload: bytes) -> int:
    """64 bits that stand for an item's exact bytes, as a leaf holds them."""
    return int.from_bytes(sha256(one_line(payload)).digest()[:8])


def content_hashes(payloads: Iterable[bytes]) -> "NDArray[np.uint64]":
    """`content_hash` of each item of a page."""
    return _heads([sha256(payload).digest() for payload in one_lines(payloads)])


def same_json(a: bytes, b: bytes) -> bool:
    """Whether two items are the same JSON: types and number literals as written, members in any order.

    Members of one name keep their order among themselves. What cannot be parsed is the same only byte for byte.
    """
    if a == b:
        return True
    try:
        return bool(_parse(a) == _parse(b))
    except (ValueError, RecursionError):
        return False


def difference(a: bytes, b: bytes) -> str:
    """What became of an item, in words: which members have another value, which came and which went.

    Args:
        a: The earlier item.
        b: The later one.
    """
    try:
        before, after = dict(_flatten("", _parse(a))), dict(_flatten("", _parse(b)))
    except (ValueError, RecursionError):
        return "its bytes changed"
    changed = [path for path in before if path in after and before[path] != after[path]]
    added = [path for path in after if path not in before]
    gone = [path for path in before if path not in after]
    parts = [("value changed", changed), ("field added", added), ("field gone", gone)]
    return "; ".join(f"{what}: {_names(paths)}" for what, paths in parts if paths) or "only its bytes changed"


class _Object(tuple[tuple[str, Any], ...]):
    """Members sorted by name; those of one name in their order."""

    __slots__ = ()


def _parse(data: bytes) -> Any:
    # numbers become bytes: nothing else does, so 1 and "1" and true stay apart
    return json.loads(
        data.decode("utf-8", "surrogateescape"),
        strict=False,
        parse_int=str.encode,
        parse_float=str.encode,
        parse_constant=str.encode,
        object_pairs_hook=lambda pairs: _Object(sorted(pairs, key=lambda pair: pair[0])),
    )


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _Object) and value and len(dict(value)) == len(value):
        for name, member in value:
            yield from _flatten(f"{path}.{name}" if path else name, member)
    elif isinstance(value, list) and value:
        for number, member in enumerate(value):
            yield from _flatten(f"{path}[{number}]", member)
    elif path:
        yield path, value


def _names(paths: list[str]) -> str:
    shown = ", ".join(paths[:_NAMED])
    return f"{shown} and {len(paths) - _NAMED} more" if len(paths) > _NAMED else shown


def _heads(digests: list[bytes]) -> "NDArray[np.uint64]":
    """The first 64 bits of each, big-endian."""
    return np.frombuffer(b"".join(digests), dtype=">u8").reshape(-1, 4)[:, 0].astype(np.uint64)
