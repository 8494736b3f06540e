"""Faults of the source's clock, as ``Date`` shows it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muniment.sandbox.faults.fault import Fault, Ground, Layers, minutes

__all__ = ["FAULTS"]

Say = Callable[[dt.datetime], str | None]


@dataclass(frozen=True, slots=True)
class _Redated:
    """An app whose ``Date`` says something else, or is not there."""

    app: ASGIApp
    clock: Callable[[], dt.datetime]
    say: Say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_redated(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = self.say(self.clock())
                date = [] if said is None else [(b"date", said.encode())]
                others = [header for header in message["headers"] if header[0] != b"date"]
                message = {**message, "headers": [*others, *date]}
            await send(message)

        await self.app(scope, receive, send_redated)


def _saying(ground: Ground, say: Say) -> Layers:
    return Layers(app=lambda app: _Redated(app, ground.clock, say))


def _off(ground: Ground, ahead_min: int) -> Layers:
    return _saying(ground, lambda now: format_datetime(now + dt.timedelta(minutes=ahead_min), usegmt=True))


def _with_zone(ground: Ground, ahead_min: int) -> Layers:
    zone = dt.timezone(dt.timedelta(minutes=ahead_min))
    return _saying(ground, lambda now: format_datetime(now.astimezone(zone)))


def _absent(ground: Ground, _value: None) -> Layers:
    return _saying(ground, lambda _now: None)


def _unreadable(ground: Ground, _value: None) -> Layers:
    return _saying(ground, lambda now: now.strftime("%Y/%m/%d at %H.%M"))


_MOST_OFF_MIN: Final = 60 * 24 * 30
_MOST_ZONE_MIN: Final = 14 * 60
_ZONE: Final = minutes(_MOST_ZONE_MIN, 330)

FAULTS: Final = (
    Fault(
        "date-off",
        "has a Date that is MIN minutes ahead (7 unless told; -7 is behind)",
        _off,
        minutes(_MOST_OFF_MIN, 7),
    ),
    Fault(
        "date-local",
        "says its local time, MIN minutes ahead (330 unless told), as if it were GMT",
        _off,
        _ZONE,
    ),
    Fault("date-zone", "writes Date in a zone MIN minutes ahead (330 unless told), as +0530", _with_zone, _ZONE),
    Fault("date-absent", "has no Date", _absent),
    Fault("date-unreadable", "has a Date in a form that nobody can read", _unreadable),
)
