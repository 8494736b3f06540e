"""One pass over a window, page by page, and what speaks against it.

Design §4.1: advance by what was received, overlap each seam by one row, never stop on a short page while the total
says otherwise, and look behind the end where the last page was full. A row that is too large to come even by itself is
passed over: the pages are halved until it stands alone, and what lies behind it is read.
"""

import hashlib

import msgspec
import numpy as np

from muniment.sweep.window import Answer, Ask, Refused, Seen, Sheet, Steps, Window, Words

__all__ = ["Reading", "read"]

MOST_AHEAD = 16  # pages asked for at once, once the source has shown that its pages are full
_NONE: Words = np.empty(0, dtype=np.uint64)


class Reading(msgspec.Struct, frozen=True, eq=False):
    """What one pass over a window gave.

    Args:
        total_before: The source's total in the first answer.
        total_after: In the last.
        keys: Hash of the key of each row received, overlaps removed; one a row, so a twin is here twice.
        contents: Hash of each row's bytes.
        twins: Rows that repeat a key of the same answer.
        pages: Answers with rows.
        flaw: What speaks against the pass, in words, or None.
        moved: Whether the total changed while it ran.
        withheld: Offset of each row that was passed over, and why.
    """

    window: Window
    total_before: int | None
    total_after: int | None
    keys: Words
    contents: Words
    twins: int
    pages: int
    flaw: str | None
    moved: bool
    withheld: tuple[tuple[int, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows received."""
        return int(self.keys.size)

    @property
    def whole(self) -> bool:
        """Whether rows and totals agree and nothing speaks against it."""
        return self.flaw is None and not self.moved and not self.withheld and self.rows == self.total_after

    @property
    def lacks_only_withheld(self) -> bool:
        """Whether rows that were passed over are all that speaks against it, or that it moved."""
        return bool(self.withheld) and self.flaw is None and self.rows + len(self.withheld) == self.total_after

    @property
    def atomic(self) -> bool:
        """Whether one answer held all of it."""
        return self.whole and self.pages <= 1

    def multiset(self) -> bytes:
        """A digest that two passes share exactly if they served the same rows, in any order."""
        rows = np.stack([self.keys, self.contents], axis=1)
        return hashlib.sha256(rows[np.lexsort((self.contents, self.keys))].tobytes()).digest()


def read(window: Window, seen: Seen, *, limit: int | None = None) -> Steps[Reading]:
    """Read a window once, to its end or to the first flaw.

    Args:
        window: What to read.
        seen: What is known of the source; learns from each answer.
        limit: Rows a page, to move the seams of a second pass; default what the source bears.
    """
    course = _Course(window, seen)
    ahead, before = 1, 0
    while course.goes_on:
        step = min(limit, seen.limit) if limit else seen.next_limit()
        if step > before:
            ahead = 1  # where the pages after a larger one begin is known once that one is here
        before, offsets = step, course.offsets(ahead, step)
        answers = yield tuple(Ask(window, offset, step) for offset in offsets)
        ahead = min(2 * ahead, MOST_AHEAD) if course.take_all(offsets, answers, step) else 1
    return course.result()


class _Course:
    """The rows received so far, always a prefix of the window."""

    def __init__(self, window: Window, seen: Seen) -> None:
        self.window = window
        self.seen = seen
        self.rows = 0  # had, or passed over
        self.withheld: list[tuple[int, str]] = []
        self.flaw: str | None = None
        self.ended = False
        self._totals: list[int] = []
        self._untold = False  # an answer had no total
        self._least = 1  # rows there are at least, where no total says it
        self._keys: list[Words] = []
        self._contents: list[Words] = []
        self._twins = 0
        self._step = 0  # rows of the last page, to guess where the next ones begin
        self._was_short = False
        self._borne = 0  # rows a page before the first one was refused, since a row was passed over
        self._last: tuple[int, int] | None = None  # the last row received, to compare the next seam with

    @property
    def goes_on(self) -> bool:
        return self.flaw is None and not self.ended

    @property
    def _missing(self) -> int:
        return (self._totals[-1] if self._totals else self._least) - self.rows

    @property
    def _at(self) -> int:
        """The next offset: one row back, to compare the seam; none behind the end, or where a page is one row."""
        return max(self.rows - self._overlap, 0) if self._missing > 0 else self.rows

    @property
    def _overlap(self) -> int:
        return 1 if self._step > 1 else 0

    def offsets(self, ahead: int, limit: int) -> list[int]:
        stride = max(min(self._step, limit) - self._overlap, 1)
        wanted = min(ahead, -(-self._missing // stride)) if self.rows else 1
        return [self._at + k * stride for k in range(max(wanted, 1))]

    def take_all(self, offsets: list[int], answers: tuple[Answer, ...], limit: int) -> bool:
        """Take the answers in order; False where one brought less than the next one's offset supposed."""
        for offset, answer in zip(offsets, answers, strict=True):
            if not self.goes_on or offset != self._at:
                return False
            if isinstance(answer, Refused):
                self._refused(answer, limit)
                return False
            if answer.withheld is not None:
                self._withheld(offset, answer, answer.withheld, limit)
                return False
            before = self.rows
            self._take(offset, answer, limit)
            if self.rows == before:
                return False
        return True

    def _refused(self, answer: Refused, limit: int) -> None:
        self._borne = self._borne or min(limit, self.seen.limit)
        if answer.kind != "size" or not self.seen.halve(limit, answer.why):
            self.flaw = answer.why

    def _withheld(self, offset: int, sheet: Sheet, why: str, limit: int) -> None:
        """Ask for less, or pass over the one row that it is."""
        if limit > 1:
            self._refused(Refused("size", why), limit)
            return
        self.flaw = self._wrong_offset(offset, sheet)
        if self.flaw is None:
            self._note_total(sheet, offset + 2)
            self.withheld.append((offset, why))
            self.rows += 1
            self._step, self._was_short = 1, False  # it cannot be compared with what comes at the next seam
            self.seen.passed_over(self._borne)
            self._borne = 0

    def _take(self, offset: int, sheet: Sheet, limit: int) -> None:
        self.seen.bore(limit, len(sheet))
        if sheet.limit not in (None, limit):
            self.seen.notice(f"asked for {limit} rows, answered with a limit of {sheet.limit}")
        self.flaw = self._wrong_offset(offset, sheet)
        if self.flaw is None:
            self._note_total(sheet, offset + len(sheet) + 1)
            self._absorb(offset, sheet)
            self._judge_end(sheet, limit)

    def _note_total(self, sheet: Sheet, least: int) -> None:
        """Keep the total; where there is none, rows are supposed behind each page until one brings nothing."""
        if sheet.total is None:
            self._untold, self._least = True, least
        else:
            self._totals.append(sheet.total)

    @staticmethod
    def _wrong_offset(offset: int, sheet: Sheet) -> str | None:
        if sheet.offset is not None and sheet.offset != offset:
            return f"asked for offset {offset}, answered from {sheet.offset}"
        return None

    def _absorb(self, offset: int, sheet: Sheet) -> None:
        overlap = self.rows - offset
        if overlap and len(sheet) and self._last != (sheet.keys[0], sheet.contents[0]):
            self.flaw = f"the row at offset {offset} was another one a moment ago"
            return
        keys, contents = sheet.keys[overlap:], sheet.contents[overlap:]
        if keys.size:
            self._last = (int(keys[-1]), int(contents[-1]))
        self._twins += int(keys.size - np.unique(keys).size)
        self._keys.append(keys)
        self._contents.append(contents)
        self._step = len(sheet)
        self.rows += int(keys.size)

    def _judge_end(self, sheet: Sheet, limit: int) -> None:
        if self.flaw is not None:
            return
        brought = int(self._keys[-1].size)
        if brought and self._was_short:
            self.seen.pages_fall_short = True  # more rows came behind a page that was not full
        self._was_short = len(sheet) < min(limit, self.seen.fullest)
        full = not self._was_short or self.seen.pages_fall_short
        if not self._totals and not len(sheet):
            self.ended = True
        elif brought == 0 and self._missing > 0 and len(sheet):
            self._step = 1  # the overlap alone filled the page: go on without it
        elif brought == 0 and self._missing > 0:
            self.flaw = f"no more rows at offset {self.rows} of {self._totals[-1]}"
        elif self._missing <= 0 and (brought == 0 or not full):
            self.ended = True
        elif self._totals and self.rows > 4 * self._totals[-1] + 10_000:
            self.flaw = f"still more rows at {self.rows} of {self._totals[-1]}"

    def result(self) -> Reading:
        keys = np.concatenate([_NONE, *self._keys])
        flaw = self.flaw or ("the source gave no total" if self._untold else None)
        if flaw is None and int(np.unique(keys).size) + self._twins != keys.size:
            flaw = "one entry came on two pages"
        return Reading(
            window=self.window,
            total_before=self._totals[0] if self._totals else None,
            total_after=self._totals[-1] if self._totals else None,
            keys=keys,
            contents=np.concatenate([_NONE, *self._contents]),
            twins=self._twins,
            pages=sum(1 for page in self._keys if page.size),
            flaw=flaw,
            moved=len(set(self._totals)) > 1,
            withheld=tuple(self.withheld),
        )
