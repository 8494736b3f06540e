"""What happens to a population between runs, and within them: nothing is lost, nothing is said twice."""

import datetime as dt
import shutil
from collections.abc import Callable

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site

from muniment.archive.reading import Archive
from muniment.collect.goal import Goal
from muniment.collect.standing import load_standing
from muniment.errors import ScopeShrank
from muniment.model import Query
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]


def entry_of(site: Site, day: dt.date) -> dict[str, object]:
    found = site.box.world.audit_log(Query(from_=day, to=day, limit=1000)).items
    decoded: dict[str, object] = msgspec.json.decode(found[len(found) // 2])
    return decoded


def kinds(site: Site) -> list[str]:
    return [str(finding.kind) for finding in site.collect().standing.findings.values()]


def test_content_rewritten_under_an_id_is_a_further_version_and_one_finding(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, END - dt.timedelta(days=5))
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(old | {"description": "another story"}))
    assert site.collect().standing.findings == {}, "the totals are the same: only a recheck can see it"
    done = site.collect(Goal(recheck="full"))
    (finding,) = done.standing.findings.values()
    assert (finding.kind, finding.id, finding.what) == ("content_changed", old["id"], "value changed: description")
    assert (done.outcome.complete, done.standing.entries, len(site.archived())) == (True, 1200, 1201)
    assert len(site.collect(Goal(recheck="full")).standing.findings) == 1, "said once"
    assert len(site.archived()) == 1201


def test_an_added_field_is_said_to_be_one_and_other_bytes_of_the_same_json_are_no_finding(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, END - dt.timedelta(days=5))
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(dict(reversed(old.items()))))
    done = site.collect(Goal(recheck="full"))
    assert done.standing.findings == {}
    assert any("other bytes" in odd for odd in site.receipts()[-1].odd)
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(old | {"ip": "192.0.2.1"}))
    (finding,) = site.collect(Goal(recheck="full")).standing.findings.values()
    assert finding.what == "field added: ip"


def test_a_vanished_entry_is_a_finding_sealed_once_and_one_that_comes_back_another(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, END - dt.timedelta(days=5))
    site.box.world.store.remove(str(old["id"]))
    done = site.collect()
    (finding,) = done.standing.findings.values()
    assert (finding.kind, finding.id, done.outcome.complete) == ("vanished", old["id"], True)
    assert (done.standing.entries, done.outcome.source_total) == (1200, 1199), "nothing is removed here"
    assert len(site.collect().standing.findings) == 1
    site.box.world.store.add([msgspec.json.encode(old)])
    assert kinds(site) == ["vanished", "reappeared"]
    assert kinds(site) == ["vanished", "reappeared"]


