"""Reading a living list to its end: every entry once, or an error that says what the source counts."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import WireError
from muniment.model import Page
from muniment.source.paging import MAX_ROUNDS, Paging

Change = Callable[[list[int]], None]


def page(offset: int, rows: int, total: int, limit: int = 10) -> Page:
    return Page(total, offset, limit, [msgspec.Raw(b"{}")] * rows)


def read(entries: list[int], cap: int, changes: Sequence[Change] = ()) -> list[int]:
    """Reads a list that changes once after each answer; at most `cap` come at once."""
    paging = Paging()
    had: list[int] = []
    left = iter(changes)
    while not paging.is_complete:
        served = entries[paging.offset : paging.offset + cap]
        new = paging.absorb(page(paging.offset, len(served), len(entries), cap), cap, served)
        had += [served[index] for index in new]
        next(left, lambda _: None)(entries)
    return had


@st.composite
def growths(draw: st.DrawFn) -> list[Change]:
    """Entries that come in, at the end or in the midst, a few after each answer."""
    numbers = iter(range(1000, 2000))

    def grow(places: list[float]) -> Change:
        def change(entries: list[int]) -> None:
            for place in places:
                entries.insert(round(place * len(entries)), next(numbers))

        return change

    return [grow(places) for places in draw(st.lists(st.lists(st.floats(0, 1), max_size=4), max_size=12))]


@given(st.integers(0, 60), st.integers(1, 25))
def test_a_list_that_stands_still_is_read_whole_in_one_round(count: int, cap: int) -> None:
    entries = list(range(count))
    assert read(entries, cap) == entries


@given(st.integers(0, 60), st.integers(1, 25), growths())
def test_whatever_comes_in_meanwhile_every_entry_is_read_once_or_an_error_says_so(
    count: int, cap: int, changes: list[Change]
) -> None:
    entries = list(range(count))
    try:
        had = read(entries, cap, changes)
    except WireError:
        return
    assert len(had) == len(set(had))
    assert set(range(count)) <= set(had) <= set(entries)


def test_an_entry_logged_between_pages_in_the_midst_of_what_is_read_is_read_once() -> None:
    had = read(list(range(25)), 10, [lambda entries: entries.insert(3, 99)])
    assert sorted(had) == [*range(25), 99]


def test_newest_first_is_read_whole_when_entries_come_in_at_its_head() -> None:
    had = read(list(range(25)), 10, [lambda entries: entries.insert(0, 98), lambda entries: entries.insert(0, 99)])
    assert sorted(had) == [*range(25), 98, 99]


def test_entries_that_go_meanwhile_are_an_error_and_not_a_silent_gap() -> None:
    with pytest.raises(WireError, match="total: went from 25 to 24 at offset 10"):
        read(list(range(25)), 10, [lambda entries: entries.remove(0)])


def test_a_short_page_is_not_the_end() -> None:
    paging = Paging()
    assert paging.absorb(page(0, 3, 5), 10, "abc") == [0, 1, 2]
    assert not paging.is_complete
    assert paging.offset == 3
    assert paging.absorb(page(3, 2, 5), 10, "de") == [0, 1]
    assert paging.is_complete


def test_a_key_twice_on_one_page_is_two_entries_as_served() -> None:
    paging = Paging()
    assert paging.absorb(page(0, 3, 3), 10, ["a", "a", "b"]) == [0, 1, 2]
    assert paging.is_complete


def test_a_total_that_cannot_be_reached_is_an_error_after_some_readings() -> None:
    paging = Paging()
    for reading in range(MAX_ROUNDS):
        assert paging.offset == 0
        paging.absorb(page(0, 2, 3), 10, "ab")
        assert paging.offset == 2
        if reading < MAX_ROUNDS - 1:
            paging.absorb(page(2, 0, 3), 10, "")
    with pytest.raises(WireError, match="total: counts 3 entries, but only 2 came in 3 readings") as caught:
        paging.absorb(page(2, 0, 3), 10, "")
    assert "muniment collect" in caught.value.hint


def test_more_entries_than_the_total_are_an_error() -> None:
    with pytest.raises(WireError, match="total: counts 1 entries, but 2 came"):
        Paging().absorb(page(0, 2, 1), 10, "ab")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(7, 1, 20), "offset: asked for 0, got 7"),
        (page(0, 1, 20, limit=11), "limit: asked for 10, got 11"),
        (page(0, 1, 20, limit=0), "limit: asked for 10, got 0"),
    ],
)
def test_an_answer_to_another_question_is_an_error(answer: Page, said: str) -> None:
    with pytest.raises(WireError, match=said):
        Paging().absorb(answer, 10, "a")


def test_a_smaller_cap_than_asked_for_is_accepted() -> None:
    assert Paging().absorb(page(0, 5, 20, limit=5), 10, "abcde") == [0, 1, 2, 3, 4]
