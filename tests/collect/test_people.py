"""What is asked and kept of users and accounts: any answer is one about that one, and none harms the archive."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.collect.conftest import END, SOURCE, Clock, Site

from muniment.api.app import make_app
from muniment.api.listen import listening
from muniment.archive.columns import leaf_batch
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.collecting import Collected
from muniment.collect.standing import load_standing
from muniment.errors import Unauthorized, Unreachable
from muniment.sandbox.backend import WorldBackend
from muniment.sandbox.keys import KEYS
from muniment.sandbox.server import Box
from muniment.sandbox.wire import Counted, Requests
from muniment.sandbox.world import World

CALLS = "/account/api/v1/"
NEVER = 599, b"later than anybody waits"


class Front:
    """An app whose answers a test may replace, by the path below the API's own or by its first part."""

    def __init__(self, app: ASGIApp) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(CALLS)
        told = self.answers.get(path) or self.answers.get(path.partition("/")[0])
        if told is None:
            await self._app(scope, receive, send)
            return
        if told == NEVER:
            await asyncio.sleep(2)
        await send({"type": "http.response.start", "status": told[0], "headers": []})
        await send({"type": "http.response.body", "body": told[1]})


class Fronted(Site):
    """An archive, a sandbox, and what stands before it; `who` is one of its users."""

    def __init__(self, folder: Path, box: Box, clock: Clock, front: Front) -> None:
        super().__init__(folder, box, clock)
        self.front = front
        users = (json.loads(item)["user"]["id"] for item in self.served())
        self.who = next(who for who in users if box.world.user(who) is not None)

    def say(self, status: int, body: bytes, path: str | None = None) -> None:
        """Let lookups of the user be answered so, or all of a path."""
        self.front.answers[path or f"user/{self.who}"] = status, body.replace(b"%s", self.who.encode())

    def state(self, done: Collected) -> str:
        """What the archive says of the user."""
        latest = done.standing.sources[SOURCE].users[self.who].latest
        return latest.state if latest else "never asked for"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Fronted]:
    """A front that passes everything on as long as a test says nothing else."""
    clock, requests, world = Clock(), Requests(), World(7, 10, 120, END)
    front = Front(make_app(WorldBackend(world), clock))
    with listening(Counted(front, requests)) as url:
        yield Fronted(tmp_path, Box(url, KEYS, world, requests), clock, front)


POISON = {
    "a number out of range": b'{"id":"%s","user_name":"ann","status":"ACTIVE","x":1e999}',
    "an integer of 5000 digits": b'{"id":"%s","user_name":"ann","status":"ACTIVE","x":' + b"9" * 5000 + b"}",
    "a byte that is no UTF-8": b'{"id":"%s","user_name":"ann","status":"ACTIVE","x":"\xff"}',
    "a lone surrogate": b'{"id":"%s","user_name":"ann","status":"ACTIVE","x":"\\ud800"}',
    "NaN": b'{"id":"%s","user_name":"ann","status":"ACTIVE","x":NaN}',
    "a byte order mark": b'\xef\xbb\xbf{"id":"%s","user_name":"ann","status":"ACTIVE"}',
}


@pytest.mark.parametrize("odd", POISON)
def test_an_answer_with_odd_bytes_is_kept_byte_for_byte_and_read_as_far_as_it_can_be(site: Fronted, odd: str) -> None:
    site.say(200, POISON[odd])
    done = site.collect()
    assert (done.outcome.complete, site.state(done)) == (True, "active")
    leaf = done.standing.sources[SOURCE].users[site.who].snapshots[-1].leaf
    sealed = Archive.open(site.folder / "archive").leaf(leaf)
    assert parse_leaf(sealed).payload == POISON[odd].replace(b"%s", site.who.encode())
    assert site.collect().outcome.complete


UNREADABLE = {
    "nesting of 5000": b'{"id":"%s","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "no object": b'["%s"]',
    "an id that is no text": b'{"id":7,"name":"%s"}',
    "somebody else": b'{"id":"somebody","name":"%s"}',
}


@pytest.mark.parametrize("odd", UNREADABLE)
def test_an_answer_that_is_not_about_whom_was_asked_for_is_sealed_as_unresolved(site: Fronted, odd: str) -> None:
    site.say(200, UNREADABLE[odd])
    done = site.collect()
    assert (done.outcome.complete, site.state(done)) == (True, "unresolved")
    assert "somebody" not in done.standing.sources[SOURCE].users
    site.collect()
    assert site.looked_up == 0, "the answer would be the same"


def test_members_that_are_no_text_say_nothing(site: Fronted) -> None:
    site.say(200, b'{"id":"%s","user_name":{"a":1},"status":["x"]}')
    assert site.state(site.collect()) == "unknown"
    assert site.collect().outcome.complete


