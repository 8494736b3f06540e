"""Whether `sort` is obeyed, and whether equal timestamps keep their order."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from muniment.doctor.examinations.exam import CannotSay, Finding, Steps
from muniment.doctor.examinations.rows import Row
from muniment.doctor.examinations.sample import Sample

__all__ = ["examine_order", "examine_ties"]

_UNION: Final = "A flawed pass is read again or split until the rows agree with the total: more requests, nothing lost."


def examine_order(sample: Sample) -> Steps[Finding]:
    """Whether pages come oldest first, and newest first, as asked for."""
    yield from ()
    ascending, descending = _times(sample.whole.rows), _times(sample.newest.rows)
    if len(set(ascending)) < 2:
        raise CannotSay("there are no two entries of different times", "Run it again once there are.")
    if any(one > other for one, other in pairwise(ascending)):
        return Finding("differs", "sort=timestamp:asc does not give the oldest first", _UNION)
    if any(one < other for one, other in pairwise(descending)) or descending[:1] < ascending[-1:]:
        return Finding("differs", "sort=timestamp:desc does not give the newest first", _UNION)
    return Finding("pass", f"oldest first and newest first are obeyed, over {len(ascending)} rows")


def _times(rows: Sequence[Row]) -> list[dt.datetime]:
    return [row.at for row in rows if row.at is not None]


def examine_ties(sample: Sample) -> Steps[Finding]:
    """Whether the same page, asked for twice, holds the same rows in the same order."""
    yield from ()
    first, second = [row.key for row in sample.whole.rows], [row.key for row in sample.again.rows]
    tied = sum(count for count in Counter(_times(sample.whole.rows)).values() if count > 1)
    if not sample.stands_still:
        return _unlike(sample, first, second)
    if not tied:
        raise CannotSay("no two rows of the first page have one timestamp", "A part that fits one answer needs none.")
    return Finding("pass", f"asked for twice, {tied} rows of equal timestamps kept their order")


def _unlike(sample: Sample, first: list[str], second: list[str]) -> Finding:
    kept = set(first) & set(second)
    if [key for key in first if key in kept] != [key for key in second if key in kept]:
        return Finding("differs", "the same page asked for twice comes in another order", _UNION)
    if len(set(sample.totals())) > 1:
        raise CannotSay("the log changed meanwhile", "Run it again in a quiet hour.")
    return Finding("differs", "the same page asked for twice holds other rows while the total stands", _UNION)
