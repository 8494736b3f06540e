"""Sources as they come: other zones, wrong clocks, odd dates, entries that go or move."""

import datetime as dt
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collect.scripted import NOW, TODAY, Params, Place, Source, ago, entry, serve

from muniment.collect.goal import Goal
from muniment.errors import ScopeShrank, Unauthorized

DAY = dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    source = Source()
    with serve(source):
        yield Place(tmp_path, source)


def whole(place: Place, goal: Goal | None = None) -> None:
    """Collect, and see that everything served is archived and said to be all."""
    outcome = place.collect(goal).outcome
    assert (outcome.complete, outcome.gaps) == (True, [])
    assert place.archived() == sorted(place.source.items)


def test_a_run_up_to_a_day_reads_what_an_earlier_run_from_a_day_left_out(place: Place) -> None:
    place.source.fill(30, 1, 5)
    place.collect(Goal(from_=TODAY - 10 * DAY))
    outcome = place.collect(Goal(to=TODAY - 5 * DAY)).outcome
    assert outcome.complete
    assert outcome.from_ == TODAY - 30 * DAY or outcome.from_ == TODAY - 31 * DAY
    assert place.archived() == sorted(place.source.items)


def test_a_first_run_up_to_a_day_has_what_comes_before_its_first_page(place: Place) -> None:
    place.source.fill(30, 1, 50)
    descending = place.source.page
    place.source.page = lambda params, key: descending(params | {"sort": "timestamp:desc"}, key)  # type: ignore[method-assign]
    outcome = place.collect(Goal(to=TODAY - 3 * DAY)).outcome
    assert outcome.complete
    assert {item for item in place.source.items if b"2026-04-01" not in item} <= set(place.archived())


@pytest.mark.parametrize("hours", [-12, -8, -3, 5.5, 9, 14])
def test_a_source_in_any_zone_becomes_complete(place: Place, hours: float) -> None:
    place.source.zone = dt.timedelta(hours=hours)
    for day in range(6, 0, -1):
        place.source.items += [entry(100 * day + hour, ago(day, hour)) for hour in range(24)]
    whole(place)
    whole(place)
    assert len(place.source.asked) <= 12


def test_a_source_where_tomorrow_has_begun_becomes_complete(place: Place) -> None:
    place.source.zone = dt.timedelta(hours=14)
    place.source.items.append(entry(1, ago(0, 11)))
    whole(place)
    place.source.items.append(entry(2, ago(0, 12)))
    whole(place)
    place.source.items.append(entry(3, ago(-800)))
    whole(place)


def test_an_entry_that_moved_to_another_day_is_found_there_and_did_not_vanish(place: Place) -> None:
    place.source.fill(9, 2, 20)
    whole(place)
    place.source.items.append(entry(9000, ago(8, 9)))
    whole(place)
    place.source.items[-1] = entry(9000, ago(4, 9))
    for _ in range(3):  # the total of all days is what it was, until the rotation comes to one of the two
        outcome = place.collect().outcome
        assert (outcome.complete, outcome.gaps) == (True, [])
    kinds = {kind for kind, _ in place.findings()}
    assert kinds == {"moved", "content_changed"}


def test_entries_that_arrive_late_while_totals_are_asked_for_are_no_contradiction(place: Place) -> None:
    place.source.fill(9, 2, 20)
    whole(place)
    items = place.source.items

    def late(params: Params, _page: object) -> None:
        if _is_first_of_a_survey(params):
            items.append(entry(len(items), ago(5, 10, len(items))))

    place.source.bend = late
    place.collect()
    assert place.findings() == []
    place.source.bend = lambda _params, _page: None
    whole(place)


def test_a_source_that_serves_nothing_any_more_is_an_error_and_nothing_vanished(place: Place) -> None:
    place.source.fill(20, 1, 10)
    whole(place)
    kept, place.source.items = place.source.items, []
    outcome = place.collect().outcome
    assert isinstance(outcome.stopped, ScopeShrank)
    assert not outcome.complete
    assert place.findings() == []
    place.source.items = kept
    whole(place)
    assert place.findings() == []