def test_an_archive_that_holds_answers_nobody_can_read_is_read_all_the_same(site: Fronted) -> None:
    site.collect()
    bodies = [*POISON.values(), *UNREADABLE.values(), b"", b"\xff", b"no JSON"]
    with Writer(site.archive, site.home) as writer, writer.transaction() as transaction:
        for body in (each.replace(b"%s", b"u-1") for each in bodies):
            transaction.add(leaf_batch("user", SOURCE, "2026-04-02T12:00:00Z", [body]))
            transaction.add(leaf_batch("account", SOURCE, "2026-04-02T12:00:00Z", [body]))
    standing = load_standing(Archive.open(site.folder / "archive"), site.folder / "elsewhere")
    known = standing.sources[SOURCE].users["u-1"]
    assert (known.name, [each.state for each in known.snapshots]) == ("ann", ["active"] * len(POISON))


def test_a_refusal_in_bytes_that_are_no_utf8_is_one_like_any_other(site: Fronted) -> None:
    site.say(404, '{"error":{"code":"x","message":"Größe"}}'.encode("latin-1"))
    done = site.collect()
    assert (done.outcome.complete, site.state(done)) == (True, "not_found")


@pytest.mark.parametrize(
    ("status", "state"),
    [(302, "unresolved"), (400, "unresolved"), (401, "forbidden"), (403, "forbidden"), (410, "unresolved")],
)
def test_a_lookup_that_is_refused_is_that_ones_state_and_everybody_else_is_asked_for(
    site: Fronted, status: int, state: str
) -> None:
    site.say(status, b"{}")
    done = site.collect()
    assert (done.outcome.complete, done.outcome.stopped, site.state(done)) == (True, None, state)
    known = done.standing.sources[SOURCE]
    assert all(person.latest is not None for person in (*known.users.values(), *known.accounts.values()))
    site.collect()
    assert site.looked_up == 0, "the answer would be the same"


def test_one_whose_lookup_failed_is_asked_for_again_in_the_next_run(site: Fronted) -> None:
    site.say(500, b"{}")
    done = site.collect(retry_s=0.2)
    assert (done.outcome.complete, site.state(done)) == (True, "unresolved")
    site.front.answers.clear()
    mended = site.collect()
    assert (site.looked_up, mended.outcome.updated_users) == (1, 1)
    assert site.state(mended) != "unresolved"


@pytest.mark.parametrize("status", [401, 422])
def test_lookups_that_are_all_refused_leave_a_run_complete_and_cost_few_requests_to_the_log(
    site: Fronted, status: int
) -> None:
    usual = site.collect().outcome.complete and site.asked
    site.say(status, b"{}", "user")
    site.say(status, b"{}", "account")
    again = Fronted(site.folder / "again", site.box, site.clock, site.front)
    done = again.collect()
    known = done.standing.sources[SOURCE]
    assert (done.outcome.complete, again.looked_up) == (True, len(known.users) + len(known.accounts))
    asks_the_log = status == 401
    assert usual + asks_the_log <= again.asked <= usual + asks_the_log * again.looked_up // 4


def test_a_key_that_is_unknown_everywhere_ends_the_run_and_is_nobodys_state(site: Fronted) -> None:
    def revoke(progress: object) -> None:
        if "resolving" in str(progress):
            for path in ("user", "account", "audit-log"):
                site.say(401, b"{}", path)

    site.tell = revoke
    done = site.collect()
    assert isinstance(done.outcome.stopped, Unauthorized)
    assert not done.outcome.complete
    assert [person.snapshots for person in done.standing.sources[SOURCE].users.values() if person.snapshots] == []
    after = [path for path, _ in site.box.requests.recent][-17:]
    assert f"{CALLS}audit-log" in after, "at most 16 requests follow the log's 401"
    site.front.answers.clear()
    site.tell = lambda _: None
    assert site.collect().outcome.complete


def test_a_lookup_that_is_never_answered_is_that_ones_state_as_long_as_the_log_answers(site: Fronted) -> None:
    site.front.answers[f"user/{site.who}"] = NEVER
    done = site.collect(timeout_s=0.4, retry_s=0.4)
    assert (done.outcome.complete, site.state(done)) == (True, "unresolved")


def test_a_source_that_answers_nothing_any_more_ends_the_run(site: Fronted) -> None:
    def go(progress: object) -> None:
        if "resolving" in str(progress):
            site.front.answers.update(dict.fromkeys(("user", "account", "audit-log"), NEVER))

    site.tell = go
    done = site.collect(timeout_s=0.4, retry_s=0.4)
    assert isinstance(done.outcome.stopped, Unreachable)
    assert [person.snapshots for person in done.standing.sources[SOURCE].users.values() if person.snapshots] == []
