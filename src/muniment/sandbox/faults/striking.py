"""Faults that hit some requests and spare others, so that whoever asks again may get through."""

import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from muniment.sandbox.dice import Dice
from muniment.sandbox.faults.fault import Ground, Layers, Value
from muniment.sandbox.wire import is_call, is_page, target_of

__all__ = ["EACH", "Otherwise", "Rate", "Strikes", "rate", "strike"]

Otherwise = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
"""Answers a request in a way that the app inside would not."""

_WANTS: Final = "a whole number from 1, or a share such as 25%"


class Rate(NamedTuple):
    """How many requests are hit: each `every`-th of them, or `percent` of a hundred by chance."""

    every: int = 0
    percent: int = 0

    @property
    def always(self) -> bool:
        """Nothing is spared."""
        return self.every == 1 or self.percent == 100


EACH: Final = Rate(every=1)


def rate(every: int) -> Value[Rate]:
    """``N``: every N-th request; ``P%``: a share by the seed."""
    return Value("N|P%", _WANTS, _parse, Rate(every=every))


def _parse(text: str) -> Rate | None:
    digits = text.removesuffix("%")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0
    if text.endswith("%"):
        return Rate(percent=number) if 1 <= number <= 100 else None
    return Rate(every=number) if number else None


class Strikes:
    """Decides which requests are hit.

    A share is drawn for each target and try, so that it does not matter in which order targets are asked for. Unless
    everything is hit, a target that was hit is spared when it is asked for again.

    Args:
        rate: How many.
        name: Of the fault, for its own chance.
        ground: With the seed.
    """

    def __init__(self, rate: Rate, name: str, ground: Ground) -> None:
        self._rate = rate
        self._dice: Callable[[str, int], Dice] = lambda target, tries: ground.dice(name, target, tries)
        self._asked = 0
        self._tries: Counter[str] = Counter()
        self._hit: set[str] = set()
        self._lock = threading.Lock()

    def fall(self, target: str) -> bool:
        """Whether this request is hit; asking counts."""
        with self._lock:
            self._asked += 1
            self._tries[target] += 1
            if target in self._hit:
                self._hit.discard(target)
                return False
            falls = self._falls(target)
            if falls and not self._rate.always:
                self._hit.add(target)
            return falls

    def _falls(self, target: str) -> bool:
        if self._rate.every:
            return self._asked % self._rate.every == 0
        return self._dice(target, self._tries[target]).percent(self._rate.percent)


def strike(otherwise: Otherwise, name: str, *, pages: bool = False) -> Callable[[Ground, Rate], Layers]:
    """Answer the requests that are hit otherwise.

    Args:
        otherwise: How.
        name: Of the fault.
        pages: Hit pages of the audit log only, not lookups.
    """
    concerns = is_page if pages else is_call

    def lay(ground: Ground, rate: Rate) -> Layers:
        strikes = Strikes(rate, name, ground)

        def around(app: ASGIApp) -> ASGIApp:
            async def answer(scope: Scope, receive: Receive, send: Send) -> None:
                hit = concerns(scope) and scope["method"] == "GET" and strikes.fall(target_of(scope))
                await (otherwise(app, scope, receive, send) if hit else app(scope, receive, send))

            return answer

        return Layers(app=around)

    return lay
