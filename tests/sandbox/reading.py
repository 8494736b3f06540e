"""A client that asks a sandbox one thing at a time, and hides nothing of what it is told."""

import contextlib
import datetime as dt
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from muniment.sandbox.keys import KEYS
from muniment.sandbox.server import Box
from muniment.source.pages import cut_page

API = "/account/api/v1/"
VIEWER = KEYS["AM_VIEW_ONLY"]
END = dt.date(2026, 4, 1)
NOON = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)


class Clock:
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@dataclass(frozen=True)
class Reader:
    """Asks one box with one key; no retries, no redirects."""

    box: Box
    pool: urllib3.PoolManager
    key: str = VIEWER

    def ask(self, path: str = "audit-log?limit=1000", **options: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request("GET", self.box.url + API + path, headers={"x-api-key": self.key}, **options)

    def page(self, **params: Any) -> Any:
        """One page as JSON; `from_` stands for ``from``."""
        return self.answer(**params).json()

    def answer(self, **params: Any) -> urllib3.BaseHTTPResponse:
        query = urlencode({name.rstrip("_"): value for name, value in params.items()})
        return self.ask(f"audit-log?{query}")

    def items(self, **params: Any) -> list[bytes]:
        """The exact bytes of the items of one page; all of the first thousand unless told."""
        answer = self.answer(**({"limit": 1000} | params))
        assert answer.status == 200, answer.data
        return list(cut_page(answer.data).items)

    def statuses(self, times: int, path: str = "audit-log?limit=1") -> list[int]:
        return [self.ask(path).status for _ in range(times)]


def raw(box: Box, path: str = "audit-log?limit=1000", most: int = 2**24, timeout_s: float = 10) -> bytes:
    """What comes over a socket of its own: until the other side hangs up, falls silent, or enough is there.

    A reset ends it too, and stands at the end as ``RESET``; silence as ``SILENCE``.
    """
    host, port = box.url.removeprefix("http://").split(":")
    request = f"GET {API}{path} HTTP/1.1\r\nHost: {host}\r\nx-api-key: {VIEWER}\r\nConnection: close\r\n\r\n"
    got = b""
    with socket.create_connection((host, int(port)), timeout=timeout_s) as link:
        try:
            link.sendall(request.encode())
            while len(got) < most and (more := link.recv(min(2**16, most - len(got)))):
                got += more
        except ConnectionResetError:
            return got + b"RESET"
        except TimeoutError:
            return got + b"SILENCE"
    return got


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def headers_of(answer: bytes) -> dict[str, str]:
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def ids(items: list[bytes]) -> list[str]:
    found = []
    for item in items:
        with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError):
            found.append(json.loads(item)["id"])
    return found
