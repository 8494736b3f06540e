"""What a collection has to hold, whatever the sandbox did meanwhile."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muniment.model import Query
from muniment.sandbox.backend import Passing, Sheet
from muniment.sandbox.cable import Cables
from muniment.sandbox.exchange import begin, current
from muniment.sandbox.store import Store
from muniment.sandbox.wire import Broken, target_of

__all__ = ["Difference", "Seen", "Truth", "Witness", "Witnessed", "tell_truth"]

_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


class Seen:
    """Which items went out to clients, in answers that came through whole; as hashes, good in this process only."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def __contains__(self, item: bytes) -> bool:
        return hash(item) in self._hashes

    def note(self, items: Iterable[bytes]) -> None:
        """Take note of what a client has now."""
        self._hashes.update(map(hash, items))


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with a collection; false in a condition when nothing is."""

    missing: frozenset[bytes]
    foreign: frozenset[bytes]
    repeated: frozenset[bytes]

    def __bool__(self) -> bool:
        return bool(self.missing or self.foreign or self.repeated)


@dataclass(frozen=True, slots=True)
class Truth:
    """The exact bytes of items, each once however often the log has it.

    Args:
        must: What a complete collection holds: everything that the log has now, and everything that it had when a
            client was given it. Of an entry that was rewritten after it had been given, only the content given.
        may: What it can hold besides: what the log had, and had no more before anyone was given it, and content that
            nobody was given since it was rewritten.
    """

    must: frozenset[bytes]
    may: frozenset[bytes]

    def compare(self, lines: Iterable[bytes]) -> Difference:
        """How a collection differs.

        Args:
            lines: Its items' exact bytes, with or without line breaks turned into spaces.
        """
        held = Counter(_in_one_line(line) for line in lines)
        must, may = frozenset(map(_in_one_line, self.must)), frozenset(map(_in_one_line, self.may))
        return Difference(
            missing=must - held.keys(),
            foreign=frozenset(held.keys() - must - may),
            repeated=frozenset(item for item, times in held.items() if times > 1),
        )


def tell_truth(store: Store, as_served: Callable[[bytes], bytes], seen: Seen, to: dt.date | None = None) -> Truth:
    """What a collection has to hold now.

    Args:
        store: The log.
        as_served: What becomes of an item's bytes on their way out.
        seen: What clients were given.
        to: The last day of which everything must be held; all there are if None.
    """
    before = {as_served(one.new): as_served(one.old) for one in list(store.replaced)}
    now = frozenset(map(as_served, store.everything()))
    gone = frozenset(map(as_served, store.departed())) - now
    superseded = {item for item in now & before.keys() if _need_not_be_had(item, before, seen)}
    due = now if to is None else now & frozenset(map(as_served, store.everything(to)))
    must = (due - superseded) | {item for item in (now | gone) - superseded if item in seen}
    return Truth(must, (now | gone) - must)


class Witness(Passing):
    """A source that tells the exchange what the page shows."""

    def audit_log(self, query: Query) -> Sheet:
        """Answer, and tell."""
        sheet = super().audit_log(query)
        current().shown = sheet.items
        return sheet


class Witnessed:
    """The app around all others: begins each exchange, and notes what came through."""

    def __init__(self, app: ASGIApp, cables: Cables, seen: Seen) -> None:
        self._app = app
        self._cables = cables
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a page that went out with status 200, in full, has been seen."""
        cable = self._cables.of(scope)
        exchange = begin(target_of(scope), cable)
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status == 200 and exchange.whole and cable.is_open and not message.get("more_body", False):
                self._seen.note(exchange.shown)  # before it is sent: whoever has it may ask for the truth at once
            await send(message)

        with suppress(Broken):
            await self._app(scope, receive, send_on)


def _need_not_be_had(item: bytes, before: dict[bytes, bytes], seen: Seen) -> bool:
    """Whether this content stands for one that was given earlier, and either was not given itself or says the same."""
    earlier = [old for old in _ancestors(item, before) if old in seen]
    return any(item not in seen or _same_json(old, item) for old in earlier)


def _ancestors(item: bytes, before: dict[bytes, bytes]) -> Iterator[bytes]:
    met = {item}
    while item in before and before[item] not in met:
        item = before[item]
        met.add(item)
        yield item


def _same_json(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except (ValueError, RecursionError):
        return False


def _in_one_line(item: bytes) -> bytes:
    return item.translate(_ONE_LINE)
