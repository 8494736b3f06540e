"""The sockets below HTTP: what a fault must reach to break an answer off, or to lie about its length."""

import asyncio
import socket
import struct
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Cable", "Cables"]

_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Cable:
    """One connection with a client, as bytes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def is_open(self) -> bool:
        """Whether neither side has hung up, as far as is known."""
        return not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes past HTTP: whoever does so has to close as well."""
        self._transport.write(data)

    def close(self) -> None:
        """Send what was written, then hang up."""
        self._transport.close()

    def reset(self) -> None:
        """Hang up with a TCP reset, whatever was written."""
        bound: socket.socket = self._transport.get_extra_info("socket")
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()


class Cables:
    """The open connections of one server, found by the client's address; used in the server's own thread."""

    def __init__(self) -> None:
        self._open: dict[Any, Cable] = {}

    def of(self, scope: Scope) -> Cable:
        """The connection that a request came by."""
        return self._open[tuple(scope["client"])]

    def protocol(self) -> type[asyncio.Protocol]:
        """HTTP as uvicorn speaks it, on connections that are noted here while they are open."""
        noted = self._open

        class Noted(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                noted[self.client] = Cable(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                noted.pop(self.client, None)
                super().connection_lost(exc)

        return Noted
