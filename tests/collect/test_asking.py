"""One ask over a socket: what does not come through is asked for in less, or told apart from a source that is gone."""

import datetime as dt
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.source.rawserver import KEY, Behaviour, RawServer, Request, is_silent, raw_server, response

from muniment.collect.asking import Asker
from muniment.errors import Unreachable
from muniment.source.client import Client
from muniment.source.settings import Settings
from muniment.sweep.window import Ask, Refused, Sheet, Window

DAY = Window.day(dt.date(2026, 3, 2))
ROWS = 9


def serves(*, large: range = range(0), last_offset: int = 10**9, slow: range = range(0)) -> Behaviour:
    """A day of nine rows; of some the answer is too large, others never come."""

    def behave(request: Request, sock: socket.socket) -> bool | None:
        offset, limit = int(request.params["offset"]), int(request.params["limit"])
        asked = range(offset, min(offset + limit, ROWS)) if request.params["from"] == "2026-03-02" else range(0)
        if offset > last_offset:
            sock.sendall(response(400, b'{"errors":[{"code":"invalid_input_field","message":"Invalid offset."}]}'))
            return True
        if set(asked) & set(slow):
            is_silent(request, sock)
            return None
        items = [{"id": f"e-{row}", "description": "x" * (5_000 if row in large else 1)} for row in asked]
        page = {"total": ROWS, "offset": offset, "limit": limit, "items": items}
        sock.sendall(response(200, json.dumps(page).encode(), Content_Type="application/json"))
        return True

    return behave


@contextmanager
def asker(behaviour: Behaviour) -> Iterator[tuple[Asker, RawServer]]:
    with raw_server(behaviour) as server:
        settings = Settings(url=server.url, api_key=KEY, timeout_s=0.3, retry_s=0.4)
        with Client(settings, max_body_bytes=4_000) as client:
            yield Asker(client, "source"), server


def asked(server: RawServer) -> list[tuple[str, int, int]]:
    of = [request.params for request in server.requests]
    return [(each["from"], int(each["offset"]), int(each["limit"])) for each in of]


@pytest.mark.parametrize("first", [0, 3, 8])
def test_the_total_is_told_beside_a_row_that_is_too_large(first: int) -> None:
    with asker(serves(large=range(first, first + 1))) as (one, server):
        sheet = one.read(one.ask(Ask(DAY, first, 1))).answer
    assert isinstance(sheet, Sheet)
    assert (sheet.total, sheet.offset, len(sheet)) == (ROWS, first, 0)
    assert "larger than 4000 bytes" in (sheet.withheld or "")
    assert asked(server) == [*[("2026-03-02", first, 1)] * 2, ("2026-03-02", first + 1, 1)]


def test_behind_several_rows_that_are_too_large_the_total_is_looked_for_further_on() -> None:
    with asker(serves(large=range(4))) as (one, server):
        sheet = one.read(one.ask(Ask(DAY, 0, 2))).answer
    assert isinstance(sheet, Sheet)
    assert (sheet.total, sheet.limit) == (ROWS, 2), "with the same limit, for a total must not depend on it"
    assert [offset for _, offset, _ in asked(server)] == [0, 2, 4]


def test_more_rows_that_are_too_large_are_asked_for_in_less_without_looking_anywhere_else() -> None:
    with asker(serves(large=range(1))) as (one, server):
        refused = one.read(one.ask(Ask(DAY, 0, 1000))).answer
    assert isinstance(refused, Refused)
    assert refused.kind == "size"
    assert len(server.requests) == 1, "an answer that is too large shows that the source lives"


def test_a_row_that_is_too_large_at_the_last_offset_a_source_takes_is_left_to_smaller_windows() -> None:
    with asker(serves(large=range(5, 6), last_offset=5)) as (one, _):
        refused = one.read(one.ask(Ask(DAY, 5, 1))).answer
    assert isinstance(refused, Refused)
    assert refused.kind == "size"


def test_a_page_that_never_comes_is_asked_for_in_less_where_the_source_answers_at_all() -> None:
    with asker(serves(slow=range(1))) as (one, server):
        refused = one.read(one.ask(Ask(DAY, 0, 1000))).answer
    assert isinstance(refused, Refused)
    assert refused.kind == "size"
    assert asked(server)[-1][0] == "2100-01-01", "the only row of another window may be the one that does not come"


def test_a_source_that_answers_nothing_at_all_is_not_asked_for_less() -> None:
    with asker(is_silent) as (one, server), pytest.raises(Unreachable):
        one.ask(Ask(DAY, 0, 1000))
    assert {limit for _, _, limit in asked(server)} == {1000, 1}
