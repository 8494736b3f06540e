"""A source whose life is drawn by chance, and an archive of it: what is seen of them at any moment must hold."""

import datetime as dt
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.archive.world import leaves_of, root_of
from tests.machines.place import Crash, Place, Run
from tests.machines.sentences import broken
from tests.machines.source import FAULTS, NARROW, WIDE, Source

from muniment.collect.goal import Goal
from muniment.merkle.tiles import consistency_proof
from muniment.merkle.tree import verify_consistency

__all__ = ["Lives"]

_DAY: Final = dt.timedelta(days=1)
_FOREVER: Final = range(1, 1 << 30)
AGES: Final = st.integers(0, 6)
PICKS: Final = st.integers(0, 1 << 16)
WHENS: Final = st.integers(1, 30)
KEYS: Final = st.sampled_from([WIDE[0]] * 5 + [WIDE[1], NARROW])
EVENTS: Final = st.sampled_from(["arrive", "vanish", "change", "exchange", "move", "come_back", "retention"])


class Lives(RuleBasedStateMachine):
    """Rules are what may happen; after each of them the invariants must hold."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.source = Source()
        self.runs = 0
        self.place = Place(self.source, Path(self._folder.name))

    def teardown(self) -> None:
        archive = self.place.archive
        assert root_of(leaves_of(archive)) == archive.root, "the leaves are those of the signed tree"
        self._folder.cleanup()

    # -- what happens to the source

    @initialize(
        days=st.lists(st.integers(0, 7), max_size=6),
        ties=st.integers(1, 4),
        cap=st.sampled_from([1000, 1000, 20, 5, 3, 2]),
        zone=st.sampled_from([0, 0, 0, 330, -480, 840]),
        odd=st.sampled_from([None, None, None, "undated", "ancient", "ahead"]),
    )
    def begin(self, days: list[int], ties: int, cap: int, zone: int, odd: str | None) -> None:
        self.source.zone = dt.timedelta(minutes=zone)
        self.source.cap = cap
        for age, rows in enumerate(days):
            for n in range(rows):
                self.source.arrive(self._at(age, n // ties))
        self._odd(odd)

    @rule(age=AGES, rows=st.integers(1, 4), tied=st.booleans())
    def arrive(self, age: int, rows: int, tied: bool) -> None:
        for n in range(rows):
            self.source.arrive(self._at(age, 0 if tied else n))

    @rule(odd=st.sampled_from(["undated", "ancient", "ahead"]))
    def something_odd_arrives(self, odd: str) -> None:
        self._odd(odd)

    @rule(event=EVENTS, pick=PICKS, age=AGES)
    def happen(self, event: str, pick: int, age: int) -> None:
        self._happen(event, pick, age)

    @rule(event=EVENTS, pick=PICKS, age=AGES, when=WHENS)
    def happen_meanwhile(self, event: str, pick: int, age: int, when: int) -> None:
        """In the midst of the next run."""
        self.source.meanwhile.setdefault(when, []).append(lambda: self._happen(event, pick, age))

    @rule(pick=PICKS)
    def respell(self, pick: int) -> None:
        number = self._one_of(self.source.entries, pick)
        if number is not None:
            self.source.change(number, spelling=self.source.entries[number].spelling + 1)

    @rule(hours=st.sampled_from([1, 6, 24, 48]))
    def time_passes(self, hours: int) -> None:
        self.source.now += dt.timedelta(hours=hours)

    @rule(cap=st.sampled_from([1000, 20, 5, 3, 2]))
    def the_cap_changes(self, cap: int) -> None:
        self.source.cap = cap

    @rule(fault=st.sampled_from(FAULTS), first=st.just(1) | WHENS, lasts=st.just(1 << 30) | st.integers(1, 12))
    def a_fault_begins(self, fault: str, first: int, lasts: int) -> None:
        self.source.faults[fault] = range(first, first + lasts)

    @precondition(lambda self: self.source.faults)
    @rule()
    def all_faults_end(self) -> None:
        self.source.faults = {}

    # -- what people do

    @rule(
        key=KEYS,
        goal=st.sampled_from([Goal()] * 4 + [Goal(confirm=True), Goal(recheck="sample"), Goal(recheck="full")]),
    )
    def collect(self, key: str, goal: Goal) -> None:
        self._collect(key, goal)

    @rule(key=KEYS, first=st.none() | AGES, last=st.none() | AGES)
    def collect_some_days(self, key: str, first: int | None, last: int | None) -> None:
        days = [None if age is None else self._today - age * _DAY for age in (first, last)]
        if None not in days:
            days.sort()
        self._collect(key, Goal(from_=days[0], to=days[1]))

    @rule(key=KEYS)
    def collect_with_a_key_that_may_see_less(self, key: str) -> None:
        self._collect(key, Goal(accept_scope=True))

    @rule(key=KEYS, stop_at=st.integers(1, 60))
    def collect_and_be_stopped(self, key: str, stop_at: int) -> None:
        self._collect(key, Goal(), stop_at=stop_at)

    @rule(
        goal=st.sampled_from([Goal(), Goal(), Goal(recheck="full")]),
        request=st.integers(1, 60),
        survival=st.sampled_from(["all", "nothing", "some"]),
        chance=PICKS,
    )
    def collect_and_be_killed(self, goal: Goal, request: int, survival: Any, chance: int) -> None:
        self._collect(WIDE[0], goal, crash=Crash(request=request, survival=survival, chance=chance))

    @rule(step=st.integers(0, 120), survival=st.sampled_from(["all", "nothing", "some"]), chance=PICKS)
    def collect_until_the_disk_dies(self, step: int, survival: Any, chance: int) -> None:
        self._collect(WIDE[0], Goal(), crash=Crash(step=step, survival=survival, chance=chance))

    @precondition(lambda self: self.runs)
    @rule()
    def dispose(self) -> None:
        self.place.dispose("as it should be")

    # -- what must hold

    @invariant()
    def the_tree_only_grows(self) -> None:
        """What was seen of it is a prefix of what is seen now."""
        archive = self.place.archive
        (size, root), *_ = self.place.checkpoints[-2:]
        proof = consistency_proof(size, archive.size, archive.read_tile)
        verify_consistency(size, archive.size, proof, root, archive.root)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        assert self.place.repeated == []

    # -- and how it is done

    def _collect(self, key: str, goal: Goal, **how: Any) -> Run:
        run = self.place.collect(key, goal, **how)
        self.source.meanwhile = {}
        self.runs += 1
        said = broken(run)
        if said:
            note(f"{said}\n{_told(run)}")
        assert said == []
        return run

    @property
    def _today(self) -> dt.date:
        return (self.source.now + self.source.zone).date()

    def _at(self, age: int, second: int) -> dt.datetime:
        noon = self.source.now.replace(hour=11, minute=0, second=0, microsecond=0)
        return noon - age * _DAY + dt.timedelta(seconds=second)

    def _odd(self, odd: str | None) -> None:
        if odd == "undated":
            self.source.arrive(None)
        elif odd is not None:
            self.source.arrive(self._at(5000 if odd == "ancient" else -800, 0))

    def _happen(self, event: str, pick: int, age: int) -> None:
        source = self.source
        number = self._one_of(source.gone if event == "come_back" else source.entries, pick)
        if event == "arrive":
            source.arrive(self._at(age, pick % 9))
        elif number is None:
            return
        elif event == "vanish":
            source.vanish(number)
        elif event == "come_back":
            source.come_back(number)
        elif event == "change":
            source.change(number, version=source.entries[number].version + 1)
        elif event == "exchange":
            source.arrive(source.entries[number].at)
            source.vanish(number)
        elif event == "move":
            self._move(number, age, by_index=pick % 2 == 0)
        else:
            self._retire()

    def _move(self, number: int, age: int, *, by_index: bool) -> None:
        entry = self.source.entries[number]
        if by_index and entry.at is not None:
            self.source.change(number, filed=(entry.filed + 1) % 3)
        else:
            self.source.change(number, at=self._at(age, 0), version=entry.version + 1)

    def _retire(self) -> None:
        """The oldest day goes."""
        days = {n: day for n, entry in self.source.entries.items() if (day := self.source.day_of(entry))}
        for number, day in days.items():
            if day == min(days.values()):
                self.source.vanish(number)

    @staticmethod
    def _one_of(entries: Mapping[int, Any], pick: int) -> int | None:
        numbers = sorted(entries)
        return numbers[pick % len(numbers)] if numbers else None


def _told(run: Run) -> str:
    """What a person wants to see of a run that does not hold."""
    outcome = run.outcome
    return "\n".join(
        [
            f"complete {run.complete}, moved {run.moved}, felt {sorted(run.felt)}, asked {run.asked}",
            f"stopped {outcome and outcome.stopped!r}, gaps {outcome and outcome.gaps}",
            f"lacking {[(e.id, str(run.day_of(e))) for e in run.lacking]}, unserved {sorted(run.unserved)}",
            f"days read {sorted(map(str, run.days_read))[-12:]}, called vanished {sorted(run.called_vanished)}",
        ]
    )
