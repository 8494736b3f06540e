"""The values a sweep speaks in: windows, asks, answers, gaps."""

import datetime as dt
from collections.abc import Generator
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from muniment.model import Query, Sort

__all__ = [
    "EVERYTHING",
    "NOT_READ",
    "Answer",
    "Ask",
    "Filter",
    "Gap",
    "Method",
    "Refused",
    "Seen",
    "Sheet",
    "Steps",
    "Window",
    "weakest",
]

T = TypeVar("T")
Words = NDArray[np.uint64]
Method = Literal["atomic", "stable", "confirmed"]
FIRST_PATIENCE = 8  # full answers before a larger page is tried
SPARE = 30_000
_OLDEST_FIRST = Sort("timestamp", "asc")  # ascending: late entries land behind what is already read


class Filter(msgspec.Struct, frozen=True):
    """What narrows a window besides its days; None asks nothing."""

    resource_types: tuple[str, ...] = ()
    action: str | None = None
    status: str | None = None
    account_id: str | None = None

    def __str__(self) -> str:
        told = {
            "resource_types": ",".join(self.resource_types),
            "action": self.action,
            "status": self.status,
            "account_id": self.account_id,
        }
        return "&".join(f"{name}={value}" for name, value in told.items() if value)


class Window(msgspec.Struct, frozen=True):
    """A range of days as the source counts them, both inclusive, and a filter; None is unbounded."""

    from_: dt.date | None = None
    to: dt.date | None = None
    filter: Filter = Filter()

    @classmethod
    def day(cls, day: dt.date) -> "Window":
        """The window of one day."""
        return cls(day, day)

    @property
    def is_day(self) -> bool:
        """Whether it is about one day."""
        return self.from_ is not None and self.from_ == self.to

    @property
    def first_day(self) -> dt.date:
        """Its first day; only of a window that has one."""
        assert self.from_ is not None
        return self.from_

    def __str__(self) -> str:
        days = f"{self.from_ or '…'} to {self.to or '…'}"
        if self.from_ == self.to:
            days = str(self.from_ or "without dates")
        return f"{days} {self.filter}".strip()


EVERYTHING = Window()


class Ask(msgspec.Struct, frozen=True):
    """One request: rows of a window from an offset on."""

    window: Window
    offset: int = 0
    limit: int = 1

    def query(self) -> Query:
        """The API's query that asks this."""
        narrow = self.window.filter
        return Query(
            action=narrow.action,
            resource_types=narrow.resource_types,
            status=narrow.status,
            account_id=narrow.account_id,
            from_=self.window.from_,
            to=self.window.to,
            sort=_OLDEST_FIRST,
            offset=self.offset,
            limit=self.limit,
        )


class Sheet(msgspec.Struct, frozen=True, eq=False):
    """What the sweep needs of an answer: the source's figures, and each row as two 64-bit hashes.

    Args:
        total: As the source says, None where it gave no number.
        offset: As echoed, None where it was not.
        limit: As echoed, None where it was not.
        keys: Hash of (source, id) of each row, in the order served.
        contents: Hash of the exact bytes of each row.
        withheld: Why there are no rows though there may be some: what was asked for is too large, and it was one row or
            two. The total is true all the same.
    """

    total: int | None
    offset: int | None
    limit: int | None
    keys: Words
    contents: Words
    withheld: str | None = None

    def __len__(self) -> int:
        return int(self.keys.size)


class Refused(msgspec.Struct, frozen=True):
    """An answer that is no page, though the source can be read otherwise.

    `size` asks for smaller pages (too large, cut, timed out); `offset` is a 400 behind the first page.
    """

    kind: Literal["size", "offset"]
    why: str


Answer = Sheet | Refused
Steps = Generator[tuple[Ask, ...], tuple[Answer, ...], T]


NOT_READ = "not read"
"""How the `why` of a gap begins that is no gap of the source's: a run was stopped before it came to these days."""


class Gap(msgspec.Struct, frozen=True):
    """Entries the source counts and the archive lacks, or a contradiction the source does not resolve.

    `expected` is None where the source gave no number; `got` above `expected` is the contradiction.
    """

    from_: dt.date | None = msgspec.field(name="from")
    to: dt.date | None
    filter: str
    expected: int | None
    got: int
    why: str

    @classmethod
    def of(cls, window: Window, expected: int | None, got: int, why: str) -> "Gap":
        """The gap of a window."""
        return cls(window.from_, window.to, str(window.filter), expected, got, why)


class Seen:
    """What was learnt of the source while reading it; the only state that windows share.

    Many asks are under way at once, and what troubles one of them mostly troubles all: a size that was refused is
    halved once, however many asks of that size are refused. After some full answers one single ask is for twice as many
    rows, to learn whether the source bears more again; each time it does not, the next such ask is twice as far off.

    Attributes:
        limit: Rows to ask for at a time.
        fullest: The most rows that one answer has held.
        pages_fall_short: Rows came behind a page that was not full: a short page is no sign of the end.
        accounts: Account ids known, to split windows by.
        spare: Asks that may still be spent in vain on windows which never agree with their totals.
        odd: What was peculiar about the source, once each, for the receipt.
    """

    def __init__(self, *, limit: int = 1000, fullest: int = 0, accounts: tuple[str, ...] = ()) -> None:
        self.limit = limit
        self.fullest = fullest
        self.pages_fall_short = False
        self.accounts = accounts
        self.spare = SPARE
        self.odd: dict[str, None] = {}
        self._most = limit
        self._patience = FIRST_PATIENCE
        self._full = 0  # answers since the last trial
        self._trial = 0  # the size that is on trial, or was borne when it was

    def notice(self, what: str) -> None:
        """Keep a peculiarity for the receipt."""
        self.odd[what] = None

    def next_limit(self) -> int:
        """Rows to ask for now: `limit`, or more than that where a larger page is due to be tried."""
        if self.limit == self._most or self._full < self._patience:
            return self.limit
        self._full = 0
        self._trial = min(2 * self.limit, self._most)
        return self._trial

    def bore(self, asked: int, rows: int) -> None:
        """An ask for so many rows was answered with so many."""
        self.fullest = max(self.fullest, rows)
        if asked == self._trial and rows > self.limit:
            self.limit, self._full = asked, 0
        elif rows >= self.limit:
            self._full += 1

    def passed_over(self, before: int) -> None:
        """One row was too large by itself, not the pages: ask for as many again as before it was met."""
        if before > self.limit:
            self.limit, self._full = before, 0

    def halve(self, asked: int, why: str) -> bool:
        """An ask for so many rows was refused for its size: ask for half of that; False when it cannot be less."""
        if asked == self._trial:
            self._trial, self._patience = 0, 2 * self._patience
        if asked > self.limit:
            return True  # it was a trial, or another ask of this size was refused before
        if asked == 1:
            return False
        self.limit, self._full = asked // 2, 0
        self.notice(f"asked for {self.limit} rows at a time after: {why}")
        return True


_STRENGTH: tuple[Method, ...] = ("stable", "confirmed", "atomic")


def weakest(methods: "list[Method]") -> Method:
    """The method that a whole may claim whose parts were read by these; of nothing, `atomic`."""
    return min(methods, key=_STRENGTH.index, default="atomic")
