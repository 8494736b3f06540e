"""Sockets that keep to one deadline for a whole answer.

A socket's own time-out starts afresh with every byte, so a source that drips one byte a second would hold a request
for ever. Here each wait is cut to what is left of the answer's time, and in slices, so that being told to stop is
noticed too. The deadline is the calling thread's: urllib3 lets one thread at a time use a connection.
"""

import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from muniment.errors import Stopped

__all__ = ["ConnectTimeout", "DeadlineSocket", "DeadlineTlsSocket", "answer_within", "connect"]

_SLICE_S = 0.25
_LEAST_S = 0.001

T = TypeVar("T")
SocketOptions = Iterable[tuple[int, int, int | bytes]]


class ConnectTimeout(TimeoutError):
    """No connection came about in time."""


class _Current(threading.local):
    ends_at: float = math.inf
    stop: threading.Event | None = None


_current = _Current()


@contextmanager
def answer_within(timeout_s: float, stop: threading.Event | None) -> Iterator[None]:
    """Bound everything this thread receives inside the block to `timeout_s` altogether."""
    _current.ends_at = time.monotonic() + timeout_s
    _current.stop = stop
    try:
        yield
    finally:
        _current.ends_at = math.inf
        _current.stop = None


def _left_s() -> float:
    """Seconds until the deadline, at least one millisecond.

    Raises:
        TimeoutError: It has passed.
        Stopped: The caller wants no answer any more.
    """
    if _current.stop is not None and _current.stop.is_set():
        raise Stopped("told to stop while waiting for the source")
    left = _current.ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for this answer is over")
    return max(left, _LEAST_S)


class DeadlineSocket(socket.socket):
    """A socket that receives until the deadline of its thread, and no longer."""

    def recv_into(self, *args: Any) -> int:
        """As `socket.socket.recv_into`; TimeoutError once the deadline has passed."""
        return self._patiently(super().recv_into, *args)

    def recv(self, *args: Any) -> bytes:
        """As `socket.socket.recv`; TimeoutError once the deadline has passed."""
        return self._patiently(super().recv, *args)

    def _patiently(self, receive: Callable[..., T], *args: Any) -> T:
        while True:
            self.settimeout(min(_left_s(), _SLICE_S))
            try:
                return receive(*args)
            except TimeoutError:
                continue


class DeadlineTlsSocket(DeadlineSocket, ssl.SSLSocket):
    """The same, encrypted; an SSL context makes these by its `sslsocket_class`."""

    def do_handshake(self, block: bool = False) -> None:
        """As `ssl.SSLSocket.do_handshake`, which keeps to the socket's time-out as a whole."""
        self.settimeout(_left_s())
        super().do_handshake(block)


def connect(host: str, port: int, options: SocketOptions) -> socket.socket:
    """Connect to the first address of a host that answers.

    The time left is shared fairly, so that an address which swallows packets does not cost the next one its turn.
    Only looking the name up cannot be bounded from here: that is the resolver's time-out.

    Raises:
        ConnectTimeout: No address answered in time.
        OSError: The name is not known, or every address refused.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectTimeout(f"no address of {host}")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            return _connect_one(DeadlineSocket(family, kind, protocol), address, options, len(addresses) - tried)
        except TimeoutError:
            failure = ConnectTimeout(f"no connection to {host} in time")
        except OSError as error:
            failure = error
    raise failure


def _connect_one(sock: DeadlineSocket, address: Any, options: SocketOptions, sharers: int) -> socket.socket:
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(_left_s() / sharers)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock
