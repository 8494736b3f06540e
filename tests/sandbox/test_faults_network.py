"""Answers that are spoiled on their way, and answers of somebody else."""

import contextlib
import gzip
import http.client
import json
import socket
import time
from email.utils import parsedate_to_datetime
from types import ModuleType

import pytest
import urllib3
from tests.sandbox.conftest import ReaderMaker
from tests.sandbox.reading import API, NOON, VIEWER, Clock, Reader, body_of, headers_of, raw

from muniment.sandbox.faults import refusing, transfer

PAGE = "audit-log?limit=1000"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def sound(plain: Reader) -> bytes:
    return plain.ask(PAGE).data


def patient(reader: Reader, limit: int, timeout: float = 5) -> bytes:
    """The page that a client gets which tries six times, until it has read JSON."""
    for _ in range(6):
        with contextlib.suppress(urllib3.exceptions.HTTPError, json.JSONDecodeError, UnicodeDecodeError):
            answer = reader.ask(f"audit-log?limit={limit}", timeout=timeout)
            if answer.status == 200:
                json.loads(answer.data)
                return answer.data
    return b""


# ---- encoded otherwise


def test_an_answer_may_be_packed_though_nobody_asked(faulty: ReaderMaker, plain: Reader) -> None:
    answer = raw(faulty("gzip").box)
    assert headers_of(answer)["content-encoding"] == "gzip"
    assert int(headers_of(answer)["content-length"]) == len(body_of(answer)) < len(sound(plain)) / 3
    assert gzip.decompress(body_of(answer)) == sound(plain)


def test_a_packed_answer_may_be_broken(faulty: ReaderMaker) -> None:
    answer = raw(faulty("gzip-broken=1").box)
    with pytest.raises(EOFError):
        gzip.decompress(body_of(answer))


