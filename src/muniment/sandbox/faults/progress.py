"""How much of a log has been served: what decides when a moving population moves."""

import threading
from collections.abc import Callable, Iterable

__all__ = ["Progress"]


class Progress:
    """What was there when the first page was asked for, and how much of it has been on a page since.

    Args:
        everything: All items of the log; asked once, when the first page is noted.

    Attributes:
        as_served: What becomes of an item's bytes on their way out; known once all faults are laid.
    """

    as_served: Callable[[bytes], bytes]

    def __init__(self, everything: Callable[[], Iterable[bytes]]) -> None:
        self._everything = everything
        self._whole = -1
        self._ahead: set[int] = set()
        self._lock = threading.RLock()

    def note(self, served: Iterable[bytes]) -> None:
        """These are on a page now, as they are served."""
        with self._lock:
            self._begin()
            self._ahead.difference_update(map(hash, served))

    def forget(self, items: Iterable[bytes]) -> None:
        """These are in the log no more."""
        self.note(map(self.as_served, items))

    def was_served(self, item: bytes) -> bool:
        """Whether an item of the beginning has been on a page."""
        with self._lock:
            self._begin()
            return hash(self.as_served(item)) not in self._ahead

    def reached(self, percent: int) -> bool:
        """Whether so much of what was there has been on a page; of an empty log never."""
        with self._lock:
            self._begin()
            return self._whole > 0 and len(self._ahead) * 100 <= self._whole * (100 - percent)

    def _begin(self) -> None:
        if self._whole < 0:
            self._ahead = {hash(self.as_served(item)) for item in self._everything()}
            self._whole = len(self._ahead)
