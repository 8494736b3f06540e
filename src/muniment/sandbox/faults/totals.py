"""Faults of totals."""

import datetime as dt
import itertools
from collections.abc import Callable
from typing import Final

import msgspec

from muniment.model import Query
from muniment.sandbox.backend import Sheet, Source
from muniment.sandbox.faults.fault import Fault, Ground, Layers, Members, Value, count
from muniment.sandbox.faults.paging import answering

__all__ = ["FAULTS"]

_MOST_COUNTED: Final = 500


def _total(change: Callable[[Sheet, int], int]) -> Callable[[Ground, int | None], Layers]:
    """A fault whose total is a function of the page and the value."""

    def lay(_ground: Ground, value: int | None) -> Layers:
        def answer(behind: Source, query: Query) -> Sheet:
            sheet = behind.audit_log(query)
            return msgspec.structs.replace(sheet, total=change(sheet, value or 0))

        return answering(answer)

    return lay


def _spelled(spell: Callable[[bytes], bytes | None]) -> Callable[[Ground, None], Layers]:
    """A fault that writes the total in another way, or leaves it out."""

    def change(members: Members) -> Members:
        written = spell(members["total"]) if "total" in members else None
        if written is None:
            return {name: value for name, value in members.items() if name != "total"}
        return members | {"total": written}

    return lambda _ground, _value: Layers(page=change)


def _flickering(_ground: Ground, by: int) -> Layers:
    numbers = itertools.count()

    def answer(behind: Source, query: Query) -> Sheet:
        sheet = behind.audit_log(query)
        return msgspec.structs.replace(sheet, total=sheet.total + by * (next(numbers) % 2))

    return answering(answer)


def _stale(ground: Ground, keeps_s: int) -> Layers:
    """Each query's total is counted once, and then kept for some time."""
    span = dt.timedelta(seconds=keeps_s)
    counted: dict[Query, tuple[dt.datetime, int]] = {}

    def answer(behind: Source, query: Query) -> Sheet:
        sheet, now = behind.audit_log(query), ground.clock()
        what = msgspec.structs.replace(query, offset=0, limit=0, sort=None)
        if what not in counted or now - counted[what][0] >= span:
            counted[what] = (now, sheet.total)
        return msgspec.structs.replace(sheet, total=counted[what][1])

    return answering(answer)


_BY: Final[Value[int]] = count(default=1)

FAULTS: Final = (
    Fault(
        "total-high",
        "has a total that is N too high (1 unless told), save where it is 0",
        _total(lambda s, n: s.total + n * (s.total > 0)),
        _BY,
    ),
    Fault(
        "total-low",
        "has a total that is N too low (1 unless told), down to 0",
        _total(lambda s, n: max(0, s.total - n)),
        _BY,
    ),
    Fault(
        "total-capped",
        f"has a total that counts no further than N ({_MOST_COUNTED} unless told)",
        _total(lambda s, n: min(s.total, n)),
        count(default=_MOST_COUNTED),
    ),
    Fault("total-page", "has a total that counts the rows of the page alone", _total(lambda s, _: len(s.items))),
    Fault("total-zero", "has a total of 0, always", _total(lambda _s, _n: 0)),
    Fault("total-negative", "has a total of -1, always", _total(lambda _s, _n: -1)),
    Fault("total-flickers", "has a total that is N too high (1 unless told) on every second page", _flickering, _BY),
    Fault(
        "total-stale", "has a total that was counted up to S seconds ago (5 unless told)", _stale, count("S", default=5)
    ),
    Fault("total-missing", "has no total", _spelled(lambda _: None)),
    Fault("total-null", "has a total of null", _spelled(lambda _: b"null")),
    Fault("total-string", 'writes total as a string, such as "20"', _spelled(lambda total: b'"' + total + b'"')),
    Fault("total-float", "writes total with a fraction, such as 20.0", _spelled(lambda total: total + b".0")),
)
