"""Which days a run is about: both clocks, the days that were asked for, and what lies before and after them."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Clock, Site

from muniment.collect.calendar import Calendar, consecutive
from muniment.collect.goal import Goal
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]
DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)


def calendar(goal: Goal, source: dt.datetime | None = None) -> Calendar:
    return Calendar(goal, dt.timedelta(), lambda: NOON, lambda: source)


def test_the_later_clock_says_which_day_is_the_last_and_the_earlier_one_which_are_over() -> None:
    ahead = calendar(Goal(from_=END - DAY), NOON + DAY)
    assert (ahead.last, ahead.closed[-1]) == (dt.date(2026, 4, 3), END)
    behind = calendar(Goal(from_=END - 3 * DAY), NOON - DAY)
    assert (behind.last, behind.closed[-1]) == (dt.date(2026, 4, 2), END - DAY)


def test_a_last_day_in_the_future_is_today() -> None:
    assert calendar(Goal(to=END + 30 * DAY)).last == dt.date(2026, 4, 2)
    assert calendar(Goal(to=END - DAY)).last == END - DAY


def test_a_run_over_some_days_is_not_about_the_whole() -> None:
    assert [goal.whole for goal in (Goal(), Goal(from_=END), Goal(to=END))] == [True, False, False]
    assert calendar(Goal()).stretch.whole
    assert not calendar(Goal(to=END)).stretch.whole


def test_runs_of_days_end_where_a_day_is_left_out() -> None:
    assert consecutive([END, END + DAY, END + 3 * DAY]) == [[END, END + DAY], [END + 3 * DAY]]


def test_a_first_run_up_to_a_day_leaves_what_is_later_alone(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    last = END - 10 * DAY
    outcome = site.collect(Goal(to=last)).outcome
    assert (outcome.complete, outcome.to) == (True, last)
    assert outcome.source_total == site.box.world.audit_log(Query(to=last, limit=1)).total


def test_late_entries_before_the_first_day_make_days_of_their_own(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    first = min(site.collect().standing.sources[SOURCE].days)
    site.box.world.arrive_late(dt.datetime.combine(first - 4 * DAY, dt.time(11), dt.UTC), 3)
    days = site.collect().standing.sources[SOURCE].days
    assert min(days) == first - 4 * DAY
    assert (days[first - 4 * DAY].rows, days[first - 4 * DAY].method) == (3, "atomic")
    assert days[first - 2 * DAY].rows == 0, "a day without entries is known to have none"


def test_what_lies_years_before_all_others_is_one_window_and_not_a_request_a_day(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    first = min(site.collect().standing.sources[SOURCE].days)
    old = [b'{"id":"old-%d","timestamp":"1999-12-31T23:59:5%dZ","action":"LOGIN"}' % (n, n) for n in range(3)]
    site.box.world.store.add(old)
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new) == (True, 3)
    assert set(old) <= set(site.archived())
    assert site.asked <= 60
    windows = [window for receipt in site.receipts() for window in receipt.windows if window.from_ is None]
    assert [(window.rows, window.method) for window in windows] == [(3, "atomic")]
    assert windows[0].to is not None
    assert first - 3 * DAY <= windows[0].to < first
    assert site.collect().outcome.complete
    assert site.asked <= 12


def test_what_is_dated_in_the_future_is_one_window_after_the_last_day(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    site.collect()
    ahead = b'{"id":"ahead","timestamp":"2031-01-01T00:00:00Z","action":"LOGIN"}'
    site.box.world.store.add([ahead])
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new, ahead in site.archived()) == (True, 1, True)
    windows = [window for receipt in site.receipts() for window in receipt.windows if window.to is None]
    assert [(window.from_, window.rows) for window in windows] == [(site.clock().date() + DAY, 1)]
    assert site.collect().outcome.complete
    assert site.asked <= 12


def test_an_entry_that_a_day_serves_though_it_bears_no_date_is_not_outside_the_days(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    odd = b'{"id":"no-date","timestamp":"soon","action":"LOGIN","resource_type":"USER","status":"success"}'
    site.box.world.store.add([odd], at=dt.datetime.combine(END - 5 * DAY, dt.time(9), dt.UTC))
    for _ in range(2):
        done = site.collect()
        assert (done.outcome.complete, done.outcome.gaps) == (True, [])
    assert site.asked <= 12
    known = done.standing.sources[SOURCE]
    assert (known.undated, known.counts[END - 5 * DAY]) == (0, known.days[END - 5 * DAY].rows)


@pytest.mark.parametrize("at", [dt.time(0, 0, 1), dt.time(23, 59, 59)])
def test_a_closed_day_that_grows_while_it_is_read_is_read_until_it_is_known(make_site: SiteMaker, at: dt.time) -> None:
    site = make_site(days=4, entries=6_000)
    day, honest, calls = END - 2 * DAY, site.box.world.store.search, 0

    def grow(query: Query) -> Matches:
        nonlocal calls
        if query.from_ == query.to == day and query.offset == 999 and calls < 2:
            calls += 1
            site.box.world.arrive_late(dt.datetime.combine(day, at, dt.UTC), 1)
        return honest(query)

    site.box.world.store.search = grow  # type: ignore[method-assign] # the world itself moves
    done = site.collect()
    known = done.standing.sources[SOURCE].days[day]
    assert (done.outcome.complete, calls, known.closed) == (True, 2, True)
    assert known.method is not None
    assert site.archived() == site.served()


def test_a_day_that_is_not_over_is_open_whatever_was_read_of_it(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=400)
    site.clock.now = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
    days = site.collect().standing.sources[SOURCE].days
    assert [days[day].closed for day in (END - 2 * DAY, END - DAY, END)] == [True, False, False]


def test_confirm_reads_again_what_is_complete_by_count_alone(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=6_000)
    days = site.collect().standing.sources[SOURCE].days
    assert "stable" in {days[day].method for day in days}
    days = site.collect(Goal(confirm=True)).standing.sources[SOURCE].days
    assert {days[day].method for day in days} == {"confirmed", "atomic"}


def test_a_run_seals_while_it_reads(make_site: SiteMaker) -> None:
    site = make_site(days=200, entries=400)
    sizes: set[int] = set()
    site.tell = lambda _: sizes.add(site.archive.size)
    site.collect()
    assert len(sizes) >= 4, "every fifty answers at the latest"
    parts = [receipt for receipt in site.receipts() if receipt.phase == "part"]
    assert len(parts) >= 3
    assert all(part.days for part in parts)


def test_days_that_grow_while_others_are_read_are_read_again_in_the_same_run(make_site: SiteMaker) -> None:
    site = make_site(days=20, entries=400)
    honest = site.box.world.store.search
    late = {END - 3 * DAY: [END - 15 * DAY, END - 12 * DAY], END - 12 * DAY: [END - 14 * DAY]}

    def arrive(query: Query) -> Matches:
        reads = query.from_ is not None and query.from_ == query.to and (query.limit or 0) > 2
        if reads and (query.from_ == END - 3 * DAY or END - 3 * DAY not in late):
            for day in late.pop(query.from_, []) if query.from_ else []:
                site.box.world.arrive_late(dt.datetime.combine(day, dt.time(9), dt.UTC), 1)
        return honest(query)

    site.box.world.store.search = arrive  # type: ignore[method-assign] # the world itself moves
    outcome = site.collect().outcome
    assert (outcome.complete, outcome.new, outcome.source_total) == (True, 403, 403)
    assert site.archived() == site.served()


def test_a_source_whose_clock_runs_ahead_has_its_last_day_read(make_box: Callable[..., Box], tmp_path: Path) -> None:
    theirs, ours = Clock(), Clock()
    theirs.now = ours.now + DAY
    site = Site(tmp_path, make_box(days=5, entries=100, end=END, clock=theirs), ours)
    entry = msgspec.json.encode({"id": "today", "timestamp": f"{theirs.now:%FT%TZ}", "action": "LOGIN"})
    site.box.world.store.add([entry])
    done = site.collect()
    assert (done.outcome.complete, done.outcome.to) == (True, theirs.now.date())
    assert done.standing.sources[SOURCE].days[theirs.now.date()].rows == 1
