"""What `-v` shows: each request as it is answered, on stderr."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from muniment.cli.output import say

__all__ = ["show_logs"]


class _Spoken(logging.Handler):
    """Says each record, in one printable line."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


@contextmanager
def show_logs() -> Iterator[None]:
    """Within the block, what Muniment logs is said."""
    logger = logging.getLogger("muniment")
    handler = _Spoken()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%H:%M:%S"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
