"""One pass: what it gives, and what speaks against it."""

import datetime as dt
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sweep.modelled import DAY, Row, Source, rows_of

from muniment.sweep.reading import read
from muniment.sweep.together import together
from muniment.sweep.window import Ask, Seen, Sheet, Window

ONE_DAY = Window.day(DAY)


@given(count=st.integers(0, 400), cap=st.integers(1, 60), short=st.booleans(), echoes=st.booleans())
def test_a_well_behaved_source_is_read_to_its_last_row_whatever_the_page_size(
    count: int, cap: int, short: bool, echoes: bool
) -> None:
    source = Source(rows_of(count, ties=3), cap=cap, short_pages=short, echoes=echoes)
    reading = source.drive(read(ONE_DAY, Seen()))
    assert reading.whole
    assert reading.flaw is None
    assert sorted(reading.keys.tolist()) == sorted(source.keys(ONE_DAY))


def test_one_answer_that_is_not_full_is_atomic_and_costs_one_request() -> None:
    source = Source(rows_of(40))
    reading = source.drive(read(ONE_DAY, Seen(fullest=1000)))
    assert (reading.atomic, len(source.asks)) == (True, 1)


def test_one_answer_as_full_as_any_is_looked_behind_before_it_is_called_atomic() -> None:
    source = Source(rows_of(20), cap=20)
    reading = source.drive(read(ONE_DAY, Seen(fullest=20)))
    assert (reading.atomic, [ask.offset for ask in source.asks]) == (True, [0, 20])


def test_a_total_that_counts_the_page_alone_is_seen_behind_the_end() -> None:
    source = Source(rows_of(50), cap=20, total_says=lambda total: min(total, 20))
    reading = source.drive(read(ONE_DAY, Seen()))
    assert not reading.whole
    assert reading.rows > (reading.total_after or 0)


def test_pages_overlap_by_one_row_and_a_row_that_came_in_between_is_seen_at_the_seam() -> None:
    def insert(source: Source, number: int) -> None:
        if number == 2:
            source.rows = [*source.rows[1:], Row(time=-1, key=9_999)]  # one left and one came: the total stands still

    source = Source(rows_of(50), cap=20, before_answer=insert)
    reading = source.drive(read(ONE_DAY, Seen()))
    assert not reading.moved
    shifted = Source(rows_of(50), cap=20, before_answer=lambda s, n: s.rows.insert(0, Row(-n, 9_000 + n)))
    assert shifted.drive(read(ONE_DAY, Seen())).flaw == "the row at offset 19 was another one a moment ago"


def test_an_empty_page_midway_is_no_end() -> None:
    def vanish(source: Source, number: int) -> None:
        source.cap = 0 if number == 2 else 20

    reading = Source(rows_of(50), cap=20, before_answer=vanish).drive(read(ONE_DAY, Seen()))
    assert reading.flaw == "no more rows at offset 20 of 50"


def test_an_ignored_offset_is_a_flaw_and_not_a_population() -> None:
    reading = Source(rows_of(50), cap=20, ignores_offset=True, echoes=False).drive(read(ONE_DAY, Seen()))
    assert reading.flaw == "the row at offset 19 was another one a moment ago"


def test_an_echoed_offset_that_is_not_the_one_asked_for_is_a_flaw() -> None:
    source = Source(rows_of(50), cap=20)
    steps = read(ONE_DAY, Seen())
    next(steps)
    answer = source.answer(Ask(ONE_DAY, 0, 1000))
    assert isinstance(answer, Sheet)
    with pytest.raises(StopIteration) as end:
        steps.send((msgspec.structs.replace(answer, offset=7),))
    assert end.value.value.flaw == "asked for offset 0, answered from 7"


def test_a_missing_total_is_a_flaw() -> None:
    reading = Source(rows_of(5), total_says=lambda _: None).drive(read(ONE_DAY, Seen()))
    assert reading.flaw == "the source gave no total"


