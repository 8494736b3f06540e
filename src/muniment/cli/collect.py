"""`muniment collect`: everything the source has and the archive lacks."""

import datetime as dt
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.options import (
    archive_option,
    config_option,
    cache_folder,
    day_options,
    home_folder,
    json_option,
    read_key,
    source_options,
)
from muniment.cli.output import number, print_json, say
from muniment.errors import BadInput, FindingsOpen, Incomplete, MunimentError, NoArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from muniment.archive.reading import Archive
    from muniment.collect.goal import Goal, Outcome, Progress
    from muniment.collect.standing import Standing
    from muniment.source.client import Client

__all__ = ["collect"]


@click.command(
    epilog="""\b
Examples:
  muniment collect                                     everything, from the source's first entry on
  muniment collect --from 2026-01-01 --to 2026-03-31   a quarter
  muniment collect --recheck sample                    read some closed days again

The key comes from MUNIMENT_API_KEY or --api-key-file, never from an argument.
"""
)
@archive_option
@source_options
@day_options
@click.option("--recheck", type=click.Choice(["sample", "full"]), help="Read closed days again, some or all.")
@click.option("--confirm", is_flag=True, help="Read every day of several pages twice, with other page borders.")
@click.option("--accept-scope", is_flag=True, help="Accept that this key sees less than the last one.")
@config_option
@json_option
@click.pass_context
def collect(ctx: click.Context, *, as_json: bool, verbose: int, archive: Path, **options: Any) -> None:  # noqa: ARG001 - main reads verbose
    """Collect what the source has and the archive lacks, and seal it."""
    goal = _goal(options)
    wake = threading.Event()
    source, client = _source(ctx, options, wake)
    opened = _open_or_make(archive)
    with client:
        told = _Collection(opened, client, source, goal, wake).run()
    _report(told, as_json=as_json)
    ctx.exit(told.exit_code)


def _goal(options: dict[str, Any]) -> "Goal":
    from muniment.collect.goal import Goal  # noqa: PLC0415 - start-up

    first, last = options["from_"], options["to"]
    today = dt.datetime.now(dt.UTC).date()
    if first is not None and first > today:
        raise BadInput(f"--from {first} lies in the future")
    if first is not None and last is not None and first > last:
        raise BadInput(f"--from {first} lies after --to {last}")
    return Goal(first, last, options["recheck"], confirm=options["confirm"], accept_scope=options["accept_scope"])


def _source(ctx: click.Context, options: dict[str, Any], wake: threading.Event) -> "tuple[str, Client]":
    """The name of the source and a client for it."""
    from muniment.cli.sources import open_client  # noqa: PLC0415 - start-up

    return open_client(ctx, options, wake)


def _open_or_make(path: Path) -> "Archive":
    from muniment.archive.founding import initialise  # noqa: PLC0415 - start-up
    from muniment.cli.init import tell_new_archive  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.collect.instants import utc_now  # noqa: PLC0415 - start-up

    try:
        return open_archive(path)
    except NoArchive:
        home = home_folder()
        made = initialise(path, home, now=utc_now())
        tell_new_archive(path, made.verifier.vkey, home.key_file(made.verifier))
        return made


