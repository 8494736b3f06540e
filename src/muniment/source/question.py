"""The audit log's filters as Python has them, checked before they go out."""

import datetime as dt
from collections.abc import Iterable
from typing import Final, TypedDict

from muniment.errors import BadInput
from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES, Query, Sort, parse_date, parse_sort

__all__ = ["Day", "Filters", "make_query"]

Day = dt.date | str
"""A date, or ``YYYY-MM-DD``."""


class Filters(TypedDict, total=False):
    """What narrows the audit log; filters combine by AND, and None asks nothing.

    `from_` and `to` are days as the source counts them, both inclusive. `user_name` finds part of a name, the others
    the whole value. `sort` is ``field:direction`` with the fields timestamp, action, status and description.
    """

    from_: Day | None
    to: Day | None
    resource_types: Iterable[str] | str | None
    action: str | None
    user_name: str | None
    resource_id: str | None
    status: str | None
    account_id: str | None
    sort: Sort | str | None


_KNOWN: Final = {"action": ACTIONS, "resource_types": RESOURCE_TYPES, "status": STATUSES}


def make_query(filters: Filters, *, offset: int = 0, limit: int) -> Query:
    """The query that asks for what the filters say.

    Raises:
        BadInput: A date is malformed, the days are the wrong way round, or a value has the wrong case: the source
            would answer that with no entries at all.
    """
    from_ = _day("from", filters.get("from_"))
    to = _day("to", filters.get("to"))
    if from_ and to and from_ > to:
        raise BadInput(f"from {from_} is after to {to}")
    sort = filters.get("sort")
    return Query(
        user_name=filters.get("user_name"),
        action=_value("action", filters.get("action")),
        resource_types=_values("resource_types", filters.get("resource_types")),
        resource_id=filters.get("resource_id"),
        status=_value("status", filters.get("status")),
        account_id=filters.get("account_id"),
        from_=from_,
        to=to,
        sort=parse_sort(sort) if isinstance(sort, str) else sort,
        offset=offset,
        limit=limit,
    )


def _day(name: str, day: Day | None) -> dt.date | None:
    if isinstance(day, dt.datetime):
        raise BadInput(f"{name} takes a day, not a moment: give .date() of it, in the source's zone")
    return parse_date(name, day) if isinstance(day, str) else day


def _values(name: str, values: Iterable[str] | str | None) -> tuple[str, ...]:
    listed = values.split(",") if isinstance(values, str) else values or ()
    return tuple(value for value in (_value(name, value) for value in listed) if value)


def _value(name: str, value: str | None) -> str | None:
    if value and value not in _KNOWN[name] and value.upper() in _KNOWN[name]:
        raise BadInput(f"{name} takes {value.upper()}: the source matches capitals only, and {value} matches nothing")
    return value
