"""What the sandbox does around the contract on the wire: it counts the requests, and lets faults rewrite bodies."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muniment.api.openapi import AUDIT_LOG_PATH

__all__ = ["Counted", "Requests", "Rewritten"]

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
        if not scope["path"].startswith(_CALLS):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        parts: list[bytes] = []

        async def send_rewritten(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                body = b"".join(parts)
                body = self._rewrite(body) if start["status"] == 200 else body
                await send(_with_length(start, len(body)))
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_rewritten)


def _with_length(start: Message, length: int) -> Message:
    others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    return {**start, "headers": [*others, (b"content-length", str(length).encode())]}
