"""The API's query as SQL that DuckDB and Spark run word for word.

The statements ask a relation ``entries``: the typed columns of an archive's leaves of kind `entry`, one a key, with the
day that counts for each (see `muniment.query.rows`). Every value is bound to a ``?``; what is written into the text are
names of columns out of a fixed list. Ties are broken to the last row, so that an order is one order everywhere; where
nulls go is said, because the engines differ; nothing divides.

The order is the sandbox's: without ``sort`` by timestamp; equal values by timestamp, then id, both ascending, whatever
the direction; no value counts as the largest value, no id as the smallest.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

from muniment.model import Query, Sort

__all__ = ["SORT_COLUMNS", "Condition", "Statement", "conditions", "count", "every_index", "page"]

Param = str | int | dt.date | None

SORT_COLUMNS: Final = {"timestamp": "time", "action": "action", "status": "status", "description": "description"}
"""The API's sort fields, and the column that each is."""

_ALL: Final = 2**62
_TIES: Final = "id ASC NULLS FIRST, index ASC"


class Condition(NamedTuple):
    """Something that must hold of one column."""

    column: str
    sql: str
    params: tuple[Param, ...]


class Statement(NamedTuple):
    """A text and the values for its question marks, in order."""

    sql: str
    params: tuple[Param, ...]

    @property
    def columns(self) -> list[str]:
        """The columns of `entries` that the text names, in alphabetical order."""
        return sorted({word for word in _words(self.sql) if word in _COLUMNS})


_COLUMNS: Final = frozenset(
    {
        "account_id",
        "action",
        "day",
        "description",
        "id",
        "index",
        "resource_id",
        "resource_type",
        "source",
        "status",
        "time",
        "user_name",
    }
)


def conditions(query: Query, source: str | None = None) -> tuple[Condition, ...]:
    """The filters of a query, which combine by AND; sort, offset and limit are none of them.

    Args:
        query: What is asked.
        source: Name of the only source whose entries count; None for all.
    """
    texts = {"action": query.action, "resource_id": query.resource_id, "account_id": query.account_id, "source": source}
    found = [Condition(name, f"{name} = ?", (_text(value),)) for name, value in texts.items() if value is not None]
    if query.user_name is not None:
        found.append(Condition("user_name", "contains(user_name, ?)", (_text(query.user_name),)))
    if query.resource_types:
        marks = ", ".join("?" for _ in query.resource_types)
        types = tuple(_text(name) for name in query.resource_types)
        found.append(Condition("resource_type", f"resource_type IN ({marks})", types))
    if query.status is not None:
        # entries say in lower case what the filter takes in upper case, so that a filter in lower case finds nothing
        found.append(Condition("status", "upper(status) = ?", (_text(query.status),)))
    if query.from_ is not None:
        found.append(Condition("day", "day >= ?", (query.from_,)))
    if query.to is not None:
        found.append(Condition("day", "day <= ?", (query.to,)))
    return tuple(found)


def count(query: Query, source: str | None = None) -> Statement:
    """How many entries match."""
    where = _where(conditions(query, source))
    return Statement(f"SELECT count(*) AS total FROM entries{where.sql}", where.params)


def page(query: Query, source: str | None = None) -> Statement:
    """The entries of the query's page, in its order: value sorted by, time, id, index."""
    where = _where(conditions(query, source))
    column = _sort_column(query.sort)
    sql = (
        f"SELECT {column} AS sorted_by, time, id, index FROM entries{where.sql} ORDER BY {_order(query.sort)}"
        " LIMIT ? OFFSET ?"
    )
    return Statement(sql, (*where.params, query.limit, query.offset))


def every_index(query: Query, source: str | None = None, *, skip: int = 0, take: int | None = None) -> Statement:
    """The indices of the leaves that match; in the query's order if it names one, else in the archive's.

    Args:
        query: What is asked; its own offset and limit are not looked at.
        source: Name of the only source whose entries count; None for all.
        skip: How many to leave out at the beginning.
        take: How many at most; None for all.
    """
    where = _where(conditions(query, source))
    order = "index ASC" if query.sort is None else _order(query.sort)
    some = (
        Statement("", ())
        if take is None and not skip
        else Statement(" LIMIT ? OFFSET ?", (_ALL if take is None else take, skip))
    )
    return Statement(f"SELECT index FROM entries{where.sql} ORDER BY {order}{some.sql}", (*where.params, *some.params))


def _text(value: str) -> str | None:
    """What to compare with; null, to which nothing is equal, where UTF-8 cannot carry it and so no column holds it."""
    return value if value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value) else None


def _where(found: Sequence[Condition]) -> Statement:
    text = " AND ".join(condition.sql for condition in found)
    params = tuple(param for condition in found for param in condition.params)
    return Statement(f" WHERE {text}" if text else "", params)


def _sort_column(sort: Sort | None) -> str:
    return SORT_COLUMNS[sort.field if sort else "timestamp"]


def _order(sort: Sort | None) -> str:
    column = _sort_column(sort)
    way = "DESC NULLS FIRST" if sort and sort.direction == "desc" else "ASC NULLS LAST"
    then = "" if column == "time" else "time ASC NULLS LAST, "
    return f"{column} {way}, {then}{_TIES}"


def _words(sql: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in sql).split()
