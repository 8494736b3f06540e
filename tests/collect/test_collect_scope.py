"""Two keys of which one sees less: what it does not see has not vanished (design §4.7)."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site
from tests.collect.test_collect_change import entry_of

from muniment.collect.collecting import Collected
from muniment.collect.goal import Goal
from muniment.errors import ScopeShrank
from muniment.model import Query

SiteMaker = Callable[..., Site]
DAY = END - dt.timedelta(days=5)
OTHER_DAY = END - dt.timedelta(days=3)
LESS = "AM_USER_MANAGER"


@contextmanager
def hidden(site: Site, entry: dict[str, object]) -> Iterator[None]:
    """While it lasts, the source is as the key that sees less is shown it."""
    site.box.world.store.remove(str(entry["id"]))
    yield
    site.box.world.store.add([msgspec.json.encode(entry)])


def with_less(site: Site, entry: dict[str, object], goal: Goal | None = None) -> Collected:
    with hidden(site, entry):
        return site.collect(goal, role=LESS)


def told(done: Collected) -> list[str]:
    return [str(finding.kind) for finding in done.standing.findings.values()]


def test_a_run_in_which_nothing_was_missing_does_not_make_the_key_known_for_other_days(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    secret = entry_of(site, DAY)
    assert with_less(site, secret, Goal(OTHER_DAY, OTHER_DAY)).outcome.complete
    for _ in range(2):
        less = with_less(site, secret)
        assert isinstance(less.outcome.stopped, ScopeShrank)
        assert (less.outcome.complete, told(less)) == (False, [])
    again = site.collect()
    assert (again.outcome.complete, told(again)) == (True, [])


def test_what_came_since_two_keys_agreed_is_not_taken_as_seen_by_both(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    assert site.collect(role=LESS).outcome.complete
    secret = entry_of(site, DAY) | {"id": "came-later"}
    site.box.world.store.add([msgspec.json.encode(secret)])
    assert site.collect().outcome.new == 1
    less = with_less(site, secret)
    assert (type(less.outcome.stopped), told(less)) == (ScopeShrank, [])


def test_what_vanishes_after_two_keys_agreed_has_vanished_for_both(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    assert site.collect(role=LESS).outcome.complete
    site.box.world.store.remove(str(entry_of(site, DAY)["id"]))
    done = site.collect(role=LESS)
    assert (done.outcome.complete, told(done)) == (True, ["vanished"])


@pytest.mark.parametrize("day", [DAY, OTHER_DAY])
def test_what_vanishes_under_a_key_that_was_accepted_is_told_and_what_it_never_saw_is_not(
    make_site: SiteMaker, day: dt.date
) -> None:
    site = make_site()
    site.collect()
    secret = entry_of(site, DAY)
    site.box.world.store.remove(str(secret["id"]))
    accepted = site.collect(Goal(accept_scope=True), role=LESS)
    assert (accepted.outcome.complete, told(accepted)) == (True, [])
    gone = entry_of(site, day)
    site.box.world.store.remove(str(gone["id"]))
    done = site.collect(role=LESS)
    assert (done.outcome.complete, [finding.id for finding in done.standing.findings.values()]) == (True, [gone["id"]])
    assert len(site.collect(Goal(recheck="full"), role=LESS).standing.findings) == 1


def test_what_another_key_sees_again_after_one_was_accepted_has_not_reappeared_nor_vanished(
    make_site: SiteMaker,
) -> None:
    site = make_site()
    site.collect()
    secret = entry_of(site, DAY)
    assert with_less(site, secret, Goal(accept_scope=True)).outcome.complete
    more = site.collect()
    assert (more.outcome.complete, told(more)) == (True, [])
    less = with_less(site, secret)
    assert (type(less.outcome.stopped), told(less)) == (ScopeShrank, [])


def test_an_entry_that_moved_is_not_said_to_have_vanished_when_its_first_day_is_read_again(
    make_site: SiteMaker,
) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, DAY)
    moved = old | {"timestamp": str(old["timestamp"]).replace(str(DAY), str(OTHER_DAY))}
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(moved))
    site.collect(Goal(recheck="full"))
    (gone,) = site.box.world.audit_log(Query(from_=DAY, to=DAY, limit=1)).items
    site.box.world.store.remove(msgspec.json.decode(gone)["id"])
    done = site.collect(Goal(DAY, DAY))
    assert sorted(told(done)) == ["content_changed", "moved", "vanished"]
    assert done.standing.sources[SOURCE].gaps == []
