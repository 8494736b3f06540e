"""A collection as the command line drives it, and the account it gives."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from muniment.archive.founding import initialise
from muniment.archive.reading import Archive
from muniment.cli.init import tell_new_archive
from muniment.cli.opening import open_archive
from muniment.cli.options import cache_folder, home_folder
from muniment.cli.output import error_document, print_error, print_json, say, say_item
from muniment.cli.progress import show_progress
from muniment.cli.shapes import b64, finding_documents, gap_line
from muniment.cli.signals import Noted
from muniment.cli.sources import Source
from muniment.cli.wording import counted, mark, number, period
from muniment.collect.collecting import collect
from muniment.collect.goal import Goal, Outcome
from muniment.collect.instants import utc_now
from muniment.collect.standing import Standing
from muniment.errors import FindingsOpen, Incomplete, MunimentError, NoArchive
from muniment.source.client import Client

__all__ = ["Account", "collect_once"]

_SHOWN: Final = 10
"""So many gaps and findings are said in words; all of them are in the document."""


class Interrupted(MunimentError):
    """A signal stopped the run, which sealed what it had."""

    code = "interrupted"
    hint = "Run it again: it goes on where it stopped."


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a run.

    Args:
        source: Name of the source.
        goal: What was wanted.
        outcome: How it ended.
        archive: As it is now.
        standing: What it knows now.
        seconds: How long it took.
    """

    source: str
    goal: Goal
    outcome: Outcome
    archive: Archive
    standing: Standing
    seconds: float

    @property
    def exit_code(self) -> int:
        """As cli.md: by a signal, stopped by the source, gaps, findings, clean."""
        if self.outcome.signal is not None:
            return 128 + self.outcome.signal
        return self.error.exit_code if self.error else 0

    @property
    def error(self) -> MunimentError | None:
        """Why the exit code is not 0."""
        if self.outcome.signal is not None:
            name = signal.Signals(self.outcome.signal).name
            return Interrupted(f"Stopped as asked, by {name}: what was read is sealed")
        if self.outcome.stopped is not None:
            return self.outcome.stopped
        if not self.outcome.complete:
            gaps = counted(len(self.outcome.gaps), "gap")
            return Incomplete(f"{gaps}: the source counts entries that the archive lacks, or contradicts itself")
        waiting = len(self.standing.open_population_findings())
        return FindingsOpen(f"{counted(waiting, 'finding')} without a disposition") if waiting else None

    @property
    def archived(self) -> int:
        """Unique keys archived of the days of the run."""
        known = self.standing.source(self.source)
        if self.goal.whole:
            return known.entries
        first, last = self.outcome.from_, self.outcome.to
        return sum(n for day, n in known.counts.items() if (first is None or first <= day) and day <= last)

    def tell(self, *, as_json: bool, verbose: bool) -> None:
        """Say it on stderr, and as the one document if that is wanted; how an error came about with `verbose`."""
        for line in self._headline():
            say(line)
        if self.outcome.signal is None:
            _say_some([gap_line(gap) for gap in self.outcome.gaps], "muniment status")
            found = self.standing.open_population_findings()
            _say_some([f"! {i} {each.kind}: {each.what}" for i, each in found.items()], "muniment findings")
        if self.error is not None:
            print_error(self.error, verbose=verbose)
        if as_json:
            print_json(self.document())

    def document(self) -> dict[str, Any]:
        """The account, as JSON."""
        outcome = self.outcome
        told = {
            "complete": outcome.complete,
            "from": outcome.from_,
            "to": outcome.to,
            "source_total": outcome.source_total,
            "archived": self.archived,
            "new": outcome.new,
            "updated_users": outcome.updated_users,
            "requests": outcome.requests,
            "retries": outcome.retries,
            "seconds": self.seconds,
            "gaps": outcome.gaps,
            "findings": finding_documents(self.standing.open_findings()),
            "tree_size": self.archive.size,
            "root": b64(self.archive.root),
            "receipt": outcome.receipt,
            "source": self.source,
        }
        return told if self.error is None else told | {"error": error_document(self.error)}

    def _headline(self) -> Iterator[str]:
        outcome = self.outcome
        state = "Complete" if outcome.complete else "Not complete"
        new = f"{number(outcome.new)} new" if outcome.new else "nothing new"
        held = f"{number(self.archived)} of {number(outcome.source_total)} entries"
        yield f"{mark(outcome.complete)} {state}: {held}, {new}"
        asked = f"{counted(outcome.requests, 'request')}, {self.seconds:.1f} s"
        receipt = "" if outcome.receipt is None else f", receipt in leaf {outcome.receipt}"
        yield f"  {period(outcome.from_, outcome.to)}, {asked}{receipt}"


def collect_once(path: Path, source: Source, goal: Goal, noted: Noted, *, quiet: bool) -> Account:
    """Collect one source into the archive in a folder, which is made if it is missing.

    Args:
        path: Of the archive.
        source: What to collect.
        goal: How much of it.
        noted: Whether somebody asked to stop.
        quiet: Whether progress is not to be shown.

    Raises:
        ArchiveError: The archive cannot be used; found before the source is asked for anything.
        NotEvidence: It is damaged in what a commit reads.
    """
    started = time.monotonic()
    with Client(source.settings, stop=noted.event) as client, show_progress(quiet=quiet) as tell:
        archive = _open_or_make(path)
        done = collect(
            archive, client, source.name, home=home_folder(), cache=cache_folder(), goal=goal, stop=noted, tell=tell
        )
    return Account(source.name, goal, done.outcome, archive, done.standing, round(time.monotonic() - started, 3))


def _open_or_make(path: Path) -> Archive:
    try:
        return open_archive(path)
    except NoArchive:
        home = home_folder()
        made = initialise(path, home, now=utc_now())
        tell_new_archive(path, made.verifier.vkey, home.key_file(made.verifier))
        return made


def _say_some(items: list[str], command: str) -> None:
    for item in items[:_SHOWN]:
        say_item(item)
    if len(items) > _SHOWN:
        say_item(f"and {number(len(items) - _SHOWN)} more: see `{command}`")
