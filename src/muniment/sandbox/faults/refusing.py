"""Faults of the network: answers of gateways, limiters and defects instead of the source's own."""

import datetime as dt
import json
from collections.abc import Callable
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from muniment.api.dated import Dated
from muniment.sandbox.faults.fault import Fault, Ground, Layers
from muniment.sandbox.faults.striking import Rate, rate, strike
from muniment.sandbox.wire import Answer, Header, give, is_call, is_page, target_of

__all__ = ["FAULTS", "defect"]

Clock = Callable[[], dt.datetime]
Answers = Callable[[Scope, Clock], Answer]

_MARK: Final = "redirected=1"
_JSON: Final = (b"content-type", b"application/json")
_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_WAIT: Final = dt.timedelta(seconds=2)
_OTHER_HOSTS: Final = {"localhost": "127.0.0.1", "::1": "localhost"}


def _refusal(status: int, code: str, message: str, *headers: Header) -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, (_JSON, *headers), b"").with_body(body)


def _gateway(status: int, title: str, *headers: Header) -> Answer:
    body = f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
    return Answer(status, (_HTML, *headers), b"").with_body(body.encode())


def _too_many(*headers: Header) -> Answer:
    return _refusal(429, "request_limit_exceeded", "Too many requests.", *headers)


def _in_seconds(_scope: Scope, _clock: Clock) -> Answer:
    return _too_many((b"retry-after", b"1"))


def _as_a_date(_scope: Scope, clock: Clock) -> Answer:
    # a date has whole seconds: two seconds on, so that what is left is at least one
    return _too_many((b"retry-after", format_datetime(clock() + _WAIT, usegmt=True).encode()))


def _bare(_scope: Scope, _clock: Clock) -> Answer:
    return _too_many()


def _maintenance(_scope: Scope, _clock: Clock) -> Answer:
    body = json.dumps({"error": {"code": "service_unavailable", "message": "Down for maintenance."}}).encode()
    return Answer(503, (_JSON, (b"retry-after", b"1")), b"").with_body(body)


def _here(scope: Scope, _clock: Clock) -> Answer:
    return _gateway(307, "Temporary Redirect", (b"location", _marked(scope)))


def _elsewhere(scope: Scope, _clock: Clock) -> Answer:
    host, port = scope["server"]
    other = _OTHER_HOSTS.get(host, "localhost")
    return _gateway(302, "Found", (b"location", f"http://{other}:{port}".encode() + _marked(scope)))


def _marked(scope: Scope) -> bytes:
    target = target_of(scope)
    return f"{target}{'&' if '?' in target else '?'}{_MARK}".encode("latin-1")


def _was_led_here(scope: Scope) -> bool:
    return _MARK in scope["query_string"].decode("latin-1")


def _answering(name: str, answers: Answers, spares: Callable[[Scope], bool]) -> Callable[[Ground, Rate], Layers]:
    """A fault that answers the calls which it hits, and does not spare, without asking the app inside."""

    def lay(ground: Ground, wanted: Rate) -> Layers:
        async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
            await give(send, answers(scope, ground.clock))

        async def otherwise(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            await (app if spares(scope) else Dated(answer, ground.clock))(scope, receive, send)

        return strike(otherwise, name)(ground, wanted)

    return lay


def defect(app: ASGIApp, clock: Clock, concerns: Callable[[str], bool]) -> ASGIApp:
    """Around an app: answer 500 to a lookup whose id this concerns."""

    async def fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await give(send, _refusal(500, "internal_error", "Internal error."))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        looks_up = is_call(scope) and not is_page(scope)
        one = unquote(scope["raw_path"].decode("latin-1").rpartition("/")[2])
        await (Dated(fail, clock) if looks_up and concerns(one) else app)(scope, receive, send)

    return answer


def _status(
    name: str, does: str, every: int, answers: Answers, spares: Callable[[Scope], bool] = lambda _scope: False
) -> Fault:
    said = f"answers every Nth call ({every} unless told) {does}"
    return Fault(name, said, _answering(name, answers, spares), rate(every))


FAULTS: Final = (
    _status("http-429", "429, with Retry-After in seconds", 25, _in_seconds),
    _status("http-429-date", "429, with Retry-After as a date", 25, _as_a_date),
    _status("http-429-bare", "429, without Retry-After", 25, _bare),
    _status("http-500", "500", 5, lambda _scope, _clock: _refusal(500, "internal_error", "Internal error.")),
    _status("http-502", "502, with a page of HTML", 5, lambda _scope, _clock: _gateway(502, "Bad Gateway")),
    _status("http-503", "503, with Retry-After and the other shape of an error", 25, _maintenance),
    _status("http-504", "504, with a page of HTML", 5, lambda _scope, _clock: _gateway(504, "Gateway Time-out")),
    _status("html", "200, with a page of HTML", 5, lambda _scope, _clock: _gateway(200, "Please sign in")),
    _status(
        "empty-body", "200, with no body at all", 5, lambda _scope, _clock: Answer(200, (_JSON,), b"").with_body(b"")
    ),
    _status("redirect", "307, to the same host", 5, _here, _was_led_here),
    _status("redirect-away", "302, to another host", 5, _elsewhere, _was_led_here),
)
