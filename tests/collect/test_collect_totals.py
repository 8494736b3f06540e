"""Totals that lie in one place only: each is caught by the one rule that looks there (design §4.3, §4.4)."""

import datetime as dt
from collections.abc import Callable, Sequence

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site

from muniment.collect.goal import Goal
from muniment.errors import BadInput, BadRequest
from muniment.model import Query
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]
Lie = Callable[[Query, Matches], Matches]
DAY = dt.timedelta(days=1)


def tell_lies(site: Site, lie: Lie) -> None:
    """From now on the world answers what `lie` makes of each honest answer."""
    honest = site.box.world.store.search
    site.box.world.store.search = lambda query: lie(query, honest(query))  # type: ignore[method-assign] # the world lies


def more(found: Matches, rows: int = 1) -> Matches:
    return msgspec.structs.replace(found, total=found.total + rows)


def whys(site: Site, goal: Goal | None = None) -> list[str]:
    outcome = site.collect(goal).outcome
    assert outcome.complete is not bool(outcome.gaps)
    return [gap.why for gap in outcome.gaps]


def test_a_whole_that_is_more_than_all_its_days_is_a_gap_outside_any_day(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    tell_lies(site, lambda query, found: more(found, 2) if query.from_ is None and query.to is None else found)
    assert any("outside any day" in why for why in whys(site))


def test_a_whole_that_hangs_on_how_many_rows_are_asked_for_is_never_believed(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    tell_lies(
        site, lambda query, found: more(found) if (query.from_, query.to, query.limit) == (None, None, 1) else found
    )
    assert any("when one row is asked for" in why for why in whys(site))


def test_a_total_of_many_days_that_is_not_that_of_each_of_them_is_a_gap(make_site: SiteMaker) -> None:
    site = make_site(entries=300)

    def lie(query: Query, found: Matches) -> Matches:
        many = query.from_ is None or query.from_ != query.to
        return more(found) if many and found.total and query.status in (None, "SUCCESS") else found

    tell_lies(site, lie)
    assert "the total of the closed days is not that of each of them" in whys(site)


def test_the_last_day_asked_for_is_not_left_out_of_the_account(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    last = END - 5 * DAY
    tell_lies(site, lambda query, found: more(found) if query.from_ == query.to == last else found)
    outcome = site.collect(Goal(from_=END - 8 * DAY, to=last)).outcome
    assert not outcome.complete
    assert any(gap.from_ == gap.to == last and (gap.expected or 0) > gap.got for gap in outcome.gaps)


@pytest.mark.parametrize("as_a_day", [False, True])
def test_what_is_said_to_lie_ahead_and_does_not_come_is_a_gap(make_site: SiteMaker, as_a_day: bool) -> None:
    site = make_site(entries=300)
    tomorrow = site.clock().date() + DAY

    def lie(query: Query, found: Matches) -> Matches:
        everything = query.from_ is None and query.to is None and not query.resource_types and query.action is None
        ahead = query.from_ == tomorrow and (query.to is None or as_a_day)
        return more(found) if everything or ahead else found

    tell_lies(site, lie)
    gaps = site.collect().outcome.gaps
    until = tomorrow if as_a_day else None
    assert any(gap.from_ == tomorrow and gap.to == until and (gap.expected, gap.got) == (1, 0) for gap in gaps)


def test_a_source_that_refuses_the_first_page_is_a_source_error_and_no_gap(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    refused = END - 5 * DAY

    def refuse(query: Query, found: Matches) -> Matches:
        if query.from_ == query.to == refused:
            raise BadInput(f"Invalid from [{refused}].")
        return found

    tell_lies(site, refuse)
    done = site.collect()
    assert isinstance(done.outcome.stopped, BadRequest)
    assert not done.outcome.complete


def test_a_refused_offset_is_a_gap_where_no_smaller_window_helps(make_site: SiteMaker) -> None:
    site = make_site(days=3, entries=1_000)
    item = (
        b'{"id":"t-%d","timestamp":"2026-03-30T12:00:00Z","action":"LOGIN","resource_type":"USER","status":"success"}'
    )
    site.box.world.store.add([item % number for number in range(1_500)])

    def refuse(query: Query, found: Matches) -> Matches:
        if (query.offset or 0) > 900:
            raise BadInput(f"Invalid offset [{query.offset}].")
        return found

    tell_lies(site, refuse)
    outcome = site.collect().outcome
    assert (outcome.complete, outcome.stopped) == (False, None)
    assert any("offset" in gap.why for gap in outcome.gaps)


@pytest.mark.parametrize("goal", [None, Goal(from_=END - 10 * DAY)])
def test_two_days_that_exchanged_rows_are_told_by_the_totals_of_each_day(
    make_site: SiteMaker, goal: Goal | None
) -> None:
    """A run over given days asks each of them; a run over everything needs its rotation for that."""
    site = make_site(entries=300)
    site.collect()
    moved = _one_of(site, END - 5 * DAY)
    at = str(moved["timestamp"]).replace(f"{END - 5 * DAY}", f"{END - 4 * DAY}")
    site.box.world.store.rewrite(str(moved["id"]), msgspec.json.encode(moved | {"timestamp": at}))
    found = [str(finding.kind) for finding in site.collect(goal).standing.findings.values()]
    assert sorted(found) == ([] if goal is None else ["content_changed", "moved"])


def test_days_that_an_idle_run_finds_different_are_read_in_that_run(make_site: SiteMaker) -> None:
    site = make_site(days=3, entries=300)
    site.collect()
    day = END - 2 * DAY
    moved = _one_of(site, day)
    at = str(moved["timestamp"]).replace(f"{day}", f"{day + DAY}")
    site.box.world.store.rewrite(str(moved["id"]), msgspec.json.encode(moved | {"timestamp": at}))
    done = site.collect()
    assert sorted(str(each.kind) for each in done.standing.findings.values()) == ["content_changed", "moved"]
    assert (done.outcome.complete, done.standing.entries) == (True, 300)


def _one_of(site: Site, day: dt.date) -> dict[str, object]:
    items: Sequence[bytes] = site.box.world.audit_log(Query(from_=day, to=day, limit=1000)).items
    decoded: dict[str, object] = msgspec.json.decode(items[0])
    return decoded


def test_a_census_that_differs_leaves_its_days_as_last_checked_as_they_were(make_site: SiteMaker) -> None:
    site = make_site(days=6, entries=300)
    before = site.collect().standing.sources[SOURCE].days
    site.clock.now += dt.timedelta(hours=1)
    site.box.world.arrive_late(dt.datetime.combine(END - 3 * DAY, dt.time(11), dt.UTC), 1)
    after = site.collect().standing.sources[SOURCE].days
    (census,) = [c for receipt in site.receipts() for c in receipt.census if not c.agrees]
    assert census.total == census.expected + 1
    assert after[END - 3 * DAY].censused_at == census.at, "read again"
    assert after[END - 2 * DAY].censused_at == before[END - 2 * DAY].censused_at < census.at
