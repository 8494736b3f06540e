"""One request and its answer, as the layers around it know them."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from muniment.sandbox.cable import Cable

__all__ = ["Exchange", "begin", "current"]


@dataclass(slots=True)
class Exchange:
    """What is known of a request while it is answered.

    Attributes:
        target: What was asked, as in the request line.
        cable: The connection that it came by.
        key: The key that it came with, once that was looked at.
        shown: The items of the page that answers it.
        whole: Whether a client that waits will have all of them; a fault that keeps any back says no.
    """

    target: str = ""
    cable: Cable | None = None
    key: str | None = None
    shown: Sequence[bytes] = ()
    whole: bool = True


_current: Final[ContextVar[Exchange | None]] = ContextVar("muniment_exchange", default=None)


def current() -> Exchange:
    """The request that this thread or task is answering; one of no consequence outside of any."""
    return _current.get() or Exchange()


def begin(target: str, cable: Cable) -> Exchange:
    """From now on, what is called from here answers this request."""
    exchange = Exchange(target, cable)
    _current.set(exchange)
    return exchange
