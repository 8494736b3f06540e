"""Questions put to a source, within a number of requests and a time that are never exceeded."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Self, TypeVar

from muniment.collect.answers import read_answer
from muniment.doctor.examinations.exam import (
    AUDIT_LOG,
    Answer,
    CannotSay,
    Finding,
    Lookup,
    Page,
    Question,
    Refusal,
    Steps,
)
from muniment.doctor.examinations.rows import read_row
from muniment.errors import BadRequest, Forbidden, Oversized, SourceError, Stopped, Unauthorized, Unreachable
from muniment.source import endpoints
from muniment.source.client import Client, Reply
from muniment.source.pages import cut_page, is_no_json, is_no_page
from muniment.source.settings import Settings

__all__ = ["MOST_REQUESTS", "MOST_S", "Asking", "sentence"]

T = TypeVar("T")
MOST_REQUESTS: Final = 40
MOST_S: Final = 50.0
_LARGEST_ANSWER_BYTES: Final = 8 << 20
_LONG_S: Final = 5.0
"""No pause of our own is as long; the source asked for it."""
_SILENCES: Final = 3
"""After so many questions in a row without an answer nothing more is asked."""


class Asking:
    """Asks a source, one question after the other.

    Args:
        settings: Where, with which key, how patiently.
        environ: Where proxies and certificates of authorities are named.
        most_requests: Requests altogether, those among them that ask the same again.
        most_s: Seconds altogether.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
        *,
        most_requests: int = MOST_REQUESTS,
        most_s: float = MOST_S,
    ) -> None:
        self.stop = threading.Event()
        self.client = Client(
            settings, sleep=self._pause, stop=self.stop, environ=environ, max_body_bytes=_LARGEST_ANSWER_BYTES
        )
        self.latencies_s: list[float] = []
        self.lost: SourceError | None = None
        """What the source refused the log with, after which nothing is asked any more."""
        self.broken: SourceError | None = None
        """The first answer of the log that would end a collection."""
        self.too_large = 0
        """Answers that were too large, broke off or took too long."""
        self._most_requests = most_requests
        self._most_s = most_s
        self._timer = threading.Timer(most_s, self.stop.set)
        self._timer.daemon = True
        self._silences = 0
        self._wait_s = 0.0

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.client.close()

    def _pause(self, seconds: float) -> None:
        if self.client.requests >= self._most_requests:
            self.stop.set()
        self._wait_s = seconds
        self.stop.wait(seconds)

    def examine(self, steps: Steps[Finding]) -> Finding:
        """Drive an examination to its finding; one that cannot say anything is skipped."""
        try:
            return self.drive(steps)
        except CannotSay as reason:
            return Finding("skipped", reason.why, reason.hint)

    def drive(self, steps: Steps[T]) -> T:
        """Drive a procedure to its result.

        Raises:
            CannotSay: It came to no end.
        """
        try:
            question = next(steps)
            while True:
                question = steps.send(self.answer(question))
        except StopIteration as end:
            result: T = end.value
            return result

    def answer(self, question: Question) -> Answer:
        """Put one question; what the source refuses is an answer too."""
        if self.lost is not None or self.stop.is_set() or self.client.requests >= self._most_requests:
            return Refusal("stopped", self._why_not())
        began = time.monotonic()
        try:
            complain = is_no_page if question.where == AUDIT_LOG else is_no_json
            reply = self.client.get(_path(question), question.params, complain=complain)
            read = _page(question, reply) if question.where == AUDIT_LOG else _lookup(question, reply)
        except SourceError as error:
            return self._refused(question, error)
        self.latencies_s.append(time.monotonic() - began)
        self._silences = 0
        return read

    def _why_not(self) -> str:
        if self.lost is not None:
            return f"nothing is asked any more since the source {sentence(self.lost)}"
        if self.client.requests >= self._most_requests:
            return f"the {self._most_requests} requests were spent"
        over = f"the {self._most_s:.0f} seconds were over"
        return f"{over} while the source asked to wait {self._wait_s:.0f} s" if self._wait_s >= _LONG_S else over

    def _refused(self, question: Question, error: SourceError) -> Refusal:
        if isinstance(error, Stopped):
            return Refusal(error.code, self._why_not(), error.hint)
        of_log = question.where == AUDIT_LOG
        is_silent = isinstance(error, Unreachable) and (of_log or error.status is None)
        self._silences = self._silences + 1 if is_silent else 0
        if self._silences >= _SILENCES or (of_log and isinstance(error, Unauthorized | Forbidden)):
            self.lost = error
        elif isinstance(error, Oversized):
            self.too_large += 1
        elif of_log and not isinstance(error, Unreachable | BadRequest):
            self.broken = self.broken or error
        return Refusal(error.code, sentence(error), error.hint, error.status, error.vendor_code)


def sentence(error: SourceError) -> str:
    """What happened, without the address that was asked."""
    return error.message.partition(": ")[2] if error.message.startswith("GET ") else error.message


def _path(question: Question) -> str:
    paths: Mapping[str, Callable[[str], str]] = {
        AUDIT_LOG: lambda _: endpoints.AUDIT_LOG,
        "user": endpoints.user_path,
        "account": endpoints.account_path,
    }
    return paths[question.where](question.who)


def _page(question: Question, reply: Reply) -> Page:
    cut = cut_page(reply.body)
    skew_s = None if reply.date is None else (reply.date - reply.received_at).total_seconds()
    return Page(
        asked_offset=int(question.params["offset"]),
        asked_limit=int(question.params["limit"]),
        total=cut.total,
        offset=cut.offset,
        limit=cut.limit,
        rows=tuple(map(read_row, cut.items)),
        odd=cut.odd,
        skew_s=skew_s,
    )


def _lookup(question: Question, reply: Reply) -> Lookup:
    return Lookup(read_answer("user" if question.where == "user" else "account", reply.body).id)
