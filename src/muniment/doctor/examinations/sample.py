"""The pages that most examinations look at, asked for once."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec

from muniment.doctor.examinations.exam import NOT_ASKED, CannotSay, Page, Refusal, Refused, Steps, ask_page
from muniment.doctor.examinations.rows import Row

__all__ = ["LARGEST", "Sample", "take_sample"]

LARGEST: Final = 1000
_SMALLER: Final = 100
_BAD_REQUEST: Final = 400
_NEWEST: Final = 20
_EMPTY: Final = "the log shows this key no entries"
_EMPTY_HINT: Final = "Run it again once there are some."


class Sample(msgspec.Struct, frozen=True, eq=False):
    """What was seen of the log to begin with.

    Args:
        one: The first row alone.
        two: The first two rows.
        whole: As many of the first rows as one answer holds.
        again: The same once more.
        newest: Some of the last rows, the newest first.
        refusal: Why `whole` was not asked for with the largest limit.
    """

    one: Page
    two: Page
    whole: Page
    again: Page
    newest: Page
    refusal: Refusal | None = None

    @property
    def limit(self) -> int:
        """The most rows that may be asked for."""
        return self.whole.asked_limit

    @property
    def pages(self) -> tuple[Page, ...]:
        """All of them, in the order they were asked for."""
        return (self.one, self.two, self.whole, self.again, self.newest)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row of them, each once, oldest pages first."""
        by_key = {row.key: row for row in chain(self.whole.rows, self.again.rows, self.newest.rows)}
        return tuple(by_key.values())

    @property
    def total(self) -> int:
        """Entries in all.

        Raises:
            CannotSay: The source does not say.
        """
        if self.whole.total is None:
            raise CannotSay("the source gives no total")
        return self.whole.total

    @property
    def stands_still(self) -> bool:
        """Whether the page that was asked for twice came the same way, as far as both of them go."""
        pairs = zip(self.whole.rows, self.again.rows, strict=False)
        return all(one.key == other.key for one, other in pairs)

    def demand_rows(self) -> tuple[Row, ...]:
        """Every row.

        Raises:
            CannotSay: There is none.
        """
        if not self.rows:
            raise CannotSay(_EMPTY, _EMPTY_HINT)
        return self.rows

    def totals(self) -> Iterator[int]:
        """What each page says there is in all."""
        return (page.total for page in self.pages if page.total is not None)


def take_sample(one: Page) -> Steps[Sample]:
    """Ask for the pages.

    Args:
        one: The first row alone, which was asked for before.

    Raises:
        CannotSay: The source does not answer.
    """
    two = yield from _patiently(2)
    limit, refusal = LARGEST, None
    try:
        whole = yield from _patiently(LARGEST)
    except Refused as refused:
        limit, refusal = _SMALLER, refused.refusal
        whole = yield from _patiently(limit)
    again = yield from _patiently(limit)
    newest = yield from _patiently(_NEWEST, "timestamp:desc")
    return Sample(one, two, whole, again, newest, refusal)


def _patiently(limit: int, sort: str = "timestamp:asc") -> Steps[Page]:
    """Ask for a page, and once more where something else came: most of what follows rests on it."""
    try:
        return (yield from ask_page(limit=limit, sort=sort))
    except Refused as refused:
        if refused.refusal.code == NOT_ASKED or refused.refusal.status == _BAD_REQUEST:
            raise
    return (yield from ask_page(limit=limit, sort=sort))
