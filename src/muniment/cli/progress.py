"""How far a collection is: a line on the terminal, or nothing where nobody looks."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from muniment.cli.output import number
from muniment.collect.goal import Progress

__all__ = ["show_progress"]

_EVERY_S = 0.25
_WIDTH = 79


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """A function that is told how far the run is; it writes to a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    line = _Line()
    try:
        yield line.tell
    finally:
        line.clear()


class _Line:
    """One line that is written over."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._told = 0.0

    def tell(self, progress: Progress) -> None:
        """Show the window, the rate and the time left."""
        now = time.monotonic()
        if now - self._told < _EVERY_S:
            return
        self._told = now
        sys.stderr.write(f"\r\x1b[K{self._words(progress, now - self._started)[:_WIDTH]}")
        sys.stderr.flush()

    @staticmethod
    def _words(progress: Progress, elapsed_s: float) -> str:
        words = f"{progress.doing} {progress.window}"
        if not progress.rows:
            return words
        rate = progress.rows / max(elapsed_s, 0.001)
        words += f"  {number(progress.rows)} entries  {number(round(rate))}/s"
        if progress.of and progress.of > progress.rows:
            words += f"  {_span((progress.of - progress.rows) / rate)} left"
        return words

    @staticmethod
    def clear() -> None:
        """Leave the terminal as it was."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
