"""The receipts of a run: `opened` in its first commit, `part` where windows are completed, `closed` in its last."""

import datetime as dt
import getpass
import os
import platform
import secrets
from typing import Literal

import msgspec

from muniment.archive.commit import Transaction
from muniment.collect.goal import Goal
from muniment.collect.instants import Clock, rfc3339
from muniment.collect.record import Census, DayRead, Outside, Receipt, WindowRead, encode
from muniment.source.client import Client
from muniment.sweep.census import ControlTotals
from muniment.sweep.window import Gap
from muniment.version import __version__

__all__ = ["Figures", "Scribe", "Who", "introduce"]


class Who(msgspec.Struct, frozen=True):
    """Who collects, with what, from where: the same in every receipt of a run."""

    run: str
    tool: str
    version: str
    host: str
    user: str
    source: str
    url: str
    key_tag: str
    from_: dt.date | None
    to: dt.date | None
    started_at: str
    asked: str


class Figures(msgspec.Struct, frozen=True):
    """How much was asked so far."""

    requests: int
    lookups: int
    retries: int
    clock_skew_s: float | None
    odd: list[str]
    seen: dict[str, float | int | None]
    total_fell: bool


class Scribe:
    """Keeps what the next receipt has to say.

    Args:
        who: The run.
        clock: When receipts are written.
    """

    def __init__(self, who: Who, clock: Clock) -> None:
        self.closed_at: int | None = None
        self.windows: list[WindowRead] = []
        self.days: list[DayRead] = []
        self.census: list[Census] = []
        self.controls: list[ControlTotals] = []
        self.outside: Outside | None = None
        self._who = who
        self._clock = clock
        self._opened = False

    @property
    def holds_any(self) -> bool:
        """Whether a part has anything to say."""
        return bool(self.windows or self.days)

    def part(self, transaction: Transaction, figures: Figures) -> None:
        """Say what was completed since the last receipt."""
        self._open(transaction, figures)
        if self.holds_any:
            self._write(transaction, "part", figures, gaps=[], complete=None, stopped=None)

    def close(
        self,
        transaction: Transaction,
        figures: Figures,
        *,
        gaps: list[Gap],
        complete: bool,
        stopped: str | None,
        scope_accepted: bool,
    ) -> None:
        """Say how the run ended."""
        self._open(transaction, figures)
        self.closed_at = self._write(
            transaction, "closed", figures, gaps=gaps, complete=complete, stopped=stopped, scope_accepted=scope_accepted
        )

    def _open(self, transaction: Transaction, figures: Figures) -> None:
        if self._opened:
            return
        self._opened = True
        kept = self.windows, self.days, self.census, self.outside
        self._forget()
        self._write(transaction, "opened", figures, gaps=[], complete=None, stopped=None)
        self.windows, self.days, self.census, self.outside = kept

    def _forget(self) -> None:
        self.windows, self.days, self.census, self.outside = [], [], [], None

    def _write(
        self,
        transaction: Transaction,
        phase: Literal["opened", "part", "closed"],
        figures: Figures,
        *,
        gaps: list[Gap],
        complete: bool | None,
        stopped: str | None,
        scope_accepted: bool = False,
    ) -> int:
        at = rfc3339(self._clock())
        said = Receipt(
            **msgspec.structs.asdict(self._who),
            **msgspec.structs.asdict(figures),
            phase=phase,
            at=at,
            windows=self.windows,
            days=self.days,
            census=self.census,
            controls=self.controls if phase == "closed" else [],  # they are held against the archive before that
            outside=self.outside,
            gaps=gaps,
            complete=complete,
            stopped=stopped,
            scope_accepted=scope_accepted,
        )
        self._forget()
        return transaction.add_record("receipt", encode(said), at)


def introduce(goal: Goal, client: Client, source: str, origin: str, clock: Clock) -> Who:
    """Who collects: a run's id is its start and four random bytes."""
    now = clock()
    return Who(
        run=f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        tool="muniment",
        version=__version__,
        host=platform.node(),
        user=_user(),
        source=source,
        url=client.settings.url,
        key_tag=client.key_tag(origin),
        from_=goal.from_,
        to=goal.to,
        started_at=rfc3339(now),
        asked=", ".join(
            word
            for word, said in {
                "recheck " + str(goal.recheck): goal.recheck,
                "confirm": goal.confirm,
                "accept scope": goal.accept_scope,
            }.items()
            if said
        ),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
