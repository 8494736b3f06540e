"""Whether `total` counts what it should: without it nothing can be called complete."""

from typing import Final

from muniment.doctor.examinations.exam import NEVER_COMPLETE, CannotSay, Finding, Steps, ask_page, ask_total
from muniment.doctor.examinations.sample import Sample
from muniment.model import STATUSES

__all__ = ["examine_same_total", "examine_sums", "examine_total"]

_NEVER: Final = "Collect all the same: what is served is archived; but with such totals no run is complete (exit 4)."
_EXPLAINED: Final = (
    "Entries of other statuses explain it, if there are as many; otherwise a collection ends with exit 4."
)


def _differs(why: str) -> Finding:
    return Finding("differs", why, _NEVER, NEVER_COMPLETE)


def examine_total(sample: Sample) -> Steps[Finding]:
    """Whether it is a count, and of rows."""
    told = [page.total for page in sample.pages]
    if None in told:
        return _differs("total is missing, or something that counts nothing")
    total, rows = sample.total, len(sample.whole.rows)
    if rows > total:
        return _differs(f"total says {total}, and {rows} rows came")
    if rows < total and rows < sample.whole.asked_limit and (yield from _ends(rows)):
        return _differs(f"total says {total}, and behind {rows} rows there is none")
    return Finding("pass", f"total counts rows: {total} in all")


def _ends(rows: int) -> Steps[bool]:
    """Whether nothing comes behind so many rows, asked twice."""
    for _ in range(2):
        page = yield from ask_page(offset=rows, limit=1)
        if page.rows:
            return False
    return True


def examine_same_total(sample: Sample) -> Steps[Finding]:
    """Whether it depends on what page is asked for."""
    asked = list(sample.totals())
    if len(asked) < len(sample.pages):
        raise CannotSay("the source gives no total")
    if len(set(asked)) > 1:
        asked.append((yield from ask_total()))
        first, last = asked[0], asked[-1]
        # the last one is asked for as the first was: a total that goes by the page would have gone back to that
        if asked in (sorted(asked), sorted(asked, reverse=True)):
            return Finding("pass", f"pages of four lengths follow one total, which went from {first} to {last}")
        told = ", ".join(str(total) for total in asked)
        return _differs(f"total depends on the page that is asked for: {told}")
    return Finding("pass", f"{len(asked)} pages of four lengths say the same total")


def examine_sums(sample: Sample) -> Steps[Finding]:
    """Whether its parts by status sum up to the whole."""
    before = yield from ask_total()
    success = yield from ask_total(status=STATUSES[0])
    failure = yield from ask_total(status=STATUSES[1])
    after = yield from ask_total()
    both = success + failure
    said = f"{success} + {failure} by status"
    if min(before, after) <= both <= max(before, after):
        return Finding("pass", f"{said} = {both} in all")
    if before != after:
        raise CannotSay(f"the log went from {before} to {after} entries meanwhile", "Run it again in a quiet hour.")
    why = f"{said} = {both}, but {before} in all"
    others = any(row.status is not None and row.status.upper() not in STATUSES for row in sample.rows)
    return Finding("differs", why, _EXPLAINED) if others and both < before else _differs(why)
