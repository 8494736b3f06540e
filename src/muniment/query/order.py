"""The order of entries outside SQL, where two parts that are each in order become one."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from muniment.model import Query

__all__ = ["Part", "Row", "merge"]


class Row(NamedTuple):
    """Where an entry stands in the order."""

    value: str | int | None
    """What it is sorted by."""
    time: int | None
    """Microseconds since 1970."""
    id: str | None
    index: int
    """Of its leaf."""


class Part(Protocol):
    """Some of an archive's entries."""

    def count(self, query: Query, source: str | None = None) -> int:
        """How many entries match."""
        ...

    def rows(self, query: Query, source: str | None, skip: int, take: int) -> list[Row]:
        """At most `take` of those that match, in the query's order, after the first `skip`."""
        ...


def merge(
    query: Query, source: str | None, parts: tuple[Part, Part], with_ids: Callable[[Sequence[Row]], list[Row]]
) -> tuple[int, list[Row]]:
    """How many entries match in two parts together, and the rows of the query's page.

    Args:
        query: What is asked.
        source: Name of the only source whose entries count; None for all.
        parts: Two parts that have no leaf in common.
        with_ids: Gives rows of the first part their entries' ids, which they may lack.
    """
    counts = [part.count(query, source) for part in parts]
    end = query.offset + query.limit
    # a row that has `other` rows of the page's past at most before it cannot come earlier than that
    skips = [max(0, query.offset - other) for other in reversed(counts)]
    first, second = (
        part.rows(query, source, skip, min(end, known) - skip) if skip < min(end, known) else []
        for part, skip, known in zip(parts, skips, counts, strict=True)
    )
    if first and second:
        first = _settled(first, second, with_ids)
    descending = query.sort is not None and query.sort.direction == "desc"
    merged = list(_interleaved(first, second, descending=descending))
    start = query.offset - sum(skips)
    return sum(counts), merged[start : start + query.limit] if start >= 0 else []


def _settled(
    first: list[Row], second: Sequence[Row], with_ids: Callable[[Sequence[Row]], list[Row]]
) -> list[Row]:
    """The first part's rows, with ids wherever only ids can decide."""
    tied = {(row.value, row.time) for row in second}
    places = [place for place, row in enumerate(first) if (row.value, row.time) in tied]
    for place, row in zip(places, with_ids([first[place] for place in places]), strict=True):
        first[place] = row
    return first


def _interleaved(first: Sequence[Row], second: Sequence[Row], *, descending: bool) -> Iterator[Row]:
    here = there = 0
    while here < len(first) and there < len(second):
        if _precedes(first[here], second[there], descending=descending):
            yield first[here]
            here += 1
        else:
            yield second[there]
            there += 1
    yield from first[here:]
    yield from second[there:]


def _precedes(one: Row, other: Row, *, descending: bool) -> bool:
    if one.value != other.value:
        return _is_larger(one.value, other.value) is descending
    return _tie_key(one) < _tie_key(other)


def _is_larger(one: str | int | None, other: str | int | None) -> bool:
    if one is None or other is None:
        return one is None
    return one > other  # type: ignore[operator] # one query sorts by one kind of value


def _tie_key(row: Row) -> tuple[bool, int, bool, str, int]:
    return (row.time is None, row.time or 0, row.id is not None, row.id or "", row.index)
