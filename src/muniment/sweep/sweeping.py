"""A window read until it is known complete, or until what it lacks is a gap.

Design §4.2: three methods (`atomic`, `stable`, `confirmed`); where a pass is flawed the window is split by day,
resource type, action, status, account, until its parts are not; a part that cannot be split is read up to five times.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec
import numpy as np

from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES
from muniment.sweep.budget import Budget
from muniment.sweep.plan import other_seams
from muniment.sweep.reading import Reading, read
from muniment.sweep.together import together
from muniment.sweep.window import Answer, Ask, Gap, Method, Refused, Seen, Sheet, Steps, Window, Words, weakest

__all__ = ["Verdict", "count", "first_page", "once_more", "sweep"]

MOST_PASSES = 5
MOST_WHILE_MOVING = 3
MOST_NAMED = 20
_EARLY, _LATE = dt.date(1970, 1, 1), dt.date(2199, 12, 31)  # within what any source takes for a date
_NONE: Words = np.empty(0, dtype=np.uint64)


class Verdict(msgspec.Struct, frozen=True, eq=False):
    """What is known of a window after it was swept.

    Args:
        method: How it is known to be complete, None where it is not.
        total_before: The source's total when it began.
        total_after: When it ended.
        rows: Rows received, in the window's last pass or its parts'.
        keys: Hash of each row's key.
        twins: Rows that repeat a key of the same answer.
        passes: Passes over this window itself; 1 where nothing was odd.
        parts: What it was split into, each with a verdict of its own.
        gaps: What it lacks, by part; empty exactly where `method` is not None or the window may still grow.
        settled: Whether the totals seen at its start were reached, all that can be asked of a day not over.
    """

    window: Window
    method: Method | None
    total_before: int | None
    total_after: int | None
    rows: int
    keys: Words
    twins: int
    passes: int
    parts: tuple["Verdict", ...]
    gaps: tuple[Gap, ...]
    settled: bool

    @property
    def complete(self) -> bool:
        """Whether the archive agrees with the source's own total."""
        return self.method is not None


def sweep(window: Window, seen: Seen, *, confirm: bool = False, growing: bool = False) -> Steps[Verdict]:
    """Read a window to a verdict.

    Whatever the source says, it takes at most 1020 asks and eleven for each answer that brings rows not had before, as
    `Budget` reckons; a window that has not come to an end by then is a gap.

    Args:
        window: What to read.
        seen: What is known of the source; learns.
        confirm: Demand `confirmed` where one answer does not hold all.
        growing: The day is not over: rows that come while it is read are no fault.
    """
    budget = Budget(window, seen)
    steps = _sweep(window, seen, confirm=confirm, growing=growing)
    answers: tuple[Answer, ...] | None = None
    while True:
        try:
            asks = steps.send(answers)  # type: ignore[arg-type]  # the first send is None
        except StopIteration as end:
            verdict: Verdict = end.value
            if verdict.complete or verdict.settled:
                budget.give_back()
            return verdict
        if not budget.bears(len(asks)):
            steps.close()
            return _gave_up(window, budget)
        answers = yield asks
        budget.note(asks, answers)


def _gave_up(window: Window, budget: Budget) -> Verdict:
    """What came before the budget was spent, and a gap."""
    keys = budget.keys()
    why = f"given up after {budget.spent} requests that came to no end"
    return Verdict(
        window=window,
        method=None,
        total_before=budget.total,
        total_after=budget.total,
        rows=int(keys.size),
        keys=keys,
        twins=0,
        passes=1,
        parts=(),
        gaps=(Gap.of(window, budget.total, int(keys.size), why),),
        settled=False,
    )


def _sweep(window: Window, seen: Seen, *, confirm: bool, growing: bool) -> Steps[Verdict]:
    trial = _Trial(window, seen, confirm=confirm, growing=growing)
    first = yield from trial.run(MOST_WHILE_MOVING)
    if first is not None:
        return first
    split = yield from _split(trial)
    if split is not None:
        return split
    last = yield from trial.run(MOST_PASSES)
    return last if last is not None else trial.give_up()


