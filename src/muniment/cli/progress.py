"""How far a collection is: a line on the terminal, or nothing where nobody looks."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from muniment.cli.wording import cell, counted, cut, number
from muniment.collect.goal import Progress

__all__ = ["ProgressLine", "show_progress"]

_EVERY_S: Final = 0.25


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A function that is told how far the run is; it writes to a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    line = ProgressLine(sys.stderr, shutil.get_terminal_size().columns, time.monotonic)
    try:
        yield line.tell
    finally:
        line.clear()


class ProgressLine:
    """One line that is written over.

    Args:
        stream: The terminal.
        width: Its columns.
        monotonic: Seconds of a clock that only goes forward.
    """

    def __init__(self, stream: TextIO, width: int, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._width = width
        self._monotonic = monotonic
        self._told = -_EVERY_S
        self._doing = ""
        self._began = 0.0
        self._rows_before = 0

    def tell(self, progress: Progress) -> None:
        """Show the window, the rate and the time left."""
        now = self._monotonic()
        if progress.doing != self._doing:
            self._doing, self._began, self._rows_before = progress.doing, now, progress.rows
        elif now - self._told < _EVERY_S:
            return
        self._told = now
        # the last column stays free: some terminals begin a line of their own after it
        self._write(cut(cell(self._words(progress, now - self._began)), self._width - 1))

    def clear(self) -> None:
        """Leave the terminal as it was."""
        self._write("")

    def _words(self, progress: Progress, elapsed_s: float) -> str:
        words = f"{progress.doing} {progress.window}".strip()
        rows = progress.rows - self._rows_before
        if rows <= 0 or elapsed_s <= 0:
            return words
        rate = rows / elapsed_s
        words += f"  {counted(progress.rows, 'entry')}  {number(round(rate))}/s"
        if progress.of is not None and progress.of > progress.rows:
            words += f"  {_span((progress.of - progress.rows) / rate)} left"
        return words

    def _write(self, words: str) -> None:
        self._stream.write(f"\r\x1b[K{words}")
        self._stream.flush()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
