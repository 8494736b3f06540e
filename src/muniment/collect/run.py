"""One collection: census, sweep what differs, resolve users and accounts, seal (design §4)."""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from muniment.archive.commit import Transaction
from muniment.archive.keys import KeyRuns
from muniment.archive.writer import Writer
from muniment.collect.asking import Asker
from muniment.collect.controls import unlisted
from muniment.collect.days import DayBook
from muniment.collect.fetching import Crew, Fetched, Interrupted, Stop
from muniment.collect.goal import Goal, Outcome, Progress
from muniment.collect.instants import Clock, rfc3339
from muniment.collect.missing import Missing
from muniment.collect.people import Kind, Lookup, People
from muniment.collect.record import Census, Finding, Outside, encode
from muniment.collect.scribe import Figures, Scribe, introduce
from muniment.collect.sealing import Sealer
from muniment.collect.standing import Standing
from muniment.errors import ScopeShrank, SourceError, Stopped
from muniment.source.client import Client
from muniment.sweep.census import ControlTotals, control_totals, days_that_differ
from muniment.sweep.days import days_between, first_open_day
from muniment.sweep.plan import IDLE_BUDGET, must_be_confirmed, needs_reading, rotation
from muniment.sweep.survey import Stretch, Survey, survey, undated_windows
from muniment.sweep.sweeping import count, once_more, sweep
from muniment.sweep.together import together
from muniment.sweep.window import EVERYTHING, Ask, Gap, Seen, Sheet, Steps, Window

__all__ = ["Run"]

_DAY = dt.timedelta(days=1)
_FIRST_PAGE = Ask(EVERYTHING, 0, 1000)
_LOOKUPS_A_COMMIT = 200
_ROUNDS = 3


