"""What the archive knows from one run to the next, and what must not make it forget."""

import datetime as dt
from collections.abc import Callable

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site

from muniment.archive.columns import entry_batch
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.collecting import Collected
from muniment.collect.goal import Goal
from muniment.collect.record import Disposition, encode
from muniment.collect.standing import Standing, load_standing, save_standing, without
from muniment.errors import ScopeShrank, Unauthorized
from muniment.model import Query

SiteMaker = Callable[..., Site]
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize("wrong", ["root", "origin", "version"])
def test_a_standing_of_another_tree_is_made_again_from_the_leaves(make_site: SiteMaker, wrong: str) -> None:
    site = make_site(entries=100)
    truth = site.collect().standing
    folder = site.folder / "elsewhere"
    kept = load_standing(site.archive, folder)
    kept.sources[SOURCE].counts = {END: 7}
    setattr(kept, wrong, {"root": b"\0" * 32, "origin": "other.example/log", "version": 0}[wrong])
    save_standing(kept, folder)
    again = load_standing(Archive.open(site.folder / "archive"), folder)
    assert again.sources[SOURCE].counts == truth.sources[SOURCE].counts
    assert again.entries == 100


def test_ranges_less_some_leaves_hold_all_others() -> None:
    assert without([(3, 7), (9, 10)], [3, 5, 9, 20]) == [(4, 5), (6, 7)]


def tags(done: Collected, day: dt.date) -> int:
    """How many keys are known to see all of a day."""
    return len(done.standing.sources[SOURCE].days[day].tags)


def test_a_key_of_a_run_that_was_stopped_is_not_known_from_then_on(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    day = END - 5 * DAY
    site.box.world.store.remove(_id_of(site, day))
    assert isinstance(site.collect(role="AM_USER_MANAGER").outcome.stopped, ScopeShrank)
    assert tags(site.collect(), day) == 1
    assert isinstance(site.collect(role="none").outcome.stopped, Exception)
    assert isinstance(site.collect(role="no-such-key").outcome.stopped, Unauthorized)
    assert tags(site.collect(), day) == 1


def test_a_run_that_took_less_as_it_is_says_so_in_its_receipt(make_site: SiteMaker) -> None:
    site = make_site(entries=100)
    site.collect()
    assert not site.receipts()[-1].scope_accepted
    site.collect(Goal(accept_scope=True))
    assert (site.receipts()[-1].scope_accepted, site.receipts()[-1].asked) == (True, "accept scope")


def test_what_came_back_may_vanish_again_and_is_said_again(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    day = END - 5 * DAY
    gone = _id_of(site, day)
    (item,) = site.box.world.store.find(gone)
    for _ in range(2):
        site.box.world.store.remove(gone)
        site.collect()
        site.box.world.store.add([item])
        told = site.collect().standing
    assert [str(each.kind) for each in told.findings.values()] == ["vanished", "reappeared"] * 2
    assert told.sources[SOURCE].vanished == []


def test_an_answer_to_a_kind_of_finding_leaves_earlier_ones_open(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    one, two = _id_of(site, END - 5 * DAY), _id_of(site, END - 7 * DAY)
    site.box.world.store.remove(one)
    site.collect()
    with Writer(Archive.open(site.folder / "archive"), site.home) as writer, writer.transaction() as transaction:
        answer = Disposition(reason="known clean-up", by="ann", standing="vanished")
        transaction.add_record("disposition", encode(answer), "2026-04-02T12:00:00Z")
    site.box.world.store.remove(two)
    standing = site.collect().standing
    assert [each.id for each in standing.findings.values()] == [one, two]
    assert [each.id for each in standing.open_population_findings().values()] == [one]


def test_windows_and_days_met_before_the_opening_receipt_stand_in_a_later_one(make_site: SiteMaker) -> None:
    site = make_site(days=3, entries=200)
    done = site.collect()
    read = {each.day for receipt in site.receipts() for each in receipt.days}
    assert read == set(done.standing.sources[SOURCE].days)
    opened = site.receipts()[0]
    assert (opened.phase, opened.days) == ("opened", [])


def test_what_is_no_finding_twice_is_known_by_the_next_run(make_site: SiteMaker) -> None:
    site = make_site(entries=100)
    odd = {"timestamp": f"{END - 3 * DAY}T10:00:00Z", "resource_type": "USER", "status": "success"}
    twin, unknown = odd | {"id": "twin", "action": "LOGIN"}, odd | {"id": "unknown", "action": "TELEPORT"}
    site.box.world.store.add([msgspec.json.encode(item) for item in (twin, twin, unknown)])
    kinds = sorted(str(each.kind) for each in site.collect().standing.findings.values())
    assert kinds == ["twin", "unknown_value"]
    site.box.world.store.add([msgspec.json.encode(unknown | {"id": "unknown-2"})])
    assert len(site.collect(Goal(recheck="full")).standing.findings) == 2


def test_another_content_that_somebody_else_sealed_meanwhile_keeps_nobodys_from_being_sealed(
    make_site: SiteMaker,
) -> None:
    site = make_site(days=3, entries=200)
    other = Writer(Archive.open(site.folder / "archive"), site.home)
    first = msgspec.json.decode(site.served()[0])
    sealed: list[int] = []

    def meddle(_: object) -> None:
        if not sealed:
            with other.transaction() as transaction:
                changed = msgspec.json.encode(first | {"description": "as somebody else saw it"})
                sealed.append(transaction.add(entry_batch(SOURCE, "2026-04-02T11:00:00Z", [changed])))

    site.tell = meddle
    site.collect()
    other.close()
    assert set(site.served()) <= set(site.archived()), "every content that was served is there"
    assert len(site.archived()) == 201


def test_an_empty_standing_knows_nothing() -> None:
    standing = Standing()
    assert (standing.entries, standing.source("x").gaps, standing.open_findings()) == (0, [], {})


def _id_of(site: Site, day: dt.date) -> str:
    items = site.box.world.audit_log(Query(from_=day, to=day, limit=1000)).items
    found: str = msgspec.json.decode(items[len(items) // 2])["id"]
    return found
