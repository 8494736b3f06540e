"""How many requests are under way at once, and when the next may start."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import Stopped
from muniment.source.pacing import Pacer


class Ticker:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def paced(ticker: Ticker, connections: int = 16, max_rate: float | None = None) -> Pacer:
    return Pacer(connections, max_rate, monotonic=ticker, sleep=ticker.sleep)


def starts(pacer: Pacer, ticker: Ticker, count: int) -> list[float]:
    at = []
    for _ in range(count):
        with pacer.slot():
            at.append(ticker.now)
    return at


def test_it_begins_with_four_and_opens_up_while_all_goes_well() -> None:
    pacer = paced(Ticker())
    assert pacer.allowed == 4
    for _ in range(100):
        pacer.answered(0.2)
    assert pacer.allowed == 16


def test_few_connections_are_never_exceeded() -> None:
    pacer = paced(Ticker(), connections=2)
    for _ in range(100):
        pacer.answered(0.2)
    assert pacer.allowed == 2


def test_a_refusal_halves_it_once_for_all_that_was_under_way() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    for _ in range(12):
        pacer.answered(0.2)
    for _ in range(16):
        pacer.refused()
    assert pacer.allowed == 8
    ticker.now += 1
    pacer.refused()
    assert pacer.allowed == 4


def test_it_never_closes_altogether() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    for _ in range(10):
        pacer.refused()
        ticker.now += 1
    assert pacer.allowed == 1


def test_after_a_refusal_it_grows_by_one_a_round() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    pacer.refused()
    assert pacer.allowed == 2
    for _ in range(3):
        pacer.answered(0.2)
    assert pacer.allowed == 3


def test_answers_that_take_twice_as_long_as_before_make_it_smaller() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    for _ in range(100):
        pacer.answered(0.1)
    for _ in range(20):
        pacer.answered(0.5)
        ticker.now += 0.1
    assert pacer.allowed < 12


def test_a_large_answer_is_not_taken_for_a_slow_source() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    for _ in range(100):
        pacer.answered(0.01, size_bytes=200)
        ticker.now += 1
    for _ in range(100):
        pacer.answered(0.2, size_bytes=350_000)
        ticker.now += 1
    assert pacer.allowed == 16


def test_nothing_starts_while_the_source_asks_for_a_pause() -> None:
    ticker = Ticker()
    pacer = paced(ticker)
    pacer.refused(7.0)
    pacer.refused(3.0)
    assert starts(pacer, ticker, 1) == [7.0]


@settings(deadline=None)
@given(st.floats(min_value=0.1, max_value=1000), st.lists(st.floats(0, 3), min_size=2, max_size=20))
def test_starts_are_never_closer_than_the_rate_allows(rate: float, gaps: list[float]) -> None:
    ticker = Ticker()
    pacer = paced(ticker, max_rate=rate)
    at: list[float] = []
    for gap in gaps:
        ticker.now += gap
        at += starts(pacer, ticker, 1)
    assert all(later - earlier >= 1 / rate - 1e-9 for earlier, later in pairwise(at))


def test_the_rate_holds_for_many_threads_together() -> None:
    pacer = Pacer(16, max_rate=200)
    at: list[float] = []

    def request(_: int) -> None:
        with pacer.slot():
            at.append(time.monotonic())
        pacer.answered(0.001)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(request, range(60)))
    assert max(at) - min(at) >= 59 / 200


def test_no_more_are_under_way_than_allowed() -> None:
    pacer = Pacer(3)
    lock = threading.Lock()
    under_way: list[int] = []
    now = 0

    def request(_: int) -> None:
        nonlocal now
        with pacer.slot():
            with lock:
                now += 1
                under_way.append(now)
            time.sleep(0.001)
            with lock:
                now -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(request, range(100)))
    assert max(under_way) == 3


def test_being_told_to_stop_ends_the_wait_for_a_place() -> None:
    stop = threading.Event()
    pacer = Pacer(1, sleep=stop.wait, stop=stop)
    with pacer.slot():
        assert_stops_soon(pacer, stop)


def test_being_told_to_stop_ends_a_pause() -> None:
    stop = threading.Event()
    pacer = Pacer(1, sleep=stop.wait, stop=stop)
    pacer.refused(60)
    assert_stops_soon(pacer, stop)


def assert_stops_soon(pacer: Pacer, stop: threading.Event) -> None:
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Stopped), pacer.slot():
        pass
    assert 0.05 < time.monotonic() - started < 2
    timer.join()
