"""What the machines found once, told again in few steps."""

import datetime as dt
from pathlib import Path

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