class _Collection:
    """A run and what became of it."""

    def __init__(self, archive: "Archive", client: "Client", source: str, goal: "Goal", wake: threading.Event) -> None:
        self.archive = archive
        self.client = client
        self.source = source
        self.goal = goal
        self.wake = wake
        self.seconds = 0.0
        self.outcome: Outcome
        self.standing: Standing

    def run(self) -> "_Collection":
        from muniment.archive.keys import KeyRuns  # noqa: PLC0415 - start-up
        from muniment.archive.writer import Writer, collect_lock  # noqa: PLC0415 - start-up
        from muniment.cli.opening import cache_of  # noqa: PLC0415 - start-up
        from muniment.cli.progress import show_progress  # noqa: PLC0415 - start-up
        from muniment.collect.instants import utc_now  # noqa: PLC0415 - start-up
        from muniment.collect.run import Run  # noqa: PLC0415 - start-up
        from muniment.collect.standing import load_standing  # noqa: PLC0415 - start-up

        started = time.monotonic()
        home, cache = home_folder(), cache_of(self.archive)
        with (
            collect_lock(self.archive, self.source),
            Writer(self.archive, home) as writer,
            KeyRuns.open(self.archive, cache_folder()) as keys,
            show_progress() as tell,
            _signals(self.wake.set) as stop,
        ):
            run = Run(
                self.goal,
                writer=writer,
                client=self.client,
                keys=keys,
                standing=load_standing(self.archive, cache),
                source=self.source,
                clock=utc_now,
                stop=stop,
                tell=tell,
            )
            self.outcome = run.collect()
        self.archive.refresh()
        self.standing = load_standing(self.archive, cache)
        self.seconds = round(time.monotonic() - started, 3)
        return self

    @property
    def error(self) -> MunimentError | None:
        """Why the exit code is not 0."""
        if self.outcome.stopped is not None:
            return self.outcome.stopped
        if self.outcome.gaps or not self.outcome.complete:
            return Incomplete(f"{len(self.outcome.gaps)} gaps: the source counts entries that the archive lacks")
        if self.standing.open_population_findings():
            return FindingsOpen(f"{len(self.standing.open_population_findings())} findings without a disposition")
        return None

    @property
    def exit_code(self) -> int:
        """As cli.md: stopped by a signal, by the source, gaps, findings, clean."""
        if self.outcome.signal is not None:
            return 128 + self.outcome.signal
        return self.error.exit_code if self.error else 0

    def document(self) -> dict[str, Any]:
        """The account, as JSON."""
        from muniment.cli.output import error_document  # noqa: PLC0415 - start-up
        from muniment.cli.shapes import b64, finding_documents  # noqa: PLC0415 - start-up

        told: dict[str, Any] = {
            "complete": self.outcome.complete,
            "from": self.outcome.from_,
            "to": self.outcome.to,
            "source_total": self.outcome.source_total,
            "archived": self.archived(),
            "new": self.outcome.new,
            "updated_users": self.outcome.updated_users,
            "requests": self.outcome.requests,
            "retries": self.outcome.retries,
            "seconds": self.seconds,
            "gaps": self.outcome.gaps,
            "findings": finding_documents(self.standing.open_findings()),
            "tree_size": self.archive.size,
            "root": b64(self.archive.root),
            "receipt": self.outcome.receipt,
            "source": self.source,
        }
        if self.outcome.stopped is not None:
            told["error"] = error_document(self.outcome.stopped)
        return told

    def archived(self) -> int:
        """Unique keys archived of the days of the run."""
        known = self.standing.source(self.source)
        if self.goal.whole:
            return known.entries
        first, last = self.outcome.from_, self.outcome.to
        return sum(n for day, n in known.counts.items() if (first is None or first <= day) and day <= last)


@contextmanager
def _signals(wake: Callable[[], None]) -> "Iterator[Callable[[], int | None]]":
    """Within the block, Ctrl-C and SIGTERM ask the run to stop instead of ending it; a second one ends it."""
    got: list[int] = []

    def note(number: int, _: object) -> None:
        if got:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        got.append(number)
        wake()

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: got[0] if got else None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _report(told: _Collection, *, as_json: bool) -> None:
    outcome = told.outcome
    period = f"{outcome.from_} to {outcome.to}" if outcome.from_ else f"up to {outcome.to}"
    state = "Complete" if outcome.complete else "Not complete"
    say(
        f"{state}: {number(told.archived())} of {number(outcome.source_total)} entries of {period} archived, "
        f"{number(outcome.new)} new, in {told.seconds:.1f} s"
    )
    for gap in outcome.gaps:
        say(f"  ✗ gap {gap.from_ or '…'} to {gap.to or '…'} {gap.filter} expected {number(gap.expected)}, "
            f"got {number(gap.got)}: {gap.why}")
    found = told.standing.open_population_findings()
    for index, finding in list(found.items())[:10]:
        say(f"  ! finding {index}: {finding.kind}: {finding.what}")
    if len(found) > 10:
        say(f"  ! and {len(found) - 10} more: see `muniment findings`")
    if outcome.signal is not None:
        say("Stopped as asked: what was read is sealed, and the next run goes on from here.")
    elif told.error is not None:
        from muniment.cli.output import print_error  # noqa: PLC0415 - start-up

        print_error(told.error, as_json=False)
    if as_json:
        print_json(told.document())
