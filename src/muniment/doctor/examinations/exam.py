"""What an examination is: a generator that yields questions, is sent answers, and returns a finding."""

from collections.abc import Generator, Mapping
from typing import Final, Literal, TypeVar

import msgspec

from muniment.doctor.examinations.rows import Row

__all__ = [
    "AUDIT_LOG",
    "NEVER_COMPLETE",
    "NOT_ASKED",
    "Answer",
    "CannotSay",
    "Finding",
    "Lookup",
    "Page",
    "Question",
    "Refusal",
    "Refused",
    "Result",
    "Steps",
    "ask_lookup",
    "ask_page",
    "ask_total",
]

T = TypeVar("T")
Result = Literal["pass", "differs", "fail", "skipped"]
Where = Literal["audit-log", "user", "account"]

AUDIT_LOG: Final = "audit-log"
NOT_ASKED: Final = "stopped"
"""The code of a refusal that is ours: time or requests were spent."""
NEVER_COMPLETE: Final = 4
"""The exit code that a collection ends with where the source's totals cannot be believed."""
_OLDEST_FIRST: Final = "timestamp:asc"
_NO_TOTAL: Final = "this needs a total, and the source gives none that counts"


class Question(msgspec.Struct, frozen=True):
    """One request.

    Args:
        where: Which of the three calls.
        who: Whom a lookup is about.
        params: Of the audit log, as they are spelled on the wire.
    """

    where: Where
    who: str = ""
    params: Mapping[str, str] = {}


class Page(msgspec.Struct, frozen=True, eq=False):
    """A page of the audit log, beside what was asked for.

    Args:
        asked_offset: The row it was to begin with.
        asked_limit: The most rows it was to have.
        total: As the source says; None where it gave no count.
        offset: As echoed; None where it was not.
        limit: As echoed; None where it was not.
        rows: In the order served.
        odd: What is peculiar about the answer's JSON.
        skew_s: Seconds that the source's clock is ahead of ours; None where it showed none.
    """

    asked_offset: int
    asked_limit: int
    total: int | None
    offset: int | None
    limit: int | None
    rows: tuple[Row, ...]
    odd: tuple[str, ...] = ()
    skew_s: float | None = None


class Lookup(msgspec.Struct, frozen=True):
    """What a lookup was answered with, status 200."""

    id: str | None


class Refusal(msgspec.Struct, frozen=True):
    """What came instead of an answer.

    Args:
        code: Ours, as the errors of `muniment.errors` have it.
        message: In a sentence; it never holds the key.
        hint: What to do next.
        status: HTTP's; None where no answer came.
        vendor_code: The source's own.
    """

    code: str
    message: str
    hint: str = ""
    status: int | None = None
    vendor_code: str | None = None


Answer = Page | Lookup | Refusal
Steps = Generator[Question, Answer, T]


class Finding(msgspec.Struct, frozen=True):
    """What an examination ends with.

    Args:
        result: `differs` where the source is not as assumed; `skipped` where that could not be seen.
        why: What was seen, and what it means.
        hint: What Muniment does about it, or what to do.
        exit_code: Other than 0 where it stands in the way of a complete collection.
    """

    result: Result
    why: str
    hint: str = ""
    exit_code: int = 0


class CannotSay(Exception):
    """An examination that cannot come to an end.

    Args:
        why: The reason, in a sentence.
        hint: What would help.
    """

    def __init__(self, why: str, hint: str = "Nothing is concluded from it.") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Refused(CannotSay):
    """The source refused a question.

    Args:
        refusal: With what.
    """

    def __init__(self, refusal: Refusal) -> None:
        told = refusal.message if refusal.code == NOT_ASKED else f"the source did not answer this: {refusal.message}"
        super().__init__(told)
        self.refusal = refusal


def ask_page(*, offset: int = 0, limit: int = 1, sort: str = _OLDEST_FIRST, **filters: str) -> Steps[Page]:
    """Ask for a page; `from_` stands for ``from``.

    Raises:
        Refused: It was refused.
    """
    narrowed = {name.rstrip("_"): value for name, value in filters.items()}
    answer = yield Question(AUDIT_LOG, params={**narrowed, "sort": sort, "offset": str(offset), "limit": str(limit)})
    if isinstance(answer, Refusal):
        raise Refused(answer)
    assert isinstance(answer, Page)
    return answer


def ask_total(**filters: str) -> Steps[int]:
    """Ask how many entries match.

    Raises:
        Refused: It was refused.
        CannotSay: The source gives no count.
    """
    page = yield from ask_page(offset=0, limit=1, sort=_OLDEST_FIRST, **filters)
    if page.total is None:
        raise CannotSay(_NO_TOTAL)
    return page.total


def ask_lookup(where: Where, who: str) -> Steps[Lookup | Refusal]:
    """Ask for a user or an account.

    Raises:
        Refused: It was not asked at all.
    """
    answer = yield Question(where, who)
    assert not isinstance(answer, Page)
    if isinstance(answer, Refusal) and answer.code == NOT_ASKED:
        raise Refused(answer)
    return answer
