"""Which days are over, and what days tell of the zone."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from muniment.sweep.days import DayEdges, days_between, first_open_day, first_settled
from muniment.sweep.plan import KnownDay, must_be_confirmed, needs_reading, rotation

DAY = dt.date(2026, 3, 2)
HOUR = 3600


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, 2, hour, minute, tzinfo=dt.UTC)


def test_yesterday_is_closed_an_hour_past_midnight_where_the_zone_is_known() -> None:
    assert first_open_day(at(0, 59), None, dt.timedelta()) == DAY - dt.timedelta(days=1)
    assert first_open_day(at(1, 0), None, dt.timedelta()) == DAY


def test_and_only_fourteen_hours_past_it_where_it_is_not() -> None:
    assert first_open_day(at(13, 59), None, None) == DAY - dt.timedelta(days=1)
    assert first_open_day(at(14, 0), None, None) == DAY


def test_the_slower_clock_decides() -> None:
    assert first_open_day(at(5), at(0, 30), dt.timedelta()) == DAY - dt.timedelta(days=1)
    assert first_open_day(at(0, 30), at(5), dt.timedelta()) == DAY - dt.timedelta(days=1)


def test_entries_near_both_ends_of_a_day_leave_one_zone() -> None:
    assert DayEdges().zone is None
    assert DayEdges(600, 23 * HOUR).zone is None, "it could be an hour east"
    assert DayEdges(60, 24 * HOUR - 60).zone == dt.timedelta()
    assert DayEdges(-9 * HOUR + 60, 15 * HOUR - 60).zone == dt.timedelta(hours=9)


@given(st.integers(-48, 56), st.lists(st.integers(0, 24 * HOUR - 1), min_size=1))
def test_the_true_zone_is_never_ruled_out(quarters: int, seconds: list[int]) -> None:
    zone = dt.timedelta(minutes=15 * quarters)
    edges = DayEdges()
    for second in seconds:
        edges = edges.widened(second - zone.total_seconds(), second - zone.total_seconds())
    assert edges.zone in (None, zone)


def test_days_between_are_both_inclusive_and_none_backwards() -> None:
    assert days_between(DAY, DAY) == [DAY]
    assert days_between(DAY, DAY - dt.timedelta(days=1)) == []


def known(rows: int = 10, method: str | None = "stable", at: str = "2026", *, closed: bool = True) -> KnownDay:
    return KnownDay(rows, method, closed, at)  # type: ignore[arg-type]


def test_a_day_is_read_when_it_never_was_when_it_lacks_something_and_once_more_when_it_is_over() -> None:
    assert needs_reading(None, open_=False)
    assert needs_reading(known(method=None), open_=False)
    assert needs_reading(known(closed=False), open_=False)
    assert not needs_reading(known(closed=False), open_=True)
    assert not needs_reading(known(), open_=False)


def test_stable_is_not_enough_for_the_oldest_day_nor_where_a_total_ever_fell() -> None:
    later = DAY + dt.timedelta(days=1)
    assert must_be_confirmed(DAY, DAY, total_fell=False)
    assert not must_be_confirmed(later, DAY, total_fell=False)
    assert must_be_confirmed(later, DAY, total_fell=True)


@given(st.lists(st.integers(0, 20_000), max_size=40), st.integers(-3, 12))
def test_rotation_stays_within_its_budget_and_takes_the_days_longest_unchecked(rows: list[int], budget: int) -> None:
    days = {DAY + dt.timedelta(days=n): known(count, at=f"{n:04}") for n, count in enumerate(rows)}
    due = rotation(days, budget, 500)
    cost = sum(-(-days[day].rows // 466) + 1 for day in due.confirm) + len(due.count) + len(due.read)
    assert cost <= max(budget, 0)
    assert list(due.count) == sorted(due.count)
    assert list(due.read) == sorted(due.read)
    assert all(0 < days[day].rows < 467 for day in due.read)
    assert not any(0 < days[day].rows < 467 for day in due.count)


def test_days_far_from_all_later_ones_are_no_beginning() -> None:
    odd, last = dt.date(1970, 1, 1), DAY + dt.timedelta(days=310)
    assert first_settled([DAY], last) == DAY
    assert first_settled([odd, DAY, DAY + dt.timedelta(days=300)], last) == DAY
    assert first_settled([odd, dt.date(1999, 1, 1), DAY], last) == DAY


def test_days_of_years_ago_are_days_and_those_of_another_age_are_none() -> None:
    assert first_settled([], DAY) == DAY
    assert first_settled([dt.date(1, 1, 1)], DAY) == DAY
    assert first_settled([dt.date(1970, 1, 1)], DAY) == DAY
    assert first_settled([dt.date(2999, 1, 1)], DAY) == DAY
    assert first_settled([DAY - dt.timedelta(days=3), dt.date(2999, 1, 1)], DAY) == DAY - dt.timedelta(days=3)
    assert first_settled([dt.date(2021, 5, 6)], DAY) == dt.date(2021, 5, 6)
