"""What a run says of itself and of what it found: the payloads of `receipt`, `finding` and `disposition` leaves.

And of `user` and `account` leaves where the source said nothing about that one.
"""

import datetime as dt
from typing import Literal, get_args

import msgspec

from muniment.sweep.census import ControlTotals
from muniment.sweep.window import Gap, Method

__all__ = [
    "POPULATION_KINDS",
    "Census",
    "DayRead",
    "Disposition",
    "Finding",
    "FindingKind",
    "Outside",
    "Receipt",
    "Refusal",
    "WindowRead",
    "decode_receipt",
    "encode",
]

FindingKind = Literal[
    "content_changed",
    "moved",
    "vanished",
    "reappeared",
    "retention",
    "twin",
    "no_id",
    "unreadable",
    "unknown_value",
    "totals_disagree",
    "alert",
]
POPULATION_KINDS = frozenset(get_args(FindingKind)) - {"alert"}
"""Kinds that are about the population; only these make `collect` exit 11."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something about the population that a person should look at.

    Args:
        kind: What sort of thing.
        what: It, in a sentence.
        id: The entry's id, where it is about one that has an id.
        leaves: Leaves concerned: of `content_changed` the first content and the new one; of `vanished` the entries.
        ranges: The same as ranges [first, end), where there are many.
        days: Days concerned, the first and the last where there are many.
        source: Name of the source.
        run: The run that found it.
    """

    kind: FindingKind | str
    what: str
    source: str
    run: str
    id: str | None = None
    leaves: list[int] = []
    ranges: list[tuple[int, int]] = []
    days: list[dt.date] = []


class Disposition(msgspec.Struct, frozen=True, omit_defaults=True):
    """An analyst's answer to one finding, or to all future ones of a kind."""

    reason: str
    by: str
    finding: int | None = None
    standing: str | None = None


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Our account of a lookup that brought nothing about whom it asked for.

    Args:
        id: Who was asked for.
        state: `not_found`, `forbidden` or `unresolved`.
        source: Name of the source.
        why: What it said instead.
        final: An `unresolved` that is the source's answer, which would be the same if it were asked again at once.
    """

    id: str
    state: str
    source: str
    why: str = ""
    final: bool = False

    @property
    def is_passing(self) -> bool:
        """Whether the source had trouble, so that it is to be asked again."""
        return self.state == "unresolved" and not self.final


class WindowRead(msgspec.Struct, frozen=True, omit_defaults=False):
    """A window that was read, and how.

    Args:
        from_: First day, None where unbounded.
        to: Last day.
        filter: What narrowed it besides, as in a URL.
        url: The address of its first page, without the key.
        total_before: The source's total in the first answer.
        total_after: In the last.
        rows: Rows received.
        new: Of these, leaves that were new.
        method: How it is known to be complete, None where it is not.
        passes: How often it was read.
        parts: What it was split into.
        leaves: Ranges [first, end) of the leaves that it gave.
    """

    from_: dt.date | None = msgspec.field(name="from")
    to: dt.date | None
    filter: str
    url: str
    total_before: int | None
    total_after: int | None
    rows: int
    new: int
    method: Method | None
    passes: int
    parts: list["WindowRead"]
    leaves: list[tuple[int, int]]


class DayRead(msgspec.Struct, frozen=True, omit_defaults=True):
    """A day's reconciliation.

    Args:
        day: The day, as the source counts them.
        rows: Rows of the source's last complete reading, or of what could be had.
        total: The source's total then.
        method: How it is known to be complete, None where it is not.
        at: When, RFC 3339.
        closed: Whether the day was over by then.
        mark: Sum of the 64-bit hashes of its keys, modulo 2^64, in hex: whether a later reading has the same keys.
        displaced: Ranges [first, end) of leaves of this day whose timestamp, in UTC, says another.
        gaps: What it lacks.
        lacks: Ranges [first, end) of archived leaves of this day that this reading did not serve.
    """

    day: dt.date
    rows: int
    total: int | None
    method: Method | None
    at: str
    closed: bool
    mark: str
    displaced: list[tuple[int, int]] = []
    gaps: list[Gap] = []
    lacks: list[tuple[int, int]] = []


class Census(msgspec.Struct, frozen=True):
    """A total that was asked for, beside the rows archived for the same days."""

    from_: dt.date = msgspec.field(name="from")
    to: dt.date
    expected: int
    total: int | None
    at: str

    @property
    def agrees(self) -> bool:
        """Whether the source's total is what is archived."""
        return self.expected == self.total


class Outside(msgspec.Struct, frozen=True):
    """What lies outside the days: the whole, beside its parts.

    Args:
        whole: The source's total of all that the run is about.
        closed: Of the closed days.
        open: Of the open ones.
        outside: whole - closed - open: entries that none of the days serves.
        archived: Leaves that belong to none of the days: undated ones, and such as are dated in the future.
    """

    whole: int | None
    closed: int | None
    open: int | None
    outside: int | None
    archived: int


class Receipt(msgspec.Struct, frozen=True, omit_defaults=False):
    """The sealed account of a run, or of a part of it; see `docs/completeness.md` for how to read one."""

    run: str
    phase: Literal["opened", "part", "closed"]
    tool: str
    version: str
    host: str
    user: str
    source: str
    url: str
    key_tag: str
    from_: dt.date | None = msgspec.field(name="from")
    to: dt.date | None
    started_at: str
    at: str
    clock_skew_s: float | None
    requests: int
    lookups: int
    retries: int
    asked: str
    windows: list[WindowRead]
    days: list[DayRead]
    census: list[Census]
    controls: list[ControlTotals]
    outside: Outside | None
    gaps: list[Gap]
    odd: list[str]
    seen: dict[str, float | int | None]
    complete: bool | None
    stopped: str | None
    total_fell: bool = False
    scope_accepted: bool = False


def encode(value: msgspec.Struct) -> bytes:
    """Compact JSON, members in the order of the declaration."""
    return msgspec.json.encode(value)


_receipts = msgspec.json.Decoder(Receipt)


def decode_receipt(payload: bytes) -> Receipt:
    """Read a receipt that some version of Muniment wrote; members unknown to this one are passed over."""
    return _receipts.decode(payload)
