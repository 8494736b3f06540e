"""A source that lives in memory: it keeps entries, filters, sorts, pages, and misbehaves when asked to."""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from muniment.model import ACTIONS, RESOURCE_TYPES
from muniment.sweep.window import Answer, Ask, Filter, Refused, Sheet, Steps, Window

T = TypeVar("T")
DAY = dt.date(2026, 3, 2)


@dataclass(frozen=True, order=True)
class Row:
    """An entry, as far as a sweep can tell entries apart."""

    time: int
    key: int
    day: dt.date | None = DAY
    content: int = 0
    resource_type: str = "USER"
    action: str = "LOGIN"
    status: str = "SUCCESS"
    account: str = "a"


def rows_of(count: int, *, day: dt.date | None = DAY, first_key: int = 1, ties: int = 1) -> list[Row]:
    return [
        Row(
            time=n // ties,
            key=first_key + n,
            day=day,
            resource_type=RESOURCE_TYPES[n * 7 % 19],
            action=ACTIONS[n * 5 % 21],
            status="FAILURE" if n % 9 == 0 else "SUCCESS",
            account="ab"[n % 2],
        )
        for n in range(count)
    ]


@dataclass
class Source:
    """Answers asks; every knob is a way to misbehave.

    `before_answer` is called with the source and the number of the answer, and may change anything. `overtaking` has
    asks that are under way at once answered in any order.
    """

    rows: list[Row] = field(default_factory=list)
    cap: int = 1000
    echoes: bool = True
    last_offset: int | None = None
    total_says: Callable[[int], int | None] = lambda total: total
    shuffles_ties: bool = False
    ignores_offset: bool = False
    short_pages: bool = False
    largest_answer: int | None = None
    too_large: frozenset[int] = frozenset()
    before_answer: Callable[["Source", int], None] = lambda _source, _number: None
    overtaking: random.Random | None = None
    asks: list[Ask] = field(default_factory=list)
    served: set[int] = field(default_factory=set)

    def answer(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        self.before_answer(self, len(self.asks))
        if self.last_offset is not None and ask.offset > self.last_offset:
            return Refused("offset", f"offset {ask.offset} was refused")
        if self.largest_answer is not None and ask.limit > self.largest_answer:
            return Refused("size", "the answer is too large")
        found = self._sorted([row for row in self.rows if matches(row, ask.window)])
        offset = 0 if self.ignores_offset else ask.offset
        page = found[offset : offset + self._width(ask)]
        if not self.too_large.isdisjoint(row.key for row in page):
            return self._without(ask, len(found))
        self.served |= {row.key for row in page}
        return Sheet(
            total=self.total_says(len(found)),
            offset=ask.offset if self.echoes else None,
            limit=min(ask.limit, self.cap) if self.echoes else None,
            keys=np.array([row.key for row in page], dtype=np.uint64),
            contents=np.array([row.content for row in page], dtype=np.uint64),
        )

    def _without(self, ask: Ask, total: int) -> Answer:
        """One or two rows that do not come do not hide the total; more are asked for in halves."""
        if ask.limit > 2:
            return Refused("size", "the answer is too large")
        none = np.empty(0, dtype=np.uint64)
        return Sheet(self.total_says(total), ask.offset, ask.limit, none, none, withheld="the answer is too large")

    def _width(self, ask: Ask) -> int:
        width = min(ask.limit, self.cap)
        return max(1, width - len(self.asks) % 3) if self.short_pages and ask.limit > 2 else width

    def _sorted(self, found: list[Row]) -> list[Row]:
        if not self.shuffles_ties:
            return sorted(found)
        draw = random.Random(len(self.asks))
        return sorted(found, key=lambda row: (row.time, draw.random()))

    def drive(self, steps: Steps[T]) -> T:
        """Run a procedure to its result."""
        answers: tuple[Answer, ...] | None = None
        while True:
            try:
                asks = steps.send(answers)  # type: ignore[arg-type]  # the first send is None
            except StopIteration as end:
                result: T = end.value
                return result
            order = range(len(asks)) if self.overtaking is None else self.overtaking.sample(range(len(asks)), len(asks))
            came = {n: self.answer(asks[n]) for n in order}
            answers = tuple(came[n] for n in range(len(asks)))

    def keys(self, window: Window) -> set[int]:
        """What a careful person would find there now."""
        return {row.key for row in self.rows if matches(row, window)}


def matches(row: Row, window: Window) -> bool:
    return _within(row.day, window) and _fits(row, window.filter)


def _within(day: dt.date | None, window: Window) -> bool:
    if window.from_ is None and window.to is None:
        return True
    return day is not None and (window.from_ or dt.date.min) <= day <= (window.to or dt.date.max)


def _fits(row: Row, narrow: Filter) -> bool:
    return (
        (not narrow.resource_types or row.resource_type in narrow.resource_types)
        and narrow.action in (None, row.action)
        and narrow.status in (None, row.status)
        and narrow.account_id in (None, row.account)
    )
