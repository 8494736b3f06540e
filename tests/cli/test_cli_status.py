"""`muniment status`: what the archive holds and how sure that is, as a document and as a calendar."""

import datetime as dt
import re
from collections.abc import Callable

import msgspec
import pytest
from tests.cli.terminal import ORIGIN, Place, Terminal, source_of

from muniment.archive.reading import Archive
from muniment.cli.shapes import b64
from muniment.collect.standing import load_standing, save_standing
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.sandbox.store import Matches

BoxMaker = Callable[..., Box]
KEYS = {"origin", "tree_size", "root", "entries", "users", "accounts", "first", "last", "gaps", "findings", "sources"}
DAY_KEYS = {"day", "entries", "source_total", "state", "method", "censused_at"}


@pytest.fixture
def box(make_box: BoxMaker, monkeypatch: pytest.MonkeyPatch) -> Box:
    made = make_box(days=40, entries=400)
    for name, value in source_of(made).items():
        monkeypatch.setenv(name, value)
    return made


@pytest.mark.usefixtures("collected")
def test_the_document_says_what_there_is(muniment: Terminal, collected: Place, shared_box: Box) -> None:
    told = muniment("status", "--json").document
    archive = Archive.open(collected.archive)
    assert set(told) == KEYS
    assert (told["origin"], told["tree_size"], told["root"]) == (ORIGIN, archive.size, b64(archive.root))
    served = shared_box.world.audit_log(Query(from_=dt.date(2026, 3, 20), limit=1000))
    assert told["entries"] == served.total
    assert (told["first"], told["last"]) == ("2026-03-20", "2026-03-31")
    names = {entry["user"]["id"] for entry in map(msgspec.json.decode, served.items) if entry["user"]}
    assert (told["users"], told["gaps"], told["findings"]) == (len(names), [], [])


