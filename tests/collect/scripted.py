"""A source whose every entry a test decides: real HTTP, the tutorial's rules, and answers that a test may bend."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.collect.collecting import Collected, collect
from muniment.collect.goal import Goal
from muniment.collect.standing import Standing, load_standing
from muniment.source.client import Client
from muniment.source.settings import Settings

NOW = dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)
TODAY = NOW.date()
Params = dict[str, str]
_EQUAL = {"action": "action", "status": "status", "resource_types": "resource_type"}


def ago(days: int, hour: int = 8, second: int = 0) -> dt.datetime:
    """A moment so many days before `NOW`'s."""
    return dt.datetime.combine(TODAY, dt.time(hour), dt.UTC) + dt.timedelta(days=-days, seconds=second)


def entry(number: int, at: dt.datetime | None, **members: Any) -> bytes:
    """An entry's bytes."""
    timestamp = {} if at is None else {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    item = {"id": f"e{number:05}", "resource_type": "USER", "action": "LOGIN", "status": "success"} | timestamp
    return json.dumps(item | {"account": {"id": "a1"}, "user": {"id": "u1"}} | members, separators=(",", ":")).encode()


class Source:
    """Serves `items`; `bend` may change a page's document, `refuse` may answer in its place."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.zone = dt.timedelta()
        self.date: Callable[[], dt.datetime | None] = lambda: NOW
        self.bend: Callable[[Params, dict[str, Any]], None] = lambda _params, _page: None
        self.time_of: Callable[[dict[str, Any]], str] = lambda item: item.get("timestamp", "")
        self.refuse: Callable[[Params], tuple[int, dict[str, str]] | None] = lambda _params: None
        self.visible: Callable[[str, bytes], bool] = lambda _key, _item: True
        self.asked: list[Params] = []
        self.url = ""

    def fill(self, first: int, last: int, a_day: int) -> None:
        """Add entries of the days from so many days ago to so many days ago."""
        for day in range(first, last - 1, -1):
            self.items += [entry(len(self.items) + n, ago(day, second=n)) for n in range(a_day)]

    def page(self, params: Params, key: str) -> bytes:
        """The answer to a question for the audit log."""
        rows = sorted((row for row in map(self._row, self.items) if self._matches(row, params, key)), reverse=False)
        if params.get("sort", "timestamp:desc").endswith("desc"):
            rows.reverse()
        offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", 20)), 1000)
        items = [item for _, item in rows[offset : offset + limit]]
        page: dict[str, Any] = {"total": len(rows), "offset": offset, "limit": limit}
        self.asked.append(params)
        self.bend(params, page)
        head = json.dumps(page, separators=(",", ":")).encode()
        return head[:-1] + b',"items":[' + b",".join(items) + b"]}"

    def _row(self, item: bytes) -> tuple[str, bytes]:
        return str(self.time_of(_read(item))), item

    def _matches(self, row: tuple[str, bytes], params: Params, key: str) -> bool:
        at, item = row
        if ("from" in params or "to" in params) and not self._is_within(at, params):
            return False
        said = _read(item)
        same = all(
            str(said.get(member, "")).upper() in params[name].upper().split(",")
            for name, member in _EQUAL.items()
            if name in params
        )
        return same and self.visible(key, item)

    def _is_within(self, at: str, params: Params) -> bool:
        if not at:
            return False
        day = (dt.datetime.fromisoformat(at) + self.zone).date().isoformat()
        return params.get("from", "0") <= day <= params.get("to", "9")


def _read(item: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(item.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {"timestamp": item.partition(b'"timestamp":"')[2][:20].decode()}
    return said


@contextmanager
def serve(source: Source) -> Iterator[None]:
    """Serve a source on this machine; its `url` is known within."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            refused = source.refuse(dict(parse_qsl(parts.query))) if parts.path.endswith("/audit-log") else None
            if refused is not None:
                self._answer(refused[0], b'{"errors":[]}', refused[1])
                return
            if parts.path.endswith("/audit-log"):
                body = source.page(dict(parse_qsl(parts.query)), self.headers["x-api-key"])
            else:
                body = json.dumps({"id": parts.path.rpartition("/")[2], "name": "x", "user_name": "x"}).encode()
            self._answer(200, body, {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if (date := source.date()) is not None:
                self.send_header("Date", format_datetime(date, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    source.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class Place:
    """An archive of such a source."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.folder = folder
        self.source = source
        self.home = Home(folder / "home")
        self.archive = initialise(folder / "archive", self.home, "test.example/log", now=NOW)

    def collect(self, goal: Goal | None = None, *, key: str = "key-that-sees-all") -> Collected:
        """Collect once; `source.asked` then has the requests of this run alone."""
        self.source.asked = []
        with Client(Settings(url=self.source.url, api_key=key, timeout_s=5, retry_s=2), clock=lambda: NOW) as client:
            return collect(
                self.archive, client, "s", home=self.home, cache=self.folder / "cache", goal=goal, clock=lambda: NOW
            )

    def archived(self) -> list[bytes]:
        """Every item of the archive, sorted."""
        opened = Archive.open(self.folder / "archive")
        return sorted(
            leaf.payload for leaf in map(parse_leaf, opened.leaves(range(opened.size))) if leaf.kind == "entry"
        )

    def standing(self) -> Standing:
        """What the archive knows, made from its leaves."""
        return load_standing(Archive.open(self.folder / "archive"), self.folder / "another-cache")

    def findings(self) -> list[tuple[str, int]]:
        """Kind of each finding, and how many entries it is about."""
        found = self.standing().findings.values()
        return sorted((each.kind, len(each.leaves) + sum(end - first for first, end in each.ranges)) for each in found)
