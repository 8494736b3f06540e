"""Faults of the network: how an answer is encoded, how large it is, and how much of it comes."""

import gzip
from collections.abc import Iterator
from functools import cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from muniment.sandbox.cable import Cable
from muniment.sandbox.exchange import current
from muniment.sandbox.faults.fault import Fault
from muniment.sandbox.faults.striking import Otherwise, rate, strike
from muniment.sandbox.wire import Answer, capture, give, wait_until_gone

__all__ = ["FAULTS"]

_GZIP: Final = (b"content-encoding", b"gzip")
_MEBIBYTE: Final = 2**20
_HUGE_MIB: Final = 300
_CHUNKS: Final = 7
_DROP_BYTES, _DROP_S = 16, 0.05
_PATIENCE_S: Final = 600.0
_LIE_BYTES: Final = 64


async def _withheld(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """The app's answer, of which the client will not have all."""
    answer = await capture(app, scope, receive)
    current().whole = False
    return answer


def _cable() -> Cable:
    cable = current().cable
    assert cable is not None
    return cable


async def _gzip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await capture(app, scope, receive)
    await give(send, answer.with_body(gzip.compress(answer.body, 1, mtime=0)).with_headers(_GZIP))


async def _broken_gzip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    packed = gzip.compress(answer.body, 1, mtime=0)
    await give(send, answer.with_body(packed[: len(packed) // 2]).with_headers(_GZIP))


async def _gzip_bomb(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    body = gzip.compress(answer.body, 1, mtime=0) + _packed_mebibyte() * _HUGE_MIB
    await give(send, answer.with_body(body).with_headers(_GZIP))


@cache
def _packed_mebibyte() -> bytes:
    return gzip.compress(b" " * _MEBIBYTE, mtime=0)


async def _chunked(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Pieces of odd lengths, which need not end where a character does."""
    answer = await capture(app, scope, receive)
    await _send_pieces(receive, send, answer.without_headers([b"content-length"]), _pieces(answer.body))


def _pieces(body: bytes) -> Iterator[bytes]:
    size = max(1, len(body) // _CHUNKS)
    return (body[at : at + size] for at in range(0, len(body), size))


async def _send_pieces(receive: Receive, send: Send, answer: Answer, pieces: Iterator[bytes]) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not _cable().is_open:
            await wait_until_gone(receive, _PATIENCE_S)
            return
    await send({"type": "http.response.body", "body": b""})


async def _huge(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    length = len(answer.body) + _HUGE_MIB * _MEBIBYTE
    spaces = b" " * _MEBIBYTE
    pieces = (answer.body if n == 0 else spaces for n in range(_HUGE_MIB + 1))
    await _send_pieces(receive, send, answer.with_headers((b"content-length", b"%d" % length)), pieces)


async def _half(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    await give(send, answer.with_body(answer.body[: len(answer.body) // 2]))


async def _reset(_app: ASGIApp, _scope: Scope, receive: Receive, _send: Send) -> None:
    _cable().reset()
    await wait_until_gone(receive, _PATIENCE_S)


async def _hang_up(_app: ASGIApp, _scope: Scope, receive: Receive, _send: Send) -> None:
    _cable().close()
    await wait_until_gone(receive, _PATIENCE_S)


async def _write_and_close(receive: Receive, answer: Answer, body: bytes) -> None:
    _cable().write(answer.head() + body)
    _cable().close()
    await wait_until_gone(receive, _PATIENCE_S)


async def _cut(app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    await _write_and_close(receive, answer, answer.body[: len(answer.body) // 2])


async def _cut_chunked(app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    half = answer.body[: len(answer.body) // 2]
    chunked = answer.without_headers([b"content-length"]).with_headers((b"transfer-encoding", b"chunked"))
    await _write_and_close(receive, chunked, b"%x\r\n%s\r\n" % (len(half), half))


async def _length_long(app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    told = answer.with_headers((b"content-length", b"%d" % (len(answer.body) + _LIE_BYTES)))
    await _write_and_close(receive, told, answer.body)


async def _length_short(app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    told = answer.with_headers((b"content-length", b"%d" % max(1, len(answer.body) - _LIE_BYTES)))
    await _write_and_close(receive, told, answer.body)


async def _drop_connection(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
    _cable().close()


async def _drip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await capture(app, scope, receive)
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    for at in range(0, len(answer.body), _DROP_BYTES):
        await send({"type": "http.response.body", "body": answer.body[at : at + _DROP_BYTES], "more_body": True})
        if await wait_until_gone(receive, _DROP_S):
            return
    await send({"type": "http.response.body", "body": b""})


async def _stall(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    answer = await _withheld(app, scope, receive)
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    if not await wait_until_gone(receive, _PATIENCE_S):
        _cable().close()


async def _silent(_app: ASGIApp, _scope: Scope, receive: Receive, _send: Send) -> None:
    if not await wait_until_gone(receive, _PATIENCE_S):
        _cable().close()
        await wait_until_gone(receive, _PATIENCE_S)


def _fault(name: str, every: int, does: str, otherwise: Otherwise, *, pages: bool = False) -> Fault:
    what = "page" if pages else "answer"
    which = f"each {what} (every Nth if told)" if every == 1 else f"every Nth {what} ({every} unless told)"
    return Fault(name, does.format(which), strike(otherwise, name, pages=pages), rate(every))


FAULTS: Final = (
    _fault("gzip", 1, "compresses {}, whether asked to or not", _gzip),
    _fault("gzip-broken", 5, "compresses {}, and sends half of that", _broken_gzip),
    _fault("gzip-bomb", 5, f"compresses {{}}, which unpacks to {_HUGE_MIB} MB", _gzip_bomb, pages=True),
    _fault("chunked", 1, "sends {} in chunks", _chunked),
    _fault("huge", 5, f"sends {{}} with {_HUGE_MIB} MB of spaces behind it", _huge, pages=True),
    _fault("half", 5, "sends half of {}, with the length of that half", _half),
    _fault("cut", 5, "hangs up in the middle of {}", _cut),
    _fault("cut-chunked", 5, "hangs up in the middle of {}, sent in chunks", _cut_chunked),
    _fault("length-long", 5, f"promises {_LIE_BYTES} bytes more than {{}} has", _length_long),
    _fault("length-short", 5, f"promises {_LIE_BYTES} bytes less than {{}} has", _length_short),
    _fault("drip", 25, f"sends {{}} by {_DROP_BYTES} bytes each {int(_DROP_S * 1000)} ms", _drip),
    _fault("stall", 50, "stops in the middle of {}, and does not hang up", _stall),
    _fault("silent", 50, "says nothing instead of {}, and does not hang up", _silent),
    _fault("hang-up", 5, "hangs up instead of {}", _hang_up),
    _fault("reset", 5, "resets the connection instead of {}", _reset),
    _fault("drop-connection", 1, "hangs up after {}, without having said so", _drop_connection),
)
"""What they leave of an answer is the innermost first: a body is packed before it is cut."""
