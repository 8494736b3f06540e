"""Entries that a day no longer has: what is said of them, of how many, and how often (design §4.6)."""

import datetime as dt
from collections.abc import Callable

import msgspec
from tests.collect.conftest import END, SOURCE, Site

from muniment.collect.goal import Goal
from muniment.model import Query
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]
DAY = dt.timedelta(days=1)
FULL = Goal(recheck="full")


def entries_of(site: Site, day: dt.date) -> list[dict[str, object]]:
    items = site.box.world.audit_log(Query(from_=day, to=day, limit=1000)).items
    return [msgspec.json.decode(item) for item in items]


def found(site: Site, goal: Goal | None = None) -> list[tuple[str, str | None]]:
    return [(str(each.kind), each.id) for each in site.collect(goal).standing.findings.values()]


def test_what_vanished_once_is_not_said_again_when_its_day_is_compared_again(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    one, two = (str(entry["id"]) for entry in entries_of(site, END - 5 * DAY)[:2])
    site.box.world.store.remove(one)
    assert found(site) == [("vanished", one)]
    site.box.world.store.remove(two)
    assert found(site) == [("vanished", one), ("vanished", two)]


def test_a_day_that_could_not_be_read_whole_lacks_nothing_for_sure(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    day, honest = END - 5 * DAY, site.box.world.store.search
    kept = str(entries_of(site, day)[0]["id"]).encode()

    def keep_one_back(query: Query) -> Matches:
        answer = honest(query)
        return msgspec.structs.replace(answer, items=[item for item in answer.items if kept not in item])

    site.box.world.store.search = keep_one_back  # type: ignore[method-assign] # the world itself tells a lie
    done = site.collect(FULL)
    assert (done.outcome.complete, done.standing.findings) == (False, {})
    assert any(gap.from_ == gap.to == day for gap in done.outcome.gaps)


def test_rows_of_the_oldest_day_fall_to_retention_and_did_not_vanish(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    oldest = min(day for day, rows in site.collect().standing.sources[SOURCE].counts.items() if rows)
    gone = entries_of(site, oldest)
    assert len(gone) > 1
    site.box.world.store.remove(str(gone[0]["id"]))
    assert [kind for kind, _ in found(site)] == ["retention"]


def test_an_entry_with_two_contents_vanishes_once(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entries_of(site, END - 5 * DAY)[0]
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(old | {"description": "another story"}))
    assert found(site, FULL) == [("content_changed", old["id"])]
    site.box.world.store.remove(str(old["id"]))
    done = site.collect()
    (gone,) = [each for each in done.standing.findings.values() if each.kind == "vanished"]
    assert (gone.id, len(gone.leaves), done.outcome.complete) == (old["id"], 1, True)


def test_very_many_that_vanished_from_one_day_are_one_finding_with_their_ranges(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=1_200)
    site.collect()
    gone = [str(entry["id"]) for entry in entries_of(site, END - 2 * DAY)[:150]]
    for each in gone:
        site.box.world.store.remove(each)
    (told,) = site.collect().standing.findings.values()
    assert (told.kind, told.days, told.leaves) == ("vanished", [END - 2 * DAY], [])
    assert sum(end - first for first, end in told.ranges) == 150
    assert len(site.collect(FULL).standing.findings) == 1, "said once"


def test_an_entry_that_its_day_serves_under_another_date_is_looked_for_in_that_day(make_site: SiteMaker) -> None:
    """The source counts days two hours east of UTC: 23:30 UTC is the next day."""
    site = make_site(days=10, entries=300)
    day = END - 5 * DAY
    night = dt.datetime.combine(day - DAY, dt.time(23, 30), dt.UTC)
    form = b'{"id":"night-%d","timestamp":"%s","action":"LOGIN","resource_type":"USER","status":"success"}'
    items = [form % (number, f"{night:%FT%TZ}".encode()) for number in range(3)]
    site.box.world.store.add(items, at=dt.datetime.combine(day, dt.time(1, 30), dt.UTC))
    first = site.collect()
    assert (first.outcome.complete, first.outcome.gaps) == (True, [])
    assert first.standing.sources[SOURCE].counts[day] == first.standing.sources[SOURCE].days[day].rows
    site.box.world.store.remove("night-1")
    assert found(site) == [("vanished", "night-1")]
    other = str(entries_of(site, day - DAY)[0]["id"])
    site.box.world.store.remove(other)
    assert found(site) == [("vanished", "night-1"), ("vanished", other)]
    assert len(found(site, FULL)) == 2


def a_day_by_count(site: Site) -> dt.date:
    """The day of several pages that idle runs confirm next; the first run has been made."""
    days = site.collect().standing.sources[SOURCE].days
    return min((days[day].censused_at, day) for day in days if days[day].method == "stable")[1]


def test_the_same_number_of_rows_is_no_confirmation(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=6_000)
    day = a_day_by_count(site)
    one, two = entries_of(site, day)[3:5]
    site.box.world.store.remove(str(one["id"]))
    site.collect(Goal(from_=day, to=day))
    site.box.world.store.add([msgspec.json.encode(one)])
    site.box.world.store.remove(str(two["id"]))
    for _ in range(8):
        done = site.collect()
        if ("vanished", two["id"]) in [(each.kind, each.id) for each in done.standing.findings.values()]:
            break
    told = [(str(each.kind), each.id) for each in done.standing.findings.values()]
    assert told == [("vanished", one["id"]), ("vanished", two["id"]), ("reappeared", one["id"])]
    confirmed = [read for receipt in site.receipts()[-3:] for read in receipt.days if read.day == day]
    assert confirmed[-1].method == "stable", "the rows were others, though as many"


def test_a_day_whose_content_changed_between_two_readings_is_not_confirmed_by_them(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=6_000)
    day = a_day_by_count(site)
    old = entries_of(site, day)[3]
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(old | {"description": "another story"}))
    for _ in range(8):
        done = site.collect()
        if done.standing.findings:
            break
    assert [(each.kind, each.id) for each in done.standing.findings.values()] == [("content_changed", old["id"])]
    assert done.standing.sources[SOURCE].days[day].method == "stable"


def test_after_a_total_fell_days_are_confirmed_by_every_later_run(make_site: SiteMaker) -> None:
    site = make_site(days=4, entries=6_000)
    site.collect()
    site.box.world.store.remove(str(entries_of(site, END - 2 * DAY)[0]["id"]))
    assert site.collect().standing.sources[SOURCE].total_fell
    site.box.world.arrive_late(dt.datetime.combine(END - DAY, dt.time(11), dt.UTC), 1)
    known = site.collect().standing.sources[SOURCE]
    assert known.days[END - DAY].rows > 1000
    assert known.days[END - DAY].method == "confirmed", "by count is not enough for a source whose total fell"
    assert known.total_fell