class Run:
    """One collection from one source into one archive.

    Args:
        goal: What is wanted.
        writer: Commits to the archive.
        client: Speaks to the source.
        keys: What the archive holds.
        standing: What the archive knows; read only.
        source: Name of the source.
        clock: Ours.
        stop: Whether somebody asked to stop.
        tell: Told how far it is.
        width: Requests under way at once.
    """

    def __init__(
        self,
        goal: Goal,
        *,
        writer: Writer,
        client: Client,
        keys: KeyRuns,
        standing: Standing,
        source: str,
        clock: Clock,
        stop: Stop,
        tell: Callable[[Progress], None],
        width: int = 8,
    ) -> None:
        self._goal = goal
        self._client = client
        self._archive = writer.archive
        self._clock = clock
        self._stop = stop
        self._tell = tell
        self._width = width
        self._known = standing.source(source)
        self._asker = Asker(client, source)
        self._who = introduce(goal, client, source, writer.archive.origin, clock)
        self._scribe = Scribe(self._who, clock)
        self._sealer = Sealer(
            writer,
            keys,
            source=source,
            run=self._who.run,
            seen_values=set(standing.seen_values),
            twins={found.id for found in standing.findings.values() if found.kind == "twin" and found.id},
            clock=clock,
        )
        self._seen = Seen(fullest=self._known.fullest, accounts=tuple(self._known.accounts))
        self._missing = Missing(writer.archive, source, self._known)
        self._days = DayBook(self._known, self._missing, client, self._seen.limit)
        self._people = People(client, source, self._known, clock)
        self._answers: list[Lookup] = []
        self._findings: list[Finding] = []
        self._doubts: list[Gap] = []
        self._survey: Survey | None = None
        self._stretch: Stretch | None = None
        self._rows = 0
        self._expected: int | None = None

    # -- the story

    def collect(self) -> Outcome:
        """Do it, and seal whatever was read, however it ends.

        Raises:
            ArchiveError, NotEvidence: The archive cannot be written; what was sealed before stays.
        """
        stopped: SourceError | None = None
        signal: int | None = None
        try:
            with Crew(self._asker, self._on_page, width=self._width, stop=self._stop) as crew:
                self._story(crew)
        except Interrupted as asked:
            signal = asked.signal
        except Stopped as error:
            signal = self._stop()
            stopped = None if signal is not None else error
        except SourceError as error:
            stopped = error
        return self._close(stopped, signal)

    def _story(self, crew: Crew) -> None:
        self._say("asking for totals", "")
        backfill = not self._days.days
        if backfill and self._goal.from_ is None:
            crew.run(_ask(_FIRST_PAGE))
        self._stretch = self._stretch_of(self._first_day())
        if not backfill:
            self._survey = crew.run(survey(self._stretch))
            self._expected = self._survey.whole
        self._read(crew, self._days_to_read(crew))
        self._resolve_people()
        if self._survey is None or not self._agrees(self._survey):
            self._survey = self._survey_again(crew)
        else:
            self._rotate(crew)
        if backfill:
            self._control(crew)
        self._judge(crew)
        self._settle_missing()

    # -- which days there are

    def _first_day(self) -> dt.date:
        if self._goal.from_ is not None:
            return self._goal.from_
        days = [day for day in (self._sealer.earliest, *self._days.days) if day is not None]
        return min(days, default=self._last_day())

    def _last_day(self) -> dt.date:
        ours, theirs = self._clock(), self._asker.source_clock
        zone = self._known.edges.zone or dt.timedelta()
        today = max(ours, theirs or ours).astimezone(dt.UTC) + zone
        return min(self._goal.to or today.date(), today.date())

    def _stretch_of(self, first: dt.date) -> Stretch:
        last = self._last_day()
        open_from = first_open_day(self._clock(), self._asker.source_clock, self._known.edges.zone)
        return Stretch(min(first, last), open_from, last, whole=self._goal.whole)

    def _wanted(self) -> list[dt.date]:
        assert self._stretch is not None
        return days_between(self._stretch.first, self._stretch.last)

    # -- which days are read

    def _days_to_read(self, crew: Crew) -> list[dt.date]:
        assert self._stretch is not None
        open_from = self._stretch.open_from
        days = self._wanted()
        unread = {day for day in days if needs_reading(self._days.known(day), open_=day >= open_from)}
        closed = [day for day in days if day not in unread and day < open_from]
        growing = [day for day in days if day not in unread and day >= open_from]
        wanted = unread | set(self._rechecked(closed)) | self._census(crew, closed) | self._grown(crew, growing)
        if self._goal.confirm:
            wanted |= {day for day in closed if self._days.days[day].method == "stable"}
        return sorted(wanted)

    def _rechecked(self, closed: Sequence[dt.date]) -> Sequence[dt.date]:
        if self._goal.recheck == "sample":
            chosen = random.Random(self._archive.root)  # noqa: S311 - anybody can draw it again
            return chosen.sample(closed, min(len(closed), max(7, len(closed) // 10)))
        return closed if self._goal.recheck == "full" else ()

    def _census(self, crew: Crew, closed: list[dt.date]) -> set[dt.date]:
        """Closed days whose total is not what is archived: by bisection, or one by one where days were asked for."""
        expected = {day: self._days.rows(day) for day in closed}
        if not self._goal.whole:
            return set(self._count_days(crew, expected))
        at = rfc3339(self._clock())
        # where the survey has said so already, nothing in these days differs
        agreed = (
            closed == self._closed_days() and self._survey is not None and self._survey.closed == sum(expected.values())
        )
        differ: set[dt.date] = set()
        for stretch in _stretches(closed):
            rows = {day: expected[day] for day in stretch}
            found = [] if agreed else crew.run(days_that_differ(rows))
            if not found:
                total = sum(rows.values())
                self._scribe.census.append(Census(stretch[0], stretch[-1], total, total, at))
            differ |= set(found)
        return differ

    def _closed_days(self) -> list[dt.date]:
        assert self._stretch is not None
        return [day for day in self._wanted() if day < self._stretch.open_from]

    def _open_days(self) -> list[dt.date]:
        assert self._stretch is not None
        return [day for day in self._wanted() if day >= self._stretch.open_from]

    def _agrees(self, found: Survey) -> bool:
        """Whether totals are those of the days as they are known now."""
        return all(day in self._days.days for day in self._wanted()) and (found.closed, found.open) == (
            sum(map(self._days.rows, self._closed_days())),
            sum(map(self._days.rows, self._open_days())),
        )

    def _count_days(self, crew: Crew, expected: dict[dt.date, int]) -> list[dt.date]:
        """Days whose total differs, each asked for by itself."""
        found = crew.run(together([days_that_differ({day: rows}) for day, rows in expected.items()]))
        at = rfc3339(self._clock())
        for (day, rows), differs in zip(expected.items(), found, strict=True):
            if not differs:
                self._scribe.census.append(Census(day, day, rows, rows, at))
        return [day for differs in found for day in differs]

    def _grown(self, crew: Crew, growing: list[dt.date]) -> set[dt.date]:
        """Days not over that have other totals than when they were last read."""
        expected = {day: self._days.rows(day) for day in growing}
        if self._survey is not None and growing == self._open_days() and self._survey.open == sum(expected.values()):
            return set()
        return set(crew.run(days_that_differ(expected)))

    # -- reading

    def _read(self, crew: Crew, days: Sequence[dt.date]) -> None:
        """Read days, oldest first: retention eats the oldest."""
        assert self._stretch is not None
        oldest = self._stretch.first if self._goal.from_ is None else None
        open_from = self._stretch.open_from
        procedures = (
            sweep(
                Window.day(day),
                self._seen,
                confirm=self._goal.confirm or must_be_confirmed(day, oldest, total_fell=self._days.total_fell),
                growing=day >= open_from,
            )
            for day in days
        )
        for verdict in crew.run_all(procedures):
            closed = verdict.window.first_day < open_from
            self._days.finish(verdict, self._sealer, closed=closed, at=rfc3339(self._clock()))

    def _on_page(self, ask: Ask, fetched: Fetched) -> None:
        self._sealer.take(ask, fetched)
        if isinstance(fetched.answer, Sheet) and ask.limit > 2:
            if ask == _FIRST_PAGE:
                self._expected = fetched.answer.total
            else:
                self._rows += len(fetched.answer)
            self._say("reading", str(ask.window))
        if self._sealer.due:
            self._seal()

    def _survey_again(self, crew: Crew) -> Survey:
        """Totals after reading; what moved meanwhile is read again, a few times."""
        for _ in range(_ROUNDS):
            self._stretch = self._stretch_of(self._first_day())
            found = crew.run(survey(self._stretch))
            late = self._late(crew, found)
            if not late:
                break
            self._read(crew, late)
        return found

    def _late(self, crew: Crew, found: Survey) -> list[dt.date]:
        """Days that came to be, or closed days that grew, since the days were chosen."""
        unread = [day for day in self._wanted() if day not in self._days.days]
        closed = [day for day in self._closed_days() if day in self._days.days and self._days.days[day].method]
        if unread or len(closed) < len(self._closed_days()):
            return unread
        rows = {day: self._days.rows(day) for day in closed}
        return [] if found.closed == sum(rows.values()) else crew.run(days_that_differ(rows))

    def _look_before(self, crew: Crew) -> None:
        """Entries lie before the first day: read the days back to the earliest, or else that window as a whole."""
        assert self._stretch is not None
        first = self._stretch.first
        crew.run(_ask(Ask(self._stretch.before, 0, 1000)))
        earliest = self._sealer.earliest or first
        if earliest < first:
            self._read(crew, days_between(earliest, first - _DAY))
            self._stretch = self._stretch_of(earliest)
        else:
            self._days.finish_other(crew.run(sweep(self._stretch.before, self._seen)))

    # -- what speaks against it

    def _control(self, crew: Crew) -> None:
        """Control totals by action and resource type over the closed days."""
        assert self._stretch is not None
        if self._stretch.closed is not None:
            self._scribe.controls.append(crew.run(control_totals(self._stretch.closed, "action")))
            self._scribe.controls.append(crew.run(control_totals(self._stretch.closed, "resource_type")))

    def _rotate(self, crew: Crew) -> None:
        """Nothing is new: spend what is left of the budget on the days longest unchecked."""
        closed = {
            day: known for day in self._days.days if (known := self._days.known(day)) and known.closed and known.method
        }
        wanted = set(self._wanted())
        due = rotation(
            {d: k for d, k in closed.items() if d in wanted}, IDLE_BUDGET - self._asker.requests, self._seen.limit
        )
        differ = self._count_days(crew, {day: self._days.rows(day) for day in due.check})
        for verdict in crew.run_all(once_more(Window.day(day), self._seen) for day in due.confirm):
            self._days.finish(verdict, self._sealer, closed=True, at=rfc3339(self._clock()), once_more=True)
        self._read(crew, differ)

    def _judge(self, crew: Crew) -> None:
        """Totals, control totals and what lies outside the days: whatever does not agree is a gap."""
        assert self._stretch is not None
        assert self._survey is not None
        if self._goal.whole:
            self._survey = self._judge_outside(crew, self._survey)
        found = self._survey
        if found.doubt is not None:
            self._doubt(self._stretch.everything, None, 0, found.doubt)
        if found.status is not None:
            self._scribe.controls.append(found.status)
        for controls in self._scribe.controls:
            self._judge_controls(controls)
        rows = sum(map(self._days.rows, self._closed_days()))
        if found.closed != rows and not self._days.gaps_between(self._stretch.first, self._stretch.last):
            why = "the total of the closed days is not that of each of them"
            self._doubt(Window(self._stretch.first, self._stretch.last), found.closed, rows, why)

    def _judge_controls(self, controls: ControlTotals) -> None:
        if controls.agree or controls.whole is None:
            return
        named = unlisted(self._archive, self._known, controls)
        if controls.sum + named != controls.whole:
            why = f"the totals by {controls.by} sum up to {controls.sum}, the whole is {controls.whole}"
            self._doubt(Window(controls.from_, controls.to), controls.whole, controls.sum, why)
            self._findings.append(self._finding("totals_disagree", why))

    def _judge_outside(self, crew: Crew, found: Survey) -> Survey:
        """What none of the days serves is read by itself; what is not had then is a gap."""
        for look in (self._look_before_and_after, self._look_without_dates):
            if found.outside in (None, self._archived_outside()):
                break
            look(crew)
            found = self._survey_again(crew)
        archived = self._archived_outside()
        self._scribe.outside = Outside(found.whole, found.closed, found.open, found.outside, archived)
        if found.outside is not None and found.outside != archived:
            why = "outside any day: entries without dates, or with such as no day serves"
            self._days.gaps.append(Gap.of(EVERYTHING, found.outside, archived, why))
        return found

    def _archived_outside(self) -> int:
        """Archived entries of none of the days: undated, or dated after the last."""
        assert self._stretch is not None
        last = self._stretch.last
        later = sum(entries for day, entries in self._known.counts.items() if day > last)
        return self._known.undated + self._sealer.undated + later + self._sealer.later_than(last)

    def _look_before_and_after(self, crew: Crew) -> None:
        assert self._stretch is not None
        before, after = crew.run(together([count(self._stretch.before), count(self._stretch.after)]))
        if before:
            self._look_before(crew)
        if after:
            self._days.finish_other(crew.run(sweep(self._stretch.after, self._seen, growing=True)))

    def _look_without_dates(self, crew: Crew) -> None:
        for window in crew.run(undated_windows()):
            self._days.finish_other(crew.run(sweep(window, self._seen)))

    def _doubt(self, window: Window, expected: int | None, got: int, why: str) -> None:
        self._doubts.append(Gap.of(window, expected, got, why))

    def _settle_missing(self) -> None:
        """Decide what is to be said of entries that days lack.

        Raises:
            ScopeShrank: They are missing under another key than before.
        """
        if (
            self._missing
            and not self._goal.accept_scope
            and self._known.tags
            and self._who.key_tag not in self._known.tags
        ):
            raise ScopeShrank("this key sees less than the last one: entries that were there are not served to it")
        served = [day for day in sorted(self._days.days) if self._days.rows(day)]
        if not self._goal.accept_scope:
            self._findings += self._missing.findings(min(served, default=None), self._who.run)
        self._days.release()

    def _finding(self, kind: str, what: str) -> Finding:
        return Finding(kind=kind, what=what, source=self._who.source, run=self._who.run)

    # -- people

    def _resolve_people(self) -> None:
        """Ask for every user and account that is due; every answer is sealed."""
        if self._sealer.holds_any:
            self._seal()
        waiting = self._people.due(self._sealer.activity)
        for start in range(0, len(waiting), _LOOKUPS_A_COMMIT):
            self._say("resolving users and accounts", f"{start} of {len(waiting)}")
            self._look_up(waiting[start : start + _LOOKUPS_A_COMMIT])
            self._seal()

    def _look_up(self, some: Sequence[tuple[Kind, str]]) -> None:
        pool = ThreadPoolExecutor(self._width, thread_name_prefix="lookup")
        try:
            for answer in pool.map(lambda one: self._people.ask(*one), some):
                self._answers.append(answer)
                self._check_stop()
        finally:
            pool.shutdown(cancel_futures=True)

    def _check_stop(self) -> None:
        signal = self._stop()
        if signal is not None:
            raise Interrupted(signal)

    # -- sealing

    def _seal(self) -> None:
        def say(transaction: Transaction) -> None:
            self._say_findings(transaction)
            self._days.tell(self._scribe, self._sealer)
            self._scribe.part(transaction, self._figures())

        self._sealer.seal(self._people.take(self._answers, self._archive), say)
        self._answers, self._findings = [], []

    def _say_findings(self, transaction: Transaction) -> None:
        for finding in self._findings:
            transaction.add_record("finding", encode(finding), rfc3339(self._clock()))

    def _close(self, stopped: SourceError | None, signal: int | None) -> Outcome:
        ended = stopped is not None or signal is not None
        gaps = self._gaps(stopped, signal)
        complete = not ended and not gaps
        why = stopped.message if stopped is not None else f"stopped by signal {signal}" if signal is not None else None

        def say(transaction: Transaction) -> None:
            self._say_findings(transaction)
            self._days.tell(self._scribe, self._sealer)
            self._scribe.close(
                transaction,
                self._figures(),
                gaps=gaps,
                complete=complete,
                stopped=why,
                scope_accepted=self._goal.accept_scope,
            )

        self._sealer.seal(self._people.take(self._answers, self._archive), say)
        return Outcome(
            complete=complete,
            from_=self._stretch.first if self._stretch else self._goal.from_,
            to=self._last_day(),
            source_total=self._source_total(),
            new=self._sealer.new,
            updated_users=self._people.updated_users,
            requests=self._client.requests,
            retries=self._client.retries,
            gaps=gaps,
            receipt=self._scribe.closed_at,
            stopped=stopped,
            signal=signal,
        )

    def _source_total(self) -> int | None:
        if self._survey is not None:
            return self._survey.whole
        return self._expected

    def _gaps(self, stopped: SourceError | None, signal: int | None) -> list[Gap]:
        if self._stretch is None:
            return []
        gaps = self._doubts + self._days.gaps_between(self._stretch.first, self._stretch.last)
        if stopped is None and signal is None:
            return gaps
        unread = [day for day in self._wanted() if day not in self._days.days]
        why = "not read: the run was stopped before it came to this"
        return gaps + [Gap(days[0], days[-1], "", None, 0, why) for days in _stretches(unread)]

    def _figures(self) -> Figures:
        edges = self._sealer.edges
        return Figures(
            requests=self._asker.requests,
            lookups=self._people.asked,
            retries=self._client.retries,
            clock_skew_s=self._asker.skew_s,
            odd=[*self._seen.odd, *self._sealer.odd, *self._asker.odd],
            seen={
                "fullest": self._seen.fullest,
                "limit": self._seen.limit,
                "earliest_s": edges.earliest_s,
                "latest_s": edges.latest_s,
            },
            total_fell=self._days.total_fell,
        )

    def _say(self, doing: str, window: str) -> None:
        self._tell(Progress(doing, window, self._rows, self._expected))


def _ask(ask: Ask) -> Steps[None]:
    """Ask once for what its page shows."""
    yield (ask,)


def _stretches(days: Sequence[dt.date]) -> list[list[dt.date]]:
    """Days in runs of consecutive ones."""
    runs: list[list[dt.date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == _DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
