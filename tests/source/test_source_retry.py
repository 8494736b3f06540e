"""When the same is asked again, how long that goes on, and what Retry-After says."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.source.retry import (
    MAX_ASKED_WAIT_S,
    Patience,
    Pause,
    Setback,
    Trouble,
    parse_http_date,
    parse_retry_after,
)

NOW = dt.datetime(2026, 11, 24, 22, 0, 0, tzinfo=dt.UTC)
BUSY = Setback(Trouble.BUSY, "answered 503", 503)

setbacks = st.builds(
    Setback,
    st.sampled_from(Trouble),
    st.just("why"),
    st.none() | st.just(504),
    st.none() | st.floats(min_value=0, max_value=120),
)


def full() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Tue, 24 Nov 2026 22:00:07 GMT", 7.0),
        ("Tuesday, 24-Nov-26 22:00:07 GMT", 7.0),
        ("Tue Nov 24 22:00:07 2026", 7.0),
        ("Tue, 24 Nov 2026 21:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 23:00:07 +0100", 7.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("99999999999", None),
        ("Tue, 99 Nov 2026 22:00:07 GMT", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_ignored_in_others(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_no_header_whatever_makes_a_date_fail(text: str) -> None:
    date = parse_http_date(text)
    assert date is None or date.utcoffset() == dt.timedelta(0)


@given(st.lists(setbacks, min_size=1, max_size=40), st.floats(0, 60), st.floats(0, 5), st.floats(0, 0.999))
def test_trying_again_never_takes_longer_than_it_may(
    troubles: list[Setback], retry_s: float, took_s: float, jitter: float
) -> None:
    patience = Patience(retry_s, lambda: jitter)
    ours_s = asked_s = 0.0
    for setback in troubles:
        pause = patience.after(setback, took_s)
        if pause is None:
            break
        ours_s += pause.own_s
        asked_s += pause.asked_s
        assert ours_s <= retry_s
        assert asked_s <= MAX_ASKED_WAIT_S
        assert patience.left_s > 0
        ours_s += min(took_s, patience.left_s)


def test_the_pauses_grow_and_leave_room_for_one_more_try() -> None:
    patience = Patience(30, full)
    pauses = [patience.after(BUSY, 0.1) for _ in range(10)]
    assert [pause and round(pause.own_s, 2) for pause in pauses] == [0.5, 1, 2, 4, 8, 7, 3.45, 1.67, 0.79, None]


def test_the_first_try_is_not_trying_again() -> None:
    assert Patience(5, full).after(BUSY, took_s=1000) is not None


def test_without_time_to_try_again_there_is_no_second_try() -> None:
    assert Patience(0, full).after(BUSY, 0) is None


def test_what_the_source_asks_for_is_waited_to_the_second_and_not_counted_as_ours() -> None:
    patience = Patience(10, full)
    asked = Setback(Trouble.BUSY, "answered 429", 429, asked_wait_s=7)
    assert patience.after(asked, 0) == Pause(7, 0)
    assert patience.left_s == 10


def test_retry_after_zero_does_not_mean_without_a_pause() -> None:
    patience = Patience(10, full)
    assert patience.after(Setback(Trouble.BUSY, "answered 429", 429, asked_wait_s=0.0), 0) == Pause(0, 0.5)


def test_a_source_that_always_asks_to_wait_is_given_up_after_ten_minutes() -> None:
    patience = Patience(10, full)
    asked = Setback(Trouble.BUSY, "answered 429", 429, asked_wait_s=60)
    pauses = [patience.after(asked, 0) for _ in range(11)]
    assert pauses == [Pause(60, 0)] * 10 + [None]
    assert Patience(10, full).after(Setback(Trouble.BUSY, "", 429, asked_wait_s=601), 0) is None


def test_a_500_is_tried_three_times_again() -> None:
    patience = Patience(1000, full)
    broken = Setback(Trouble.BROKEN, "answered 500", 500)
    assert [patience.after(broken, 0) is None for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("setback", "tries"),
    [
        (Setback(Trouble.TIMED_OUT, ""), 1),
        (Setback(Trouble.BUSY, "", 504), 1),
        (Setback(Trouble.CUT, ""), 2),
    ],
)
def test_who_can_ask_for_less_is_told_early(setback: Setback, tries: int) -> None:
    patience = Patience(1000, full, shrinkable=True)
    assert [patience.after(setback, 0) is None for _ in range(tries)] == [False] * (tries - 1) + [True]
    assert setback.less_may_help
    assert Patience(1000, full).after(setback, 0) is not None


def test_who_can_ask_for_less_is_not_told_so_by_a_busy_source() -> None:
    patience = Patience(1000, full, shrinkable=True)
    assert all(patience.after(BUSY, 0) for _ in range(6))
    assert not BUSY.less_may_help


def test_the_setback_to_tell_of_is_the_last_that_says_why() -> None:
    patience = Patience(1000, full)
    hurried = Setback(Trouble.TIMED_OUT, "no answer within 0.01 s")
    for setback in (BUSY, Setback(Trouble.CUT, "cut"), hurried):
        patience.after(setback, 0)
    assert patience.telling.trouble is Trouble.CUT
    patience = Patience(1000, full)
    patience.after(hurried, 0)
    assert patience.telling is hurried


def test_the_next_try_has_what_is_left_and_at_least_a_second() -> None:
    patience = Patience(10, full)
    patience.after(BUSY, 0)
    assert patience.next_timeout_s(30) == 9.5
    assert patience.next_timeout_s(0.2) == 0.2
    patience.after(BUSY, 8.2)
    assert patience.next_timeout_s(30) == 1.0