def test_one_entry_that_vanished_and_one_that_came_on_the_same_day_are_both_told(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    day = END - dt.timedelta(days=5)
    old = entry_of(site, day)
    site.box.world.store.remove(str(old["id"]))
    site.box.world.arrive_late(dt.datetime.combine(day, dt.time(9), dt.UTC), 1)
    done = site.collect(Goal(recheck="full"))
    assert [finding.kind for finding in done.standing.findings.values()] == ["vanished"]
    assert (done.outcome.new, done.outcome.complete, done.standing.entries) == (1, True, 1201)


def test_an_entry_whose_timestamp_changed_moved_and_did_not_vanish(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, END - dt.timedelta(days=5))
    moved = old | {"timestamp": str(old["timestamp"]).replace("2026-03-27", "2026-03-20")}
    site.box.world.store.rewrite(str(old["id"]), msgspec.json.encode(moved))
    assert site.collect().standing.findings == {}, "two days that exchanged one entry hide each other from the census"
    done = site.collect(Goal(recheck="full"))
    assert sorted(str(f.kind) for f in done.standing.findings.values()) == ["content_changed", "moved"]
    assert (done.outcome.complete, done.standing.entries) == (True, 1200)
    assert site.collect().outcome.requests <= 12


def test_days_that_fall_off_a_rolling_retention_are_one_finding(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    site.box.world.store.forget_before(END - dt.timedelta(days=20))
    done = site.collect()
    (finding,) = done.standing.findings.values()
    assert finding.kind == "retention"
    assert done.outcome.complete
    assert done.standing.entries == 1200
    assert len(site.collect().standing.findings) == 1


def test_a_twin_counts_once_and_is_a_finding(make_site: SiteMaker) -> None:
    site = make_site()
    old = entry_of(site, END - dt.timedelta(days=5))
    site.box.world.store.add([msgspec.json.encode(old)])
    done = site.collect()
    (finding,) = done.standing.findings.values()
    assert (finding.kind, finding.id) == ("twin", old["id"])
    assert (done.outcome.complete, done.standing.entries, done.outcome.source_total) == (True, 1200, 1201)
    assert len(site.collect(Goal(recheck="full")).standing.findings) == 1


def test_rows_missing_under_another_key_are_not_vanished_unless_that_is_accepted(make_site: SiteMaker) -> None:
    site = make_site()
    site.collect()
    old = entry_of(site, END - dt.timedelta(days=5))
    site.box.world.store.remove(str(old["id"]))
    for _ in range(2):
        less = site.collect(role="AM_USER_MANAGER")
        assert isinstance(less.outcome.stopped, ScopeShrank)
        assert (less.outcome.complete, less.standing.findings) == (False, {})
    taken = site.collect(Goal(accept_scope=True), role="AM_USER_MANAGER")
    assert (taken.outcome.complete, taken.standing.findings) == (True, {})
    assert site.collect(role="AM_USER_MANAGER").outcome.complete, "from then on that key's tag counts"


ODD = [
    b'{"id":"odd-1","timestamp":"2026-03-20T10:00:00Z","action":"TELEPORT","resource_type":"PORTAL","status":"maybe"}',
    b'{"id":"odd-2","timestamp":null,"action":null,"user":null}',
    b'{"id":"odd-3","action":"LOGIN"}',
    b'{"id":"odd-4","timestamp":"yesterday"}',
    b'{"id":"odd-5","timestamp":"2031-01-01T00:00:00Z"}',
    b'{"id":"odd-6","timestamp":"2026-03-20T11:00:00Z","n":123456789012345678901234567890,"t":"\\u0000\xc3\xa9"}',
    b'{"timestamp":"2026-03-20T12:00:00Z","action":"LOGIN"}',
    b'{"id":7,"timestamp":"2026-03-20T12:30:00Z"}',
    b'{"id":"odd-8","timestamp":"1970-01-01T00:00:00Z"}',
]


def test_oddities_are_archived_byte_for_byte_and_what_has_no_day_is_found_too(make_site: SiteMaker) -> None:
    site = make_site()
    site.box.world.store.add(ODD)
    done = site.collect()
    assert set(ODD) <= set(site.archived())
    assert site.archived() == site.served()
    assert done.outcome.gaps == []
    assert done.outcome.complete
    told = sorted((str(f.kind), " ".join(f.what.split()[:2])) for f in done.standing.findings.values())
    assert told == [
        ("no_id", "an item"),
        ("unknown_value", "action 'TELEPORT'"),
        ("unknown_value", "resource_type 'PORTAL'"),
        ("unknown_value", "status 'maybe'"),
    ]
    again = site.collect()
    assert (again.outcome.complete, again.outcome.new, len(again.standing.findings)) == (True, 0, 4)
    assert site.asked <= 12


def test_a_total_that_counts_more_than_is_served_is_a_gap_with_both_numbers(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    honest = site.box.world.store.search

    def lie(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, total=found.total + 2 if found.total else 0)

    site.box.world.store.search = lie  # type: ignore[method-assign] # the world itself tells a lie
    done = site.collect()
    assert not done.outcome.complete
    assert done.outcome.gaps
    assert all((gap.expected or 0) > gap.got for gap in done.outcome.gaps if gap.why != "x" and gap.from_ == gap.to)
    assert site.archived() == sorted(item for item in _everything(honest))


def _everything(search: Callable[[Query], Matches]) -> list[bytes]:
    return list(search(Query(limit=1000)).items)


@pytest.mark.parametrize("lost", ["cache", "standing"])
def test_everything_derived_can_be_thrown_away(make_site: SiteMaker, lost: str) -> None:
    site = make_site(entries=600)
    before = site.collect().standing
    if lost == "cache":
        shutil.rmtree(site.folder / "cache")
    else:
        for file in (site.folder / "cache").rglob("standing*"):
            file.write_bytes(b"rubbish")
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new, site.asked <= 12) == (True, 0, True)
    assert done.standing.sources[SOURCE].counts == before.sources[SOURCE].counts


@pytest.mark.parametrize("spoil", [lambda data: bytes(len(data)), lambda data: data[::-1]], ids=["zeros", "backwards"])
def test_a_cache_whose_files_were_spoilt_makes_nothing_be_sealed_twice(
    make_site: SiteMaker, spoil: Callable[[bytes], bytes]
) -> None:
    site = make_site()
    site.collect()
    for file in (site.folder / "cache").rglob("*.run"):
        file.write_bytes(spoil(file.read_bytes()))
    done = site.collect(Goal(recheck="full"))
    assert (done.outcome.complete, done.outcome.new, done.standing.entries) == (True, 0, 1200)
    assert site.archived() == site.served()


def test_no_bit_of_what_is_remembered_can_be_changed_unseen(make_site: SiteMaker) -> None:
    site = make_site(entries=100)
    known = site.collect().standing
    (file,) = (site.folder / "cache").rglob("standing.msgpack")
    kept, archive = file.read_bytes(), Archive.open(site.folder / "archive")
    for place in range(0, len(kept), max(1, len(kept) // 40)):
        file.write_bytes(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :])
        assert load_standing(archive, file.parent) == known


def test_a_cache_that_cannot_be_written_is_done_without(make_site: SiteMaker) -> None:
    site = make_site()
    (site.folder / "cache").write_text("no folder")
    done = site.collect()
    assert (done.outcome.complete, done.outcome.new) == (True, 1200)
    again = site.collect(Goal(recheck="full"))
    assert (again.outcome.complete, again.outcome.new, again.standing.entries) == (True, 0, 1200)
    assert site.archived() == site.served()


def test_totals_that_do_not_sum_up_are_a_finding_and_a_gap_that_the_archive_remembers(make_site: SiteMaker) -> None:
    site = make_site(entries=300)
    honest = site.box.world.store.search

    def lose_failures(query: Query) -> Matches:
        found = honest(query)
        return msgspec.structs.replace(found, total=found.total - 1) if query.status == "FAILURE" else found

    site.box.world.store.search = lose_failures  # type: ignore[method-assign] # the world itself tells a lie
    done = site.collect()
    assert (done.outcome.complete, done.standing.entries) == (False, 300)
    assert [finding.kind for finding in done.standing.findings.values()] == ["totals_disagree"]
    assert done.standing.sources[SOURCE].gaps == done.outcome.gaps
    site.box.world.store.search = honest  # type: ignore[method-assign]
    assert site.collect().standing.sources[SOURCE].gaps == []
