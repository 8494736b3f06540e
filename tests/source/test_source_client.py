"""Whatever a source does, a question ends with its answer or one clear error, in bounded time."""

import contextlib
import datetime as dt
import gzip
import importlib.metadata
import json
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.source.conftest import ClientMaker
from tests.source.rawserver import (
    KEY,
    OK,
    Behaviour,
    Request,
    answers,
    hangs_up,
    is_silent,
    raw_server,
    resets,
    response,
    says,
)

from muniment.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    Oversized,
    SourceError,
    Stopped,
    Unauthorized,
    Unreachable,
)
from muniment.source.client import Reply

JSON = b'{"ok": true}'


class Ticker:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


# --- what is sent


def test_a_request_carries_the_key_and_says_who_asks(make_client: ClientMaker) -> None:
    with raw_server(OK) as server:
        reply = make_client(server.url + "/pre%20fix").get(
            "/account/api/v1/audit-log",
            {"user_name": "a b&c", "resource_types": "USER,APIKEY", "sort": "timestamp:desc", "action": "\ud800é"},
        )
    request = server.requests[0]
    assert request.target == (
        "/pre%20fix/account/api/v1/audit-log"
        "?user_name=a%20b%26c&resource_types=USER,APIKEY&sort=timestamp:desc&action=%ED%A0%80%C3%A9"
    )
    assert request.headers["x-api-key"] == KEY
    assert request.headers["user-agent"] == f"muniment/{importlib.metadata.version('muniment')}"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.raw.count(KEY.encode()) == 1
    assert reply.url == server.url + request.target


def test_a_reply_says_what_came_when_and_by_whose_clock(make_client: ClientMaker) -> None:
    now = dt.datetime(2026, 11, 24, 22, 0, tzinfo=dt.UTC)
    with raw_server(answers(200, JSON, Date="Tue, 24 Nov 2026 21:59:58 GMT")) as server:
        reply = make_client(server.url, clock=lambda: now).get("/x")
    assert reply == Reply(200, JSON, now - dt.timedelta(seconds=2), now, 1, server.url + "/x")


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2026 21:59:58 GMT"])
def test_a_clock_that_cannot_be_read_is_none(make_client: ClientMaker, date: str) -> None:
    with raw_server(answers(200, JSON, Date=date)) as server:
        assert make_client(server.url).get("/x").date is None


def test_a_connection_is_used_again(make_client: ClientMaker) -> None:
    with raw_server(OK) as server:
        client = make_client(server.url)
        for _ in range(5):
            client.get("/x")
    assert server.connections == 1


def test_a_connection_that_was_dropped_meanwhile_costs_one_more_request_at_most(make_client: ClientMaker) -> None:
    with raw_server(says(response(200, JSON), keep=False)) as server:
        client = make_client(server.url)
        for _ in range(3):
            assert client.get("/x").body == JSON
            time.sleep(0.02)
    assert server.connections == 3


def test_many_threads_share_a_client_and_its_counters_are_right(make_client: ClientMaker) -> None:
    def echo(request: Request, sock: socket.socket) -> bool:
        if request.target.endswith("7"):
            request_count[request.target] = request_count.get(request.target, 0) + 1
            if request_count[request.target] == 1:
                sock.sendall(response(503))
                return True
        sock.sendall(response(200, json.dumps(request.target).encode()))
        return True

    request_count: dict[str, int] = {}
    with raw_server(echo) as server:
        client = make_client(server.url)
        with ThreadPoolExecutor(16) as threads:
            replies = list(threads.map(lambda number: client.get(f"/{number}"), range(200)))
    assert [json.loads(reply.body) for reply in replies] == [f"/{number}" for number in range(200)]
    assert sum(reply.attempts for reply in replies) == client.requests == 220
    assert client.retries == 20
    assert server.connections <= 16


