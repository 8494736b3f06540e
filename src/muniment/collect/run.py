"""One collection: census, sweep what differs, hold totals against each other, resolve people, seal (design §4)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from muniment.archive.commit import Transaction
from muniment.collect.calendar import consecutive
from muniment.collect.desk import Desk
from muniment.collect.fetching import Crew, Fetched, Interrupted, Stop
from muniment.collect.goal import Outcome, Progress
from muniment.collect.judge import Judge
from muniment.collect.people import Kind, Lookup, People
from muniment.collect.reader import FIRST_PAGE, Reader
from muniment.collect.record import encode
from muniment.collect.scribe import Figures
from muniment.errors import SourceError, Stopped
from muniment.sweep.survey import Survey
from muniment.sweep.window import EVERYTHING, NOT_READ, Ask, Gap, Sheet

__all__ = ["Run"]

_LOOKUPS_A_COMMIT = 200


class _End(msgspec.Struct, frozen=True):
    """What ended a run before its story did: an error of the source, or a signal."""

    error: SourceError | None = None
    signal: int | None = None

    @property
    def why(self) -> str | None:
        if self.error is not None:
            return self.error.message
        return None if self.signal is None else f"stopped by signal {self.signal}"


class Run:
    """One collection from one source into one archive.

    Args:
        desk: What it works with.
        stop: Whether somebody asked to stop.
        tell: Told how far it is.
        width: Requests under way at once.
    """

    def __init__(self, desk: Desk, *, stop: Stop, tell: Callable[[Progress], None], width: int) -> None:
        self._desk = desk
        self._stop = stop
        self._tell = tell
        self._width = width
        self._judge = Judge(desk)
        self._people = People(
            desk.client, desk.who.source, desk.known, desk.clock, lambda: desk.asker.ask(Ask(EVERYTHING, 0, 1))
        )
        self._answers: list[Lookup] = []
        self._survey: Survey | None = None
        self._rows = 0
        self._expected: int | None = None
        self._begun = False

    def collect(self) -> Outcome:
        """Do it, and seal whatever was read, however it ends.

        Raises:
            ArchiveError, NotEvidence: The archive cannot be written; what was sealed before stays.
        """
        try:
            return self._close(self._read())
        finally:
            self._desk.sealer.close()

    def _read(self) -> _End:
        """Read until all is told, or something ends it."""
        try:
            asker, give_up = self._desk.asker, self._desk.client.give_up
            with Crew(
                asker.ask, asker.read, self._on_page, width=self._width, stop=self._stop, give_up=give_up
            ) as crew:
                self._story(crew)
        except Interrupted as asked:
            return _End(signal=asked.signal)
        except Stopped as error:
            return _End(signal=self._stop()) if self._stop() is not None else _End(error)
        except SourceError as error:
            return _End(error)
        return _End()

    def _story(self, crew: Crew[Any]) -> None:
        self._say("asking for totals", "")
        reader = Reader(self._desk, crew)
        self._survey = reader.begin()
        self._begun = True
        if self._survey is not None:
            self._expected = self._survey.whole
        reader.read(reader.days_to_read(self._survey))
        if self._survey is None or not reader.agrees(self._survey) or reader.rotate():
            self._survey = reader.survey_again()
        if self._desk.known.owes_controls(self._desk.calendar.stretch.closed):
            self._judge.control(crew)
        if self._desk.sealer.holds_any:
            self._seal()  # totals are held against the archive
        self._survey = self._judge.judge(crew, reader, self._survey)
        self._judge.settle_missing()
        self._resolve_people()

    def _on_page(self, ask: Ask, fetched: Fetched) -> None:
        self._desk.sealer.take(ask, fetched)
        if isinstance(fetched.answer, Sheet) and ask.limit > 2:
            if ask == FIRST_PAGE:
                self._expected = fetched.answer.total
            else:
                self._rows += len(fetched.answer)
            self._say("reading", str(ask.window))
        if self._desk.sealer.due:
            self._seal()

    # -- people

    def _resolve_people(self) -> None:
        """Ask for every user and account that is due; every answer is sealed."""
        if self._desk.sealer.holds_any:
            self._seal()
        waiting = self._people.due(self._desk.sealer.activity)
        for start in range(0, len(waiting), _LOOKUPS_A_COMMIT):
            self._say("resolving users and accounts", f"{start} of {len(waiting)}")
            self._look_up(waiting[start : start + _LOOKUPS_A_COMMIT])
            self._seal()

    def _look_up(self, some: Sequence[tuple[Kind, str]]) -> None:
        pool = ThreadPoolExecutor(self._width, thread_name_prefix="lookup")
        try:
            for start in range(0, len(some), self._width):
                self._answers += self._people.borne_out(self._ask_together(pool, some[start : start + self._width]))
        except BaseException:
            self._desk.client.give_up()  # others may be waiting to try again
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _ask_together(self, pool: ThreadPoolExecutor, some: Sequence[tuple[Kind, str]]) -> Sequence[Lookup]:
        answers: list[Lookup] = []
        for answer in pool.map(lambda one: self._people.ask(*one), some):
            answers.append(answer)
            self._heed()
        return answers

    def _heed(self) -> None:
        signal = self._stop()
        if signal is not None:
            raise Interrupted(signal)

    # -- sealing

    def _seal(self) -> None:
        self._commit(lambda transaction: self._desk.scribe.part(transaction, self._figures()))

    def _commit(self, say: Callable[[Transaction], None]) -> None:
        """Seal what was read and found so far, and what `say` says of it."""
        desk, judge = self._desk, self._judge

        def record(transaction: Transaction) -> None:
            for finding in judge.findings:
                transaction.add_record("finding", encode(finding), desk.now())
            desk.days.tell(desk.scribe, desk.sealer)
            say(transaction)

        desk.sealer.seal(self._people.take(self._answers, desk.archive), record)
        self._answers, judge.findings = [], []

    def _close(self, end: _End) -> Outcome:
        desk, gaps = self._desk, self._gaps(end)
        complete = end.why is None and not gaps
        self._commit(
            lambda transaction: desk.scribe.close(
                transaction,
                self._figures(),
                gaps=gaps,
                complete=complete,
                stopped=end.why,
                scope_accepted=desk.goal.accept_scope,
            )
        )
        desk.sealer.settle()
        return Outcome(
            complete=complete,
            from_=desk.calendar.stretch.first if self._begun else desk.goal.from_,
            to=desk.calendar.last,
            source_total=self._expected if self._survey is None else self._survey.whole,
            new=desk.sealer.new,
            updated_users=self._people.updated_users,
            requests=desk.client.requests,
            retries=desk.client.retries,
            gaps=gaps,
            receipt=desk.scribe.closed_at,
            stopped=end.error,
            signal=end.signal,
        )

    def _gaps(self, end: _End) -> list[Gap]:
        desk = self._desk
        if not self._begun:
            return []
        stretch = desk.calendar.stretch
        gaps = self._judge.doubts + desk.days.gaps_between(stretch.first, stretch.last)
        if end.why is None:
            return gaps
        unread = [day for day in desk.calendar.days if day not in desk.days.days]
        why = f"{NOT_READ}: the run was stopped before it came to this"
        return gaps + [Gap(days[0], days[-1], "", None, 0, why) for days in consecutive(unread)]

    def _figures(self) -> Figures:
        desk = self._desk
        edges = desk.sealer.edges
        return Figures(
            requests=desk.asker.requests,
            lookups=self._people.asked,
            retries=desk.client.retries,
            clock_skew_s=desk.asker.skew_s,
            odd=[*desk.seen.odd, *desk.sealer.odd, *desk.asker.odd],
            seen={
                "fullest": desk.seen.fullest,
                "limit": desk.seen.limit,
                "earliest_s": edges.earliest_s,
                "latest_s": edges.latest_s,
            },
            total_fell=desk.days.total_fell,
        )

    def _say(self, doing: str, window: str) -> None:
        self._tell(Progress(doing, window, self._rows, self._expected))
