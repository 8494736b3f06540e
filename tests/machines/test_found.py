"""What the machines found once, told again in few steps."""

import datetime as dt
from pathlib import Path

import pytest
from tests.machines.place import Crash, Place
from tests.machines.sentences import broken
from tests.machines.source import NOON, WIDE, Source

from muniment.collect.goal import Goal

KEY = WIDE[0]


def test_what_a_crash_left_signed_but_not_published_is_counted_once(tmp_path: Path) -> None:
    for step in range(200):
        place = Place(Source(), tmp_path / str(step))
        source = place.source
        source.arrive(NOON - dt.timedelta(days=1))
        place.collect(KEY, Goal())
        source.arrive(None)
        if place.collect(KEY, Goal(), crash=Crash(step=step)).outcome is not None:
            break
        source.arrive(None)  # as many as would be counted twice
        run = place.collect(KEY, Goal())
        assert broken(run) == [], f"killed at step {step} of the disk"
        assert run.complete
        assert run.lacking == []
    assert step > 20


def test_an_entry_of_the_day_that_has_begun_where_the_source_is_is_read_if_that_day_is_asked_for(
    tmp_path: Path,
) -> None:
    place = Place(Source(zone=dt.timedelta(hours=14)), tmp_path)
    tomorrow = NOON.date() + dt.timedelta(days=1)
    for _ in range(2):
        place.source.arrive(NOON - dt.timedelta(days=1))
    place.source.arrive(NOON)  # which is of tomorrow there
    run = place.collect(KEY, Goal(from_=NOON.date() - dt.timedelta(days=1), to=tomorrow))
    assert (run.complete, run.lacking, broken(run)) == (True, [], [])
    assert tomorrow in run.days_read


@pytest.mark.parametrize("since", [None, dt.timedelta(days=9_000), dt.timedelta(days=-800)])
def test_a_new_entry_of_none_of_the_days_does_not_stand_for_one_that_is_known_to_be_gone(
    tmp_path: Path, since: dt.timedelta | None
) -> None:
    place = Place(Source(), tmp_path)
    source = place.source
    going, _, _ = (source.arrive(None) for _ in range(3))
    source.arrive(NOON - dt.timedelta(days=1))
    place.collect(KEY, Goal())
    del source.entries[going.number]
    assert place.collect(KEY, Goal()).called_vanished
    source.arrive(None if since is None else NOON - since)
    run = place.collect(KEY, Goal())
    assert (run.complete, run.lacking, broken(run)) == (True, [], [])
