"""A collection against a sandbox, both by one clock that a test moves."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.collect.collecting import Collected, collect
from muniment.collect.goal import Goal
from muniment.collect.record import Receipt, decode_receipt
from muniment.model import Query
from muniment.sandbox.server import Box
from muniment.source.client import Client
from muniment.source.settings import Settings

SOURCE = "account-manager@sandbox"
END = dt.date(2026, 4, 1)


class Clock:
    """Tells the time that a test sets; goes on from there where it `ticks`."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)
        self.ticks = False
        self._begun = time.monotonic()

    def __call__(self) -> dt.datetime:
        return self.now + dt.timedelta(seconds=time.monotonic() - self._begun if self.ticks else 0)


class Site:
    """An archive on this disk and a sandbox on this network."""

    def __init__(self, folder: Path, box: Box, clock: Clock) -> None:
        self.folder = folder
        self.box = box
        self.clock = clock
        self.home = Home(folder / "home")
        self.tell: Callable[[object], None] = lambda _: None
        self.archive = initialise(folder / "archive", self.home, "test.example/log", now=clock())

    def collect(self, goal: Goal | None = None, *, role: str = "AM_VIEW_ONLY", **settings: Any) -> Collected:
        """Collect once; the requests of this run alone are then in `asked` and `looked_up`."""
        before = self.box.requests.audit_log, self.box.requests.lookups
        options = {"timeout_s": 5.0, "retry_s": 2.0, **settings}
        with Client(
            Settings(url=self.box.url, api_key=self.box.keys.get(role, role), **options), clock=self.clock
        ) as client:
            done = collect(
                self.archive,
                client,
                SOURCE,
                home=self.home,
                cache=self.folder / "cache",
                goal=goal,
                clock=self.clock,
                tell=self.tell,
            )
        self.asked = self.box.requests.audit_log - before[0]
        self.looked_up = self.box.requests.lookups - before[1]
        return done

    def served(self) -> list[bytes]:
        """Every item that the sandbox has now."""
        world = self.box.world
        items: list[bytes] = []
        total = world.audit_log(Query(limit=1)).total
        for offset in range(0, total, 1000):
            items += world.audit_log(Query(offset=offset, limit=1000)).items
        return sorted(items)

    def archived(self) -> list[bytes]:
        """Every item of the archive, further contents of an entry among them."""
        opened = Archive.open(self.folder / "archive")
        leaves = (leaf for batch in opened.batches(columns=["leaf"]) for leaf in batch["leaf"].to_pylist())
        return sorted(parsed.payload for parsed in map(parse_leaf, leaves) if parsed.kind == "entry")

    def receipts(self) -> list[Receipt]:
        """All receipts, oldest first."""
        opened = Archive.open(self.folder / "archive")
        told = [(index, leaf.payload) for index, leaf in opened.record() if leaf.kind == "receipt"]
        return [decode_receipt(payload) for _, payload in sorted(told)]


@pytest.fixture
def make_site(tmp_path: Path, make_box: Callable[..., Box]) -> Callable[..., Site]:
    """Makes a site from the arguments of `make_box`."""

    def make(*, days: int = 30, entries: int = 1200, **box: Any) -> Site:
        clock = Clock()
        return Site(tmp_path, make_box(days=days, entries=entries, end=END, clock=clock, **box), clock)

    return make
