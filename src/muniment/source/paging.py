"""Where in a query's entries to read on, and which of a page's entries are new: decisions only."""

from collections.abc import Hashable, Sequence
from typing import Final

from muniment.errors import WireError
from muniment.model import Page

__all__ = ["Paging"]

MAX_ROUNDS: Final = 3
_HINT = "Read it again when less is going on, or use `muniment collect`, which finds out what is missing and why."


class Paging:
    """Reads one query until as many entries came as the source counts.

    It goes on from what was received, not from what was asked for. When entries are missing at the end, because
    some were logged in the midst of those already read, it reads from the start again, `MAX_ROUNDS` times at most.

    Attributes:
        offset: Where the next page is to begin.
        is_complete: Whether as many entries came as the last page counted.
    """

    def __init__(self) -> None:
        self.offset = 0
        self.is_complete = False
        self._rows = 0
        self._total = 0
        self._rounds = 1
        self._seen: set[Hashable] = set()

    def absorb(self, page: Page, limit: int, keys: Sequence[Hashable]) -> list[int]:
        """Take in a page and say which of its items are new, by their indices.

        A key that comes twice on one page is two entries, as served; on two pages it is one that moved.

        Args:
            page: The answer to a question for `offset`.
            limit: How many entries were asked for.
            keys: What tells each item from every other.

        Raises:
            WireError: The page is not the one asked for, or what the source counts can never be reached.
        """
        self._check_echo(page, limit)
        self._check_total(page.total)
        new = [index for index, key in enumerate(keys) if key not in self._seen]
        self._seen.update(keys)
        self._rows += len(new)
        self.offset += len(keys)
        self._look_ahead(page_is_empty=not keys)
        return new

    def _check_echo(self, page: Page, limit: int) -> None:
        if page.offset != self.offset:
            raise WireError(f"asked for {self.offset}, got {page.offset}", path="offset", hint=_HINT)
        if not 0 < page.limit <= limit:
            raise WireError(f"asked for {limit}, got {page.limit}", path="limit", hint=_HINT)

    def _check_total(self, total: int) -> None:
        if total < self._total:
            # entries behind the gap moved up, past where we had already read
            raise WireError(f"went from {self._total} to {total} at offset {self.offset}", path="total", hint=_HINT)
        self._total = total

    def _look_ahead(self, *, page_is_empty: bool) -> None:
        if self._rows > self._total:
            raise WireError(f"counts {self._total} entries, but {self._rows} came", path="total", hint=_HINT)
        self.is_complete = self._rows == self._total
        if self.is_complete or (self.offset < self._total and not page_is_empty):
            return
        if self._rounds == MAX_ROUNDS:
            message = f"counts {self._total} entries, but only {self._rows} came in {MAX_ROUNDS} readings"
            raise WireError(message, path="total", hint=_HINT)
        self._rounds += 1
        self.offset = 0
