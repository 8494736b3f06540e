"""Corrections say of each leaf which day counts, and whether it is a first content."""

import datetime as dt

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from muniment.query.corrections import Corrections

DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 5))
RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), DAYS).map(lambda r: (r[0], r[0] + r[1], r[2])))
VERSIONS = st.lists(st.integers(0, 40))
NATIVE = dt.date(2025, 12, 31)


def by_hand(ranges: list[tuple[int, int, dt.date]], leaf: int) -> dt.date:
    return next((day for first, end, day in reversed(ranges) if first <= leaf < end), NATIVE)


def told(corrections: Corrections, first: int, end: int) -> list[dt.date]:
    days = pa.array([NATIVE] * (end - first), pa.date32())
    given_days: list[dt.date] = corrections.days(np.arange(first, end), days).to_pylist()
    return given_days


@given(RANGES, st.integers(0, 40), st.integers(1, 20))
def test_the_last_range_that_holds_a_leaf_says_its_day(
    ranges: list[tuple[int, int, dt.date]], first: int, count: int
) -> None:
    assert told(Corrections(displaced=ranges), first, first + count) == [
        by_hand(ranges, leaf) for leaf in range(first, first + count)
    ]


@given(VERSIONS, st.integers(0, 40), st.integers(1, 20))
def test_versions_are_no_first_contents(versions: list[int], first: int, count: int) -> None:
    indices = np.arange(first, first + count)
    assert Corrections(versions).first_contents(indices).tolist() == [leaf not in versions for leaf in indices.tolist()]


@given(RANGES, VERSIONS, st.integers(0, 50))
def test_the_digest_is_of_what_is_said_and_not_of_how(
    ranges: list[tuple[int, int, dt.date]], versions: list[int], end: int
) -> None:
    split = [(leaf, leaf + 1, day) for first, last, day in ranges for leaf in range(first, last)]
    assert Corrections(versions, ranges).digest(end) == Corrections(versions[::-1] * 2, split).digest(end)


@given(RANGES, VERSIONS, st.integers(0, 40), DAYS)
def test_the_digest_changes_with_what_is_said_of_a_leaf_before_the_end_and_with_nothing_else(
    ranges: list[tuple[int, int, dt.date]], versions: list[int], leaf: int, day: dt.date
) -> None:
    before = Corrections(versions, ranges)
    moved, version = Corrections(versions, [*ranges, (leaf, leaf + 1, day)]), Corrections([*versions, leaf], ranges)
    assert (before.digest(leaf + 1) == moved.digest(leaf + 1)) is (by_hand(ranges, leaf) == day)
    assert (before.digest(leaf + 1) == version.digest(leaf + 1)) is (leaf in versions)
    assert before.digest(leaf) == moved.digest(leaf) == version.digest(leaf)
