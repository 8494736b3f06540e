"""An archive on a disk that may crash, and collections into it from a source in memory."""

import datetime as dt
import errno
import itertools
import json
import os
import random
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.archive.simulated_disk import SimulatedDisk, State, Survival
from tests.archive.world import found, opened
from tests.machines.source import Entry, Killed, Source

from muniment.archive.disk import Name
from muniment.archive.leaf import parse_leaf
from muniment.archive.writer import Writer
from muniment.collect.collecting import collect
from muniment.collect.goal import Goal, Outcome
from muniment.collect.instants import rfc3339
from muniment.collect.record import Disposition, Receipt, decode_receipt, encode
from muniment.collect.standing import SourceStanding, Standing, load_standing
from muniment.errors import MunimentError
from muniment.source.client import Client
from muniment.source.settings import Settings

__all__ = ["SOURCE", "Content", "Crash", "Place", "Run"]

SOURCE: Final = "s"
_FOLDER: Final = Path("/disk")
Content = tuple[str, str]
"""An entry's id, and its JSON however spelt."""


@dataclass(frozen=True)
class Crash:
    """How a run is to end before its time.

    Args:
        request: The process is killed while it waits for this answer.
        step: Or at this step of the disk.
        survival: What of a disk's unsynced steps is there afterwards.
        chance: Decides it.
    """

    request: int | None = None
    step: int | None = None
    survival: Survival = "all"
    chance: int = 0


@dataclass(frozen=True)
class Run:
    """One collection, and what there was to be seen while it ran.

    Args:
        goal: What was wanted.
        key: By whom.
        outcome: How it ended; None where it was killed.
        before: What the key saw when it began.
        after: When it had ended.
        moved: Whether anything changed meanwhile.
        felt: Faults that made an answer another one.
        served: All that went out.
        asked: Requests to the audit log.
        held: What the archive holds after it.
        days_read: Days that it sealed a complete reading of.
        standing: What the archive knows since.
        signalled: Whether it was asked to stop.
        called_vanished: Leaves that it was first to call so.
        there: All that was on the days asked for all the while, whoever may see it.
        wandered: All that was ever on another day.
        zone: The source's.
    """

    goal: Goal
    key: str
    outcome: Outcome | None
    before: Mapping[int, Entry]
    after: Mapping[int, Entry]
    moved: bool
    felt: frozenset[str]
    served: frozenset[Content]
    asked: int
    held: Mapping[Content, int]
    days_read: frozenset[dt.date]
    standing: SourceStanding
    signalled: bool
    called_vanished: frozenset[int]
    there: frozenset[str]
    wandered: frozenset[str]
    zone: dt.timedelta

    @property
    def complete(self) -> bool:
        """What the run says."""
        return self.outcome is not None and self.outcome.complete

    @property
    def steady(self) -> list[Entry]:
        """What the key could see all the while, of the days asked for."""
        return [
            entry for number, entry in self.before.items() if self.after.get(number) == entry and self.asks_for(entry)
        ]

    @property
    def ids(self) -> set[str]:
        """Of everything archived."""
        return {content[0] for content in self.held}

    @property
    def lacking(self) -> list[Entry]:
        """What the key could see all the while, and the archive has no content of."""
        return [entry for entry in self.steady if entry.id not in self.ids]

    @property
    def unserved(self) -> set[str]:
        """What is archived, and was not served to this key all the while."""
        return self.ids - {entry.id for number, entry in self.before.items() if self.after.get(number) == entry}

    @property
    def unnoticed(self) -> set[str]:
        """Of these, and of what was ever moved, what is not known to be gone."""
        standing = self.standing
        ranges = [*standing.vanished, *(lack for day in standing.days.values() for lack in day.lacks)]
        known = {leaf for first, end in ranges for leaf in range(first, end)}
        noticed = {content[0] for content, leaf in self.held.items() if leaf in known}
        return (self.unserved - noticed) | (self.wandered & self.ids)

    def day_of(self, entry: Entry) -> dt.date | None:
        """The day whose window serves an entry."""
        return None if entry.at is None else (entry.at + self.zone).date() + dt.timedelta(days=entry.filed)

    def asks_for(self, entry: Entry) -> bool:
        """Whether it is one of the days wanted."""
        day = self.day_of(entry)
        if day is None:
            return self.goal.whole
        last = self.goal.to or (None if self.goal.whole or self.outcome is None else self.outcome.to)
        return (self.goal.from_ is None or self.goal.from_ <= day) and (last is None or day <= last)