# --- what is tried again


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(resets, id="resets"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-Le", keep=False), id="head cut"),
        pytest.param(says(response(200, JSON, length=50), keep=False), id="body shorter than said"),
        pytest.param(says(response(200, JSON + b"more", length=5)), id="body longer than said"),
        pytest.param(
            says(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n', keep=False), id="chunks cut"
        ),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", keep=False), id="bad chunk"),
        pytest.param(says(b'HTTP/1.1 200 OK\r\n\r\n{"items":[{},', keep=False), id="no length and cut"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}"), id="two lengths"),
        pytest.param(answers(200, b"no gzip", Content_Encoding="gzip"), id="bad gzip"),
        pytest.param(answers(200, gzip.compress(JSON)[:-12], Content_Encoding="gzip"), id="gzip cut"),
        pytest.param(answers(200, b"\x0b\x05\x80{}\x03", Content_Encoding="br"), id="packed as nobody asked"),
        pytest.param(answers(200, b"<html>Sign in</html>", Content_Type="text/html"), id="html"),
        pytest.param(answers(200), id="empty"),
        pytest.param(answers(204), id="no content"),
        pytest.param(answers(200, b'{"items":[{"id":"a"},'), id="json cut"),
        pytest.param(says(b"SSH-2.0-OpenSSH_9.2\r\n", keep=False), id="not http"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n", keep=False), id="500 headers"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nx: " + b"b" * 70_000, keep=False), id="endless header"),
        *(pytest.param(answers(status), id=str(status)) for status in (408, 429, 500, 502, 503, 504)),
    ],
)
def test_a_passing_trouble_is_tried_again(make_client: ClientMaker, trouble: Behaviour) -> None:
    with raw_server(trouble, trouble, OK) as server:
        client = make_client(server.url)
        reply = client.get("/x")
        assert (reply.body, reply.attempts) == (JSON, 3)
        assert (client.requests, client.retries) == (3, 2)
        assert client.get("/x").attempts == 1


def test_what_need_not_be_json_is_taken_as_it_is(make_client: ClientMaker) -> None:
    with raw_server(answers(200, b"a,b\n1,2\n", Content_Type="text/csv")) as server:
        assert make_client(server.url).get("/export", complain=lambda _: None).body == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("trouble", "kind", "status", "said"),
    [
        (hangs_up, Unreachable, None, "the connection was closed without an answer"),
        (is_silent, Oversized, None, "no answer within"),
        (says(response(200, JSON, length=50), keep=False), Oversized, None, "the answer broke off"),
        (answers(200, b"<html>"), Unreachable, 200, "something that is not JSON"),
        (answers(503, b'{"error":{"code":"x","message":"Down for\\u001b[31m repair"}}'), Unreachable, 503, "Down for"),
        (answers(500), Unreachable, 500, "answered 500 (asked 4 times)"),
        (answers(504), Oversized, 504, "answered 504"),
    ],
)
def test_a_lasting_trouble_ends_in_time_with_an_error_that_says_what(
    make_client: ClientMaker, trouble: Behaviour, kind: type[SourceError], status: int | None, said: str
) -> None:
    with raw_server(trouble) as server:
        client = make_client(server.url, timeout_s=0.2, retry_s=0.5)
        started = time.monotonic()
        with pytest.raises(kind) as caught:
            client.get("/x", {"limit": "7"})
        assert time.monotonic() - started < 2
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert error.message.startswith(f"GET {server.url}/x?limit=7: ")
    assert said in error.message
    assert "\x1b" not in error.message
    assert error.exit_code == 3


def test_nobody_listening_is_unreachable(make_client: ClientMaker) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}", retry_s=0.2)
    with pytest.raises(Unreachable, match="the connection was refused"):
        client.get("/x")
    assert client.retries >= 1


def test_a_name_that_nobody_knows_is_unreachable(make_client: ClientMaker) -> None:
    with pytest.raises(Unreachable, match="name is not known"):
        make_client("http://no-such-host.invalid", retry_s=0).get("/x")


def test_a_host_that_swallows_packets_is_unreachable_in_time(make_client: ClientMaker) -> None:
    # a listener whose queue is full drops what comes, as a firewall does
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)  # noqa: FBT003 -- its only spelling
            sock.connect_ex(listener.getsockname())
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3, retry_s=0)
        started = time.monotonic()
        with pytest.raises(Unreachable, match="no connection came about in time") as caught:
            client.get("/x")
        assert time.monotonic() - started < 2
    assert not isinstance(caught.value, Oversized)


