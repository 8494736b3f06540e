"""Faults of pace: a source that bears only so much, and one that is slow."""

import asyncio
import datetime as dt
import math
import threading
from collections import deque
from collections.abc import Callable
from email.utils import format_datetime
from functools import partial
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from muniment.api.backend import Backend
from muniment.errors import TooManyRequests
from muniment.sandbox.backend import Passing
from muniment.sandbox.faults.fault import Fault, Ground, Layers

__all__ = ["FAULTS"]

_SPAN: Final = dt.timedelta(seconds=1)


class _Limited(Passing):
    """Bears a number of calls in any one second; what is refused does not count."""

    def __init__(
        self,
        behind: Backend,
        *,
        clock: Callable[[], dt.datetime],
        calls: int,
        say: Callable[[dt.datetime, dt.datetime], str],
    ) -> None:
        super().__init__(behind)
        self._clock = clock
        self._borne: deque[dt.datetime] = deque(maxlen=calls)
        self._say = say
        self._lock = threading.Lock()

    def authorise(self, key: str | None) -> None:
        """Refuse a call that comes before the oldest of the last ones is a second old."""
        with self._lock:
            now = self._clock()
            if len(self._borne) == self._borne.maxlen and now < (free := self._borne[0] + _SPAN):
                raise TooManyRequests("Too many requests.", retry_after=self._say(now, free))
            self._borne.append(now)
        super().authorise(key)


def _in_seconds(now: dt.datetime, free: dt.datetime) -> str:
    return str(math.ceil((free - now).total_seconds()))


def _as_a_date(_now: dt.datetime, free: dt.datetime) -> str:
    # a date has whole seconds: rounded up, so that whoever obeys it is never too early
    return format_datetime(free.replace(microsecond=0) + _SPAN * bool(free.microsecond), usegmt=True)


def _limit(say: Callable[[dt.datetime, dt.datetime], str], ground: Ground, calls: int) -> Layers:
    return Layers(backend=partial(_Limited, clock=ground.clock, calls=calls, say=say))


class _Late:
    """Begins each answer some time after it was asked for."""

    def __init__(self, app: ASGIApp, delay_s: float) -> None:
        self._app = app
        self._delay_s = delay_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer."""
        await asyncio.sleep(self._delay_s)
        await self._app(scope, receive, send)


def _latency(_ground: Ground, delay_ms: int) -> Layers:
    return Layers(app=partial(_Late, delay_s=delay_ms / 1000))


FAULTS: Final = (
    Fault(
        "rate-limit",
        "bears N requests in any second and answers the others 429, with Retry-After in seconds",
        partial(_limit, _in_seconds),
        "N",
    ),
    Fault(
        "rate-limit-date",
        "bears N requests in any second and answers the others 429, with Retry-After as a date",
        partial(_limit, _as_a_date),
        "N",
    ),
    Fault("latency", "begins each answer MS milliseconds after it was asked for", _latency, "MS"),
)