@pytest.mark.usefixtures("collected")
def test_days_come_with_the_option_one_after_the_other(muniment: Terminal) -> None:
    told = muniment("status", "--days", "--json").document
    assert set(told) == KEYS | {"days"}
    days = [dt.date.fromisoformat(day["day"]) for day in told["days"]]
    assert days == [dt.date(2026, 3, 20) + dt.timedelta(days=n) for n in range(len(days))]
    assert days[-1] == dt.date(2026, 4, 2)
    assert sum(day["entries"] for day in told["days"]) == told["entries"]
    for day in told["days"]:
        assert set(day) == DAY_KEYS
        assert (day["state"], day["method"], day["source_total"]) == ("complete", "atomic", day["entries"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", day["censused_at"])


def test_a_day_that_was_never_collected_is_never(muniment: Terminal, box: Box) -> None:
    muniment("collect", "--from", "2026-03-01", "--to", "2026-03-02")
    muniment("collect", "--from", "2026-03-05", "--to", "2026-03-06")
    told = muniment("status", "--days", "--json").document["days"]
    assert [day["state"] for day in told] == ["complete"] * 2 + ["never"] * 2 + ["complete"] * 2
    assert (told[2]["entries"], told[2]["source_total"], told[2]["method"], told[2]["censused_at"]) == (
        0,
        None,
        None,
        None,
    )
    assert box.requests.audit_log


def test_a_day_that_is_not_over_is_open_and_that_is_no_gap(muniment: Terminal, box: Box) -> None:
    now = dt.datetime.now(dt.UTC)
    box.world.arrive(now, 3)
    told = muniment("collect", "--from", now.date().isoformat(), "--json")
    assert (told.code, told.document["complete"]) == (0, True)
    (day,) = muniment("status", "--days", "--json").document["days"]
    assert (day["state"], day["entries"]) == ("open", 3)
    assert "◔ 1 day not over yet, and may still grow" in muniment("status").out


def lying(box: Box) -> None:
    honest = box.world.store.search

    def search(query: Query) -> Matches:
        found = honest(query)
        lies = query.from_ == query.to == dt.date(2026, 3, 10)
        return msgspec.structs.replace(found, total=found.total + 2) if lies else found

    box.world.store.search = search  # type: ignore[method-assign] # the world itself tells a lie


def test_a_gap_is_shown_with_both_numbers_and_in_the_calendar(muniment: Terminal, box: Box) -> None:
    lying(box)
    assert muniment("collect", "--from", "2026-03-09", "--to", "2026-03-11").code == 4
    told = muniment("status", "--days", "--json").document
    assert [day["state"] for day in told["days"]] == ["complete", "gap", "complete"]
    (gap,) = (gap for gap in told["gaps"] if gap["from"] == "2026-03-10")
    shown = muniment("status", "--days").out
    assert f"gap 2026-03-10: expected {gap['expected']}, got {gap['got']}" in " ".join(shown.split())
    assert "✓  ✗  ✓" in shown
    assert "✓ 2 complete  ✗ 1 gap" in shown


def test_an_archive_without_entries_says_what_to_do(muniment: Terminal) -> None:
    muniment("init")
    said = muniment("status", "--days")
    assert "nothing was collected yet: `muniment collect`" in said.out
    told = muniment("status", "--days", "--json").document
    assert (told["entries"], told["first"], told["days"], told["sources"]) == (0, None, [], [])


def test_the_calendar_shows_a_week_a_line_with_its_counts_aligned(
    muniment: Terminal, collected: Place, shared_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collected.folder)
    lines = muniment("status", "--days", "--archive", "archive").out.splitlines()
    assert max(map(len, lines)) <= 80
    head = next(line for line in lines if "Mo Tu We Th Fr Sa Su" in line)
    weeks = [line for line in lines if re.match(r"  2026-\d\d-\d\d  ", line)]
    assert [line[2:12] for line in weeks] == ["2026-03-16", "2026-03-23", "2026-03-30"]
    assert {len(line) for line in weeks} == {len(head)}
    entries = shared_box.world.audit_log(Query(from_=dt.date(2026, 3, 23), to=dt.date(2026, 3, 29), limit=1)).total
    assert weeks[1].split()[-2:] == [str(entries), str(entries)]
    assert weeks[1].count("✓") == 7
    assert weeks[0][head.index("Fr")] == "✓"
    assert weeks[0][head.index("Th")] == " "


def test_weeks_without_entries_share_a_line(muniment: Terminal, box: Box) -> None:
    muniment("collect", "--from", "2026-03-23", "--to", "2026-07-05")
    weeks = [line for line in muniment("status", "--days").out.splitlines() if re.match(r"  2026-\d\d-\d\d  ", line)]
    assert weeks[-1] == "  2026-04-06  ✓ 13 weeks without entries, each day complete, until 2026-07-05"
    assert len(weeks) == 3
    assert box.requests.audit_log


@pytest.mark.usefixtures("collected")
def test_where_the_locale_is_c_everything_is_ascii_and_still_aligned(place: Place) -> None:
    said = place.call("status", "--days", LC_ALL="C")
    assert said.code == 0
    assert said.out.isascii()
    weeks = [line for line in said.out.splitlines() if re.match(r"  2026-\d\d-\d\d  ", line)]
    assert len({len(line) for line in weeks}) == 1
    assert "OK OK OK OK OK OK OK" in weeks[1]
    assert place.call("status", "--days", "--json", LC_ALL="C").out == place.call("status", "--days", "--json").out


@pytest.mark.usefixtures("collected")
def test_a_verdict_says_how_many_days_agree_and_how_that_is_known(muniment: Terminal) -> None:
    told = muniment("status").out
    assert re.search(r"✓ 14 days agree with the source's own totals, as of 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d Z", told)
    assert re.search(r"source account-manager@127.0.0.1:\d+: \d+ entries; 14 days in one answer", told)


@pytest.mark.usefixtures("collected")
def test_a_cache_of_another_tree_is_not_believed(muniment: Terminal, collected: Place) -> None:
    before = muniment("status", "--days", "--json").document
    (cache,) = collected.cache.rglob("standing.msgpack")
    kept = load_standing(Archive.open(collected.archive), cache.parent)
    save_standing(msgspec.structs.replace(kept, root=bytes(32), findings={}, sources={}), cache.parent)
    assert muniment("status", "--days", "--json").document == before
    cache.write_bytes(b"no standing")
    assert muniment("status", "--days", "--json").document == before
