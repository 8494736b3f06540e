"""Whether pages are cut as assumed: the cap on `limit`, and what `offset` counts."""

from typing import Final

from muniment.doctor.examinations.exam import NEVER_COMPLETE, CannotSay, Finding, Page, Refused, Steps, ask_page
from muniment.doctor.examinations.sample import LARGEST, Sample

__all__ = [
    "examine_cap",
    "examine_deep_offset",
    "examine_echo",
    "examine_offset",
    "examine_page_length",
]

_FEW: Final = 10
_BORDER: Final = 7
"""No multiple of the limit that it is asked for with."""
_TRIED: Final = 20
_BY_RECEIVED: Final = "The next page begins where the rows received end, so nothing is lost; there are more requests."
_SPLIT: Final = "Paging of such a window ends; it is split by day, type, action, status until a part needs no offset."
_NO_PAGES: Final = (
    "Collect all the same: windows are split until a part fits into one answer; one that does not is a gap (exit 4)."
)
_SPANNED: Final = 3
"""Days that an answer must reach over, so that it holds one from end to end."""


def examine_cap(sample: Sample) -> Steps[Finding]:
    """How many rows one answer holds."""
    if sample.refusal is not None:
        return _refused_limit(sample)
    total, rows = sample.total, len(sample.whole.rows)
    if rows != len(sample.again.rows) and total == sample.again.total:
        why = f"of {LARGEST} rows asked for {rows} came, and another time {len(sample.again.rows)}"
        return Finding("differs", why, _BY_RECEIVED)
    if rows < min(total, LARGEST):
        said = "and says so" if sample.whole.limit == rows else "in silence"
        return Finding("differs", f"of {LARGEST} rows asked for {rows} came, {said}", _BY_RECEIVED)
    if sample.whole.limit is not None and rows <= sample.whole.limit < LARGEST:
        return Finding("differs", f"limit={LARGEST} is answered as limit {sample.whole.limit}", _BY_RECEIVED)
    if total <= LARGEST:
        raise CannotSay(f"{total} entries fit into one answer", "It is seen once there are more than a thousand.")
    more = yield from ask_page(limit=LARGEST + 1)
    if len(more.rows) > LARGEST:
        return Finding("differs", f"an answer may hold more than {LARGEST} rows", "A thousand are asked for at a time.")
    return Finding("pass", f"{LARGEST} rows, in silence where more are asked for")


def _refused_limit(sample: Sample) -> Finding:
    assert sample.refusal is not None
    why = f"limit={LARGEST} is refused: {sample.refusal.message}; {sample.whole.asked_limit} is not"
    return Finding("differs", why, "Pages are halved until they come through.")


def examine_page_length(sample: Sample) -> Steps[Finding]:
    """Whether a page before the last may be short."""
    most = min(_TRIED, len(sample.whole.rows))
    if sample.total < 3 or most < 2:
        raise CannotSay("there are too few entries for several pages", "Run it again once there are more.")
    lengths = []
    for _ in range(2):
        page = yield from ask_page(offset=1, limit=most)
        lengths.append(_short_by(page, most))
    lengths += [_short_by(page, page.asked_limit) for page in sample.pages if page.asked_limit <= most]
    if any(lengths):
        return Finding("differs", f"pages before the last are short, by up to {max(lengths)} rows", _BY_RECEIVED)
    return Finding("pass", "pages before the last are as long as asked for")


def _short_by(page: Page, limit: int) -> int:
    expected = min(limit, max(0, (page.total or 0) - page.asked_offset))
    return max(0, expected - len(page.rows))


def examine_echo(sample: Sample) -> Steps[Finding]:
    """Whether an answer says which rows it holds."""
    border = min(_BORDER, max(0, sample.total - 1))
    pages = (*sample.pages, (yield from ask_page(offset=border, limit=_FEW)))
    for page in pages:
        if page.offset is None or page.limit is None:
            return Finding("differs", "offset or limit is not echoed", "Only rows and seams are gone by.")
        if page.offset != page.asked_offset:
            return Finding("differs", f"offset={page.asked_offset} is answered as offset {page.offset}", _SPLIT)
        if not len(page.rows) <= page.limit <= page.asked_limit:
            why = f"limit={page.asked_limit} is answered as limit {page.limit}, with {len(page.rows)} rows"
            return Finding("differs", why, _BY_RECEIVED)
    return Finding("pass", "offset and limit are echoed as they were kept to")


def examine_offset(sample: Sample) -> Steps[Finding]:
    """Whether it counts rows from 0."""
    keys = [row.key for row in sample.whole.rows]
    if len(keys) <= _BORDER:
        raise CannotSay("there are too few entries for a second page", "Run it again once there are more.")
    if not sample.stands_still:
        raise CannotSay("the order does not stand still, so rows cannot be counted", "See ties.")
    page = yield from ask_page(offset=_BORDER, limit=_FEW)
    got = [row.key for row in page.rows]
    if got and got[0] == keys[_BORDER]:
        return Finding("pass", "rows are counted from 0, and a page may begin anywhere")
    if page.total != sample.whole.total:
        raise CannotSay("the log changed meanwhile", "Run it again in a quiet hour.")
    place = keys.index(got[0]) if got and got[0] in keys else None
    begins = "holds none" if not got else "begins elsewhere" if place is None else f"begins with row {place}"
    why = f"a page asked for from row {_BORDER} on {begins}"
    return Finding("differs", why, _NO_PAGES, 0 if _days_fit(sample) else NEVER_COMPLETE)


def _days_fit(sample: Sample) -> bool:
    """Whether one answer holds a day from end to end, so that days need no pages."""
    days = {row.at.date() for row in sample.whole.rows if row.at is not None}
    return len(days) >= _SPANNED or len(sample.whole.rows) == sample.total


def examine_deep_offset(sample: Sample) -> Steps[Finding]:
    """Whether the last row can be paged to."""
    deepest = sample.total - 1
    if deepest < 1:
        raise CannotSay("there are too few entries for a second page", "Run it again once there are more.")
    try:
        page = yield from ask_page(offset=deepest, limit=1)
    except Refused as refused:
        if refused.refusal.status != 400:
            raise
        return Finding("differs", f"offset={deepest} is refused: {refused.refusal.message}", _SPLIT)
    if not page.rows and page.total is not None and page.total <= deepest:
        raise CannotSay("the log changed meanwhile", "Run it again in a quiet hour.")
    if not page.rows:
        why = (
            f"offset={deepest} has no rows, though total says {sample.total}: deep pages are cut, or total is too high"
        )
        return Finding("differs", why, _SPLIT)
    return Finding("pass", f"the last row can be asked for, at offset {deepest}")
