"""One question at a time to one source, asked until it is answered or there is no point in asking."""

import datetime as dt
import hashlib
import hmac
import importlib.metadata
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Final, NamedTuple, Self

from muniment.errors import Oversized, SourceError, Unreachable
from muniment.source.endpoints import spell
from muniment.source.exchange import Answer, Transport, exchange
from muniment.source.halt import Halt
from muniment.source.pacing import Pacer
from muniment.source.pages import is_no_json
from muniment.source.refusal import read_complaint, refusal
from muniment.source.retry import (
    BUSY_STATUSES,
    MAX_ASKED_WAIT_S,
    Patience,
    Setback,
    Trouble,
    parse_http_date,
    parse_retry_after,
)
from muniment.source.route import open_route
from muniment.source.secrecy import Secrecy
from muniment.source.settings import Settings

__all__ = ["Client", "Reply"]

MAX_BODY_BYTES: Final = 64 << 20
_NO_PARAMS: Final[Mapping[str, str]] = MappingProxyType({})
_REQUEST_TIMEOUT = 408
_TOO_BUSY = (Trouble.BUSY, Trouble.TIMED_OUT)
_NOT_JSON_HINT = "Check the base URL: what answers there does not seem to be DigiCert ONE."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with status 2xx.

    Attributes:
        status: Its HTTP status.
        body: Its bytes, decompressed.
        date: The source's clock, from the header `Date`; None where there is none that can be read.
        received_at: Our clock, when the last byte had come.
        attempts: How many requests it took.
        url: What was asked; the key is not in it.
    """

    status: int
    body: bytes = field(repr=False)
    date: dt.datetime | None
    received_at: dt.datetime
    attempts: int
    url: str


class _Try(NamedTuple):
    outcome: Answer | Setback | SourceError
    took_s: float


class Client:
    """Speaks to one source; any number of threads may ask at once.

    Args:
        settings: Where, with which key, how patiently.
        clock: Our own idea of the time, aware and in UTC.
        monotonic: Seconds of a clock that only goes forward.
        sleep: Waits that many seconds; by default it ends early when `stop` is set.
        jitter: A number from 0 up to 1, anew each time.
        stop: Once set, every call ends with `Stopped` soon, and no request goes out any more.
        environ: Where proxies and certificates of authorities are named.
        max_body_bytes: A larger answer is not taken in.
        transport: Sends a request and takes in its answer; by default over the network.

    Raises:
        BadInput: A proxy or certificate that is named cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
        stop: threading.Event | None = None,
        environ: Mapping[str, str] = os.environ,
        max_body_bytes: int = MAX_BODY_BYTES,
        transport: Transport | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._stop = Halt(stop)
        self._sleep = sleep or self._stop.wait
        self._jitter = jitter
        self._max_body_bytes = max_body_bytes
        self._route = open_route(settings, environ)
        self._exchange: Transport = transport or partial(exchange, self._route)
        self._headers = _headers(settings.api_key)
        self._secrecy = Secrecy(settings.api_key)
        self._secrecy.watch_logs()
        self.pacer = Pacer(
            settings.connections, settings.max_rate, monotonic=monotonic, sleep=self._sleep, stop=self._stop
        )
        self._closed = False
        self._counting = threading.Lock()
        self._requests = 0
        self._retries = 0

    def __repr__(self) -> str:
        return f"Client({self.settings.url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; nothing can be asked any more."""
        self._closed = True
        self._route.pool.close()
        self._secrecy.release_logs()

    def give_up(self) -> None:
        """End every call under way, and all that are yet to come, with `Stopped`."""
        self._stop.set()

    @property
    def requests(self) -> int:
        """How many requests went out so far."""
        return self._requests

    @property
    def retries(self) -> int:
        """How many of them asked the same again."""
        return self._retries

    def key_tag(self, origin: str) -> str:
        """Eight hex digits that tell one key from another within an archive, and nothing else about it.

        Args:
            origin: The archive's origin; another one gives another tag.
        """
        return hmac.new(origin.encode(), self.settings.api_key.encode(), hashlib.sha256).hexdigest()[:8]

    def get(
        self,
        path: str,
        params: Mapping[str, str] = _NO_PARAMS,
        *,
        complain: Callable[[bytes], str | None] = is_no_json,
        shrinkable: bool = False,
    ) -> Reply:
        """Ask until there is an answer with status 2xx.

        Args:
            path: Below the base URL, percent-encoded, beginning with a slash.
            params: The query.
            complain: Says why a body is not what was asked for, None where it is; such an answer is asked for again, as
                a 503 is.
            shrinkable: Whether the caller would ask for less, rather than wait for the same, when an answer is cut
                twice or does not come in time.

        Raises:
            BadRequest, Unauthorized, Forbidden, NotFound: The source refused; never retried.
            Oversized: The answer was too large (twice, where less cannot be asked for), or the last try was cut
                or timed out.
            Unreachable: No usable answer within `retry_s` of the first failure.
            Stopped: `stop` was set.
            RuntimeError: The client is closed.
            SourceError: A redirect, a certificate that is not trusted, or another refusal.
        """
        if self._closed:
            raise RuntimeError("this client is closed: ask within its `with` block")
        target = spell(path, params)
        url = self.settings.url + target
        patience = Patience(self.settings.retry_s, self._jitter, shrinkable=shrinkable)
        timeout_s = self.settings.timeout_s
        while True:
            outcome, took_s = self._try(target, timeout_s, complain)
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("GET %s: %s after %.3f s", url, self._secrecy.mask(_summary(outcome)), took_s)
            if isinstance(outcome, Answer):
                return self._reply(outcome, url, patience.setbacks + 1)
            if isinstance(outcome, SourceError):
                raise self._secrecy.complete(outcome, url)
            if not self._wait(outcome, patience, took_s):
                raise self._secrecy.complete(_given_up(patience.telling, patience.setbacks), url)
            timeout_s = patience.next_timeout_s(self.settings.timeout_s)

    def _try(self, target: str, timeout_s: float, complain: Callable[[bytes], str | None]) -> _Try:
        with self.pacer.slot():
            with self._counting:
                self._requests += 1
            started = self._monotonic()
            outcome = self._exchange(
                target,
                self._headers,
                timeout_s=timeout_s,
                max_body_bytes=self._max_body_bytes,
                stop=self._stop,
            )
            took_s = self._monotonic() - started
        if isinstance(outcome, Answer):
            size_bytes = len(outcome.body)
            outcome = _judge(outcome, self._clock(), complain)
            if not isinstance(outcome, Setback):
                self.pacer.answered(took_s, size_bytes)
        return _Try(outcome, took_s)

    def _wait(self, setback: Setback, patience: Patience, took_s: float) -> bool:
        """Wait until it is time for the next try; False when there is to be none."""
        pause = patience.after(setback, took_s)
        if setback.trouble in _TOO_BUSY:
            self.pacer.refused(pause.asked_s if pause else 0.0)
        if pause is None:
            return False
        with self._counting:
            self._retries += 1
        self._sleep(pause.own_s)
        return True

    def _reply(self, answer: Answer, url: str, attempts: int) -> Reply:
        date = parse_http_date(answer.headers.get("date"))
        return Reply(answer.status, answer.body, date, self._clock(), attempts, url)


