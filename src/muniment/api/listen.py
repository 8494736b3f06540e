"""An ASGI app on a socket, served from a thread until the caller has done."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from muniment.errors import MunimentError

__all__ = ["listening"]

_KEEP_ALIVE_S: Final = 75
_GRACE_S: Final = 1
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 compared with, never bound by itself


@contextmanager
def listening(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, protocol: type[asyncio.Protocol] | None = None
) -> Iterator[str]:
    """Serve an app over HTTP while the context lasts.

    Answers on their way get a second to arrive when the context ends; idle connections are closed at once.

    Args:
        app: Sends its own ``Date``.
        host: A name or address of this machine.
        port: 0 takes a free one.
        protocol: Speaks HTTP instead of uvicorn's ``H11Protocol``, as its subclass: how to reach below HTTP.

    Yields:
        The base URL, once connections are accepted.

    Raises:
        MunimentError: The address cannot be had.
    """
    bound = _bind(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http=protocol or "h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    thread = threading.Thread(target=server.run, args=([bound],), name="muniment-http", daemon=True)
    thread.start()
    try:
        server.settled.wait()
        assert server.started
        yield _url(host, bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """A server that says when it accepts, or never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol is named: asyncio turns Nagle's algorithm off only then, and it costs 40 ms an answer.
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _not_to_be_had(host, port, error) from error
    try:
        if os.name == "posix":  # elsewhere it lets two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError as error:
        bound.close()
        raise _not_to_be_had(host, port, error) from error
    return bound


def _not_to_be_had(host: str, port: int, error: OSError) -> MunimentError:
    why = error.strerror or str(error)
    return MunimentError(
        f"cannot listen on {host}, port {port}: {why}", hint="Name another --port, or 0 for a free one."
    )


def _url(host: str, port: int) -> str:
    name = _WILDCARDS.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
