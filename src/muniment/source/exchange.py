"""One request and what came of it: an answer, or a setback said in our own words.

Nothing that a library raised leaves this module: its texts may quote what the source sent, even the key.
"""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from urllib3.exceptions import HTTPError, ProxyError
from urllib3.response import BaseHTTPResponse

from muniment.errors import SourceError
from muniment.source.deadline import ConnectTimeout, answer_within
from muniment.source.retry import Setback, Trouble
from muniment.source.route import Route

__all__ = ["Answer", "Transport", "exchange"]

_CHUNK_BYTES: Final = 1 << 20
_MAX_REFUSAL_BYTES: Final = 1 << 16
_MAX_CAUSES: Final = 8
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
_CERTIFICATE_HINT = (
    "If the certificate is your own authority's, name its file in SSL_CERT_FILE or REQUESTS_CA_BUNDLE; "
    "otherwise somebody stands between you and the source."
)

_SENTENCES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "the host's name is not known, or no name server answers"),
    (ConnectTimeout, "no connection came about in time"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection was closed without an answer"),
    (http.client.HTTPException, "what answers does not speak HTTP"),
)


class Answer(NamedTuple):
    """What came back: of a refusal at most the first 64 KiB."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Transport(Protocol):
    """Whatever sends one GET and takes in its answer: `exchange` over a route, or a source that lives in memory."""

    def __call__(
        self, target: str, headers: Mapping[str, str], *, timeout_s: float, max_body_bytes: int, stop: threading.Event
    ) -> Answer | Setback | SourceError:
        """See `exchange`."""
        ...


class _TooLarge(Exception):
    """The body is larger than it may be."""


def exchange(
    route: Route,
    target: str,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    max_body_bytes: int,
    stop: threading.Event | None,
) -> Answer | Setback | SourceError:
    """Send one GET and take in its answer, all within `timeout_s`.

    Returns:
        The answer whatever its status; a setback where another try may help; an error where none would.

    Raises:
        Stopped: `stop` was set meanwhile.
    """
    response: BaseHTTPResponse | None = None
    try:
        with answer_within(timeout_s, stop):
            response = route.pool.urlopen(
                "GET",
                route.prefix + target,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                timeout=timeout_s,
            )
            body = _read_whole(response, max_body_bytes) if response.status < 300 else _read_start(response)
            return Answer(response.status, body, response.headers)
    except _TooLarge:
        return Setback(Trouble.TOO_LARGE, f"the answer is larger than {max_body_bytes} bytes")
    except (HTTPError, OSError, http.client.HTTPException) as error:
        return _explain(error, timeout_s, answering=response is not None)


def _read_whole(response: BaseHTTPResponse, max_body_bytes: int) -> bytes:
    chunks = []
    room = max_body_bytes
    decode = "content-encoding" in response.headers
    while chunk := response.read(_CHUNK_BYTES, decode_content=decode):
        room -= len(chunk)
        if room < 0:
            _drop(response)
            raise _TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _read_start(response: BaseHTTPResponse) -> bytes:
    """The start of a refusal's body; what cannot be read is left, for the status says enough."""
    try:
        start = response.read(_MAX_REFUSAL_BYTES)
        if not response.read(1):
            return start
    except (HTTPError, OSError, http.client.HTTPException):
        start = b""
    _drop(response)
    return start


def _drop(response: BaseHTTPResponse) -> None:
    """Give up the rest of a body, and with it the connection."""
    response.close()
    response.release_conn()


def _explain(error: Exception, timeout_s: float, *, answering: bool) -> Setback | SourceError:
    cause = _first_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return SourceError(f"its certificate is not trusted: {cause.verify_message}", hint=_CERTIFICATE_HINT)
    refused = _TUNNEL_REFUSED.search(str(cause))
    if refused:
        return _tunnel_refused(int(refused[1]))
    if isinstance(cause, TimeoutError) and not isinstance(cause, ConnectTimeout):
        return Setback(Trouble.TIMED_OUT, f"no {'complete ' if answering else ''}answer within {timeout_s:.3g} s")
    if answering:
        return Setback(Trouble.CUT, f"the answer broke off ({type(cause).__name__})")
    where = " (at the proxy)" if isinstance(error, ProxyError) else ""
    return Setback(Trouble.NO_CONNECTION, _say(cause) + where)


def _first_cause(error: BaseException) -> BaseException:
    """What lies at the bottom of urllib3's wrappers, which keep it as an argument or as the cause."""
    for _ in range(_MAX_CAUSES):
        wrapped = (part for part in (*error.args, error.__cause__) if isinstance(part, BaseException))
        inner = next(wrapped, None)
        if inner is None:
            return error
        error = inner
    return error


def _tunnel_refused(status: int) -> Setback | SourceError:
    if status == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        error = SourceError("the proxy asks for a user and a password", hint="Put them into the URL of HTTPS_PROXY.")
        error.status = status
        return error
    return Setback(Trouble.NO_CONNECTION, f"the proxy answered {status} instead of connecting")


def _say(cause: BaseException) -> str:
    """The sentence for a failure before the answer began; of the error itself only what we know to be harmless."""
    for kind, sentence in _SENTENCES:
        if isinstance(cause, kind):
            return sentence
    if isinstance(cause, ssl.SSLError):
        return f"no encrypted connection came about ({cause.reason})"
    if isinstance(cause, OSError):
        return f"the network failed ({cause.strerror or type(cause).__name__})"
    return f"the exchange failed ({type(cause).__name__})"
