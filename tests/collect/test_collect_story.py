"""The main job: everything once, sealed, and again only what is new."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.collect.conftest import END, Clock, Site

from muniment.collect.collecting import collect
from muniment.collect.goal import Goal
from muniment.errors import Unauthorized
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.source.client import Client
from muniment.source.settings import Settings

SiteMaker = Callable[..., Site]


def test_a_first_run_archives_every_item_byte_for_byte(make_site: SiteMaker) -> None:
    site = make_site()
    done = site.collect()
    assert done.outcome.complete
    assert (done.outcome.new, done.outcome.source_total, done.standing.entries) == (1200, 1200, 1200)
    assert site.archived() == site.served()
    assert done.outcome.gaps == []


def test_a_first_run_keeps_to_its_bound_of_requests_and_looks_everybody_up_once(make_site: SiteMaker) -> None:
    site = make_site(days=10, entries=9_000)
    done = site.collect()
    days = (site.clock().date() - (END - dt.timedelta(days=10))).days + 1
    oldest = done.standing.sources["account-manager@sandbox"].counts[END - dt.timedelta(days=10)]
    assert site.asked <= days + 1.1 * 9_000 / 1000 + 1.1 * oldest / 1000 + 60
    known = done.standing.sources["account-manager@sandbox"]
    assert site.looked_up == len(known.users) + len(known.accounts)


def test_a_second_run_with_nothing_new_asks_twelve_times_at_most_and_leaves_only_its_receipts(
    make_site: SiteMaker,
) -> None:
    site = make_site()
    first = site.collect().standing.size
    again = site.collect()
    assert (again.outcome.complete, again.outcome.new, site.looked_up) == (True, 0, 0)
    assert site.asked <= 12
    assert [receipt.phase for receipt in site.receipts()[-2:]] == ["opened", "closed"]
    assert again.standing.size == first + 2


@pytest.mark.parametrize("age_days", [0, 1, 9, 29, 400])
def test_late_entries_of_any_age_are_found_once_without_reading_what_did_not_change(
    make_site: SiteMaker, age_days: int
) -> None:
    site = make_site()
    site.collect()
    at = dt.datetime.combine(END - dt.timedelta(days=age_days + 1), dt.time(11), dt.UTC)
    site.box.world.arrive_late(at, 3)
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new) == (True, 3)
    assert site.archived() == site.served()
    assert site.asked <= 12 + 9 + 2 * 6 + (age_days if age_days > 29 else 0)
    assert site.collect().outcome.new == 0


def test_a_run_over_some_days_reads_those_and_says_so(make_site: SiteMaker) -> None:
    site = make_site()
    first, last = END - dt.timedelta(days=10), END - dt.timedelta(days=4)
    done = site.collect(Goal(from_=first, to=last))
    expected = site.box.world.audit_log(Query(from_=first, to=last, limit=1)).total
    assert (done.outcome.complete, done.outcome.new, done.outcome.source_total) == (True, expected, expected)
    whole = site.collect()
    assert whole.outcome.new == 1200 - expected
    assert site.archived() == site.served()


def test_every_entry_of_the_receipts_windows_is_where_they_say(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    windows = [window for receipt in site.receipts() for window in receipt.windows]
    assert sum(window.new for window in windows) + _elsewhere(site) == 1200
    for window in windows:
        for first, end in window.leaves:
            for batch in site.archive.batches(first, end, columns=["kind", "day"]):
                assert set(batch["kind"].to_pylist()) == {"entry"}
                assert set(batch["day"].to_pylist()) == {window.from_}


def _elsewhere(site: Site) -> int:
    """Entries that the opening page gave before their day was read."""
    told = {leaf for r in site.receipts() for w in r.windows for first, end in w.leaves for leaf in range(first, end)}
    entries = [
        index
        for batch in site.archive.batches(columns=["index", "kind"])
        for index, kind in zip(batch["index"].to_pylist(), batch["kind"].to_pylist(), strict=True)
        if kind == "entry"
    ]
    return len(set(entries) - told)


def test_an_open_day_grows_and_is_no_gap(make_site: SiteMaker) -> None:
    site = make_site()
    site.clock.now = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
    site.collect()
    site.box.world.arrive(site.clock(), 5)
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new) == (True, 5)
    today = done.standing.sources["account-manager@sandbox"].days[END]
    assert (today.closed, today.rows) == (False, 5)
    site.clock.now += dt.timedelta(days=2)
    later = site.collect().standing.sources["account-manager@sandbox"].days[END]
    assert (later.closed, later.method) == (True, "atomic")


def test_a_day_of_several_pages_is_by_count_the_oldest_confirmed_and_the_others_in_rotation(
    make_site: SiteMaker,
) -> None:
    site = make_site(days=4, entries=6_000)
    days = site.collect().standing.sources["account-manager@sandbox"].days
    methods = [days[day].method for day in sorted(days)][:4]
    assert methods[0] == "confirmed"
    assert "stable" in methods[1:]
    for _ in range(6):
        done = site.collect()
        assert site.asked <= 12
    days = done.standing.sources["account-manager@sandbox"].days
    assert {days[day].method for day in days} <= {"confirmed", "atomic"}


def test_confirm_reads_days_of_several_pages_twice_at_once(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=6_000)
    days = site.collect(Goal(confirm=True)).standing.sources["account-manager@sandbox"].days
    assert {day.method for day in days.values()} <= {"confirmed", "atomic"}


def test_a_key_that_is_refused_seals_nothing_false(make_site: SiteMaker) -> None:
    site = make_site()
    done = site.collect(role="none")
    assert done.outcome.stopped is not None
    assert not done.outcome.complete
    refused = site.collect(role="wrong").outcome
    assert isinstance(refused.stopped, Unauthorized)
    assert site.receipts()[-1].complete is False
    assert site.collect().outcome.complete


def test_two_sources_in_one_archive_keep_their_entries_apart(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    site.collect()
    with Client(Settings(url=site.box.url, api_key=site.box.keys["AM_VIEW_ONLY"])) as client:
        done = collect(
            site.archive, client, "other@sandbox", home=site.home, cache=site.folder / "cache", clock=site.clock
        )
    assert {name: known.entries for name, known in done.standing.sources.items()} == {
        "account-manager@sandbox": 300,
        "other@sandbox": 300,
    }


def test_people_are_asked_for_again_when_they_changed_or_after_a_day(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    user = next(
        e
        for item in site.served()
        if (e := msgspec.json.decode(item))["user"] and site.box.world.user(e["user"]["id"]) is not None
    )["user"]
    site.clock.now += dt.timedelta(hours=1)
    _log(site, user, "LOGIN", "BASIC_AUTH", site.clock() - dt.timedelta(minutes=1))
    assert site.collect().outcome.new == 1
    assert site.looked_up == 0, "an hour later the answer is still good"
    site.clock.now += dt.timedelta(hours=1)
    _log(site, user, "UPDATE", "USER", site.clock() - dt.timedelta(minutes=1))
    site.collect()
    assert site.looked_up == 1, "the entry says that this user was changed"
    site.clock.now += dt.timedelta(days=2)
    _log(site, user, "LOGIN", "BASIC_AUTH", site.clock() - dt.timedelta(minutes=1))
    done = site.collect()
    assert site.looked_up >= 1, "active again after more than a day"
    assert len(done.standing.sources["account-manager@sandbox"].users[user["id"]].snapshots) == 3


def _log(site: Site, user: dict[str, str], action: str, resource_type: str, at: dt.datetime) -> None:
    some = msgspec.json.decode(site.served()[0])
    entry = some | {
        "id": f"test-{action}-{at:%d%H%M}",
        "user": user,
        "action": action,
        "resource_type": resource_type,
        "resource_id": user["id"],
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }
    site.box.world.store.add([msgspec.json.encode(entry)])


def test_a_source_that_never_stands_still_is_collected_without_doubt_and_without_asking_much_more(
    make_box: Callable[..., Box], tmp_path: Path
) -> None:
    now = Clock()
    now.ticks = True
    site = Site(tmp_path, make_box(days=5, entries=2_000, end=now().date(), clock=now, live=60.0), now)
    first = site.collect().outcome
    assert first.complete
    again = site.collect()
    assert (again.outcome.complete, again.standing.findings) == (True, {})
    assert site.asked <= 30
