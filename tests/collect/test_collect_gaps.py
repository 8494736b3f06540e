"""A gap stays until a run that looked at it again did not find it."""

import datetime as dt
from collections.abc import Callable

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site

from muniment.collect.goal import Goal
from muniment.errors import Forbidden
from muniment.model import Query
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]
Search = Callable[[Query], Matches]


def lose_one(site: Site, **narrowed: str) -> Search:
    """Let totals of queries that are narrowed so be one too small; what it was like before."""
    honest = site.box.world.store.search

    def lose(query: Query) -> Matches:
        found = honest(query)
        lost = narrowed.items() <= msgspec.structs.asdict(query).items()
        return msgspec.structs.replace(found, total=found.total - 1) if lost else found

    site.box.world.store.search = lose  # type: ignore[method-assign] # the world itself tells a lie
    return honest


def be_honest(site: Site, honest: Search) -> None:
    site.box.world.store.search = honest  # type: ignore[method-assign, assignment]


def test_a_run_that_is_stopped_forgets_no_gap(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    lose_one(site, status="FAILURE")
    known = site.collect().standing.sources[SOURCE].gaps
    assert len(known) == 1
    for _ in range(2):
        stopped = site.collect(role="none")
        assert isinstance(stopped.outcome.stopped, Forbidden)
        assert stopped.standing.sources[SOURCE].gaps == known


def test_a_run_over_some_days_forgets_only_the_gaps_that_lie_within_them(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    honest = lose_one(site, status="FAILURE")
    (known,) = site.collect().standing.sources[SOURCE].gaps
    be_honest(site, honest)
    day = END - dt.timedelta(days=5)
    for goal in (Goal(day, day), Goal(from_=day), Goal(to=day)):
        some = site.collect(goal)
        assert (some.outcome.complete, some.standing.sources[SOURCE].gaps) == (True, [known])
    all_of_it = site.collect(Goal(known.from_, known.to))
    assert (all_of_it.outcome.complete, all_of_it.standing.sources[SOURCE].gaps) == (True, [])


def test_a_gap_outside_any_day_is_forgotten_by_no_run_over_some_days(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    honest = site.box.world.store.search

    def count_more(query: Query) -> Matches:
        found = honest(query)
        undated = query.from_ is None and query.to is None
        return msgspec.structs.replace(found, total=found.total + 1) if undated else found

    site.box.world.store.search = count_more  # type: ignore[method-assign] # the world itself tells a lie
    known = site.collect().standing.sources[SOURCE].gaps
    assert [gap for gap in known if gap.from_ is None and gap.to is None]
    be_honest(site, honest)
    day = END - dt.timedelta(days=5)
    for goal in (Goal(day, day), Goal(from_=day)):
        assert site.collect(goal).standing.sources[SOURCE].gaps == known
    assert site.collect().standing.sources[SOURCE].gaps == []


@pytest.mark.parametrize("narrowed", [{"action": "LOGIN"}, {"resource_types": ("USER",)}])
def test_totals_that_did_not_sum_up_are_asked_for_again_until_they_do(
    make_site: SiteMaker, narrowed: dict[str, str]
) -> None:
    site = make_site(entries=300)
    honest = lose_one(site, **narrowed)
    known = site.collect().standing.sources[SOURCE].gaps
    assert len(known) == 1
    again = site.collect()
    assert (again.outcome.complete, again.standing.sources[SOURCE].gaps) == (False, known)
    be_honest(site, honest)
    day = END - dt.timedelta(days=5)
    assert site.collect(Goal(day, day)).standing.sources[SOURCE].gaps == known
    assert site.asked <= 12, "a run over some days does not ask for them"
    mended = site.collect()
    assert (mended.outcome.complete, mended.standing.sources[SOURCE].gaps) == (True, [])
    site.collect()
    assert site.asked <= 12


def test_a_first_run_that_was_stopped_before_the_totals_were_held_against_each_other_owes_them_to_the_next(
    make_site: SiteMaker,
) -> None:
    site = make_site(entries=300)
    honest = site.box.world.store.search

    def refuse(query: Query) -> Matches:
        if query.action is not None:
            raise Forbidden("not this one")
        return honest(query)

    site.box.world.store.search = refuse  # type: ignore[method-assign] # the world itself refuses
    assert isinstance(site.collect().outcome.stopped, Forbidden)
    be_honest(site, honest)
    assert site.collect().outcome.complete
    assert {controls.by for controls in site.receipts()[-1].controls} == {"status", "action", "resource_type"}
    assert site.collect().outcome.complete
    assert site.asked <= 12
