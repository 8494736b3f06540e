"""What the answer to a lookup says, as far as it can be read: its bytes are the source's, and may be anything."""

import json
from typing import Any, Literal

import msgspec

__all__ = ["Kind", "Told", "read_answer"]

Kind = Literal["user", "account"]


class Told(msgspec.Struct, frozen=True):
    """What an answer says of a user or an account; None where it does not say it, or not in words.

    Args:
        id: Whom it is about.
        name: How that one is called.
        state: The API's status in lower case; `unknown` where there is none.
    """

    id: str | None
    name: str | None
    state: str


def read_answer(kind: Kind, body: bytes) -> Told:
    """Read an answer, whatever its bytes: what cannot be read says nothing.

    Args:
        kind: What was asked for.
        body: The answer as received.
    """
    said = _members(body)
    name = _text(said.get("user_name")) or _text(said.get("name"))
    return Told(_text(said.get("id")), name, _account_state(said) if kind == "account" else _user_state(said))


def _members(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        # as a float, a number of any length is read in linear time, and none is out of range
        said = json.loads(text, strict=False, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: Any) -> str | None:
    """Text that UTF-8 can carry: lone surrogates become U+FFFD."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else None


def _account_state(said: dict[str, Any]) -> str:
    active = said.get("active")
    return "unknown" if not isinstance(active, bool) else "active" if active else "inactive"


def _user_state(said: dict[str, Any]) -> str:
    return (_text(said.get("status")) or "unknown").lower()
