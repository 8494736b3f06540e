"""Faults of pace: a source that bears only so much, and one that is slow."""

import asyncio
import datetime as dt
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from email.utils import format_datetime
from functools import partial
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from muniment.errors import TooManyRequests
from muniment.sandbox.backend import Passing, Source
from muniment.sandbox.faults.fault import Fault, Ground, Layers, count

__all__ = ["FAULTS"]

_SECOND: Final = dt.timedelta(seconds=1)
_VENDOR_LIMITS: Final = ((100, 5 * _SECOND), (1000, 180 * _SECOND))
"""Calls in a span, of the vendor's sister API. Source: DigiCert, CertCentral Services API, "Rate limiting"."""


class _Limited(Passing):
    """Bears a number of calls in any span of time; what is refused does not count.

    Args:
        behind: What is limited.
        clock: Tells the time.
        limits: Calls and span; all of them hold.
        say: Says in ``Retry-After`` when the next call is free, from now and then.
    """

    def __init__(
        self,
        behind: Source,
        *,
        clock: Callable[[], dt.datetime],
        limits: Sequence[tuple[int, dt.timedelta]],
        say: Callable[[dt.datetime, dt.datetime], str],
    ) -> None:
        super().__init__(behind)
        self._clock = clock
        self._borne = [(deque[dt.datetime](maxlen=calls), span) for calls, span in limits]
        self._say = say
        self._lock = threading.Lock()

    def authorise(self, key: str | None) -> None:
        """Refuse a call that comes before the oldest of the last ones is old enough."""
        with self._lock:
            now = self._clock()
            free = max((times[0] + span for times, span in self._borne if len(times) == times.maxlen), default=now)
            if now < free:
                raise TooManyRequests("Too many requests.", retry_after=self._say(now, free))
            for times, _ in self._borne:
                times.append(now)
        super().authorise(key)


def _in_seconds(now: dt.datetime, free: dt.datetime) -> str:
    return str(math.ceil((free - now).total_seconds()))


def _as_a_date(_now: dt.datetime, free: dt.datetime) -> str:
    # a date has whole seconds: rounded up, so that whoever obeys it is never too early
    return format_datetime(free.replace(microsecond=0) + _SECOND * bool(free.microsecond), usegmt=True)


def _limit(say: Callable[[dt.datetime, dt.datetime], str], ground: Ground, calls: int) -> Layers:
    return Layers(backend=partial(_Limited, clock=ground.clock, limits=[(calls, _SECOND)], say=say))


def _vendor_limit(ground: Ground, _value: None) -> Layers:
    return Layers(backend=partial(_Limited, clock=ground.clock, limits=_VENDOR_LIMITS, say=_in_seconds))


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
        count(),
    ),
    Fault(
        "rate-limit-date",
        "bears N requests in any second and answers the others 429, with Retry-After as a date",
        partial(_limit, _as_a_date),
        count(),
    ),
    Fault(
        "rate-limit-vendor",
        "bears 100 requests in any 5 seconds and 1,000 in any 3 minutes, and answers the others 429",
        _vendor_limit,
    ),
    Fault("latency", "begins each answer MS milliseconds after it was asked for", _latency, count("MS")),
)
