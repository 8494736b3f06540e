"""A DigiCert ONE that lives on this machine: an organisation, and the log of what happened in it."""

import datetime as dt
import threading
from typing import Final

from muniment.errors import BadInput
from muniment.model import Query
from muniment.sandbox.dice import Dice
from muniment.sandbox.documents import account_document, user_document
from muniment.sandbox.founding import found
from muniment.sandbox.history import tell
from muniment.sandbox.live import Live
from muniment.sandbox.organisation import unix_time
from muniment.sandbox.registry import Registry
from muniment.sandbox.shapes import Shapes
from muniment.sandbox.stage import Stage
from muniment.sandbox.store import Matches, Store

__all__ = ["World"]

_LEAST_STAFF, _MOST_STAFF, _ENTRIES_PER_STAFF = 24, 400, 4_000
_LEAST_SERVICES, _MOST_SERVICES, _ENTRIES_PER_SERVICE = 6, 60, 20_000
_MOST_DAYS: Final = 3_650
_FIRST_YEAR, _LAST_YEAR = 1990, 9000


class World:
    """An organisation and its audit log; the same arguments give the same answers, byte for byte.

    Called from several threads at once; `arrive` and `arrive_late` wait for each other.

    Args:
        seed: Another seed is another organisation.
        days: The log's first UTC day is this many before `end`.
        entries: How many there are. From 1,200 on they have every action and resource type.
        end: The first UTC day without entries.

    Raises:
        BadInput: Not from 1 to 3,650 days, a negative number of entries, or an end far from our time.
    """

    def __init__(self, seed: int, days: int, entries: int, end: dt.date) -> None:
        if not 1 <= days <= _MOST_DAYS:
            raise BadInput(f"days must be from 1 to {_MOST_DAYS}, not {days}")
        if entries < 0:
            raise BadInput(f"entries must not be negative, and {entries} is")
        if not _FIRST_YEAR <= end.year <= _LAST_YEAR:
            raise BadInput(f"end must be of the years {_FIRST_YEAR} to {_LAST_YEAR}, not {end}")
        start = end - dt.timedelta(days=days)
        staff = min(_MOST_STAFF, _LEAST_STAFF + entries // _ENTRIES_PER_STAFF)
        services = min(_MOST_SERVICES, _LEAST_SERVICES + entries // _ENTRIES_PER_SERVICE)
        registry, shapes = Registry(Dice(seed, "registry")), Shapes()
        self.seed = seed
        """What it was made from, and what chance in its faults goes by."""
        self._organisation = found(Dice(seed, "founding"), registry, start, staff, services)
        stage = Stage(self._organisation, registry, Dice(seed, "scenes"), unix_time(start), unix_time(end))
        self.store = Store(shapes, tell(stage, shapes, seed, entries))
        """The log itself, which tests may change in any way."""
        self.lookups: dict[str, bytes | None] = {}
        """Answers to lookups by id that are given instead of the organisation's own; None is a 404."""
        self._live = Live(stage, Dice(seed, "live"))
        self._writing = threading.Lock()

    def audit_log(self, query: Query) -> Matches:
        """The entries that match, at most ``query.limit`` from ``query.offset``."""
        return self.store.search(query)

    def user(self, user_id: str) -> bytes | None:
        """A user as JSON; None for one that is not, or no longer, there."""
        if user_id in self.lookups:
            return self.lookups[user_id]
        person = self._organisation.people.get(user_id)
        return None if person is None else user_document(person)

    def account(self, account_id: str) -> bytes | None:
        """An account as JSON; None for one that is not there."""
        if account_id in self.lookups:
            return self.lookups[account_id]
        account = self._organisation.accounts.get(account_id)
        return None if account is None else account_document(account, self._organisation)

    def arrive(self, now: dt.datetime, count: int = 1) -> tuple[str, ...]:
        """Let so much more happen now, people coming and going included; returns the ids of the entries."""
        with self._writing:
            lines = [self._live.next_line(now) for _ in range(count)]
            self.store.log(lines)
        return tuple(line.id for line in lines)

    def arrive_late(self, at: dt.datetime, count: int = 1) -> tuple[str, ...]:
        """Log so many entries of a time long past only now; returns their ids."""
        with self._writing:
            lines = [self._live.late_line(at) for _ in range(count)]
            self.store.log(lines)
        return tuple(line.id for line in lines)
