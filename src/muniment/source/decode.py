"""From the bytes of an answer to typed values, naming the place of whatever does not fit."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from muniment.errors import WireError
from muniment.model import Account, Entry, User

__all__ = ["decode_account", "decode_entry", "decode_user"]

T = TypeVar("T", bound=msgspec.Struct)
_PLACE = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)

_entry: Callable[[bytes], Entry] = msgspec.json.Decoder(Entry).decode
_user: Callable[[bytes], User] = msgspec.json.Decoder(User).decode
_account: Callable[[bytes], Account] = msgspec.json.Decoder(Account).decode


def decode_entry(item: bytes, path: str) -> Entry:
    """One item of a page.

    Args:
        item: Its exact bytes.
        path: Where it stands, such as ``items[17]``.

    Raises:
        WireError: A member has another type than the tutorial's; `path` says which, such as ``items[17].user.id``.
    """
    return _decode(item, _entry, Entry, path)


def decode_user(body: bytes) -> User:
    """The answer to a question for a user.

    Raises:
        WireError: It is none.
    """
    return _decode(body, _user, User, "")


def decode_account(body: bytes) -> Account:
    """The answer to a question for an account.

    Raises:
        WireError: It is none.
    """
    return _decode(body, _account, Account, "")


def _decode(data: bytes, decode: Callable[[bytes], T], kind: type[T], path: str) -> T:
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(data, kind, path)


def _decode_leniently(data: bytes, kind: type[T], path: str) -> T:
    """Read what the strict decoder refuses: lone surrogates, NaN, a null where a list should be."""
    try:
        document = json.loads(data.decode("utf-8-sig", "replace"), strict=False)
        return msgspec.convert(_without_nulls(document), kind)
    except msgspec.ValidationError as error:
        found = _PLACE.search(str(error))
        message = _PLACE.sub("", str(error)).replace("`", "")
        place = ".".join(part for part in (path, found[1] if found else "") if part).replace(".[", "[")
        raise WireError(message[:1].lower() + message[1:], path=place) from None
    except (ValueError, RecursionError):
        raise WireError("no parser reads it", path=path) from None


def _without_nulls(value: Any) -> Any:
    """The document with null members left out: a null says no more than a member that is not there."""
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(member) for member in value]
    return value
