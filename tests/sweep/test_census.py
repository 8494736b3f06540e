"""Totals: where they differ, whether their parts sum up, whether they can be trusted."""

import datetime as dt
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.sweep.modelled import DAY, Row, Source, rows_of

from muniment.sweep.census import control_totals, days_that_differ
from muniment.sweep.survey import Stretch, survey, undated_windows
from muniment.sweep.window import EVERYTHING, Window

DAYS = [DAY + dt.timedelta(days=n) for n in range(64)]


def world(per_day: int = 5) -> Source:
    return Source([row for n, day in enumerate(DAYS) for row in rows_of(per_day, day=day, first_key=1 + 1000 * n)])


@given(st.sets(st.integers(0, 63), max_size=6))
def test_bisection_finds_exactly_the_days_to_which_entries_came_late(late: set[int]) -> None:
    source = world()
    expected = dict(Counter(row.day for row in source.rows if row.day))
    source.rows += [Row(99, 90_000 + n, day=DAYS[n]) for n in late]
    assert source.drive(days_that_differ(expected)) == [DAYS[n] for n in sorted(late)]
    assert len(source.asks) <= 1 + 6 * max(len(late), 0)


def test_nothing_new_costs_one_request() -> None:
    source = world()
    assert source.drive(days_that_differ(dict.fromkeys(DAYS, 5))) == []
    assert len(source.asks) == 1


def test_parts_by_status_action_and_type_sum_up_to_the_whole() -> None:
    source = world()
    for by in ("status", "action", "resource_type"):
        assert source.drive(control_totals(EVERYTHING, by)).agree


def test_an_action_in_no_list_shows_up_as_a_difference() -> None:
    source = world()
    source.rows.append(Row(1, 77, action="TELEPORT"))
    found = source.drive(control_totals(EVERYTHING, "action"))
    assert (found.agree, found.whole, found.sum) == (False, 321, 320)


def stretch(open_from: dt.date = DAYS[-1]) -> Stretch:
    return Stretch(DAYS[0], open_from, DAYS[-1], whole=True)


def test_a_survey_costs_six_requests_and_says_how_many_entries_no_day_serves() -> None:
    source = world()
    source.rows += [Row(1, 70_001, day=DAYS[0] - dt.timedelta(days=400)), Row(1, 70_002, day=None)]
    source.rows += [Row(1, 70_003, day=DAYS[-1] + dt.timedelta(days=3))]
    found = source.drive(survey(stretch()))
    assert (found.whole, found.closed, found.open, found.outside) == (323, 315, 5, 3)
    assert (found.doubt, len(source.asks)) == (None, 6)
    assert found.status is not None
    assert found.status.agree


def test_a_whole_that_moves_while_it_is_surveyed_is_no_reason_for_doubt() -> None:
    source = world()
    source.before_answer = lambda s, n: s.rows.append(Row(n, 80_000 + n, day=DAYS[-1])) if n < 9 else None
    assert source.drive(survey(stretch())).doubt is None


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_entries_that_keep_arriving_are_no_reason_for_doubt_in_whatever_order_asks_are_answered(
    draw: random.Random, every: int
) -> None:
    source = world()
    source.overtaking = draw
    source.before_answer = lambda s, n: s.rows.append(Row(n, 80_000 + n, day=DAYS[-1])) if n % every == 0 else None
    assert source.drive(survey(stretch())).doubt is None


def test_a_total_that_depends_on_the_limit_is_not_trusted() -> None:
    source = world()
    honest = source.answer

    def by_page(total: int) -> int:
        limit: int = source.asks[-1].limit
        return min(total, limit)

    source.total_says = by_page
    assert honest is not None
    assert source.drive(survey(stretch())).doubt == "the total is 1 when one row is asked for and 2 when two are"


def test_entries_without_a_date_are_found_by_their_resource_type() -> None:
    source = world()
    source.rows.append(Row(1, 70_002, day=None, resource_type="ROLE"))
    (window,) = source.drive(undated_windows())
    assert window.filter.resource_types == ("ROLE",)
    source.rows.append(Row(1, 70_003, day=None, resource_type="NEW_TYPE"))
    source.rows = [row for row in source.rows if row.resource_type != "ROLE"]
    assert source.drive(undated_windows()) == [Window()]
