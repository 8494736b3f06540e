"""The eleven parameters of the audit log, and what makes one malformed."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from muniment.errors import BadInput
from muniment.model.wire import DEFAULT_LIMIT, MAX_LIMIT, SORT_FIELDS

__all__ = ["Query", "Sort", "parse_date", "parse_sort"]

Direction = Literal["asc", "desc"]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Sort(msgspec.Struct, frozen=True):
    """A field to sort by, and the direction; on the wire ``field:direction``."""

    field: str = "timestamp"
    direction: Direction = "asc"

    def __str__(self) -> str:
        return f"{self.field}:{self.direction}"


class Query(msgspec.Struct, frozen=True):
    """What is asked of the audit log; filters combine by AND, None asks nothing.

    `from_` and `to` are days as the source counts them, both inclusive.
    """

    user_name: str | None = None
    action: str | None = None
    resource_types: tuple[str, ...] = ()
    resource_id: str | None = None
    status: str | None = None
    account_id: str | None = None
    from_: dt.date | None = None
    to: dt.date | None = None
    sort: Sort | None = None
    offset: int = 0
    limit: int = DEFAULT_LIMIT

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> "Query":
        """Read a query from a URL's parameters; unknown ones are ignored, an empty one is as if absent.

        Raises:
            BadInput: With the API's own message, such as ``Invalid from [2026/01/01].``
        """
        given = {name: value for name, value in params.items() if value != ""}
        return cls(
            user_name=given.get("user_name"),
            action=given.get("action"),
            resource_types=tuple(t for t in given.get("resource_types", "").split(",") if t),
            resource_id=given.get("resource_id"),
            status=given.get("status"),
            account_id=given.get("account_id"),
            from_=parse_date("from", given["from"]) if "from" in given else None,
            to=parse_date("to", given["to"]) if "to" in given else None,
            sort=parse_sort(given["sort"]) if "sort" in given else None,
            offset=_parse_number("offset", given.get("offset", "0")),
            limit=min(_parse_number("limit", given.get("limit", str(DEFAULT_LIMIT))), MAX_LIMIT),
        )

    def to_params(self) -> dict[str, str]:
        """The parameters of a URL that asks this, in the tutorial's order."""
        texts: dict[str, str | None] = {
            "user_name": self.user_name,
            "action": self.action,
            "resource_types": ",".join(self.resource_types) or None,
            "resource_id": self.resource_id,
            "status": self.status,
            "account_id": self.account_id,
            "from": None if self.from_ is None else self.from_.isoformat(),
            "to": None if self.to is None else self.to.isoformat(),
            "sort": None if self.sort is None else str(self.sort),
            "offset": str(self.offset),
            "limit": str(self.limit),
        }
        return {name: value for name, value in texts.items() if value is not None}


def parse_date(name: str, text: str) -> dt.date:
    """A date written exactly ``YYYY-MM-DD``.

    Raises:
        BadInput: In the API's words, naming the parameter.
    """
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise _invalid(name, text)


def parse_sort(text: str) -> Sort:
    """``field`` or ``field:asc`` or ``field:desc``.

    Raises:
        BadInput: In the API's words.
    """
    field, colon, direction = text.partition(":")
    if field not in SORT_FIELDS or (colon and direction not in ("asc", "desc")):
        raise _invalid("sort", text)
    return Sort(field, "desc" if direction == "desc" else "asc")


def _parse_number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _invalid(name, text)
    return int(text)


def _invalid(name: str, value: str) -> BadInput:
    return BadInput(f"Invalid {name} [{value}].")