# --- what is final


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"errors": [{"code": "invalid_input_field", "message": "Invalid from [x]."}]}, "Invalid from [x]."),
        (401, {"error": {"code": "invalid_api_key", "message": "No such key."}}, "No such key."),
        (403, {"errors": [{"code": "access_denied"}]}, "access_denied"),
        (404, {"errors": [{"code": "not_found", "message": "User not found."}]}, "User not found."),
        (400, {"errors": [{"message": "One."}, {"code": "b", "message": "Two."}]}, "One.; Two."),
        (400, {"errors": ["plain"]}, "plain"),
        (400, {"errors": []}, "without saying why"),
        (400, {"errors": None}, "without saying why"),
        (400, {"error": "invalid_request", "error_description": "Odd."}, "invalid_request"),
        (400, {"error": {"code": 7, "message": ["x"]}}, "without saying why"),
        (400, {"title": "Bad", "status": 400}, "Bad"),
        (400, [1, 2], "without saying why"),
        (405, None, "without saying why"),
        (418, "tea", "without saying why"),
    ],
)
def test_a_refusal_is_final_and_speaks_the_sources_words(
    make_client: ClientMaker, status: int, body: object, words: str
) -> None:
    kinds = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound}
    with raw_server(answers(status, json.dumps(body).encode())) as server:
        client = make_client(server.url)
        with pytest.raises(SourceError) as caught:
            client.get("/x")
    assert type(caught.value) is kinds.get(status, SourceError)
    assert caught.value.message == f"GET {server.url}/x: answered {status}: {words}"
    assert caught.value.status == status
    assert (client.requests, client.retries) == (1, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"errors": [{"message": "One."}, {"code": "b", "message": "Two."}]}, "b"),
        ({"error": {"code": "access_denied"}}, "access_denied"),
        ({"error": {"code": 7}}, None),
        ([], None),
    ],
)
def test_a_refusal_keeps_the_sources_code(make_client: ClientMaker, body: object, code: str | None) -> None:
    with raw_server(answers(403, json.dumps(body).encode())) as server, pytest.raises(Forbidden) as caught:
        make_client(server.url).get("/x")
    assert caught.value.vendor_code == code


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b"\xff\x00", id="binary"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"errors":[{"message":"' + b"x" * 50_000 + b'"}]}', id="long message"),
        pytest.param(b"y" * 300_000, id="long body"),
    ],
)
def test_a_refusal_stays_one_whatever_its_body(make_client: ClientMaker, body: bytes) -> None:
    with raw_server(answers(403, body), OK) as server:
        client = make_client(server.url)
        with pytest.raises(Forbidden) as caught:
            client.get("/x")
        assert len(caught.value.message) < 500
        assert client.get("/x").body == JSON


