"""A server that says byte for byte what a test wants said, over real sockets, well or badly behaved."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import parse_headers
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "key-0123456789abcdef_secret"


@dataclass(frozen=True)
class Request:
    """One request as it came: its target is spelled as on the wire, `connection` counts the sockets."""

    method: str
    target: str
    headers: dict[str, str]
    connection: int
    at: float
    raw: bytes

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


Behaviour = Callable[[Request, socket.socket], bool | None]
"""Writes what it likes to the socket; the connection is kept when it returns True."""


@dataclass
class RawServer:
    """Listens on a free port of 127.0.0.1 and lets `behaviour` answer each request."""

    behaviour: Behaviour
    tls: ssl.SSLContext | None = None
    handshake_delay_s: float = 0.0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            sockets = [self._listener, *self._open]
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(timeout=5)
            assert not thread.is_alive()

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                sock, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, self._keep(sock), self.connections)

    def _keep(self, sock: socket.socket) -> socket.socket:
        with self._lock:
            self._open.add(sock)
            is_late = self._closing.is_set()
        if is_late:  # `close` has not seen it, and nobody else would end what waits on it
            sock.close()
            raise ConnectionAbortedError
        return sock

    def _serve(self, plain: socket.socket, connection: int) -> None:
        with contextlib.suppress(OSError, ValueError), contextlib.closing(plain):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            time.sleep(self.handshake_delay_s)
            sock = self._keep(self.tls.wrap_socket(plain, server_side=True)) if self.tls else plain
            with contextlib.closing(sock):
                while (request := read_request(sock, connection)) is not None:
                    with self._lock:
                        self.requests.append(request)
                    if not self.behaviour(request, sock):
                        break


def read_request(sock: socket.socket, connection: int) -> Request | None:
    head = b""
    while b"\r\n\r\n" not in head:
        received = sock.recv(65536)
        if not received:
            return None
        head += received
        if not head[:1].isalpha():
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return None
    line, _, rest = head.partition(b"\r\n")
    method, target, _ = line.decode().split(" ", 2)
    headers = {name.lower(): value for name, value in parse_headers(BytesIO(rest)).items()}
    return Request(method, target, headers, connection, time.monotonic(), head)


@contextlib.contextmanager
def raw_server(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server that behaves as told, one behaviour a request, the last one ever after."""
    server = RawServer(in_turn(*behaviours), tls)
    try:
        yield server
    finally:
        server.close()


def in_turn(*behaviours: Behaviour) -> Behaviour:
    lock = threading.Lock()
    left = list(behaviours)

    def behave(request: Request, sock: socket.socket) -> bool | None:
        with lock:
            behaviour = left.pop(0) if len(left) > 1 else left[0]
        return behaviour(request, sock)

    return behave


def response(status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A whole response; header names are written with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def says(*parts: bytes, keep: bool = True, every_s: float = 0.0) -> Behaviour:
    """Sends the parts, with a pause between them, and keeps the connection or not."""

    def behave(_: Request, sock: socket.socket) -> bool:
        for part in parts:
            sock.sendall(part)
            if every_s:
                time.sleep(every_s)
        return keep

    return behave


def answers(status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> Behaviour:
    return says(response(status, body, length=length, **headers))


def answers_json(document: object, **headers: str) -> Behaviour:
    headers = {"Content_Type": "application/json", **headers}
    return says(response(200, json.dumps(document).encode(), length=None, **headers))


OK = answers_json({"ok": True})


def resets(_: Request, sock: socket.socket) -> None:
    """Ends the connection by a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()


def hangs_up(_: Request, sock: socket.socket) -> None:
    """Ends the connection politely, without an answer."""


def is_silent(_: Request, sock: socket.socket) -> None:
    """Never answers; ends when the other side has gone."""
    sock.recv(1)
