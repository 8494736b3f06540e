"""A source in memory that speaks the API's bytes: its entries come, change and go, and it misbehaves when told to."""

import datetime as dt
import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from muniment.source.exchange import Answer
from muniment.source.retry import Setback, Trouble

__all__ = ["FAULTS", "HARMLESS", "LIES", "NARROW", "WIDE", "Entry", "Killed", "Source"]

NOON: Final = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)
WIDE: Final = ("first-key-that-sees-all", "second-key-that-sees-all")
NARROW: Final = "a-key-that-sees-less"

HARMLESS: Final = ("silent-cap", "each-third-500", "each-third-429", "each-third-cut")
"""Faults that excuse nothing."""
LIES: Final = ("total-high", "total-low", "total-stale", "total-flickers")
"""Faults under which totals are not the number of rows, so that what is held against them alone may pass."""
FAULTS: Final = (
    *HARMLESS,
    *LIES,
    "total-missing",
    "ties-reshuffled",
    "offset-ignored",
    "offset-rounded",
    "deep-offset-refused",
    "short-pages",
    "empty-page",
    "always-500",
    "key-refused",
    "days-refused",
)
_DEEP: Final = 12
_EQUAL: Final = {"action": "action", "status": "status", "resource_types": "resource_type"}
_DAY: Final = dt.timedelta(days=1)


class Killed(BaseException):
    """The process was killed while it waited for an answer."""


@dataclass(frozen=True)
class Entry:
    """An entry as the source has it now.

    Args:
        number: Tells it from all others.
        at: Its timestamp; None where it has none.
        filed: Days between its timestamp's and the one whose window serves it.
        version: Of its content.
        spelling: Of its JSON.
    """

    number: int
    at: dt.datetime | None
    filed: int = 0
    version: int = 0
    spelling: int = 0

    @property
    def id(self) -> str:
        return f"e{self.number:05}"

    @property
    def day(self) -> dt.date | None:
        """The day whose window serves it, of a source in UTC."""
        return None if self.at is None else self.at.date() + self.filed * _DAY

    @cached_property
    def said(self) -> dict[str, Any]:
        """Its members."""
        number = self.number
        return {
            "id": self.id,
            **({} if self.at is None else {"timestamp": self.at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)}),
            "resource_type": ("USER", "ROLE", "CERTIFICATE")[number % 3],
            "action": ("LOGIN", "CREATE")[number % 2],
            "status": "failure" if number % 5 == 0 else "success",
            "account": {"id": "ab"[number % 2]},
            "user": {"id": f"u{number % 3}"},
            "version": self.version,
        }

    @cached_property
    def item(self) -> bytes:
        """Its bytes."""
        members = self.said if self.spelling % 2 == 0 else dict(reversed(self.said.items()))
        return json.dumps(members, separators=(",", ":")).encode()

    @property
    def content(self) -> tuple[str, str]:
        """Id and JSON, however spelt."""
        return self.id, json.dumps(self.said, sort_keys=True)


