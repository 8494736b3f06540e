"""Ctrl-C and SIGTERM ask a run to stop where it can; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["Noted", "noted_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Noted:
    """Which signal asked for the end, if any.

    Attributes:
        event: Set with the first one, for what waits.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._first: int | None = None

    def __call__(self) -> int | None:
        """The first signal's number."""
        return self._first

    def note(self, number: int) -> None:
        """Take in the first signal."""
        self._first = number
        self.event.set()


@contextmanager
def noted_signals(*, as_json: bool) -> Iterator[Noted]:
    """Within the block, the first signal is only noted; by the second the process ends, with 128 and its number."""
    noted = Noted()

    def take(number: int, _: object) -> None:
        if noted() is not None:
            _end_at_once(number, as_json=as_json)
        noted.note(number)

    before = {each: signal.signal(each, take) for each in _SIGNALS}
    try:
        yield noted
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end_at_once(number: int, *, as_json: bool) -> None:
    # straight to the descriptors: the streams may be in the middle of something
    os.write(2, b"\r\x1b[K" if os.isatty(2) else b"")
    os.write(2, b"Ended at once: what was sealed stays; the next run reads the rest.\n")
    if as_json:
        os.write(
            1,
            b'{"error":{"code":"interrupted","message":"a second signal ended the run at once",'
            b'"hint":"Run it again: it goes on where it stopped."}}\n',
        )
    os._exit(128 + number)
