"""How many requests may be under way at once, and how soon the next may start."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from muniment.errors import Stopped

__all__ = ["Pacer"]

START_ALLOWED: Final = 4.0
_REFUSED_FACTOR = 0.5
_SLOW_FACTOR = 0.8
_SLOW_RATIO = 2.0
_SHORT_WEIGHT = 0.2
_LONG_WEIGHT = 0.02
_LEAST_SETTLING_S = 0.1
_LOOK_AGAIN_S = 0.2
_BITS_OF_A_SIZE_CLASS = 3


class _Latency:
    """How long answers took lately, and how long they used to take."""

    def __init__(self) -> None:
        self.short_s = 0.0
        self.long_s = 0.0

    def note(self, latency_s: float) -> None:
        if not self.long_s:
            self.short_s = self.long_s = latency_s
        self.short_s += _SHORT_WEIGHT * (latency_s - self.short_s)
        self.long_s += _LONG_WEIGHT * (latency_s - self.long_s)

    @property
    def has_grown(self) -> bool:
        return self.short_s > _SLOW_RATIO * self.long_s


class Pacer:
    """Lets requests through: one more at a time while all goes well, far fewer at once when it does not.

    Additive increase: one more request under way for every round of answers (until the first trouble, for every
    answer, for the limit is not known then). Multiplicative decrease: half after
    a refusal, four fifths when answers take twice as long as they used to; once for all requests that were under way
    together. Never more than `max_rate` starts a second, and none at all while the source asks for a pause.

    Args:
        connections: Requests under way at once, at most.
        max_rate: Starts a second, at most; None sets no limit.
        monotonic: Seconds of a clock that only goes forward.
        sleep: Waits that many seconds, or less when told to stop.
        stop: Once set, nothing is let through any more.
    """

    def __init__(
        self,
        connections: int,
        max_rate: float | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        stop: threading.Event | None = None,
    ) -> None:
        self._connections = connections
        self._spacing_s = 1 / max_rate if max_rate else 0.0
        self._monotonic = monotonic
        self._sleep = sleep
        self._stop = stop
        self._free = threading.Condition()
        self._allowed = min(START_ALLOWED, float(connections))
        self._has_shrunk = False
        self._under_way = 0
        self._next_start = -1.0
        self._paused_until = -1.0
        self._settled_at = -1.0
        self._latencies: defaultdict[int, _Latency] = defaultdict(_Latency)

    @property
    def allowed(self) -> int:
        """How many requests may be under way at once just now."""
        return int(self._allowed)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until a request may start, and count it as under way inside the block.

        Raises:
            Stopped: The caller wants no more of them.
        """
        self._enter()
        try:
            yield
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify()

    def answered(self, latency_s: float, size_bytes: int = 0) -> None:
        """Learn from an answer that took so long; it is compared with others of about its size."""
        with self._free:
            latency = self._latencies[size_bytes.bit_length() // _BITS_OF_A_SIZE_CLASS]
            latency.note(latency_s)
            if latency.has_grown:
                self._shrink(_SLOW_FACTOR, latency.short_s)
            elif self._allowed < self._connections:
                more = 1 / self._allowed if self._has_shrunk else 1.0
                self._allowed = min(float(self._connections), self._allowed + more)
                self._free.notify()

    def refused(self, asked_wait_s: float = 0.0) -> None:
        """Learn that the source was asked too much; nothing starts for as long as it asked to wait."""
        with self._free:
            self._paused_until = max(self._paused_until, self._monotonic() + asked_wait_s)
            self._shrink(_REFUSED_FACTOR, 0.0)

    def _enter(self) -> None:
        while True:
            self._check_stop()
            with self._free:
                wait_s = self._wait_s(self._monotonic())
                if wait_s is None:
                    self._free.wait(_LOOK_AGAIN_S)
                    continue
                if wait_s <= 0:
                    self._under_way += 1
                    self._next_start = self._monotonic() + self._spacing_s
                    return
            self._sleep(wait_s)

    def _wait_s(self, now: float) -> float | None:
        """Seconds until one more may start, None while that hangs on another's end."""
        if self._under_way >= int(self._allowed):
            return None
        return max(self._paused_until, self._next_start) - now

    def _shrink(self, factor: float, settling_s: float) -> None:
        now = self._monotonic()
        if now < self._settled_at:
            return
        self._has_shrunk = True
        self._allowed = max(1.0, self._allowed * factor)
        # what was under way together fails together, and is one reason to shrink, not several
        self._settled_at = max(now, self._paused_until) + max(_LEAST_SETTLING_S, settling_s)

    def _check_stop(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise Stopped("told to stop before the next request")
