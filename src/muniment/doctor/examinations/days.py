"""How the source counts days: `from` and `to`, the zone, and what lies outside."""

import datetime as dt
from typing import Final

from muniment.doctor.examinations.exam import NEVER_COMPLETE, CannotSay, Finding, Page, Steps, ask_page, ask_total
from muniment.doctor.examinations.rows import Row
from muniment.doctor.examinations.sample import Sample
from muniment.sweep.days import DayEdges

__all__ = ["examine_outside", "examine_period", "examine_to", "examine_zone"]

_DAY: Final = dt.timedelta(days=1)
_NOON_S: Final = 12 * 3600
_BY_WINDOW: Final = "The window that serves an entry decides its day; every --from and --to means the source's day."
_WITHOUT_DATES: Final = (
    "Collect all the same: days come out empty, so everything is read without dates; no run is complete (exit 4)."
)
_EVER: Final = ("1970-01-01", "2999-12-31")


def examine_period(sample: Sample) -> Steps[Finding]:
    """From when to when there are entries: where to look, when a query finds nothing."""
    yield from ()
    if not sample.rows:
        return Finding(
            "skipped",
            "the broadest query finds nothing: this key is shown no entries",
            "Check that the key belongs to the account that is meant; then add filters one by one.",
        )
    first, last = _first(sample).date(), _last(sample).date()
    count = "some" if sample.whole.total is None else sample.whole.total
    accounts = len({row.account_id for row in sample.rows if row.account_id})
    of = "1 account" if accounts == 1 else f"{accounts} accounts"
    why = f"{count} entries; those seen lie from {first} to {last}, and are of {of}"
    return Finding("pass", why, "Where a query finds nothing: is its period in there? Begin without filters.")


def examine_to(sample: Sample) -> Steps[Finding]:
    """Whether the day that `to` names is included."""
    row = min(_timed(sample), key=lambda row: abs(_second(row) - _NOON_S))
    day = _moment(row).date()
    alone = yield from ask_total(from_=_text(day), to=_text(day))
    if alone:
        return Finding("pass", f"from={day}, to={day} finds {alone} entries: both days are included")
    with_next = yield from ask_total(from_=_text(day), to=_text(day + _DAY))
    if with_next:
        why = f"from=to={day} finds nothing, with the next day {with_next}: a day that is named is left out"
        return Finding("differs", why, _WITHOUT_DATES, NEVER_COMPLETE)
    why = f"a day with entries has none when it is asked for by from and to ({day})"
    return Finding("differs", why, _WITHOUT_DATES, NEVER_COMPLETE)


def examine_zone(sample: Sample) -> Steps[Finding]:
    """In which zone a day begins: by the rows that lie nearest to midnight."""
    inner = _inner(_timed(sample))
    early, late = min(inner, key=_second), max(inner, key=_second)
    edges = DayEdges()
    for row, sort in ((early, "timestamp:asc"), (late, "timestamp:desc")):
        day = _moment(row).date()
        page = yield from ask_page(from_=_text(day), to=_text(day), sort=sort, limit=sample.limit)
        edges = _widened(edges, page, day)
        if row.key not in {each.key for each in page.rows} and _is_whole(page):
            return (yield from _elsewhere(row, edges, sample.limit))
    return _in_words(edges)


def _inner(timed: list[Row]) -> list[Row]:
    """Rows of days that have others before and after them, so that the log's own ends are not taken for a day's."""
    days = [_moment(row).date() for row in timed]
    ends = min(days), max(days)
    return [row for row, day in zip(timed, days, strict=True) if day not in ends] or timed


def _elsewhere(row: Row, edges: DayEdges, limit: int) -> Steps[Finding]:
    """The day of UTC does not hold a row: which neighbour does."""
    day = _moment(row).date()
    for near in (day + _DAY, day - _DAY):
        page = yield from ask_page(from_=_text(near), to=_text(near), limit=limit)
        edges = _widened(edges, page, near)
        if row.key in {each.key for each in page.rows}:
            return _in_words(edges, moved=True)
    raise CannotSay("an entry is in none of the three days around its timestamp", "See `to`.")


def _widened(edges: DayEdges, page: Page, day: dt.date) -> DayEdges:
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    for row in page.rows:
        if row.at is not None and abs(row.at - midnight) < 3 * _DAY:
            ahead_s = (row.at - midnight).total_seconds()
            edges = edges.widened(ahead_s, ahead_s)
    return edges


def _in_words(edges: DayEdges, *, moved: bool = False) -> Finding:
    zone = edges.zone
    if zone is not None:
        if not zone:
            return Finding("pass", "days are those of UTC")
        return Finding("differs", f"days are those of UTC{_ahead(zone.total_seconds())}", _BY_WINDOW)
    early, late = edges.earliest_s or 0.0, edges.latest_s or 0.0
    allowed = f"UTC{_ahead(-early)} to UTC{_ahead(_DAY.total_seconds() - late)}"
    if moved or early < 0 or late >= _DAY.total_seconds():
        return Finding("differs", f"days are not those of UTC: entries seen allow {allowed}", _BY_WINDOW)
    raise CannotSay(f"days may be those of UTC; entries seen allow {allowed}", _BY_WINDOW)


def _ahead(seconds: float) -> str:
    minutes = int(abs(seconds)) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _is_whole(page: Page) -> bool:
    return page.total == len(page.rows)


def examine_outside(sample: Sample) -> Steps[Finding]:
    """Whether each entry belongs to a day."""
    sample.demand_rows()
    before = yield from ask_total()
    within = yield from ask_total(from_=_EVER[0], to=_EVER[1])
    after = yield from ask_total()
    if within in (before, after):
        return Finding("pass", f"{within} entries with days, as many without")
    if before != after:
        raise CannotSay("the log changed meanwhile", "Run it again in a quiet hour.")
    why = f"{before} entries in all, {within} of them from {_EVER[0]} to {_EVER[1]}"
    return Finding("differs", why, "Entries of no day, or of far ones, are read by themselves, without dates.")


def _timed(sample: Sample) -> list[Row]:
    timed = [row for row in sample.demand_rows() if row.at is not None and dt.date.min < row.at.date() < dt.date.max]
    if not timed:
        raise CannotSay("no row has a timestamp that can be read")
    return timed


def _first(sample: Sample) -> dt.datetime:
    return min(map(_moment, _timed(sample)))


def _last(sample: Sample) -> dt.datetime:
    return max(map(_moment, _timed(sample)))


def _moment(row: Row) -> dt.datetime:
    assert row.at is not None
    return row.at


def _second(row: Row) -> float:
    """Seconds since midnight UTC."""
    moment = _moment(row)
    return (moment - dt.datetime.combine(moment.date(), dt.time(), dt.UTC)).total_seconds()


def _text(day: dt.date) -> str:
    return day.isoformat()