def test_very_many_that_come_back_are_one_finding(place: Place) -> None:
    place.source.fill(20, 1, 150)
    whole(place)
    kept = list(place.source.items)
    place.source.items = [item for item in kept if b"2026-03-25" not in item]
    assert place.collect().outcome.complete
    place.source.items = kept
    whole(place)
    whole(place)
    assert place.findings() == [("reappeared", 150), ("vanished", 150)]


def _is_first_of_a_survey(params: Params) -> bool:
    return params["limit"] == "1" and not {"from", "to", "status", "resource_types"} & params.keys()


UNDATED = entry(7000, None)


def test_an_entry_without_a_date_that_vanishes_is_said_to_once(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.append(UNDATED)
    whole(place)
    place.source.items.remove(UNDATED)
    for _ in range(2):
        outcome = place.collect().outcome
        assert (outcome.complete, outcome.gaps) == (True, [])
        assert place.findings() == [("vanished", 1)]
    assert len(place.source.asked) <= 12


def test_an_entry_that_moved_to_before_the_first_day_is_found_there_and_did_not_vanish(place: Place) -> None:
    place.source.fill(2, 1, 20)
    whole(place)
    place.source.items[30] = entry(30, ago(6))
    for _ in range(2):
        outcome = place.collect().outcome
        assert (outcome.complete, outcome.gaps) == (True, [])
    assert place.findings() == [("content_changed", 2), ("moved", 1)]
    assert TODAY - 6 * DAY in place.standing().source("s").days


def test_an_entry_that_moved_from_the_oldest_day_did_not_fall_to_retention(place: Place) -> None:
    place.source.fill(5, 1, 10)
    whole(place)
    place.source.items[0] = entry(0, ago(3, 9))
    assert place.collect().outcome.complete
    assert place.findings() == [("content_changed", 2), ("moved", 1)]


def test_an_entry_that_moved_to_none_of_the_days_did_not_vanish(place: Place) -> None:
    place.source.fill(2, 1, 20)
    whole(place)
    place.source.items[30] = entry(30, ago(-800))
    place.collect()
    assert place.findings() == [("content_changed", 2), ("moved", 1)]


def test_an_entry_without_a_date_that_is_given_one_did_not_vanish(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.append(UNDATED)
    whole(place)
    place.source.items[-1] = entry(7000, ago(3))
    for _ in range(2):
        outcome = place.collect().outcome
        assert (outcome.complete, outcome.gaps) == (True, [])
    assert {kind for kind, _ in place.findings()} == {"moved", "content_changed"}


def test_an_entry_that_is_given_a_date_while_one_without_arrives_is_not_counted_as_both(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.append(UNDATED)
    whole(place)
    # of a type in no list: to find it, everything is read
    place.source.items[-1:] = [entry(7000, ago(3)), entry(7001, None, resource_type="LATER_INVENTED")]
    outcome = place.collect().outcome
    assert (outcome.complete, outcome.gaps) == (True, [])
    assert {kind for kind, _ in place.findings()} == {"moved", "content_changed", "unknown_value"}


def test_a_further_version_of_an_entry_without_a_date_is_not_counted_as_another_entry(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.insert(0, UNDATED)
    whole(place)
    place.source.items[0] = entry(7000, None, description="rewritten")  # a total shows the first row
    place.source.items.append(entry(9000, ago(-800)))
    assert place.collect().outcome.complete
    assert set(place.source.items) <= set(place.archived())


def test_one_entry_without_a_date_in_the_place_of_another_is_told_from_it(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items += [UNDATED, entry(7001, None)]
    whole(place)
    place.source.items[-2:] = [entry(number, None) for number in range(7001, 7005)]
    for _ in range(2):
        assert place.collect().outcome.complete
    assert set(place.source.items) <= set(place.archived())
    assert place.findings() == [("vanished", 1)]


def test_an_entry_from_long_before_all_others_falls_to_retention(place: Place) -> None:
    place.source.items.append(entry(9999, ago(900)))
    place.source.fill(5, 1, 10)
    whole(place)
    del place.source.items[0]
    for _ in range(2):
        assert place.collect().outcome.complete
    assert place.findings() == [("retention", 1)]


@pytest.mark.parametrize("year", [1, 1970, 2999])
def test_entries_of_another_age_alone_do_not_ask_for_every_day_since_or_until(place: Place, year: int) -> None:
    place.source.items.append(entry(1, dt.datetime(year, 1, 1, 5, tzinfo=dt.UTC)).replace(b'"1-', b'"0001-'))
    whole(place)
    whole(place)
    assert len(place.source.asked) <= 12


def test_an_entry_dated_far_ahead_does_not_hide_the_days(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.append(entry(1000, ago(-800)))
    whole(place)
    assert all(day.method for day in place.standing().source("s").days.values())
    assert TODAY - 5 * DAY in place.standing().source("s").days


@pytest.mark.parametrize("date", [dt.datetime(9999, 12, 31, tzinfo=dt.UTC), NOW + dt.timedelta(days=3650)])
def test_a_source_whose_clock_is_years_ahead_is_not_asked_for_every_day_until_then(
    place: Place, date: dt.datetime
) -> None:
    place.source.date = lambda: date
    place.source.fill(5, 1, 10)
    whole(place)
    assert len(place.source.asked) <= 100


def test_an_entry_that_vanishes_from_a_day_in_which_another_arrives_is_found_in_rotation(place: Place) -> None:
    place.source.fill(4, 2, 10)
    place.source.fill(5, 5, 20)  # a page that is fuller: what holds less is known to end with its answer
    whole(place)
    late, gone = entry(9000, ago(3, 9)), place.source.items.pop(15)
    place.source.items.append(late)
    for _ in range(2):
        assert place.collect().outcome.complete
    assert late in place.archived()
    assert gone in place.archived()
    assert place.findings() == [("vanished", 1)]
    assert len(place.source.asked) <= 12


def test_entries_without_a_date_of_types_in_no_list_are_all_read_and_none_of_them_vanished(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items += [UNDATED, entry(7001, None, resource_type="LATER_INVENTED")]
    whole(place)
    place.source.items.append(entry(7002, None))
    whole(place)
    place.source.items.append(entry(7003, None, resource_type="LATER_INVENTED"))
    whole(place)
    assert {kind for kind, _ in place.findings()} == {"unknown_value"}


def test_an_exchange_of_entries_without_a_date_is_found_when_everything_is_read_again(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items += [entry(7000, None), entry(7001, None), entry(7002, None)]
    whole(place)
    place.source.items[-3:] = [entry(7001, None), entry(7002, None), entry(7003, None)]
    assert place.collect(Goal(recheck="full")).outcome.complete
    assert set(place.source.items) <= set(place.archived())
    assert place.findings() == [("vanished", 1)]


def test_two_late_entries_before_the_first_day_make_days_of_their_own(place: Place) -> None:
    place.source.fill(5, 1, 10)
    whole(place)
    place.source.items += [entry(7000, ago(9)), entry(7001, ago(7))]
    whole(place)
    days = place.standing().source("s").days
    assert all(day.method for day in days.values())
    assert TODAY - 9 * DAY in days
    assert len(days) == (TODAY - min(days)).days + 1


def test_an_entry_with_a_status_in_no_list_is_named_by_the_run_that_brings_it(place: Place) -> None:
    place.source.fill(5, 1, 10)
    whole(place)
    place.source.items.append(entry(7000, ago(3), status="partial"))
    whole(place)
    assert place.findings() == [("unknown_value", 0)]


def test_a_row_that_a_day_serves_though_its_timestamp_says_none_is_named_by_that_day(place: Place) -> None:
    place.source.fill(5, 1, 10)
    odd = entry(7000, None, status="partial", when=ago(3).strftime("%Y-%m-%dT%H:%M:%SZ"))
    place.source.items.append(odd)
    place.source.time_of = lambda item: item.get("timestamp") or item.get("when") or ""
    whole(place)
    whole(place)
    assert place.findings() == [("unknown_value", 0)]


def test_an_entry_of_a_type_in_no_list_that_is_gone_or_rewritten_does_not_keep_totals_from_summing_up(
    place: Place,
) -> None:
    place.source.fill(5, 1, 10)
    place.source.items[25:27] = [entry(n, ago(3, 9), resource_type="LATER_INVENTED") for n in (7000, 7001)]
    place.source.bend = lambda params, page: page.update(total=page["total"] + ("resource_types" in params))
    assert not place.collect().outcome.complete  # so that they are asked for again
    place.source.bend = lambda _params, _page: None
    del place.source.items[25]
    place.source.items[25] = entry(7001, ago(3, 9), resource_type="LATER_INVENTED", description="rewritten")
    outcome = place.collect().outcome
    assert (outcome.complete, outcome.gaps) == (True, [])


def test_totals_that_disagree_are_one_finding_however_often_they_are_asked_for(place: Place) -> None:
    place.source.fill(5, 1, 10)

    def bend(params: Params, page: dict[str, int]) -> None:
        if params.get("status") == "SUCCESS":
            page["total"] -= 1

    place.source.bend = bend
    for _ in range(3):
        assert not place.collect().outcome.complete
    assert place.findings() == [("totals_disagree", 0)]


def test_a_source_that_refuses_days_of_long_ago_still_gives_its_entries_without_a_date(place: Place) -> None:
    place.source.fill(5, 1, 10)
    place.source.items.append(UNDATED)
    place.source.refuse = lambda params: (400, {}) if params.get("from", "2") < "1900" else None
    whole(place)


def test_a_key_that_is_refused_ends_a_run_though_others_wait_to_try_again(place: Place) -> None:
    place.source.fill(40, 1, 10)
    asked, told = threading.Event(), threading.Event()

    def refuse(params: Params) -> tuple[int, dict[str, str]] | None:
        if "from" not in params:
            return None
        if params["from"].endswith("5"):
            asked.set()
            told.wait(10)
            return 401, {}
        asked.wait(10)  # so that both are under way
        told.set()
        return 429, {"Retry-After": "100"}

    place.source.refuse = refuse
    begun = time.monotonic()
    outcome = place.collect().outcome
    assert isinstance(outcome.stopped, Unauthorized)
    assert time.monotonic() - begun < 50


def test_a_source_that_refuses_a_thousand_rows_at_a_time_is_asked_for_fewer(place: Place) -> None:
    place.source.fill(5, 1, 40)
    place.source.refuse = lambda params: (400, {}) if int(params["limit"]) > 100 else None
    whole(place)
    whole(place)
    assert len(place.source.asked) <= 40


def test_a_page_without_a_list_of_items_is_asked_for_again(place: Place) -> None:
    place.source.fill(5, 1, 40)
    asked = Counter[tuple[str, ...]]()
    honest = place.source.page

    def page(params: Params, key: str) -> bytes:
        asked[tuple(params.values())] += 1
        first = asked[tuple(params.values())] == 1
        return b'{"total":3,"offset":0,"limit":1000,"items":{"0":{}}}' if first else honest(params, key)

    place.source.page = page  # type: ignore[method-assign]
    whole(place)


def test_a_head_that_moves_excuses_no_contradiction_among_the_days_that_are_over(place: Place) -> None:
    place.source.fill(9, 2, 20)
    whole(place)
    items = place.source.items

    def bend(params: Params, page: dict[str, int]) -> None:
        if _is_first_of_a_survey(params):  # ten more of today before the second total of every survey
            items.extend(entry(len(items) + n, ago(0, 11, len(items) + n)) for n in range(10))
        days = params.get("from"), params.get("to")
        closed = "2026-03-24" <= (days[0] or "") < (days[1] or "") < "2026-04-01"
        if (days == (None, None) or closed) and params.get("status") != "FAILURE":
            page["total"] += 3

    place.source.bend = bend
    assert not place.collect().outcome.complete


def test_at_most_sixteen_more_requests_go_out_once_the_key_was_refused(place: Place) -> None:
    place.source.fill(90, 1, 30)
    asked = itertools.count(1)
    after: list[Params] = []

    def refuse(params: Params) -> tuple[int, dict[str, str]] | None:
        if next(asked) < 40:
            return None
        after.append(params)
        return 401, {}

    place.source.refuse = refuse
    assert isinstance(place.collect().outcome.stopped, Unauthorized)
    assert len(after) - 1 <= 16
