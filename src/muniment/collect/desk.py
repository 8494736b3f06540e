"""What every part of a run works with, laid out once."""

from dataclasses import dataclass
from typing import Self

from muniment.archive.keys import KeyRuns
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.asking import Asker
from muniment.collect.calendar import Calendar
from muniment.collect.days import DayBook
from muniment.collect.goal import Goal
from muniment.collect.instants import Clock, rfc3339
from muniment.collect.missing import Missing
from muniment.collect.scribe import Scribe, Who, introduce
from muniment.collect.sealing import Sealer
from muniment.collect.standing import SourceStanding, Standing
from muniment.source.client import Client
from muniment.sweep.window import Seen

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts that a run is made of; each keeps its own state.

    Attributes:
        goal: What is wanted.
        clock: Ours.
        client: Speaks to the source.
        known: What was known of the source when the run began.
        who: Who collects.
        asker: Answers asks, and knows the source's clock.
        seen: What was learnt of the source's pages.
        calendar: Which days there are.
        missing: What days lack that they had.
        days: What is known of each day.
        sealer: Keeps what is new until it is sealed.
        scribe: Writes the receipts.
        said: What open findings say that totals disagree in: it is not sealed again by each run.
    """

    goal: Goal
    clock: Clock
    client: Client
    known: SourceStanding
    who: Who
    asker: Asker
    seen: Seen
    calendar: Calendar
    missing: Missing
    days: DayBook
    sealer: Sealer
    scribe: Scribe
    said: frozenset[str]

    @classmethod
    def lay(
        cls,
        goal: Goal,
        source: str,
        *,
        writer: Writer,
        client: Client,
        keys: KeyRuns,
        standing: Standing,
        clock: Clock,
    ) -> Self:
        """Lay out everything for one run."""
        known, archive = standing.source(source), writer.archive
        who = introduce(goal, client, source, archive.origin, clock)
        asker = Asker(client, source)
        seen = Seen(fullest=known.fullest, accounts=tuple(known.accounts))
        missing = Missing(archive, source, known)
        twins = {found.id or found.what for found in standing.findings.values() if found.kind == "twin"}
        return cls(
            goal=goal,
            clock=clock,
            client=client,
            known=known,
            who=who,
            asker=asker,
            seen=seen,
            calendar=Calendar(goal, known.edges.zone, clock, lambda: asker.source_clock),
            missing=missing,
            days=DayBook(known, missing, client, seen.limit),
            sealer=Sealer(
                writer,
                keys,
                source=source,
                run=who.run,
                seen_values=set(standing.seen_values),
                twins=twins,
                clock=clock,
            ),
            scribe=Scribe(who, clock),
            said=frozenset(f.what for f in standing.open_findings().values() if f.kind == "totals_disagree"),
        )

    @property
    def archive(self) -> Archive:
        """The archive, with everything that was sealed so far."""
        return self.sealer.archive

    def now(self) -> str:
        """The time, as we write it."""
        return rfc3339(self.clock())