def once_more(window: Window, seen: Seen) -> Steps[Verdict]:
    """One further pass with other seams over a window that was read before; `sweep` where it is flawed."""
    trial = _Trial(window, seen, confirm=False, growing=False)
    reading = yield from read(window, seen, limit=other_seams(seen.limit))
    trial.passes.append(reading)
    if reading.whole:
        return trial.verdict("atomic" if reading.atomic else "stable")
    return (yield from sweep(window, seen, confirm=True))


def count(window: Window) -> Steps[int | None]:
    """The source's total of a window, for one row's cost; None where it gives none."""
    (answer,) = yield (Ask(window, 0, 1),)
    return answer.total if isinstance(answer, Sheet) else None


def first_page(ask: Ask, seen: Seen) -> Steps[list[dt.date]]:
    """Ask for the first rows of a window for what they show, and go on behind such as are too large to come.

    Returns:
        The day of the first of these; nothing where there was none, or it is of no day.
    """
    offset, limit = 0, ask.limit
    while offset < MOST_NAMED:
        (answer,) = yield (Ask(ask.window, offset, limit),)
        if isinstance(answer, Sheet):
            seen.bore(limit, len(answer))
        too_large = answer.withheld is not None if isinstance(answer, Sheet) else answer.kind == "size"
        if not too_large or (limit == 1 and isinstance(answer, Refused)):
            break
        offset, limit = (offset, limit // 2) if limit > 1 else (offset + 1, ask.limit)
    day = (yield from day_at(ask.window, 0)) if offset else None
    return [] if day is None else [day]


def day_at(window: Window, offset: int) -> Steps[dt.date | None]:
    """The day of the row at an offset, by totals alone, for a row that does not come; None where they do not tell."""
    if window.is_day:
        return window.first_day
    first, last = (window.from_ or _EARLY).toordinal(), (window.to or _LATE).toordinal()
    whole, dated = yield from together([count(window), count(_until(window, last))])
    if whole is None or whole != dated:
        return None  # among rows without dates, an offset says nothing of the days
    while first < last:
        middle = (first + last) // 2
        until = yield from count(_until(window, middle))
        if until is None:
            return None
        first, last = (first, middle) if until > offset else (middle + 1, last)
    day = dt.date.fromordinal(first)
    return day if (yield from count(Window(day, day, window.filter))) else None


def _until(window: Window, last: int) -> Window:
    return Window(window.from_ or _EARLY, dt.date.fromordinal(last), window.filter)


class _Trial:
    """The passes over one window, and what they have given together."""

    def __init__(self, window: Window, seen: Seen, *, confirm: bool, growing: bool) -> None:
        self.window = window
        self.seen = seen
        self.confirm = confirm
        self.growing = growing
        self.passes: list[Reading] = []
        self._rows_behind = False

    @property
    def total(self) -> int | None:
        """The source's last total."""
        return self.passes[-1].total_after

    def run(self, most: int) -> Steps[Verdict | None]:
        """Read until a pass, or the union of all, holds: `most` times at most; None where a split may help."""
        while len(self.passes) < most:
            reading = yield from read(self.window, self.seen)
            self.passes.append(reading)
            verdict = yield from self._judge(reading)
            if verdict is not None or (most < MOST_PASSES and reading.flaw is not None) or self._is_untold():
                return verdict
        return None

    def _is_untold(self) -> bool:
        """Whether two passes had no total: further ones could not be held against anything either."""
        return len(self.passes) > 1 and all(each.total_after is None for each in self.passes)

    def _judge(self, reading: Reading) -> Steps[Verdict | None]:
        """What the last pass says, beside those before it; None where it settles nothing."""
        holds = reading.whole and not self._was_exceeded(reading.total_after)
        if holds and (reading.atomic or not self.confirm):
            return self.verdict("atomic" if reading.atomic else "stable")
        if holds and (yield from self._confirmed(reading)):
            return self.verdict("confirmed")
        if reading.lacks_only_withheld and (self.growing or not reading.moved):
            return (yield from self._without_withheld(reading))
        if self.growing and self._reached(reading):
            return self.verdict(None, settled=True)
        if not self.confirm and self._union_holds() and (yield from self._nothing_behind(reading.total_after)):
            return self.verdict("stable", keys=self._union())
        return None

    def _was_exceeded(self, total: int | None) -> bool:
        """Whether a pass served more rows than this very total: then reaching it proves nothing."""
        return total is not None and any(each.total_after == total and each.rows > total for each in self.passes)

    def _nothing_behind(self, total: int | None) -> Steps[bool]:
        """Whether no row lies behind the total that several passes have reached together."""
        if total is None or self._was_exceeded(total):
            return False
        (behind,) = yield (Ask(self.window, total, self.seen.limit),)
        self._rows_behind |= not isinstance(behind, Sheet) or len(behind) > 0 or behind.withheld is not None
        return not self._rows_behind

    def _confirmed(self, reading: Reading) -> Steps[bool]:
        again = yield from read(self.window, self.seen, limit=other_seams(self.seen.limit))
        if again.whole and again.multiset() == reading.multiset():
            return True
        self.passes.append(again)
        self.seen.notice(f"{self.window}: a second pass gave other rows")
        return False

    @staticmethod
    def _reached(reading: Reading) -> bool:
        return reading.flaw is None and not reading.withheld and reading.rows == reading.total_after

    def _union(self) -> Words:
        return np.unique(np.concatenate([_NONE, *(reading.keys for reading in self.passes)]))

    def _union_holds(self) -> bool:
        """Whether several passes together have as many keys as a total that never changed."""
        totals = {total for reading in self.passes for total in (reading.total_before, reading.total_after)}
        return len(self.passes) > 1 and len(totals) == 1 and int(self._union().size) in totals

    def verdict(self, method: Method | None, *, settled: bool = True, keys: Words | None = None) -> Verdict:
        """What the last pass says."""
        last = self.passes[-1]
        return Verdict(
            window=self.window,
            method=method,
            total_before=self.passes[0].total_before,
            total_after=last.total_after,
            rows=last.rows if keys is None else int(keys.size),
            keys=last.keys if keys is None else keys,
            twins=last.twins,
            passes=len(self.passes),
            parts=(),
            gaps=(),
            settled=settled,
        )

    def _without_withheld(self, reading: Reading) -> Steps[Verdict]:
        """Everything but rows that are too large to come: each is a gap, and the last one names all that are left."""
        gaps = []
        for offset, why in reading.withheld[:MOST_NAMED]:
            day = yield from day_at(self.window, offset)
            named = self.window if day is None else Window(day, day, self.window.filter)
            gaps.append(Gap.of(named, 1, 0, f"the entry at offset {offset} of {self.window} cannot be had: {why}"))
        others = len(reading.withheld) - len(gaps)
        if others:
            gaps.append(Gap.of(self.window, others, 0, f"further entries cannot be had: {reading.withheld[-1][1]}"))
        return msgspec.structs.replace(self.verdict(None, settled=False), gaps=tuple(gaps))

    def give_up(self) -> Verdict:
        """A gap: what all passes together got, beside the last total."""
        keys = self._union()
        gap = Gap.of(self.window, self.total, int(keys.size), self._why(int(keys.size)))
        return msgspec.structs.replace(self.verdict(None, settled=False, keys=keys), gaps=(gap,))

    def _why(self, got: int) -> str:
        last = self.passes[-1]
        if last.flaw is not None:
            return last.flaw
        if last.withheld:
            return f"{len(last.withheld)} of the entries cannot be had: {last.withheld[-1][1]}"
        if self.total is not None and got > self.total:
            return "the source serves more entries than its total says"
        if last.moved:
            return "the total moved each time it was read"
        return "two passes never gave the same rows" if last.whole else "fewer entries came than the total says"


def _split(trial: _Trial) -> Steps[Verdict | None]:
    """The verdict of the parts, by the first dimension whose parts sum up to the whole; None where none helps."""
    total = trial.total
    if total is None or total <= trial.seen.fullest:
        return None  # it fits one page: smaller windows would not be read any better
    for parts in _dimensions(trial.window, trial.seen):
        before = yield from _sum_up(trial, parts)
        if before is None:
            continue
        verdicts = yield from together(
            [_sweep(part, trial.seen, confirm=trial.confirm, growing=trial.growing) for part in parts]
        )
        after = yield from count(trial.window)
        whole = _whole(trial, verdicts, before, after)
        if whole is not None:
            return whole
    return None


def _sum_up(trial: _Trial, parts: Sequence[Window]) -> Steps[int | None]:
    """The total of a window, if its parts sum up to it; None where they do not, or give no totals.

    Parts that do not are not worth reading: the whole lies, or a value is in no list. Of a window that
    grows the parts are asked for between two totals of the whole, and must lie between them.
    """
    if trial.growing:
        before = yield from count(trial.window)
        counts = yield from together([count(part) for part in parts])
        after = yield from count(trial.window)
    else:
        before, *counts = yield from together([count(trial.window), *map(count, parts)])
        after = before
    told = [part for part in counts if part is not None]
    if before is None or after is None or len(told) < len(counts):
        return None
    return before if before <= sum(told) <= after else None


def _whole(trial: _Trial, parts: Sequence[Verdict], before: int | None, after: int | None) -> Verdict | None:
    """The verdict over parts, if their totals sum up to the parent's, before and after; between them, if it grows."""
    totals = [part.total_after for part in parts if part.total_after is not None]
    if before is None or after is None or len(totals) < len(parts):
        return None
    if not before <= sum(totals) <= after or (before != after and not trial.growing):
        return None
    gaps = tuple(chain.from_iterable(part.gaps for part in parts))
    methods = [part.method for part in parts if part.method is not None]
    return Verdict(
        window=trial.window,
        method=weakest(methods) if len(methods) == len(parts) else None,
        total_before=before,
        total_after=after,
        rows=sum(part.rows for part in parts),
        keys=np.concatenate([_NONE, *(part.keys for part in parts)]),
        twins=sum(part.twins for part in parts),
        passes=len(trial.passes),
        parts=tuple(parts),
        gaps=gaps,
        settled=not gaps and all(part.settled for part in parts),
    )


def _dimensions(window: Window, seen: Seen) -> Iterator[list[Window]]:
    """Ways to cut a window in parts, the most natural first; one that is used up is not offered."""
    if window.from_ is not None and window.to is not None and window.from_ < window.to:
        yield _halves_of_days(window.from_, window.to, window)
        return
    narrow = window.filter
    types = narrow.resource_types or RESOURCE_TYPES
    if len(types) > 1:
        middle = len(types) // 2
        yield _narrowed(window, [{"resource_types": types[:middle]}, {"resource_types": types[middle:]}])
    if narrow.action is None:
        yield _narrowed(window, ({"action": action} for action in ACTIONS))
    if narrow.status is None:
        yield _narrowed(window, ({"status": status} for status in STATUSES))
    if narrow.account_id is None and len(seen.accounts) > 1:
        yield _narrowed(window, ({"account_id": account} for account in seen.accounts))


def _halves_of_days(first: dt.date, last: dt.date, window: Window) -> list[Window]:
    middle = first + (last - first) // 2
    return [Window(first, middle, window.filter), Window(middle + dt.timedelta(days=1), last, window.filter)]


def _narrowed(window: Window, filters: Iterable[dict[str, str | tuple[str, ...]]]) -> list[Window]:
    return [Window(window.from_, window.to, msgspec.structs.replace(window.filter, **narrower)) for narrower in filters]
