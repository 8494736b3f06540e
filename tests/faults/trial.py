"""Two collections from a sandbox that misbehaves."""

import datetime as dt
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.leaf import one_line, parse_leaf
from muniment.archive.reading import Archive
from muniment.cli.account import Account
from muniment.collect.asking import LARGEST_ANSWER_BYTES
from muniment.collect.collecting import collect
from muniment.collect.goal import Goal
from muniment.evidence.archive import verify_archive
from muniment.evidence.keys import Trusted
from muniment.sandbox.facts import NEVER, Facts, read_facts
from muniment.sandbox.server import Box, serve
from muniment.sandbox.truth import Difference
from muniment.sandbox.world import World
from muniment.source.client import Client
from muniment.source.settings import Settings
from muniment.sweep.window import Gap

__all__ = ["PATIENCE_S", "Run", "Size", "Trial", "lies_in", "try_out"]

PATIENCE_S: Final = 1200.0 if os.environ.get("MUNIMENT_SOAK") == "1" else 240.0
"""A run that takes longer is stopped, and does not hold."""

_SOURCE: Final = "account-manager@sandbox"
_END: Final = dt.date(2026, 4, 1)
_TIMEOUT_S: Final = 2.0
_RETRY_S: Final = 2.0
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class Size:
    """How much a sandbox has."""

    days: int
    entries: int


@dataclass(frozen=True)
class Run:
    """One collection, and how what is archived since differs from what it has to be.

    Args:
        account: As `muniment collect` gives it.
        lacking: What the log had when the run began and has still, or gave to it, and the archive does not hold.
        differs: From the truth at its end; what it calls missing may have come after the last question.
        departed: Whether the archive holds an entry that the log has no more.
        archived: Entries held.
        asked: Requests to the audit log that arrived.
        looked_up: Lookups that arrived.
        verifies: Whether the archive does, after it.
    """

    account: Account
    lacking: frozenset[bytes]
    differs: Difference
    departed: bool
    archived: int
    asked: int
    looked_up: int
    verifies: bool

    @property
    def complete(self) -> bool:
        """What the run says."""
        return self.account.outcome.complete

    @property
    def gaps(self) -> list[Gap]:
        """What it names."""
        return self.account.outcome.gaps

    @property
    def unnamed(self) -> list[bytes]:
        """What is lacking and lies in no gap."""
        return [item for item in self.lacking if not any(lies_in(item, gap) for gap in self.gaps)]

    @property
    def findings(self) -> list[str]:
        """Of the findings about the population that wait for an answer, each kind once."""
        return sorted({each.kind for each in self.account.standing.open_population_findings().values()})


@dataclass(frozen=True)
class Trial:
    """Two runs, and the entries that the log had in the end."""

    size: Size
    runs: tuple[Run, Run]
    entries: int


def try_out(folder: Path, *faults: str, size: Size) -> Trial:
    """Collect twice from a sandbox with these faults."""
    clock = _Clock()
    with serve(World(7, size.days, size.entries, _END), faults=faults, clock=clock) as box:
        bench = _Bench(folder, box, clock, sees_all="narrow-key" not in faults)
        runs = bench.collect(), bench.collect()
        return Trial(size, runs, len(box.world.store))


class _Clock:
    """Noon of the day after the last one served, and on from there: the source's and ours."""

    def __init__(self) -> None:
        self._noon = dt.datetime.combine(_END + _DAY, dt.time(12), dt.UTC)
        self._begun = time.monotonic()

    def __call__(self) -> dt.datetime:
        return self._noon + dt.timedelta(seconds=time.monotonic() - self._begun)


class _Bench:
    """An archive on this disk, a sandbox on this network."""

    def __init__(self, folder: Path, box: Box, clock: _Clock, *, sees_all: bool) -> None:
        self._folder = folder
        self._box = box
        self._clock = clock
        self._sees_all = sees_all
        self._home = Home(folder / "home")
        self._archive = initialise(folder / "archive", self._home, "test.example/log", now=clock())

    def collect(self) -> Run:
        """Collect once, everything."""
        box = self._box
        asked, looked_up = box.requests.audit_log, box.requests.lookups
        there = box.truth().must if self._sees_all else frozenset()
        account = self._account()
        truth, held = box.truth(), self._archived()
        due = {item for item in truth.must if item in there or item in box.seen}
        return Run(
            account=account,
            lacking=frozenset(item for item in due if one_line(item) not in held),
            differs=truth.compare(held.elements()),
            departed=bool(_ids(held) - _ids(map(box.as_served, box.world.store.everything()))),
            archived=held.total(),
            asked=box.requests.audit_log - asked,
            looked_up=box.requests.lookups - looked_up,
            verifies=verify_archive(self._folder / "archive", trusted=Trusted(home=self._home)).ok,
        )

    def _account(self) -> Account:
        begun = time.monotonic()
        settings = Settings(
            url=self._box.url, api_key=self._box.keys["AM_VIEW_ONLY"], timeout_s=_TIMEOUT_S, retry_s=_RETRY_S
        )
        with (
            _patience() as over,
            Client(settings, clock=self._clock, stop=over, max_body_bytes=LARGEST_ANSWER_BYTES) as client,
        ):
            done = collect(
                self._archive,
                client,
                _SOURCE,
                home=self._home,
                cache=self._folder / "cache",
                clock=self._clock,
                stop=lambda: signal.SIGTERM if over.is_set() else None,
            )
        return Account(_SOURCE, Goal(), done.outcome, self._archive, done.standing, time.monotonic() - begun)

    def _archived(self) -> Counter[bytes]:
        opened = Archive.open(self._folder / "archive")
        leaves = (leaf for batch in opened.batches(columns=["leaf"]) for leaf in batch["leaf"].to_pylist())
        return Counter(parsed.payload for parsed in map(parse_leaf, leaves) if parsed.kind == "entry")


@contextmanager
def _patience() -> Iterator[threading.Event]:
    """Set when a run has taken too long."""
    over = threading.Event()
    timer = threading.Timer(PATIENCE_S, over.set)
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def _ids(items: Iterable[bytes]) -> set[str]:
    return {read_facts(item).id for item in items} - {""}


def lies_in(item: bytes, gap: Gap) -> bool:
    """Whether an entry is one of those that a gap speaks of, in whatever zone its source has its days."""
    facts = read_facts(item)
    return _day_lies_in(facts.at, gap) and all(
        _passes(facts, *part.split("=", 1)) for part in gap.filter.split("&") if part
    )


def _day_lies_in(at: int, gap: Gap) -> bool:
    if gap.from_ is None and gap.to is None:
        return True
    if at == NEVER:
        return False
    day = (_EPOCH + dt.timedelta(microseconds=at)).date()
    return (gap.from_ or dt.date.min) <= day + _DAY and day - _DAY <= (gap.to or day)


def _passes(facts: Facts, name: str, value: str) -> bool:
    told = {
        "resource_types": facts.resource_type,
        "action": facts.action,
        "status": facts.status,
        "account_id": facts.account_id,
    }[name]
    wanted = value.split(",") if name == "resource_types" else [value]
    return told is not None and told.casefold() in map(str.casefold, wanted)
