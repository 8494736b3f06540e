"""One ask, over HTTP: a request, its answer cut into exact items, and the two hashes that stand for each row."""

import contextlib
import datetime as dt
import threading
from typing import NamedTuple

import numpy as np

from muniment.archive.columns import entry_batch
from muniment.archive.identity import content_hashes, key_hashes
from muniment.archive.leaf import one_lines
from muniment.collect.fetching import Fetched
from muniment.collect.instants import rfc3339
from muniment.errors import BadRequest, Oversized
from muniment.source.client import Client, Reply
from muniment.source.endpoints import AUDIT_LOG
from muniment.source.pages import cut_page, is_no_page
from muniment.sweep.window import Ask, Refused, Sheet, Window, Words

__all__ = ["LARGEST_ANSWER_BYTES", "Asker"]

LARGEST_ANSWER_BYTES = 8 << 20
"""A larger answer is asked for in halves: 1000 entries are half a megabyte, and several pages are under way at once."""

_FEW = 2  # rows that are asked for to learn a total, or one by one
_MOST_STEPS = 12
_NO_ROW = Ask(Window.day(dt.date(2100, 1, 1)), 0, 1)  # of any other window the one row may be what does not come
_NONE: Words = np.empty(0, dtype=np.uint64)


class Behind(NamedTuple):
    """An answer from further on, taken for the total alone.

    Args:
        reply: It.
        steps: How much further on it was asked for.
        why: Why what was asked for at first did not come.
    """

    reply: Reply
    steps: int
    why: str


class Asker:
    """Answers asks from one source: `ask` in as many threads as one likes, `read` in one.

    Reading an answer is work for the processor. Done by the threads that ask, it makes each of them wait for all others
    whenever it lets go of the interpreter's lock (measured: a third more time).

    Args:
        client: Speaks to the source.
        source: Name of the source, part of every key.
    """

    def __init__(self, client: Client, source: str) -> None:
        self.requests = 0
        self.skew_s: float | None = None
        self.source_clock: dt.datetime | None = None
        self.odd: dict[str, None] = {}
        self._client = client
        self._source = source
        self._lock = threading.Lock()

    def ask(self, ask: Ask) -> Reply | Behind | Refused:
        """Ask once; what is no page but no end either is a `Refused`.

        Where one row or two do not come, the total is taken from an answer behind them.

        Raises:
            SourceError: The source cannot be read.
        """
        try:
            reply = self._get(ask)
        except Oversized as error:
            self._make_sure_of_life(error)
            return self._look_behind(ask, error) if ask.limit <= _FEW else Refused("size", error.message)
        except BadRequest as error:
            if ask.offset == 0:
                return self._refused_at_first(ask, error)
            return Refused("offset", f"offset {ask.offset} was refused: {error.message}")
        self._note_clock(reply)
        return reply

    def _refused_at_first(self, ask: Ask, error: BadRequest) -> Refused:
        """Where fewer rows are answered, it was their number that was refused.

        Raises:
            BadRequest: It was not.
        """
        if ask.limit <= _FEW:
            raise error
        with contextlib.suppress(BadRequest):
            self._get(Ask(ask.window, 0, 1))
            return Refused("size", f"a limit of {ask.limit} was refused: {error.message}")
        raise error

    def _make_sure_of_life(self, error: Oversized) -> None:
        """From a source that answers nothing at all less would be asked in vain, for hours.

        Raises:
            SourceError: It answers nothing.
        """
        if not error.came:
            with contextlib.suppress(BadRequest):  # an answer too
                self._note_clock(self._get(_NO_ROW))

    def _look_behind(self, ask: Ask, error: Oversized) -> Behind | Refused:
        """The total of a window whose row does not come, from the rows after it, or from the end.

        They are as near as may be, for a source may refuse deep offsets; where it refuses these, the window is read in
        parts, in which the row lies less deep.
        """
        for steps in (ask.limit << n for n in range(_MOST_STEPS)):
            try:
                return Behind(self._get(Ask(ask.window, ask.offset + steps, ask.limit)), steps, error.message)
            except Oversized as next_one:
                if not next_one.came:
                    break  # each costs the whole time that one request is tried
            except BadRequest:
                break
        return Refused("size", error.message)

    def _get(self, ask: Ask) -> Reply:
        with self._lock:
            self.requests += 1
        return self._client.get(AUDIT_LOG, ask.query().to_params(), complain=is_no_page, shrinkable=ask.limit > 1)

    def _note_clock(self, reply: Reply) -> None:
        if reply.date is not None:
            self.source_clock = reply.date
            self.skew_s = round((reply.date - reply.received_at).total_seconds(), 1)

    def read(self, reply: Reply | Behind | Refused) -> Fetched:
        """Cut an answer into items, and make their leaves.

        Raises:
            WireError: It is no page.
        """
        if isinstance(reply, Refused):
            return Fetched(reply)
        if isinstance(reply, Behind):
            return Fetched(_total_alone(reply))
        page = cut_page(reply.body)
        self.odd.update(dict.fromkeys(page.odd))
        items = one_lines(page.items)
        batch = entry_batch(self._source, rfc3339(reply.received_at), items)
        sheet = Sheet(
            total=page.total,
            offset=page.offset,
            limit=page.limit,
            keys=key_hashes(self._source, batch.record_batch["id"].to_pylist(), items),
            contents=content_hashes(items),
        )
        return Fetched(sheet, batch)


def _total_alone(behind: Behind) -> Sheet:
    page = cut_page(behind.reply.body)
    return Sheet(
        total=page.total,
        offset=None if page.offset is None else page.offset - behind.steps,
        limit=page.limit,
        keys=_NONE,
        contents=_NONE,
        withheld=behind.why,
    )
