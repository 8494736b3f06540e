"""A collection from start to end: locks, what is derived, the run, and what the archive knows after it."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from muniment.archive.home import Home
from muniment.archive.keys import KeyRuns
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer, collect_lock
from muniment.collect.desk import Desk
from muniment.collect.fetching import Stop
from muniment.collect.goal import Goal, Outcome, Progress
from muniment.collect.instants import Clock, utc_now
from muniment.collect.run import Run
from muniment.collect.standing import Standing, load_standing
from muniment.source.client import Client

__all__ = ["Collected", "collect"]


class Collected(msgspec.Struct, frozen=True):
    """How a run ended, and what the archive knows since.

    Args:
        outcome: Of the run.
        standing: Of the archive after it.
    """

    outcome: Outcome
    standing: Standing


def collect(
    archive: Archive,
    client: Client,
    source: str,
    *,
    home: Home,
    cache: Path,
    goal: Goal | None = None,
    clock: Clock = utc_now,
    stop: Stop = lambda: None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Collected:
    """Collect one source into an archive.

    Args:
        archive: Brought up to date by it.
        client: Speaks to the source.
        source: Its name, part of every key.
        home: Where the signing key is.
        cache: A folder for what is derived, outside every archive.
        goal: What is wanted; default everything.
        clock: Ours.
        stop: The signal that asks to stop, None while there is none.
        tell: Told how far it is.

    Raises:
        Busy: Somebody else is collecting this source into this archive.
        ArchiveError, NotEvidence: The archive cannot be written; what was sealed before stays.
    """
    derived = cache / archive.genesis.hex()
    with collect_lock(archive, source), Writer(archive, home, clock=clock) as writer:
        with writer.transaction():
            pass  # whatever would keep us from sealing is found before the source is asked for anything
        # only now: what a crash left signed but unpublished is in the archive since
        with KeyRuns.open(archive, cache) as keys:
            standing = load_standing(archive, derived)
            wanted = goal or Goal()
            desk = Desk.lay(wanted, source, writer=writer, client=client, keys=keys, standing=standing, clock=clock)
            run = Run(desk, stop=stop, tell=tell, width=client.settings.connections)
            outcome = run.collect()
            keys.save(archive)
    return Collected(outcome, load_standing(archive, derived))
