"""Faults of paging: limits, offsets, days and names that are read in another way than the contract's."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import msgspec

from muniment.errors import BadInput
from muniment.model import Query
from muniment.sandbox.backend import Passing, Sheet, Source
from muniment.sandbox.faults.fault import Fault, Ground, Layers, count, minutes
from muniment.sandbox.faults.striking import Rate, Strikes, rate

__all__ = ["FAULTS", "Answering", "answering"]

T = TypeVar("T")
Answering = Callable[[Source, Query], Sheet]

_DAY: Final = dt.timedelta(days=1)
_MINUTE_US: Final = 60_000_000
_MOST_ZONE_MIN: Final = 14 * 60


class _Answered(Passing):
    """A source whose pages are made by a function."""

    def __init__(self, behind: Source, *, answer: Answering) -> None:
        super().__init__(behind)
        self._answer = answer

    def audit_log(self, query: Query) -> Sheet:
        """Have the function ask the source behind, and answer."""
        return self._answer(self._behind, query)


def answering(answer: Answering) -> Layers:
    """The layers of a fault that is one function of the source behind and the query."""
    return Layers(backend=partial(_Answered, answer=answer))


def _simply(answer: Callable[[Source, Query, T], Sheet]) -> Callable[[Ground, T], Layers]:
    """A fault that remembers nothing: a function of the source behind, the query and the value."""
    return lambda _ground, value: answering(lambda behind, query: answer(behind, query, value))


def _ask(behind: Source, query: Query, *, echo: bool, offset: int | None = None, limit: int | None = None) -> Sheet:
    """Ask for another page than is wanted; whether the answer owns up to it is `echo`."""
    offset, limit = query.offset if offset is None else offset, query.limit if limit is None else limit
    sheet = behind.audit_log(msgspec.structs.replace(query, offset=offset, limit=limit))
    return sheet if echo else msgspec.structs.replace(sheet, offset=query.offset, limit=query.limit)


def _cap(behind: Source, query: Query, most: int, *, echo: bool) -> Sheet:
    return _ask(behind, query, echo=echo, limit=min(query.limit, most))


def _refuse_limit(behind: Source, query: Query, most: int) -> Sheet:
    if query.limit > most:
        raise BadInput(f"Invalid limit [{query.limit}].")
    return behind.audit_log(query)


def _ignore_offset(behind: Source, query: Query, _value: None, *, echo: bool) -> Sheet:
    return _ask(behind, query, echo=echo, offset=0)


def _round_offset(behind: Source, query: Query, _value: None, *, echo: bool) -> Sheet:
    return _ask(behind, query, echo=echo, offset=query.offset - query.offset % max(1, query.limit))


def _count_from_one(behind: Source, query: Query, _value: None) -> Sheet:
    return _ask(behind, query, echo=False, offset=max(0, query.offset - 1))


def _refuse_deep(behind: Source, query: Query, deepest: int) -> Sheet:
    if query.offset > deepest:
        raise BadInput(f"Invalid offset [{query.offset}].")
    return behind.audit_log(query)


def _empty_deep(behind: Source, query: Query, deepest: int) -> Sheet:
    sheet = behind.audit_log(query)
    return sheet if query.offset <= deepest else msgspec.structs.replace(sheet, items=())


def _exclude_to(behind: Source, query: Query, _value: None) -> Sheet:
    before = None if query.to is None or query.to == dt.date.min else query.to - _DAY
    return behind.audit_log(msgspec.structs.replace(query, to=before))


def _midway(sheet: Sheet) -> bool:
    """Whether more rows follow behind this page."""
    return 0 < len(sheet.items) < sheet.total - sheet.offset


def _short_pages(ground: Ground, wanted: Rate) -> Layers:
    strikes, dice = Strikes(wanted, "short-pages", ground), ground.dice("short-pages", "length")

    def answer(behind: Source, query: Query) -> Sheet:
        sheet = behind.audit_log(query)
        if len(sheet.items) < 2 or not _midway(sheet) or not strikes.fall(repr(query)):
            return sheet
        return msgspec.structs.replace(sheet, items=sheet.items[: dice.between(1, len(sheet.items) - 1)])

    return answering(answer)


def _empty_pages(ground: Ground, wanted: Rate) -> Layers:
    strikes = Strikes(wanted, "empty-page", ground)

    def answer(behind: Source, query: Query) -> Sheet:
        sheet = behind.audit_log(query)
        if not query.offset or not _midway(sheet) or not strikes.fall(repr(query)):
            return sheet
        return msgspec.structs.replace(sheet, items=())

    return answering(answer)


def _zone(ground: Ground, ahead_min: int) -> Layers:
    ground.world.store.habits = ground.world.store.habits._replace(zone_us=ahead_min * _MINUTE_US)
    return Layers()


def _any_case(ground: Ground, _value: None) -> Layers:
    ground.world.store.habits = ground.world.store.habits._replace(any_case=True)
    return Layers()


FAULTS: Final = (
    Fault("to-exclusive", "leaves out the day that `to` names", _simply(_exclude_to)),
    Fault(
        "zone",
        "has days that begin MIN minutes (330 unless told) before those of UTC",
        _zone,
        minutes(_MOST_ZONE_MIN, 330),
    ),
    Fault("any-case", "matches user_name whatever the case, where otherwise case counts", _any_case),
    Fault(
        "cap",
        "gives at most N rows a page (100 unless told), and says so",
        _simply(partial(_cap, echo=True)),
        count(default=100),
    ),
    Fault(
        "cap-silent",
        "gives at most N rows a page (100 unless told), and echoes the limit asked for",
        _simply(partial(_cap, echo=False)),
        count(default=100),
    ),
    Fault(
        "limit-refused", "answers 400 to a limit above N (500 unless told)", _simply(_refuse_limit), count(default=500)
    ),
    Fault(
        "short-pages",
        "cuts every Nth page (2nd unless told) that is not the last, at a length by chance",
        _short_pages,
        rate(2),
    ),
    Fault(
        "empty-page",
        "leaves every Nth page (2nd unless told) between the first and the last empty",
        _empty_pages,
        rate(2),
    ),
    Fault(
        "offset-ignored",
        "begins each page at 0, and echoes the offset asked for",
        _simply(partial(_ignore_offset, echo=False)),
    ),
    Fault("offset-zero", "begins each page at 0, and says so", _simply(partial(_ignore_offset, echo=True))),
    Fault(
        "offset-rounded",
        "begins each page at a multiple of limit, and echoes the offset asked for",
        _simply(partial(_round_offset, echo=False)),
    ),
    Fault(
        "offset-rounded-told",
        "begins each page at a multiple of limit, and says so",
        _simply(partial(_round_offset, echo=True)),
    ),
    Fault("offset-from-one", "counts rows from 1, so that offset 0 and 1 are the same page", _simply(_count_from_one)),
    Fault(
        "deep-offset", "answers 400 to an offset above N (1000 unless told)", _simply(_refuse_deep), count(default=1000)
    ),
    Fault(
        "deep-offset-empty",
        "has no rows on pages with an offset above N (1000 unless told)",
        _simply(_empty_deep),
        count(default=1000),
    ),
)
