"""What is kept of pages, where it cannot be seen from outside."""

import datetime as dt
from pathlib import Path

import numpy as np

from muniment.archive.columns import entry_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.identity import content_hashes
from muniment.archive.keys import KeyRuns
from muniment.archive.writer import Writer
from muniment.collect.fetching import Fetched
from muniment.collect.sealing import Sealer
from muniment.sweep.window import EVERYTHING, Ask, Sheet

NOW = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)


def page(*items: bytes, key: int) -> Fetched:
    """A page whose rows all have one key hash, as a collision would give them."""
    keys = np.full(len(items), key, dtype=np.uint64)
    sheet = Sheet(total=len(items), offset=0, limit=1000, keys=keys, contents=content_hashes(items))
    return Fetched(sheet, entry_batch("s", "2026-04-02T12:00:00Z", items))


def test_two_ids_whose_hashes_collide_are_both_entries_and_neither_a_version_of_the_other(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    archive = initialise(tmp_path / "archive", home, "test.example/log", now=NOW)
    with Writer(archive, home) as writer, KeyRuns.open(archive, tmp_path / "cache") as keys:
        sealer = Sealer(writer, keys, source="s", run="r", seen_values={"x"}, twins=set(), clock=lambda: NOW)
        sealer.take(Ask(EVERYTHING, 0, 1000), page(b'{"id":"one","action":"LOGIN"}', key=7))
        sealer.take(Ask(EVERYTHING, 0, 1000), page(b'{"id":"two","action":"LOGIN"}', key=7))
        sealer.seal([], lambda _: None)
        assert sealer.new == 2
        assert list(sealer.odd) == ["two ids share the 64 bits that stand for a key: both are kept"]
    assert [leaf for leaf, _ in archive.record()] == [], "no finding says that one changed into the other"
