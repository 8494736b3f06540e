"""Whether and when a request is tried again: decisions only, no waiting and no sockets."""

import datetime as dt
import enum
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["Patience", "Pause", "Setback", "Trouble", "parse_http_date", "parse_retry_after"]

BUSY_STATUSES: Final = frozenset({429, 502, 503, 504})
GATEWAY_TIMEOUT: Final = 504
MAX_ASKED_WAIT_S: Final = 600.0
"""How long `Retry-After` may make one request wait, altogether."""

_FIRST_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 8.0
_LAST_SHARE = 0.05
_LEAST_TRY_S = 1.0
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


class Trouble(enum.Enum):
    """What came instead of an answer."""

    NO_CONNECTION = "no connection"
    TIMED_OUT = "timed out"
    CUT = "cut"
    TOO_LARGE = "too large"
    NOT_JSON = "not JSON"
    BUSY = "busy"
    BROKEN = "broken"


_SETBACKS_BEFORE_LESS_IS_ASKED = {Trouble.TIMED_OUT: 1, Trouble.CUT: 2, Trouble.TOO_LARGE: 1}
_LESS_MAY_HELP = frozenset(_SETBACKS_BEFORE_LESS_IS_ASKED)
_MAX_DEFECTS = {Trouble.BROKEN: 3, Trouble.TOO_LARGE: 1}


@dataclass(frozen=True, slots=True)
class Setback:
    """One try that brought no answer, but may be followed by another."""

    trouble: Trouble
    why: str
    status: int | None = None
    asked_wait_s: float | None = None

    @property
    def less_may_help(self) -> bool:
        """Whether a smaller answer might come through."""
        return self.trouble in _LESS_MAY_HELP or self.status == GATEWAY_TIMEOUT


@dataclass(frozen=True, slots=True)
class Pause:
    """How long to wait before the next try: what the source asked for, and what we add on our own."""

    asked_s: float
    own_s: float


class Patience:
    """How much trying again one request has left.

    Args:
        retry_s: Seconds of trying again altogether, counted from the first setback; waits that the source asked
            for do not count, but are bounded by `MAX_ASKED_WAIT_S`.
        jitter: A number from 0 up to 1, anew each time.
        shrinkable: The caller can ask for less, and would rather do so than wait for the same again.

    Attributes:
        left_s: Seconds of trying again that are left.
        setbacks: How many there were.
        telling: The last one that says why; that a later try, with what time was left, timed out says less.
    """

    telling: Setback

    def __init__(self, retry_s: float, jitter: Callable[[], float], *, shrinkable: bool = False) -> None:
        self.left_s = retry_s
        self.setbacks = 0
        self._least_s = retry_s * _LAST_SHARE
        self._asked_left_s = MAX_ASKED_WAIT_S
        self._jitter = jitter
        self._shrinkable = shrinkable
        self._seen: Counter[Trouble] = Counter()

    def after(self, setback: Setback, took_s: float) -> Pause | None:
        """The pause before the next try, or None when there is to be none."""
        if self.setbacks:
            self.left_s -= took_s
        if not self.setbacks or setback.trouble is not Trouble.TIMED_OUT:
            self.telling = setback
        self.setbacks += 1
        self._seen[setback.trouble] += 1
        asked_s = setback.asked_wait_s or 0.0
        if self.left_s <= self._least_s or asked_s > self._asked_left_s or self._is_hopeless(setback):
            return None
        own_s = 0.0 if asked_s >= 1 else self._backoff_s()
        self._asked_left_s -= asked_s
        self.left_s -= own_s
        return Pause(asked_s, own_s)

    def next_timeout_s(self, timeout_s: float) -> float:
        """What the next try may take: no more than is left, but enough to be a try at all."""
        return min(timeout_s, max(self.left_s, _LEAST_TRY_S))

    def _is_hopeless(self, setback: Setback) -> bool:
        seen = self._seen[setback.trouble]
        if self._shrinkable and setback.status == GATEWAY_TIMEOUT:
            return True
        if self._shrinkable and seen >= _SETBACKS_BEFORE_LESS_IS_ASKED.get(setback.trouble, seen + 1):
            return True
        return seen > _MAX_DEFECTS.get(setback.trouble, seen)

    def _backoff_s(self) -> float:
        """Exponential with full jitter, and never more than half of what is left, so that one more try fits."""
        ceiling = min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** (self.setbacks - 1), self.left_s / 2)
        return ceiling * self._jitter()


def parse_retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds to wait, from either form of `Retry-After`; None where it says nothing usable.

    Args:
        value: The header.
        now: The source's own clock if it gave one, else ours.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    date = parse_http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())


def parse_http_date(value: str | None) -> dt.datetime | None:
    """A date of HTTP as UTC, None where it is none.

    Source: RFC 9110, section 5.6.7; dates without a zone are UTC.
    """
    try:
        date = parsedate_to_datetime(value or "")
        return date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)
    except (ValueError, TypeError, OverflowError):
        return None