@dataclass
class Place:
    """An archive of such a source.

    Args:
        source: It.
        cache: A real folder for what is derived.
    """

    source: Source
    cache: Path
    disk: "Disk" = field(init=False)
    held: dict[Content, int] = field(default_factory=dict)
    """The leaf of each content archived."""
    leaves_seen: int = 0
    repeated: list[Content] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)
    """Size and root of every tree that was seen."""

    def __post_init__(self) -> None:
        self.disk = Disk()
        self.disk.make_folder(_FOLDER)
        self.disk.sync(Path("/"))
        self.archive, self.home = found(_FOLDER, disk=self.disk)
        self._look()

    def collect(self, key: str, goal: Goal, *, crash: Crash | None = None, stop_at: int | None = None) -> Run:
        """Collect once."""
        source = self.source
        before, moves, there = source.visible(key), source.moves, dict(source.entries)
        vanished = self.vanished
        receipts = len(self.receipts)
        source.begin()
        outcome = self._killed(key, goal, crash) if crash else self._collected(key, goal, stop_at)
        self._look()
        run = Run(
            goal=goal,
            key=key,
            outcome=outcome,
            before=before,
            after=source.visible(key),
            moved=source.moves > moves,
            felt=frozenset(source.felt),
            served=frozenset(source.served),
            asked=source.asked,
            held=dict(self.held),
            days_read=frozenset(
                read.day for told in self.receipts[receipts:] for read in told.days if read.method is not None
            ),
            standing=self.standing().source(SOURCE),
            signalled=outcome is not None and outcome.signal is not None,
            called_vanished=frozenset(self.vanished - vanished),
            there=frozenset(),
            wandered=frozenset(source.wandered),
            zone=source.zone,
        )
        still = [entry for number, entry in there.items() if source.entries.get(number) == entry]
        return replace(run, there=frozenset(entry.id for entry in still if run.asks_for(entry)))

    def _collected(self, key: str, goal: Goal, stop_at: int | None) -> Outcome:
        source = self.source
        settings = Settings(url="http://127.0.0.1:1", api_key=key, connections=1)

        def now() -> dt.datetime:
            return source.now

        def sleep(seconds: float) -> None:
            source.now += dt.timedelta(seconds=seconds)

        looks = itertools.count(1)  # by the thread that reads answers, about one an answer

        def stop() -> int | None:
            return signal.SIGTERM if stop_at is not None and next(looks) >= stop_at else None

        def monotonic() -> float:
            return source.now.timestamp()

        with Client(
            settings,
            clock=now,
            monotonic=monotonic,
            sleep=sleep,
            jitter=lambda: 0.5,
            environ={},
            transport=source,
        ) as client:
            return collect(
                self.archive,
                client,
                SOURCE,
                home=self.home,
                cache=self.cache,
                goal=goal,
                clock=now,
                stop=stop,
            ).outcome

    def _killed(self, key: str, goal: Goal, crash: Crash) -> Outcome | None:
        """Collect until the crash; None, or how it ended where that was sooner."""
        self.source.kill_at, self.source.kill = crash.request, self.disk.die
        if crash.step is not None:
            self.disk.dies_at = self.disk.steps + crash.step
        outcome = None
        try:
            outcome = self._collected(key, goal, None)
        except Killed:
            pass
        except MunimentError:
            assert self.disk.is_dead, "nothing else is wrong with this disk"
        finally:
            self.source.kill_at = None
        self.disk = Disk(self.disk.state.after_crash(crash.survival, random.Random(crash.chance)))
        self.archive, self.home = opened(_FOLDER, disk=self.disk)
        return outcome

    def dispose(self, reason: str) -> int:
        """Answer every open finding."""
        waiting = self.standing().open_findings()
        with Writer(self.archive, self.home, clock=lambda: self.source.now) as writer, writer.transaction() as sealing:
            for leaf in waiting:
                answer = Disposition(reason=reason, by="me", finding=leaf)
                sealing.add_record("disposition", encode(answer), rfc3339(self.source.now))
        self._look()
        return len(waiting)

    @property
    def vanished(self) -> set[int]:
        """Leaves of entries that are said to be gone."""
        return {leaf for first, end in self.standing().source(SOURCE).vanished for leaf in range(first, end)}

    def standing(self) -> Standing:
        """What the archive knows, by its cache."""
        return load_standing(self.archive, self.cache / self.archive.genesis.hex())

    def standing_anew(self) -> Standing:
        """The same, made from its leaves alone."""
        made = Standing()
        made.absorb(self.archive)
        return made

    def _look(self) -> None:
        """Take in what the archive has since."""
        self.checkpoints.append((self.archive.size, self.archive.root))
        for index, raw in enumerate(self.archive.leaves(range(self.leaves_seen, self.archive.size)), self.leaves_seen):
            leaf = parse_leaf(raw)
            if leaf.kind == "entry":
                said = json.loads(leaf.payload)
                content = said["id"], json.dumps(said, sort_keys=True)
                if content in self.held:
                    self.repeated.append(content)
                self.held[content] = index
            elif leaf.kind == "receipt":
                self.receipts.append(decode_receipt(leaf.payload))
        self.leaves_seen = self.archive.size


class Disk(SimulatedDisk):
    """One that several threads may use, and that can die: from then on nothing changes any more."""

    def __init__(self, state: State | None = None) -> None:
        super().__init__(state)
        self.is_dead = False
        self.dies_at: int | None = None
        self.before_step = self._check
        self._mine = threading.RLock()

    def die(self) -> None:
        """Nothing changes any more."""
        self.is_dead = True

    def _check(self, _: str) -> None:
        self.is_dead |= self.dies_at is not None and self.steps > self.dies_at
        if self.is_dead:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def names(self, folder: Path) -> list[Name]:
        with self._mine:
            return super().names(folder)

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        with self._mine:
            super().make_folder(path, mode)

    def write(self, files: Mapping[Path, bytes | memoryview], mode: int = 0o666) -> None:
        with self._mine:
            super().write(files, mode)

    def sync(self, folder: Path) -> None:
        with self._mine:
            super().sync(folder)

    def rename(self, old: Path, new: Path) -> None:
        with self._mine:
            super().rename(old, new)

    def remove(self, path: Path) -> None:
        with self._mine:
            super().remove(path)

    def remove_folder(self, path: Path) -> None:
        with self._mine:
            super().remove_folder(path)
