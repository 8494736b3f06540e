"""The order of entries outside SQL, where two parts that are each in order become one."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from muniment.model import Query

__all__ = ["Answer", "Nothing", "Row", "merge"]


class Row(NamedTuple):
    """Where an entry stands in the order."""

    value: str | int | None
    """What it is sorted by."""
    time: int | None
    """Microseconds since 1970."""
    id: str | None
    leaf: int
    """Index of its leaf."""


class Answer(Protocol):
    """What some part of an archive has to say to one query."""

    def count(self) -> int:
        """How many entries match."""
        ...

    def rows(self, skip: int, take: int) -> list[Row]:
        """At most `take` of those that match, in the query's order, after the first `skip`."""
        ...


class Nothing:
    """The answer where no entry matches."""

    def count(self) -> int:
        """None does."""
        return 0

    def rows(self, skip: int, take: int) -> list[Row]:  # noqa: ARG002 - as every answer
        """None."""
        return []


def merge(
    query: Query, first: Answer, second: Answer, with_ids: Callable[[Sequence[Row]], list[Row]]
) -> tuple[int, list[Row]]:
    """How many entries match in two parts together, and the rows of the query's page.

    Args:
        query: What is asked.
        first: The answer of one part.
        second: Of the other; no leaf is in both.
        with_ids: Gives rows of the first part their entries' ids, which they may lack.
    """
    count, others, end = first.count(), second.count(), query.offset + query.limit
    # at most all of the other part comes before a row, so what is skipped here lies before the page
    skip, skip_others = max(0, query.offset - others), max(0, query.offset - count)
    rows, other_rows = _window(first, skip, min(end, count)), _window(second, skip_others, min(end, others))
    if rows and other_rows:
        rows = _settled(rows, other_rows, with_ids)
    descending = query.sort is not None and query.sort.direction == "desc"
    start = query.offset - skip - skip_others
    page = (
        islice(_interleaved(rows, other_rows, descending=descending), start, start + query.limit) if start >= 0 else ()
    )
    return count + others, list(page)


def _window(answer: Answer, skip: int, end: int) -> list[Row]:
    return answer.rows(skip, end - skip) if skip < end else []


def _settled(first: list[Row], second: Sequence[Row], with_ids: Callable[[Sequence[Row]], list[Row]]) -> list[Row]:
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
    return (row.time is None, row.time or 0, row.id is not None, row.id or "", row.leaf)
