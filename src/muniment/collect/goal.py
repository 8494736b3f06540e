"""What is wanted of a run, how far it is, and how it ended."""

import datetime as dt

import msgspec

from muniment.errors import SourceError
from muniment.sweep.window import Gap

__all__ = ["Goal", "Outcome", "Progress"]


class Goal(msgspec.Struct, frozen=True):
    """What is wanted of a run.

    Args:
        from_: First day, None for the source's first entry.
        to: Last day, None for today.
        recheck: Read closed days again: `sample`, or `full`.
        confirm: Read twice what one answer does not hold.
        accept_scope: This key may see less than the last one.
    """

    from_: dt.date | None = None
    to: dt.date | None = None
    recheck: str | None = None
    confirm: bool = False
    accept_scope: bool = False

    @property
    def from_start(self) -> bool:
        """Whether everything from the source's first entry on is wanted."""
        return self.from_ is None

    @property
    def whole(self) -> bool:
        """Whether the whole history is wanted."""
        return self.from_start and self.to is None


class Progress(msgspec.Struct, frozen=True):
    """How far a run is.

    Args:
        doing: What it does, in words.
        window: The window last read, as words.
        rows: Rows received.
        of: Rows expected in all, None while that is not known.
    """

    doing: str
    window: str
    rows: int
    of: int | None


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended.

    Args:
        complete: The archive agrees with the source's own totals.
        from_: First day of the run, None where the source is empty.
        to: Last day.
        source_total: The source's total of these days.
        new: Entries sealed.
        updated_users: Users whose answer was new or another than before.
        requests: Requests to the audit log and for lookups.
        retries: How often one was tried again.
        gaps: What is lacking.
        receipt: Leaf of the closing receipt.
        stopped: What ended it early.
        signal: The signal that did.
    """

    complete: bool
    from_: dt.date | None
    to: dt.date
    source_total: int | None
    new: int
    updated_users: int
    requests: int
    retries: int
    gaps: list[Gap]
    receipt: int | None
    stopped: SourceError | None
    signal: int | None