def test_a_packed_answer_may_unpack_to_300_mb(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("gzip-bomb=2")
    assert reader.ask(PAGE).data == sound(plain)
    answer = reader.ask("audit-log?limit=5", preload_content=False)
    first, size = answer.read(2**16, decode_content=True), 0
    while piece := answer.read(2**22, decode_content=True):
        assert not piece.strip()
        size += len(piece)
    assert first.rstrip() == plain.ask("audit-log?limit=5").data
    assert size > 300 * 10**6


def test_an_answer_may_come_in_chunks(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("chunked")
    answer = raw(reader.box)
    assert headers_of(answer)["transfer-encoding"] == "chunked"
    assert "content-length" not in headers_of(answer)
    assert body_of(answer).count(b"\r\n") >= 14
    assert reader.ask(PAGE).data == sound(plain)
    assert reader.ask("user/nobody").status == 404


def test_an_answer_may_be_of_300_mb(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("huge=2")
    assert reader.ask(PAGE).data == sound(plain)
    answer = reader.ask("audit-log?limit=5", preload_content=False)
    head = plain.ask("audit-log?limit=5").data
    assert int(answer.headers["content-length"]) == len(head) + 300 * 2**20
    assert answer.read(len(head)) == head
    size = 0
    while piece := answer.read(2**22):
        size += len(piece)
    assert size == 300 * 2**20
    assert reader.statuses(4, "user/nobody") == [404] * 4


# ---- not all of it


def test_half_an_answer_may_pass_for_a_whole_one(faulty: ReaderMaker, plain: Reader) -> None:
    answer = raw(faulty("half=1").box)
    assert body_of(answer) == sound(plain)[: len(sound(plain)) // 2]
    assert int(headers_of(answer)["content-length"]) == len(body_of(answer))


def test_an_answer_may_be_cut_off(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("cut=2")
    assert reader.ask(PAGE).data == sound(plain)
    answer = raw(reader.box, "audit-log?limit=1000&offset=0")
    assert int(headers_of(answer)["content-length"]) == len(sound(plain))
    assert body_of(answer) == sound(plain)[: len(sound(plain)) // 2]
    assert raw(reader.box, "audit-log?limit=1000&offset=0").endswith(sound(plain))
    with pytest.raises(urllib3.exceptions.HTTPError):
        reader.ask("audit-log?limit=7")


def test_an_answer_in_chunks_may_be_cut_off(faulty: ReaderMaker, plain: Reader) -> None:
    answer = raw(faulty("cut-chunked=1").box)
    half = sound(plain)[: len(sound(plain)) // 2]
    assert headers_of(answer)["transfer-encoding"] == "chunked"
    assert body_of(answer) == b"%x\r\n%s\r\n" % (len(half), half)
    with pytest.raises(urllib3.exceptions.HTTPError):
        faulty("cut-chunked=1").ask()


@pytest.mark.parametrize(("fault", "lie"), [("length-long=1", 64), ("length-short=1", -64)])
def test_the_length_may_be_a_lie(faulty: ReaderMaker, plain: Reader, fault: str, lie: int) -> None:
    answer = raw(faulty(fault).box)
    assert body_of(answer) == sound(plain)
    assert int(headers_of(answer)["content-length"]) == len(sound(plain)) + lie


def test_a_length_that_is_too_long_is_noticed_and_one_too_short_leaves_no_json(faulty: ReaderMaker) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        faulty("length-long=1").ask()
    with pytest.raises(json.JSONDecodeError):
        faulty("length-short=1").ask().json()


def test_an_answer_may_drip(faulty: ReaderMaker) -> None:
    reader = faulty("drip=1")
    begun = time.monotonic()
    answer = reader.ask("user/nobody")
    assert answer.json()["errors"][0]["code"] == "not_found"
    assert time.monotonic() - begun > (len(answer.data) // 16) * 0.05 * 0.9


@pytest.mark.parametrize(("fault", "came"), [("stall=1", True), ("silent=1", False)])
def test_an_answer_may_stop_without_end(faulty: ReaderMaker, plain: Reader, fault: str, came: bool) -> None:
    answer = raw(faulty(fault).box, timeout_s=0.4)
    half = sound(plain)[: len(sound(plain)) // 2]
    assert answer.endswith((half if came else b"") + b"SILENCE")
    assert (int(headers_of(answer)["content-length"]) == len(sound(plain))) if came else (answer == b"SILENCE")


def test_the_connection_may_be_reset_or_closed_instead_of_an_answer(faulty: ReaderMaker, plain: Reader) -> None:
    assert raw(faulty("reset=1").box) == b"RESET"
    assert raw(faulty("hang-up=1").box) == b""
    reader = faulty("reset=2", "hang-up=3")
    for limit in range(1, 10):
        assert patient(reader, limit) == plain.answer(limit=limit).data


def test_a_connection_may_be_dropped_though_it_was_said_to_be_kept(faulty: ReaderMaker, plain: Reader) -> None:
    host, port = faulty("drop-connection").box.url.removeprefix("http://").split(":")
    link = http.client.HTTPConnection(host, int(port), timeout=5)
    link.request("GET", API + PAGE, headers={"x-api-key": VIEWER})
    answer = link.getresponse()
    assert (answer.read(), answer.headers["connection"], answer.version) == (sound(plain), None, 11)
    assert isinstance(link.sock, socket.socket)
    assert link.sock.recv(1) == b""
    link.close()


# ---- of somebody else


def test_429_comes_in_three_forms(faulty: ReaderMaker, plain: Reader) -> None:
    expected = {"http-429": "1", "http-429-date": "Wed, 01 Apr 2026 12:00:02 GMT", "http-429-bare": None}
    for fault, wait in expected.items():
        reader = faulty(f"{fault}=2", clock=Clock())
        assert reader.ask(PAGE).data == sound(plain)
        refused = reader.ask("audit-log?limit=5")
        assert (refused.status, refused.headers.get("retry-after")) == (429, wait)
        assert refused.json()["errors"][0]["code"] == "request_limit_exceeded"
        assert parsedate_to_datetime(refused.headers["date"]) == NOON
        assert reader.ask("audit-log?limit=5").data == plain.ask("audit-log?limit=5").data


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("http-500=2", 500, b'{"errors": [{"code": "internal_error", "message": "Internal error."}]}'),
        ("http-502=2", 502, b"<h1>Bad Gateway</h1>"),
        ("http-503=2", 503, b'{"error": {"code": "service_unavailable", "message": "Down for maintenance."}}'),
        ("http-504=2", 504, b"<h1>Gateway Time-out</h1>"),
        ("html=2", 200, b"<h1>Please sign in</h1>"),
        ("empty-body=2", 200, b""),
    ],
)
def test_somebody_else_may_answer_every_second_call(
    faulty: ReaderMaker, plain: Reader, fault: str, status: int, says: bytes
) -> None:
    reader = faulty(fault)
    assert reader.ask(PAGE).data == sound(plain)
    other = reader.ask("audit-log?limit=5")
    assert (other.status, says in other.data, len(other.data) > 0) == (status, True, fault != "empty-body=2")
    assert reader.ask("audit-log?limit=5").data == plain.ask("audit-log?limit=5").data
    assert [status_of(raw(reader.box, f"user/{n}")) for n in "abcd"] == [status, 404, status, 404]


def test_a_redirect_leads_to_the_same_answer_on_the_same_host(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("redirect=1")
    answer = reader.ask(PAGE)
    assert (answer.status, answer.headers["location"]) == (307, f"{API}{PAGE}&redirected=1")
    assert reader.ask(PAGE, redirect=True, retries=1).data == sound(plain)
    assert reader.ask("user/x").headers["location"] == f"{API}user/x?redirected=1"


def test_a_redirect_may_lead_to_another_host(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("redirect-away=1")
    answer = reader.ask(PAGE)
    port = reader.box.url.rpartition(":")[2]
    assert (answer.status, answer.headers["location"]) == (302, f"http://localhost:{port}{API}{PAGE}&redirected=1")
    assert reader.ask(PAGE, redirect=True, retries=1).data == sound(plain)  # as a careless client would


def test_the_vendors_limits_hold_together(faulty: ReaderMaker) -> None:
    clock = Clock()
    reader = faulty("rate-limit-vendor", clock=clock)
    for spent in range(10):
        assert reader.statuses(101, "user/x") == [404] * 100 + [429], spent
        assert reader.ask("user/x").headers["retry-after"] == ("5" if spent < 9 else "135")
        clock.move(5)
    refused = reader.ask("user/x")
    assert (refused.status, refused.headers["retry-after"]) == (429, "130")
    clock.move(130)
    assert reader.ask("user/x").status == 404


TOO_MUCH = {"redirect", "redirect-away", "huge", "gzip-bomb", "drip"}  # for a client that only asks again


@pytest.mark.parametrize("room", [transfer, refusing])
def test_whoever_asks_again_gets_everything(faulty: ReaderMaker, plain: Reader, room: ModuleType) -> None:
    for fault in room.FAULTS:
        if fault.name not in TOO_MUCH:
            reader = faulty(fault.name)
            pages = [patient(reader, limit, timeout=0.5) for limit in range(1, 21)]
            assert pages == [plain.answer(limit=limit).data for limit in range(1, 21)], fault.name