@dataclass
class Source:
    """Answers requests; everything about it may be changed between two of them, by `meanwhile` even within a run."""

    zone: dt.timedelta = dt.timedelta()
    entries: dict[int, Entry] = field(default_factory=dict)
    gone: dict[int, Entry] = field(default_factory=dict)
    now: dt.datetime = NOON
    cap: int = 1000
    faults: dict[str, range] = field(default_factory=dict)
    """Each with the requests of a run, from 1, during which it lasts."""
    meanwhile: dict[int, list[Callable[[], object]]] = field(default_factory=dict)
    """What happens right before a request of the run is answered."""
    kill_at: int | None = None
    kill: Callable[[], object] = lambda: None
    asked: int = 0
    """Requests to the audit log in this run."""
    tries: int = 0
    felt: set[str] = field(default_factory=set)
    """Faults that made an answer another one in this run."""
    served: set[tuple[str, str]] = field(default_factory=set)
    """Id and content of everything that went out in this run."""
    moves: int = 0
    """Changes of what is there, ever."""
    wandered: set[str] = field(default_factory=set)
    """Ids of entries that were ever on another day."""
    _next: int = 1
    _totals: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)

    # -- what happens to it

    def begin(self) -> None:
        """A run begins."""
        self.asked = self.tries = 0
        self.felt, self.served = set(), set()

    def arrive(self, at: dt.datetime | None, filed: int = 0) -> Entry:
        entry = Entry(self._next, at, filed)
        self._next += 1
        self._put(entry)
        return entry

    def vanish(self, number: int) -> None:
        if number in self.entries:
            self.gone[number] = self.entries.pop(number)
            self.moves += 1

    def come_back(self, number: int) -> None:
        if number in self.gone:
            self._put(self.gone.pop(number))

    def change(self, number: int, **members: Any) -> None:
        if number in self.entries:
            before = self.entries[number]
            self._put(replace(before, **members))
            if self.day_of(before) != self.day_of(self.entries[number]):
                self.wandered.add(before.id)

    def _put(self, entry: Entry) -> None:
        self.entries[entry.number] = entry
        self.moves += 1

    def day_of(self, entry: Entry) -> dt.date | None:
        """The day whose window serves an entry."""
        return None if entry.at is None else (entry.at + self.zone).date() + entry.filed * _DAY

    def visible(self, key: str) -> dict[int, Entry]:
        """What a key sees of it now."""
        return {n: entry for n, entry in self.entries.items() if key != NARROW or n % 3}

    # -- answering

    def __call__(
        self, target: str, headers: Mapping[str, str], *, timeout_s: float, max_body_bytes: int, stop: threading.Event
    ) -> Answer | Setback:
        """Answer one request, as `muniment.source.exchange.Transport`."""
        del timeout_s, max_body_bytes, stop
        self.now += dt.timedelta(milliseconds=10)
        parts = urlsplit(target)
        self.tries += 1
        if self.tries == self.kill_at:
            self.kill()
            raise Killed
        if not parts.path.endswith("/audit-log"):
            who = parts.path.rpartition("/")[2]
            return self._answer(200, json.dumps({"id": who, "name": who, "user_name": who}).encode())
        self.asked += 1
        for happens in self.meanwhile.pop(self.asked, ()):
            happens()
        params = dict(parse_qsl(parts.query))
        return self._trouble(params) or self._answer(200, self._page(params, headers["x-api-key"]))

    def _has(self, fault: str) -> bool:
        return self.asked in self.faults.get(fault, ())

    def _feel(self, fault: str, *, differs: bool = True) -> bool:
        """Whether a fault is there, and makes a difference now."""
        if not (differs and self._has(fault)):
            return False
        self.felt.add(fault)
        return True

    def _trouble(self, params: Mapping[str, str]) -> Answer | Setback | None:
        third = self.asked % 3 == 0
        if self._feel("each-third-cut", differs=third):
            return Setback(Trouble.CUT, "the answer broke off")
        if self._feel("each-third-429", differs=third):
            return self._answer(429, b"{}", {"retry-after": "2"})
        if self._feel("each-third-500", differs=third) or self._feel("always-500"):
            return self._answer(500, b"{}")
        return self._refusal(params)

    def _refusal(self, params: Mapping[str, str]) -> Answer | None:
        if self._feel("key-refused"):
            return self._answer(401, b"{}")
        dated, deep = "from" in params, int(params["offset"]) > _DEEP
        if self._feel("days-refused", differs=dated) or self._feel("deep-offset-refused", differs=deep):
            return self._answer(400, b"{}")
        return None

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        return Answer(status, body, {"date": format_datetime(self.now, usegmt=True), **(headers or {})})

    def _page(self, params: dict[str, str], key: str) -> bytes:
        found = self._sorted([entry for entry in self.visible(key).values() if self._matches(entry, params)])
        asked, limit = int(params["offset"]), min(int(params["limit"]), self.cap)
        rows = self._cut(found, asked, limit)
        self.served |= {entry.content for entry in rows}
        page: dict[str, Any] = {"offset": asked, "limit": limit}
        if self._feel("silent-cap", differs=limit < int(params["limit"])):
            page["limit"] = int(params["limit"])
        if not self._feel("total-missing"):
            page["total"] = self._total(params, len(found))
        head = json.dumps(page, separators=(",", ":")).encode()
        return head[:-1] + b',"items":[' + b",".join(entry.item for entry in rows) + b"]}"

    def _cut(self, found: list[Entry], asked: int, limit: int) -> list[Entry]:
        offset = asked
        if self._feel("offset-ignored", differs=asked > 0):
            offset = 0
        if self._feel("offset-rounded", differs=asked % limit > 0):
            offset = asked - asked % limit
        rows = found[offset : offset + limit]
        if self._feel("empty-page", differs=len(rows) < len(found) - offset and self.asked % 2 == 0):
            return []
        if self._feel("short-pages", differs=len(rows) > 2):
            return rows[: max(1, len(rows) - self.asked % 3)]
        return rows

    def _total(self, params: dict[str, str], rows: int) -> int:
        window = tuple(sorted((name, said) for name, said in params.items() if name not in ("offset", "limit")))
        before = self._totals.get(window, rows)
        if self._feel("total-stale", differs=before != rows):
            return before
        self._totals[window] = rows
        if self._feel("total-high", differs=rows > 0):
            return rows + 3
        if self._feel("total-low", differs=rows > 0):
            return rows - 1
        if self._feel("total-flickers", differs=self.asked % 2 == 0):
            return rows + 1
        return rows

    def _sorted(self, found: list[Entry]) -> list[Entry]:
        shown = {entry.number: entry.said.get("timestamp", "") for entry in found}
        steady = sorted(found, key=lambda entry: (shown[entry.number], entry.number))
        draw = random.Random(self.asked)
        shuffled = sorted(found, key=lambda entry: (shown[entry.number], draw.random()))
        return shuffled if self._feel("ties-reshuffled", differs=shuffled != steady) else steady

    def _matches(self, entry: Entry, params: Mapping[str, str]) -> bool:
        return (
            self._within(entry, params)
            and all(
                str(entry.said[member]).upper() in params[name].upper().split(",")
                for name, member in _EQUAL.items()
                if name in params
            )
            and params.get("account_id") in (None, entry.said["account"]["id"])
        )

    def _within(self, entry: Entry, params: Mapping[str, str]) -> bool:
        if "from" not in params and "to" not in params:
            return True
        day = self.day_of(entry)
        return day is not None and params.get("from", "0") <= day.isoformat() <= params.get("to", "9")
