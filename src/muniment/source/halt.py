"""Being told to stop: by whoever runs a client, or by the client itself, which must not stop others with it."""

import threading
import time
from typing import Final

__all__ = ["Halt"]

_SLICE_S: Final = 0.1


class Halt(threading.Event):
    """An event of one's own that is also set once another one is.

    Args:
        other: The other one, if there is any; never set from here.
    """

    def __init__(self, other: threading.Event | None = None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether either is."""
        return super().is_set() or (self._other is not None and self._other.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until either is set, so many seconds at most; whether one is."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left_s = _SLICE_S if until is None else until - time.monotonic()
            if left_s <= 0:
                break
            super().wait(min(left_s, _SLICE_S))
        return self.is_set()
