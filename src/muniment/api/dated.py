"""The ``Date`` header, from a clock that is an argument: the collector measures the source's clock by it."""

import datetime as dt
from collections.abc import Callable
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Dated"]


class Dated:
    """An app whose answers say when they were made (RFC 9110, section 6.6.1).

    Args:
        app: The app whose answers are dated.
        clock: The time as an aware value in UTC.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], dt.datetime]) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, and say when."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._app(scope, receive, send_dated)
