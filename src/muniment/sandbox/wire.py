"""What the sandbox does around the contract on the wire: it counts requests, and lets faults change answers."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muniment.api.openapi import AUDIT_LOG_PATH

__all__ = [
    "Answer",
    "Broken",
    "Counted",
    "Header",
    "Requests",
    "Rewritten",
    "capture",
    "give",
    "is_call",
    "is_page",
    "target_of",
    "wait_until_gone",
]

Header = tuple[bytes, bytes]
_CALLS: Final = "/account/api/v1/"
_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class Requests:
    """What was asked of a sandbox, refused requests included; never by which key.

    `recent` holds the last ten thousand as (path, parameters), oldest first.
    """

    audit_log: int = 0
    lookups: int = 0
    recent: deque[tuple[str, dict[str, str]]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def note(self, path: str, params: dict[str, str]) -> None:
        """Count one request; only the contract's three calls count."""
        if not path.startswith(_CALLS):
            return
        if path == AUDIT_LOG_PATH:
            self.audit_log += 1
        else:
            self.lookups += 1
        self.recent.append((path, params))


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer over HTTP."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def with_headers(self, *headers: Header) -> "Answer":
        """With these headers instead of those of the same names."""
        others = self.without_headers(name for name, _ in headers).headers
        return replace(self, headers=(*others, *headers))

    def without_headers(self, names: Iterable[bytes]) -> "Answer":
        """Without the headers of these names."""
        unwanted = set(names)
        return replace(self, headers=tuple(header for header in self.headers if header[0] not in unwanted))

    def with_body(self, body: bytes) -> "Answer":
        """With another body, and its length."""
        return replace(self, body=body).with_headers((b"content-length", b"%d" % len(body)))

    def head(self) -> bytes:
        """The status line and the headers as they go over the wire."""
        first = b"HTTP/1.1 %d %s" % (self.status, HTTPStatus(self.status).phrase.encode())
        return b"\r\n".join([first, *(b"%s: %s" % header for header in self.headers), b"", b""])


class Counted:
    """An app whose requests are noted as they come in."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request and answer it."""
        params = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self._requests.note(scope["path"], dict(params))
        await self._app(scope, receive, send)


class Rewritten:
    """An app where the body of each answer 200 of the three calls is another."""

    def __init__(self, app: ASGIApp, rewrite: Callable[[bytes], bytes]) -> None:
        self._app = app
        self._rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the body rewritten once it is whole."""
        if not is_call(scope):
            await self._app(scope, receive, send)
            return
        answer = await capture(self._app, scope, receive)
        await give(send, answer.with_body(self._rewrite(answer.body)) if answer.status == 200 else answer)


def is_call(scope: Scope) -> bool:
    """Whether this asks for one of the contract's three calls."""
    path: str = scope["path"]
    return path.startswith(_CALLS)


def is_page(scope: Scope) -> bool:
    """Whether this asks for a page of the audit log."""
    return bool(scope["path"] == AUDIT_LOG_PATH)


def target_of(scope: Scope) -> str:
    """What is asked, as it stands in the request line."""
    query: str = scope["query_string"].decode("latin-1")
    path: str = scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path


class Broken(Exception):
    """The connection was broken further inside, and nobody is there any more to be answered."""


async def capture(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """The answer of an app, kept from the client.

    Raises:
        Broken: There is none.
    """
    start: Message = {}
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    if not start:
        raise Broken
    return Answer(start["status"], tuple(start["headers"]), b"".join(parts))


async def give(send: Send, answer: Answer) -> None:
    """Send an answer in one piece."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


async def wait_until_gone(receive: Receive, longest_s: float) -> bool:
    """Wait for the client to hang up; False if it did not."""
    try:
        async with asyncio.timeout(longest_s):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