@given(count=st.integers(0, 200), cap=st.integers(1, 60), short=st.booleans(), told=st.integers(0, 3))
def test_without_totals_rows_are_read_until_no_more_come(count: int, cap: int, short: bool, told: int) -> None:
    def forget(source: Source, number: int) -> None:
        source.total_says = lambda total: total if told and number % (told + 1) == 0 else None

    source = Source(rows_of(count, ties=3), cap=cap, short_pages=short, before_answer=forget)
    reading = source.drive(read(ONE_DAY, Seen()))
    assert reading.flaw == "the source gave no total"
    assert not reading.whole
    assert sorted(reading.keys.tolist()) == sorted(source.keys(ONE_DAY))


def test_an_answer_that_is_too_large_halves_the_pages_from_then_on() -> None:
    seen = Seen()
    source = Source(rows_of(500), largest_answer=130)
    reading = source.drive(read(ONE_DAY, seen))
    assert reading.whole
    assert seen.limit == 125


def test_a_twin_in_one_answer_counts_as_a_row_and_is_told() -> None:
    rows = rows_of(10)
    reading = Source([*rows, rows[3]]).drive(read(ONE_DAY, Seen(fullest=1000)))
    assert (reading.whole, reading.rows, reading.twins) == (True, 11, 1)


def test_the_same_key_on_two_pages_is_a_flaw_where_ties_reshuffle() -> None:
    source = Source(rows_of(200, ties=200), cap=50, shuffles_ties=True)
    assert source.drive(read(ONE_DAY, Seen())).flaw is not None


def test_two_passes_that_served_the_same_rows_in_another_order_have_the_same_multiset() -> None:
    rows = rows_of(30, ties=30)
    one = Source(rows, shuffles_ties=True).drive(read(ONE_DAY, Seen(fullest=1000)))
    other = Source(rows, shuffles_ties=True, asks=list(Source(rows).asks) * 2).drive(read(ONE_DAY, Seen(fullest=1000)))
    changed = Source([*rows[1:], Row(0, 77)]).drive(read(ONE_DAY, Seen(fullest=1000)))
    assert one.multiset() == other.multiset() != changed.multiset()


def test_sixteen_pages_that_are_too_large_at_the_same_moment_halve_the_size_once() -> None:
    seen = Seen()
    days = [DAY + dt.timedelta(days=n) for n in range(16)]
    rows = [row for n, day in enumerate(days) for row in rows_of(600, day=day, first_key=1 + 1000 * n)]
    source = Source(rows, largest_answer=500)
    readings = source.drive(together([read(Window.day(day), seen) for day in days]))
    assert all(reading.whole for reading in readings)
    assert seen.limit == 500
    assert len(source.asks) <= 16 * 3 + 4


def test_pages_grow_again_once_the_source_bears_them() -> None:
    def stall(source: Source, number: int) -> None:
        source.largest_answer = 30 if number < 20 else None

    seen = Seen()
    source = Source(rows_of(40_000), before_answer=stall)
    assert source.drive(read(ONE_DAY, seen)).whole
    assert seen.limit == 1000
    assert len(source.asks) < 150


def test_a_size_that_is_never_borne_is_tried_ever_more_rarely_and_by_one_ask_at_a_time() -> None:
    seen = Seen()
    source = Source(rows_of(16_000), largest_answer=130)
    assert source.drive(read(ONE_DAY, seen)).whole
    too_large = [number for number, ask in enumerate(source.asks) if ask.limit > 130]
    assert seen.limit == 125
    assert 5 <= len(too_large) <= 8
    assert all(later - earlier > 1 for earlier, later in pairwise(too_large[3:]))


@given(
    count=st.integers(0, 300),
    largest=st.lists(st.one_of(st.none(), st.integers(1, 60)), min_size=1, max_size=30),
    short=st.booleans(),
)
def test_whatever_sizes_are_borne_and_when_every_row_comes_once(
    count: int, largest: list[int | None], short: bool
) -> None:
    def change(source: Source, number: int) -> None:
        source.largest_answer = largest[number % len(largest)]

    source = Source(rows_of(count, ties=3), short_pages=short, before_answer=change)
    reading = source.drive(read(ONE_DAY, Seen(limit=64)))
    if reading.flaw is None:
        assert sorted(reading.keys.tolist()) == sorted(source.keys(ONE_DAY))
    assert reading.flaw in (None, "the answer is too large")
