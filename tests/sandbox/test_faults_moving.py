"""A population that moves, and what a collection has to hold of it."""

import datetime as dt
import json
from collections import Counter
from typing import Any

import pytest
from tests.sandbox.conftest import ReaderMaker
from tests.sandbox.reading import END, NOON, Clock, Reader, ids, raw


def read(reader: Reader, first: int = 0, end: int = 200, size: int = 50) -> list[bytes]:
    """So much of the log, page by page by offset, as a careless client reads."""
    return [item for offset in range(first, end, size) for item in reader.items(limit=size, offset=offset)]


def total(reader: Reader) -> int:
    return int(reader.page(limit=1)["total"])


def the(items: list[bytes], entry_id: str) -> Any:
    return next(json.loads(item) for item in items if json.loads(item)["id"] == entry_id)


# ---- what moves, and when


def test_late_entries_come_once_half_was_served(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("late-midway=4")
    assert [total(reader) for _ in range(3)] == [200] * 3  # counting is not reading
    early = read(reader, end=50)
    assert total(reader) == 200
    early += read(reader, 50, 100)
    assert total(reader) == 204
    assert early == plain.items(limit=100)
    assert set(plain.items()) < set(reader.items())


def test_late_entries_come_among_those_just_given_twenty_times_at_most(faulty: ReaderMaker) -> None:
    reader = faulty("late-during=2")
    first, second = (reader.page(limit=50) for _ in range(2))
    assert (first["total"], second["total"]) == (200, 200)
    third = reader.page(limit=50)
    new = next(entry for entry in third["items"] if entry not in first["items"])
    assert (third["total"], new["timestamp"]) == (201, second["items"][25]["timestamp"])
    for _ in range(60):
        reader.page(limit=50)
    assert total(reader) == 220


def test_a_live_head_grows_with_every_second_page(faulty: ReaderMaker) -> None:
    reader = faulty("live-head=2", clock=Clock())
    assert [total(reader) for _ in range(6)] == [200, 200, 201, 201, 202, 202]
    newest = reader.page(sort="timestamp:desc", limit=1)["items"][0]
    assert dt.datetime.fromisoformat(newest["timestamp"]) == NOON


def test_retention_takes_whole_days_from_the_oldest_on(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("retention=2")
    read(reader, end=100)
    assert reader.items() == plain.items(from_="2026-03-24")


@pytest.mark.parametrize(("fault", "end"), [("vanish=5", 100), ("vanish-later=5", 200)])
def test_entries_vanish_when_so_much_was_served(faulty: ReaderMaker, plain: Reader, fault: str, end: int) -> None:
    reader = faulty(fault)
    read(reader, end=end - 50)
    assert total(reader) == 200
    read(reader, end - 50, end)
    left = reader.items()
    assert (len(left), Counter(left) - Counter(plain.items())) == (195, Counter())


def test_one_vanishes_and_another_comes_in_the_same_moment(faulty: ReaderMaker) -> None:
    reader = faulty("swap=2")
    assert reader.items(limit=1) == reader.items(limit=1)
    first = reader.items(limit=50)
    again = reader.items(limit=50)
    assert total(reader) == 200
    (gone,), (come,) = set(first) - set(again), set(again) - set(first)
    assert ids([gone]) != ids([come])
    assert json.loads(gone)["timestamp"] == json.loads(come)["timestamp"]
    third = reader.items(limit=50)
    assert len(set(again) - set(third)) == 1
    assert reader.items(limit=50) == third  # two in all


def test_an_entry_may_be_away_for_some_answers(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("reappear=3")
    read(reader)
    assert [total(reader) for _ in range(5)] == [199, 199, 199, 200, 200]
    assert reader.items() == plain.items()


def test_content_of_served_entries_is_rewritten(faulty: ReaderMaker) -> None:
    reader = faulty("rewritten=4")
    early = read(reader, end=100)
    now = {one["id"]: one for one in map(json.loads, reader.items(limit=100))}
    pairs = [(json.loads(item), now[json.loads(item)["id"]]) for item in early]
    changed = [(old, new) for old, new in pairs if old != new]
    assert len(changed) == 4
    assert sum(new == old | {"reviewed": True} for old, new in changed) == 2
    assert sum(new["description"].endswith("(changed afterwards)") for _, new in changed) == 2
    assert total(reader) == 200


def test_content_is_spelled_otherwise_and_says_the_same(faulty: ReaderMaker) -> None:
    reader = faulty("respelled=4")
    early, again = read(reader, end=100), reader.items(limit=100)
    assert sum(old != new for old, new in zip(early, again, strict=True)) == 4
    assert list(map(json.loads, early)) == list(map(json.loads, again))


def test_served_entries_move_to_the_day_before(faulty: ReaderMaker) -> None:
    reader = faulty("moved=4")
    early, now = read(reader, end=100), reader.items()
    moved = [item for item in early if item not in now]
    assert len(moved) == 4
    for old in map(json.loads, moved):
        new = the(now, old["id"])
        day = dt.timedelta(days=1)
        assert dt.datetime.fromisoformat(old["timestamp"]) - dt.datetime.fromisoformat(new["timestamp"]) == day
        assert new | {"timestamp": ""} == old | {"timestamp": ""}


def test_nothing_moves_before_the_first_page_or_in_an_empty_log(faulty: ReaderMaker) -> None:
    faults = ("late", "late-midway", "late-during", "retention", "vanish", "swap", "reappear", "rewritten", "moved")
    reader = faulty(*faults, "respelled", "live-head", "vanish-later", entries=0)
    assert reader.statuses(4) == [200] * 4
    assert total(reader) == 0


@pytest.mark.parametrize("fault", ["vanish", "rewritten", "moved", "reappear=1", "swap"])
def test_what_moves_is_decided_by_the_seed(faulty: ReaderMaker, fault: str) -> None:
    def left(seed: int) -> list[bytes]:
        reader = faulty(fault, seed=seed)
        read(reader)
        return reader.items()

    assert left(7) == left(7) != left(8)


# ---- the truth


def test_the_truth_of_a_box_without_faults_is_what_it_serves(plain: Reader) -> None:
    truth = plain.box.truth()
    assert (sorted(truth.must), truth.may) == (sorted(plain.items()), frozenset())


def test_the_truth_of_odd_and_transformed_entries_is_what_is_served(faulty: ReaderMaker) -> None:
    reader = faulty("unknown-fields", "other-times", "twins", "bad-utf8", "no-id", "ties=60", "zone", "total-missing")
    truth = reader.box.truth()
    assert truth.must == frozenset(reader.items())
    assert not truth.compare(truth.must)


def test_what_vanished_must_be_held_if_it_was_given_and_may_if_not(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("vanish=40")
    early = read(reader, end=100)
    now, truth = reader.items(), reader.box.truth()
    gone = set(plain.items()) - set(now)
    assert len(gone) == 40
    assert 0 < len(gone & set(early)) < 40
    assert truth.must == set(now) | set(early)
    assert truth.may == gone - set(early)


@pytest.mark.parametrize("broken", ["cut=2", "half=2", "http-500=2", "html=2", "length-short=2", "items-type=2"])
def test_what_did_not_come_through_was_not_given(faulty: ReaderMaker, broken: str) -> None:
    reader = faulty(broken, "vanish=100")
    given = set(reader.items(limit=1))
    raw(reader.box, "audit-log?limit=150")  # spoiled, though the world had it served
    reader.answer(limit=2)
    truth = reader.box.truth()
    assert len(truth.must) + len(truth.may) == 200
    assert len(truth.may) >= (98 if broken in ("cut=2", "half=2", "length-short=2", "items-type=2") else 0)
    assert given <= truth.must


def test_of_what_was_rewritten_the_content_given_must_be_held(faulty: ReaderMaker) -> None:
    reader = faulty("rewritten=4")
    early = read(reader, end=100)
    before = reader.box.truth()
    assert set(early) <= before.must
    assert len(before.must) == 200
    assert len(before.may) == 4  # nobody asked since
    new = set(reader.items()) - set(early) - before.must
    assert (new, len(new)) == (set(before.may), 4)
    after = reader.box.truth()
    assert after.must == before.must | new
    assert after.may == frozenset()


def test_another_spelling_never_must_be_held_but_may(faulty: ReaderMaker) -> None:
    reader = faulty("respelled=4")
    early = read(reader, end=100)
    reader.items()
    truth = reader.box.truth()
    assert set(early) <= truth.must
    assert (len(truth.must), len(truth.may)) == (200, 4)


def test_late_entries_must_be_held_from_when_they_are_there(faulty: ReaderMaker) -> None:
    reader = faulty("late=4")
    read(reader)
    truth = reader.box.truth()
    assert truth.must == frozenset(reader.items())
    assert len(truth.must) == 204


def test_of_what_is_still_arriving_only_what_was_given_must_be_held(faulty: ReaderMaker) -> None:
    reader = faulty("live-head=1", clock=Clock())
    reader.items(limit=100)
    given = reader.items(sort="timestamp:desc", limit=1)
    assert len(reader.box.truth().must) == 202
    truth = reader.box.truth(END - dt.timedelta(days=1))
    assert (len(truth.must), len(truth.may), set(given) <= truth.must) == (201, 1, True)


def test_an_entry_that_is_back_must_be_held(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("reappear=1")
    read(reader)
    assert reader.box.truth().must == frozenset(plain.items())
    total(reader)
    assert (reader.box.truth().must, reader.box.truth().may) == (frozenset(plain.items()), frozenset())


def test_a_comparison_names_what_is_missing_foreign_and_repeated(faulty: ReaderMaker) -> None:
    reader = faulty("spaced", entries=10)
    lines = [item.replace(b"\r", b" ").replace(b"\n", b" ") for item in reader.items()]
    truth = reader.box.truth()
    assert not truth.compare(lines)
    assert not truth.compare(reader.items())
    difference = truth.compare([*lines[1:], lines[3], b"{}"])
    assert difference.missing == {lines[0]}
    assert difference.foreign == {b"{}"}
    assert difference.repeated == {lines[3]}
    assert difference


def test_what_was_removed_by_hand_counts_too(faulty: ReaderMaker) -> None:
    reader = faulty("latency=1")
    given = reader.items(limit=1)
    reader.box.world.store.remove(ids(given)[0])
    assert given[0] in reader.box.truth().must
    unread = next(iter(reader.box.truth().must - set(given)))
    reader.box.world.store.remove(ids([unread])[0])
    assert unread in reader.box.truth().may
