"""An answer of the audit log, cut into its items byte for byte."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from muniment.errors import WireError
from muniment.source.splitter import BOM, NotJson, Parts, kind_of, split_page

__all__ = ["NotJson", "RawPage", "cut_page", "is_no_json", "is_no_page"]

_COUNT = re.compile(rb"0|[1-9][0-9]{0,14}")
_SHOWN_BYTES = 40
_ABSENT: Final = msgspec.Raw()  # msgspec has no union with Raw; a value that is there is never empty


class RawPage(msgspec.Struct, frozen=True):
    """One page: the three numbers that the source echoes, and the exact bytes of each item.

    A number is None where the source gave none, or none that counts anything; `odd` then says what stood there.
    `odd` holds sentences for the receipt, in no order to rely on.
    """

    total: int | None
    offset: int | None
    limit: int | None
    items: tuple[bytes, ...]
    odd: tuple[str, ...] = ()


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    items: list[msgspec.Raw] | None
    total: msgspec.Raw = _ABSENT
    offset: msgspec.Raw = _ABSENT
    limit: msgspec.Raw = _ABSENT


_decode_envelope: Callable[[bytes], _Envelope] = msgspec.json.Decoder(_Envelope).decode
_decode_any: Callable[[bytes], msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw).decode


def cut_page(body: bytes) -> RawPage:
    """Cut an answer into its items; each is exactly the slice of the body that the source wrote.

    Args:
        body: The answer as received, decompressed.

    Raises:
        NotJson: It cannot be cut.
        WireError: It is JSON but no page; `path` says where.

    Source: DigiCert, "Audit API activity for compliance reporting", step 1, the sample answer.
    """
    odd: list[str] = []
    try:
        parts = _parse(body)
    except (msgspec.DecodeError, RecursionError):
        parts = split_page(body)
        odd.append("cut by brackets alone: a strict parser refuses the answer")
    if body.startswith(BOM):
        odd.append("begins with a byte order mark")
    total, offset, limit = (_read_count(name, getattr(parts, name), odd) for name in ("total", "offset", "limit"))
    if parts.is_null:
        if total is None or total > (offset or 0):
            raise WireError("expected array, got null", path="items")
        odd.append("items: null where there are none")
    return RawPage(total, offset, limit, parts.items, tuple(odd))


def is_no_json(body: bytes) -> str | None:
    """Why an answer is not one whole JSON value, nor a page that can be cut into its items; None where it is."""
    try:
        _decode_any(body)
    except (msgspec.DecodeError, RecursionError):
        return _cannot_be_cut(body, whole_will_do=True)
    return None


def is_no_page(body: bytes) -> str | None:
    """Why an answer is no page that can be cut into its items; None where it is."""
    try:
        if _decode_envelope(body).items is None:
            cut_page(body)  # whether none are meant by it is not told by the one member alone
    except (msgspec.DecodeError, RecursionError):
        return _cannot_be_cut(body, whole_will_do=False)
    except WireError as error:
        return f"something that is no page ({error})"
    return None


def _cannot_be_cut(body: bytes, *, whole_will_do: bool) -> str | None:
    try:
        split_page(body)
    except NotJson:
        return "something that is not JSON"
    except WireError as error:
        return None if whole_will_do else f"something that is no page ({error})"
    return None


def _parse(body: bytes) -> Parts:
    envelope = _decode_envelope(body)
    items = tuple(map(bytes, envelope.items or ()))
    total, offset, limit = (bytes(raw) or None for raw in (envelope.total, envelope.offset, envelope.limit))
    return Parts(total, offset, limit, items, envelope.items is None)


def _read_count(name: str, value: bytes | None, odd: list[str]) -> int | None:
    if value is not None and _COUNT.fullmatch(value):
        return int(value)
    odd.append(f"{name}: {_describe(value)}")
    return None


def _describe(value: bytes | None) -> str:
    if value is None:
        return "missing"
    shown = value[:_SHOWN_BYTES].decode("ascii", "backslashreplace")
    return f"not a count but {kind_of(value)} {shown}"
