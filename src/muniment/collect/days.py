"""The days of a run: what was known of each, what its reading says, what it lacks."""

import datetime as dt

import msgspec

from muniment.collect.missing import Missing, mark_of, ranges_of
from muniment.collect.record import DayRead, WindowRead
from muniment.collect.scribe import Scribe
from muniment.collect.sealing import Sealer
from muniment.collect.standing import Day, SourceStanding
from muniment.source.client import Client
from muniment.source.endpoints import AUDIT_LOG, spell
from muniment.sweep.plan import KnownDay
from muniment.sweep.sweeping import Verdict
from muniment.sweep.window import Ask, Gap, Words

__all__ = ["DayBook"]


class _Read(msgspec.Struct, frozen=True):
    verdict: Verdict
    read: DayRead
    displaced: Words


class DayBook:
    """Keeps what readings say until it is sealed, and what is known of every day.

    Args:
        known: What was known when the run began.
        missing: Compares readings with what was archived.
        client: Spells the addresses for the receipt.
        page: Rows asked for at a time, for the address.
    """

    def __init__(self, known: SourceStanding, missing: Missing, client: Client, page: int) -> None:
        self.days: dict[dt.date, Day] = dict(known.days)
        self.read: set[dt.date] = set()
        self.total_fell = known.total_fell
        self.gaps: list[Gap] = []
        self.displaced = list(known.displaced)
        """Ranges of leaves [first, end) that windows of days served whose timestamps say another day, and which day."""
        self._missing = missing
        self._client = client
        self._page = page
        self._done: list[_Read] = []
        self._held: list[_Read] = []
        self._others: list[Verdict] = []

    def known(self, day: dt.date) -> KnownDay | None:
        """What the plan wants to know of a day."""
        return self.days[day].known() if day in self.days else None

    def rows(self, day: dt.date) -> int:
        """Rows of the day's last reading; 0 of a day never read."""
        return self.days[day].rows if day in self.days else 0

    def is_complete(self, day: dt.date) -> bool:
        """Whether the day's last reading was complete."""
        return day in self.days and self.days[day].method is not None

    def gaps_between(self, first: dt.date, last: dt.date) -> list[Gap]:
        """What the days from first to last lack, as far as they were read."""
        return [gap for day in sorted(self.days) if first <= day <= last for gap in self.days[day].gaps] + self.gaps

    def finish(self, verdict: Verdict, sealer: Sealer, *, closed: bool, at: str, once_more: bool = False) -> None:
        """Take the verdict over a day.

        Args:
            verdict: Of its window.
            sealer: Knows what was new.
            closed: Whether the day is over.
            at: When it was read, RFC 3339.
            once_more: It was read with other seams than before: the same rows again confirm it.
        """
        day = verdict.window.first_day
        before = self.days.get(day)
        fresh = sealer.fresh(day)
        if once_more and before is not None and verdict.method == "stable" and not fresh.size:
            same = (verdict.rows, mark_of(verdict.keys)) == (before.rows, before.mark)
            verdict = msgspec.structs.replace(verdict, method="confirmed" if same else "stable")
        lacks = self._missing.compare(day, verdict, before, fresh)
        read = DayRead(
            day=day,
            rows=verdict.rows,
            total=verdict.total_after,
            method=verdict.method,
            at=at,
            closed=closed,
            mark=mark_of(verdict.keys),
            gaps=list(verdict.gaps),
            lacks=self._missing.lacks.get(day, before.lacks if before else []),
        )
        self.total_fell |= before is not None and verdict.complete and verdict.rows < before.rows
        self.read.add(day)
        self.days[day] = Day(read.rows, read.total, read.method, closed, at, read.mark, read.gaps, read.lacks)
        (self._held if lacks else self._done).append(_Read(verdict, read, sealer.displaced(day)))

    def finish_other(self, verdict: Verdict) -> None:
        """Take the verdict over a window that is no day."""
        self._others.append(verdict)
        self.gaps += verdict.gaps

    def release(self) -> None:
        """What days lack is settled: their readings may be sealed."""
        self._done += self._held
        self._held = []

    def tell(self, scribe: Scribe, sealer: Sealer) -> None:
        """Hand everything finished to the scribe; within the transaction that seals its leaves."""
        for done in self._done:
            scribe.windows.append(self._window(done.verdict, sealer))
            displaced = ranges_of(sealer.leaves_of(done.displaced)) if done.displaced.size else []
            news = [r for r in displaced if (*r, done.read.day) not in self.displaced]
            self.displaced += [(*r, done.read.day) for r in news]
            scribe.days.append(msgspec.structs.replace(done.read, displaced=news))
        scribe.windows += [self._window(verdict, sealer) for verdict in self._others]
        self._done, self._others = [], []

    def _window(self, verdict: Verdict, sealer: Sealer) -> WindowRead:
        window = verdict.window
        leaves = sealer.placed.pop(window)
        address = spell(AUDIT_LOG, Ask(window, 0, self._page).query().to_params())
        return WindowRead(
            from_=window.from_,
            to=window.to,
            filter=str(window.filter),
            url=self._client.settings.url + address,
            total_before=verdict.total_before,
            total_after=verdict.total_after,
            rows=verdict.rows,
            new=sum(end - first for first, end in leaves),
            method=verdict.method,
            passes=verdict.passes,
            parts=[self._window(part, sealer) for part in verdict.parts],
            leaves=leaves,
        )
