"""The account of a collection: how it ended, in words and as a document."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from muniment.archive.reading import Archive
from muniment.cli.output import error_document, print_error, say, say_item
from muniment.cli.shapes import b64, finding_documents, gap_line
from muniment.cli.wording import counted, mark, number, period
from muniment.collect.goal import Goal, Outcome
from muniment.collect.standing import Standing
from muniment.errors import FindingsOpen, Incomplete, MunimentError

__all__ = ["Account", "Accounts"]

_SHOWN: Final = 10
"""So many gaps and findings are said in words; all of them are in the document."""


class _Interrupted(MunimentError):
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
            return _Interrupted(f"Stopped as asked, by {name}: what was read is sealed")
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
        first, last = None if self.goal.from_start else self.outcome.from_, self.outcome.to
        return sum(n for day, n in known.counts.items() if (first is None or first <= day) and day <= last)

    def tell(self, *, verbose: bool) -> None:
        """Say it on stderr; with `verbose` also how an error came about."""
        for line in self._headline():
            say(line)
        if self.outcome.signal is None:
            _say_some([gap_line(gap) for gap in self.outcome.gaps], "muniment status")
            found = self.standing.open_population_findings()
            _say_some([f"! {i} {each.kind}: {each.what}" for i, each in found.items()], "muniment findings")
        if self.error is not None:
            print_error(self.error, verbose=verbose)

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


class Accounts:
    """What became of a call: of a run for each source, in their order.

    Args:
        each: Not none.
    """

    def __init__(self, each: Sequence[Account]) -> None:
        self._each = each
        self._worst = max(each, key=_badness)

    @property
    def exit_code(self) -> int:
        """That of the run that ended worst."""
        return self._worst.exit_code

    def document(self) -> dict[str, Any]:
        """The account of the only run, or all of them together with each as one of `sources`."""
        parts = [account.document() for account in self._each]
        return parts[0] if len(parts) == 1 else self._together(parts)

    def _together(self, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
        sums = ("archived", "new", "updated_users", "requests", "retries")
        totals = [part["source_total"] for part in parts]
        told = {
            **parts[-1],
            **{name: sum(part[name] for part in parts) for name in sums},
            "complete": all(part["complete"] for part in parts),
            "from": min((part["from"] for part in parts if part["from"] is not None), default=None),
            "to": max(part["to"] for part in parts),
            "source_total": None if None in totals else sum(totals),
            "seconds": round(sum(part["seconds"] for part in parts), 3),
            "gaps": [gap for part in parts for gap in part["gaps"]],
            "source": None,
            "sources": list(parts),
        }
        told.pop("error", None)
        return told if self._worst.error is None else told | {"error": error_document(self._worst.error)}


def _badness(account: Account) -> tuple[bool, bool, int]:
    """A signal outranks everything; then 3, 4, 11 in that order."""
    return account.outcome.signal is not None, account.error is not None, -account.exit_code


def _say_some(items: list[str], command: str) -> None:
    for item in items[:_SHOWN]:
        say_item(item)
    if len(items) > _SHOWN:
        say_item(f"and {number(len(items) - _SHOWN)} more: see `{command}`")