def test_a_refusal_stays_one_when_its_body_breaks_off(make_client: ClientMaker) -> None:
    with raw_server(says(response(401, b"{", length=50), keep=False)) as server, pytest.raises(Unauthorized):
        make_client(server.url).get("/x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_goes_nowhere(make_client: ClientMaker, status: int) -> None:
    with raw_server(OK) as other:
        location = f"http://user:pw@{other.url.removeprefix('http://')}/elsewhere?token=1"
        with raw_server(answers(status, Location=location)) as server:
            client = make_client(server.url)
            with pytest.raises(SourceError) as caught:
                client.get("/x")
        assert other.requests == []
    assert f"answered {status}, a redirect to http://127.0.0.1" in caught.value.message
    assert "token" not in caught.value.message
    assert client.requests == 1


@pytest.mark.parametrize(
    ("location", "said"),
    [("/login", "another path of the same host"), ("", "nowhere"), ("http://[", "cannot be read"), ("//b", "://b")],
)
def test_a_redirect_without_a_host_is_named_for_what_it_is(make_client: ClientMaker, location: str, said: str) -> None:
    with raw_server(answers(302, Location=location)) as server, pytest.raises(SourceError, match=said):
        make_client(server.url).get("/x")


# --- how long it takes


@pytest.mark.parametrize(
    ("every_s", "head"),
    [(0.03, b""), (0.03, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")],
    ids=["dripping head", "dripping body"],
)  # fmt: skip
def test_a_source_that_drips_is_left_when_the_time_is_over(
    make_client: ClientMaker, every_s: float, head: bytes
) -> None:
    drops = [bytes([byte]) for byte in (b"" if head else b"HTTP/1.1 200 OK\r\nA: ") + b" " * 200]
    with raw_server(says(head, *drops, every_s=every_s)) as server:
        client = make_client(server.url, timeout_s=0.4, retry_s=0)
        started = time.monotonic()
        with pytest.raises(Oversized, match=r"answer within 0\.4 s"):
            client.get("/x")
        assert 0.35 < time.monotonic() - started < 1.5


def test_a_silent_source_costs_one_time_out_and_the_time_of_trying_again(make_client: ClientMaker) -> None:
    with raw_server(is_silent) as server:
        client = make_client(server.url, timeout_s=2, retry_s=1)
        started = time.monotonic()
        with pytest.raises(Oversized, match=r"no answer within 2 s \(asked 2 times\)"):
            client.get("/x")
        assert 2.9 < time.monotonic() - started < 3.7


def test_a_slow_answer_that_keeps_to_the_time_is_taken(make_client: ClientMaker) -> None:
    pieces = [bytes([byte]) for byte in response(200, JSON)]
    with raw_server(says(*pieces, every_s=0.01)) as server:
        assert make_client(server.url, timeout_s=3, retry_s=0).get("/x").body == JSON


def test_who_can_ask_for_less_is_told_at_the_first_time_out(make_client: ClientMaker) -> None:
    with raw_server(is_silent) as server:
        client = make_client(server.url, timeout_s=0.2)
        with pytest.raises(Oversized):
            client.get("/x", shrinkable=True)
        assert client.requests == 1


@pytest.mark.parametrize(
    ("header", "waited_s"),
    [("3", 3.0), ("Tue, 24 Nov 2026 22:00:09 GMT", 9.0), ("Tue, 24 Nov 2026 21:00:00 GMT", 0.01), ("later", 0.01)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_to_the_second(
    make_client: ClientMaker, status: int, header: str, waited_s: float
) -> None:
    ticker = Ticker()
    # the date is by the source's clock, and ours is an hour off
    refuses = answers(status, Retry_After=header, Date="Tue, 24 Nov 2026 22:00:00 GMT")
    clock = dt.datetime(2026, 11, 24, 23, 0, tzinfo=dt.UTC)
    with raw_server(refuses, OK) as server:
        client = make_client(server.url, monotonic=ticker, sleep=ticker.sleep, clock=lambda: clock, retry_s=1)
        assert client.get("/x").attempts == 2
    assert ticker.now == pytest.approx(waited_s)


def test_a_date_to_retry_after_is_by_our_clock_where_the_source_shows_none(make_client: ClientMaker) -> None:
    ticker = Ticker()
    clock = dt.datetime(2026, 11, 24, 22, 0, tzinfo=dt.UTC)
    with raw_server(answers(429, Retry_After="Tue, 24 Nov 2026 22:00:05 GMT"), OK) as server:
        make_client(server.url, monotonic=ticker, sleep=ticker.sleep, clock=lambda: clock).get("/x")
    assert ticker.now == pytest.approx(5)


def test_a_source_that_always_asks_to_wait_is_given_up_in_ten_minutes(make_client: ClientMaker) -> None:
    ticker = Ticker()
    with raw_server(answers(429, Retry_After="100")) as server:
        client = make_client(server.url, monotonic=ticker, sleep=ticker.sleep)
        with pytest.raises(Unreachable, match="asks to wait 100 s more") as caught:
            client.get("/x")
    assert ticker.now == pytest.approx(600)
    assert (caught.value.status, client.requests) == (429, 7)


def test_a_wait_past_all_patience_is_not_begun(make_client: ClientMaker) -> None:
    with raw_server(answers(503, Retry_After="86400")) as server:
        client = make_client(server.url)
        with pytest.raises(Unreachable, match="asks to wait 86400 s more") as caught:
            client.get("/x")
    assert client.requests == 1
    assert "Come back later" in caught.value.hint


def test_the_rate_is_kept_by_retries_too(make_client: ClientMaker) -> None:
    with raw_server(answers(503), answers(503), OK) as server:
        make_client(server.url, max_rate=20).get("/x")
    assert server.requests[-1].at - server.requests[0].at >= 2 / 20 - 0.005


# --- how much is taken in


def test_a_large_answer_is_refused_before_it_fills_memory(make_client: ClientMaker) -> None:
    def floods(_: Request, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(b" " * 65536)

    with raw_server(floods, OK) as server:
        client = make_client(server.url, max_body_bytes=1 << 20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(Oversized, match="larger than 1048576 bytes"):
            client.get("/x", shrinkable=True)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
        assert client.requests == 1
        assert client.get("/x").body == JSON


def test_a_large_answer_is_asked_for_again_where_less_cannot_be_asked_for(make_client: ClientMaker) -> None:
    large = answers(200, b" " * 5000)
    with raw_server(large, OK) as server:
        client = make_client(server.url, max_body_bytes=1000)
        assert client.get("/x").body == JSON
        assert client.requests == 2
    with raw_server(large) as server:
        client = make_client(server.url, max_body_bytes=1000)
        with pytest.raises(Oversized, match=r"larger than 1000 bytes \(asked 2 times\)"):
            client.get("/x")


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(make_client: ClientMaker) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    with raw_server(answers(200, bomb, Content_Encoding="gzip")) as server:
        client = make_client(server.url, max_body_bytes=1 << 20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(Oversized):
            client.get("/x")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_an_answer_of_exactly_the_allowed_size_is_taken(make_client: ClientMaker) -> None:
    body = b'"' + b"x" * 1000 + b'"'
    with raw_server(answers(200, body)) as server:
        assert make_client(server.url, max_body_bytes=1002).get("/x").body == body
        with pytest.raises(Oversized):
            make_client(server.url, max_body_bytes=1001).get("/x")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_gzip_is_unpacked(make_client: ClientMaker, encoding: str) -> None:
    body = json.dumps({"items": ["x" * 10] * 200_000}).encode()
    with raw_server(answers(200, gzip.compress(body, 1), Content_Encoding=encoding)) as server:
        assert make_client(server.url).get("/x").body == body


def test_chunks_are_put_together(make_client: ClientMaker) -> None:
    whole = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"ok": \r\n5\r\ntrue}\r\n0\r\n\r\n'
    with raw_server(says(whole)) as server:
        client = make_client(server.url)
        assert [client.get("/x").body for _ in range(3)] == [JSON] * 3
    assert server.connections == 1


# --- being told to stop


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(is_silent, id="waiting for the answer"),
        pytest.param(says(response(200, JSON, length=50)), id="in the midst of the answer"),
        pytest.param(answers(503, Retry_After="100"), id="waiting for the next try"),
        pytest.param(hangs_up, id="trying again and again"),
    ],
)
def test_being_told_to_stop_ends_a_question_promptly(make_client: ClientMaker, behaviour: Behaviour) -> None:
    stop = threading.Event()
    with raw_server(behaviour) as server:
        client = make_client(server.url, timeout_s=60, retry_s=60, stop=stop)
        timer = threading.Timer(0.15, stop.set)
        timer.start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            client.get("/x")
        assert 0.1 < time.monotonic() - started < 1.5
        sent = client.requests
        with pytest.raises(Stopped):
            client.get("/x")
        assert client.requests == sent
        timer.join()


# --- anything at all


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda status, headers, body: b"HTTP/1.1 " + status + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body,
            st.sampled_from([b"200 OK", b"200", b"99 x", b"1000 x", b"429 x", b"302 x", b"204 x", b"100 Continue"]),
            st.lists(
                st.sampled_from(
                    [b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: x", b"Transfer-Encoding: chunked",
                     b"Content-Encoding: gzip", b"Location: \xff", b"Retry-After: \xff", b"Date: \x00", b"no colon",
                     b": empty", b"Connection: close", b" folded"]
                ),
                max_size=4,
            ),
            st.sampled_from([b"", b"{}", b'{"a":1}', b"2\r\n{}\r\n0\r\n\r\n", b"\x1f\x8b\x08"]),
        ),
    )
)  # fmt: skip
def test_no_bytes_whatever_lead_to_anything_but_an_answer_or_a_source_error(
    make_client: ClientMaker, data: bytes
) -> None:
    with raw_server(says(data, keep=False)) as server:
        client = make_client(server.url, retry_s=0, timeout_s=2)
        with contextlib.suppress(SourceError):
            assert client.get("/x").status < 300
        client.close()


def test_a_closed_client_says_so_at_once(make_client: ClientMaker) -> None:
    client = make_client("http://127.0.0.1:1")
    client.close()
    with pytest.raises(RuntimeError, match="this client is closed"):
        client.get("/x")


def test_a_key_has_one_tag_an_archive_and_another_in_the_next(make_client: ClientMaker) -> None:
    client = make_client("http://127.0.0.1:1")
    # python -c 'import hmac; print(hmac.new(b"a", b"key-0123456789abcdef_secret", "sha256").hexdigest()[:8])'
    assert client.key_tag("a") == "fe0935dc"
    assert client.key_tag("b") != client.key_tag("a")
