"""What speaks against `complete`: totals that are no counts, parts that do not sum up, entries outside the days."""

from typing import Any

from muniment.collect.controls import unlisted
from muniment.collect.desk import Desk
from muniment.collect.fetching import Crew
from muniment.collect.reader import Reader
from muniment.collect.record import Finding, Outside
from muniment.errors import ScopeShrank
from muniment.sweep.census import ControlTotals, control_totals
from muniment.sweep.survey import Survey, undated_windows
from muniment.sweep.sweeping import count
from muniment.sweep.together import together
from muniment.sweep.window import EVERYTHING, Gap, Window

__all__ = ["Judge"]


class Judge:
    """Looks for contradictions once the days are read.

    Args:
        desk: The run's.
    """

    def __init__(self, desk: Desk) -> None:
        self.doubts: list[Gap] = []
        self.findings: list[Finding] = []
        self._desk = desk

    def control(self, crew: Crew[Any]) -> None:
        """Ask for control totals by action and resource type over the closed days; after a back-fill."""
        closed = self._desk.calendar.stretch.closed
        if closed is not None:
            both = [control_totals(closed, "action"), control_totals(closed, "resource_type")]
            self._desk.scribe.controls += crew.run(together(both))

    def judge(self, crew: Crew[Any], reader: Reader, told: Survey) -> Survey:
        """Hold the totals against each other and against what is archived; whatever does not agree is a gap.

        Returns:
            The last totals that were asked for.
        """
        desk = self._desk
        wanted = desk.goal.to
        if wanted is not None and wanted > desk.calendar.last and reader.read_tomorrow():
            told = reader.survey_again()
        if desk.goal.from_start:
            told = self._judge_outside(crew, reader, told)
        stretch = desk.calendar.stretch
        if told.doubt is not None:
            had = sum(map(desk.days.rows, desk.calendar.days)) + (
                self._archived_outside(told) if desk.goal.from_start else 0
            )
            self._doubt(stretch.everything, None, had, told.doubt)
        if told.status is not None:
            desk.scribe.controls.append(told.status)
        for controls in desk.scribe.controls:
            self._judge_controls(controls)
        rows = sum(map(desk.days.rows, desk.calendar.closed))
        agrees = told.closed is not None and abs(told.closed - rows) <= told.closed_moved
        if not agrees and not desk.days.gaps_between(stretch.first, stretch.last):
            why = "the total of the closed days is not that of each of them"
            self._doubt(Window(stretch.first, stretch.last), told.closed, rows, why)
        return told

    def _judge_controls(self, controls: ControlTotals) -> None:
        if controls.agree or controls.whole is None:
            return
        # values in no list are the difference, where the archive has exactly as many entries with such
        desk = self._desk
        versions = [*desk.known.versions, *desk.sealer.versions]
        named = unlisted(desk.archive, versions, desk.days.displaced, desk.missing.gone, controls)
        if not controls.agree_with(named):
            why = f"the totals by {controls.by} sum up to {controls.sum}, the whole is {controls.whole}"
            self._doubt(Window(controls.from_, controls.to), controls.whole, controls.sum, why)
            who = self._desk.who
            if why not in self._desk.said:
                self.findings.append(Finding(kind="totals_disagree", what=why, source=who.source, run=who.run))

    def _judge_outside(self, crew: Crew[Any], reader: Reader, told: Survey) -> Survey:
        """What none of the days serves is read by itself; what is not had then is a gap."""
        if reader.has_days_before():
            reader.look_before()
            told = reader.survey_again()
        looks = [self._look_before, self._look_after, self._look_without_dates]
        for look in looks if self._desk.goal.whole else looks[:1]:
            borne_out = told.bears_out(self._archived_outside(told)) and self._desk.goal.recheck != "full"
            if borne_out or told.has_none_outside:
                break
            if look(crew, reader):
                told = reader.survey_again()
        archived = self._archived_outside(told)
        served = reader.served_outside
        if not told.bears_out(archived) and not told.moved and served is not None:
            archived -= self._desk.missing.compare_outside(self._desk.calendar.stretch, served)
        self._desk.scribe.outside = Outside(told.whole, told.closed, told.open, told.outside, archived)
        if told.moved:
            self._desk.seen.notice("the whole moved while it was surveyed: what no day serves is known within that")
        if not told.bears_out(archived):
            self._desk.days.gaps.append(_outside_gap(told, archived))
        return told

    def _archived_outside(self, told: Survey) -> int:
        """Archived entries of none of the days: undated, or dated far from all others; less those known as gone."""
        desk, stretch = self._desk, self._desk.calendar.stretch
        fresh = sum(n for day, n in desk.sealer.days_elsewhere.items() if stretch.leaves_out(day))
        known = sum(n for day, n in desk.known.counts.items() if stretch.leaves_out(day))
        if stretch.whole:
            fresh, known = fresh + desk.sealer.undated, known + desk.known.undated
        # what vanished or got a date is counted above: with one of these, as many that are lacking would not show
        is_sure = not known or not (desk.known.vanished or desk.known.versions)
        return fresh + (known if is_sure and told.bears_out(fresh + known) else desk.missing.count_outside(stretch))

    def _look_before(self, crew: Crew[Any], reader: Reader) -> bool:
        some = bool(crew.run(count(self._desk.calendar.stretch.before)))
        if some:
            reader.look_before()
        return some

    @staticmethod
    def _look_after(_: Crew[Any], reader: Reader) -> bool:
        return reader.look_after()

    @staticmethod
    def _look_without_dates(crew: Crew[Any], reader: Reader) -> bool:
        windows = crew.run(undated_windows())
        for window in windows:
            reader.look_at(window)
        return bool(windows)

    def _doubt(self, window: Window, expected: int | None, got: int, why: str) -> None:
        self.doubts.append(Gap.of(window, expected, got, why))

    def settle_missing(self) -> None:
        """Decide what is to be said of entries that days lack.

        Raises:
            ScopeShrank: They are missing under another key than before, or the source serves nothing at all any more.
        """
        desk = self._desk
        served = [day for day in sorted(desk.days.days) if desk.days.rows(day)]
        if not desk.goal.accept_scope:
            if desk.missing.is_news_to(desk.who.key_tag):
                raise ScopeShrank("this key sees less than the last one: entries that were there are not served to it")
            if desk.missing and not served:
                raise ScopeShrank(
                    "the source serves no entry at all any more: a role was lost, or the tenant is another"
                )
            self.findings += desk.missing.findings(min(served, default=None), desk.who.run)
        desk.days.release()


def _outside_gap(told: Survey, archived: int) -> Gap:
    """What the totals say of no day beside what is archived of none; or that the days serve more than there is."""
    if told.whole is not None and told.outside is not None and told.outside < 0:
        why = "the days serve more entries than the total without dates says"
        return Gap.of(EVERYTHING, told.whole, told.whole - told.outside + archived, why)
    why = "outside any day: entries without dates, or with such as no day serves"
    return Gap.of(EVERYTHING, told.outside, archived, why)