def _headers(api_key: str) -> Mapping[str, str]:
    return {
        "x-api-key": api_key,
        "User-Agent": f"muniment/{importlib.metadata.version('muniment')}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }


def _judge(answer: Answer, now: dt.datetime, complain: Callable[[bytes], str | None]) -> Answer | Setback | SourceError:
    """What an answer means: usable, worth another try, or final."""
    status = answer.status
    if status in BUSY_STATUSES:
        source_now = parse_http_date(answer.headers.get("date")) or now
        asked_wait_s = parse_retry_after(answer.headers.get("retry-after"), source_now)
        return Setback(Trouble.BUSY, _words(answer), status, asked_wait_s)
    if status >= 500:
        return Setback(Trouble.BROKEN, _words(answer), status)
    if status == _REQUEST_TIMEOUT:
        return Setback(Trouble.TIMED_OUT, _words(answer), status)
    if not 200 <= status < 300:
        return refusal(status, answer.body, answer.headers.get("location"))
    complaint = complain(answer.body)
    if complaint is not None:
        return Setback(Trouble.NOT_JSON, f"answered {status} with {complaint}", status)
    return answer


def _summary(outcome: Answer | Setback | SourceError) -> str:
    match outcome:
        case Answer():
            return f"answered {outcome.status} with {len(outcome.body)} bytes"
        case Setback():
            return outcome.why
    return str(outcome)


def _words(answer: Answer) -> str:
    complaint = read_complaint(answer.body)
    words = complaint.message or complaint.code
    return f"answered {answer.status}" + (f": {words}" if words else "")


def _given_up(setback: Setback, tries: int) -> SourceError:
    kind = Oversized if setback.less_may_help else Unreachable
    asked_s = setback.asked_wait_s or 0.0
    wait = f", and asks to wait {asked_s:.0f} s more" if asked_s > 0 else ""
    times = "once" if tries == 1 else f"{tries} times"
    error = kind(f"{setback.why} (asked {times}{wait})", hint=_hint(setback))
    error.status = setback.status
    if isinstance(error, Oversized):
        error.came = setback.trouble is Trouble.TOO_LARGE
    return error


def _hint(setback: Setback) -> str | None:
    if setback.trouble is Trouble.NOT_JSON:
        return _NOT_JSON_HINT
    if (setback.asked_wait_s or 0.0) > 0:
        return f"Come back later: no request waits longer than {MAX_ASKED_WAIT_S:.0f} s altogether."
    return None
