"""A window swept to a verdict: complete by one of three methods, or a gap with its numbers."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sweep.modelled import DAY, Row, Source, rows_of

from muniment.sweep.sweeping import first_page, sweep
from muniment.sweep.window import Ask, Seen, Window, weakest

ONE_DAY = Window.day(DAY)


def test_one_answer_is_atomic_several_are_stable_and_two_passes_confirm() -> None:
    assert Source(rows_of(10)).drive(sweep(ONE_DAY, Seen(fullest=1000))).method == "atomic"
    assert Source(rows_of(2_500)).drive(sweep(ONE_DAY, Seen())).method == "stable"
    source = Source(rows_of(2_500))
    assert source.drive(sweep(ONE_DAY, Seen(), confirm=True)).method == "confirmed"
    first, second = {ask.offset for ask in source.asks[:4]}, {ask.offset for ask in source.asks[4:]}
    assert (first & second) - {0, 2_500} == set(), "the second pass has other seams"


def test_what_left_and_what_came_in_the_same_moment_does_not_pass_as_confirmed() -> None:
    def swap(source: Source, number: int) -> None:
        if number == 4:
            source.rows = [row for row in source.rows if row.key != 2_400] + [Row(5_000, 77_777)]

    source = Source(rows_of(2_500), before_answer=swap)
    verdict = source.drive(sweep(ONE_DAY, Seen(), confirm=True))
    assert verdict.method == "confirmed"
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)


def test_a_source_that_refuses_deep_offsets_is_split_until_its_parts_fit() -> None:
    source = Source(rows_of(1_500), cap=100, last_offset=300)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert verdict.complete
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)
    assert verdict.parts


def test_ties_that_reshuffle_are_read_in_parts_that_fit_one_answer() -> None:
    source = Source(rows_of(900, ties=900), cap=100, shuffles_ties=True)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert verdict.complete
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)


def test_a_part_that_cannot_be_split_is_read_until_the_union_equals_an_unchanged_total() -> None:
    rows = [Row(0, key) for key in range(1, 31)]
    source = Source(rows, cap=20, shuffles_ties=True)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert len(source.asks) < 100, "bounded: five halvings of the types, then actions, status, five passes"
    assert verdict.complete is (set(verdict.keys.tolist()) == source.keys(ONE_DAY))
    assert verdict.complete or verdict.gaps[0].expected == 30


@pytest.mark.parametrize("lie", [3, 40])
def test_a_total_that_is_too_high_ends_in_a_gap_that_says_how_many_are_missing(lie: int) -> None:
    source = Source(rows_of(10), total_says=lambda total: total + lie if total else 0)
    verdict = source.drive(sweep(ONE_DAY, Seen(fullest=1000)))
    assert not verdict.complete
    assert [(gap.expected, gap.got) for gap in verdict.gaps] == [(10 + lie, 10)]
    assert len(source.asks) <= 5 * 4


def test_a_total_that_is_too_low_is_a_contradiction_with_expected_below_got() -> None:
    source = Source(rows_of(10), total_says=lambda total: max(total - 3, 0))
    verdict = source.drive(sweep(ONE_DAY, Seen(fullest=1000)))
    assert not verdict.complete
    assert [(gap.expected, gap.got) for gap in verdict.gaps] == [(7, 10)]
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY), "what was served is there all the same"


def test_a_growing_day_is_settled_once_its_total_is_reached() -> None:
    def grow(source: Source, number: int) -> None:
        source.rows.append(Row(10_000 + number, 50_000 + number))

    source = Source(rows_of(2_500), before_answer=grow)
    verdict = source.drive(sweep(ONE_DAY, Seen(), growing=True))
    assert (verdict.settled, verdict.gaps) == (True, ())


def test_a_closed_day_that_grows_while_it_is_read_is_read_again() -> None:
    def grow_once(source: Source, number: int) -> None:
        if number == 2:
            source.rows.append(Row(-5, 50_000))

    source = Source(rows_of(2_500), before_answer=grow_once)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert verdict.complete
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 120),
    cap=st.integers(2, 40),
    ties=st.integers(1, 60),
    shuffles=st.booleans(),
    last_offset=st.one_of(st.none(), st.integers(0, 80)),
    short=st.booleans(),
    lie=st.sampled_from([0, 0, 0, 1, -1, 7]),
)
def test_complete_is_never_said_falsely_and_a_still_source_without_lies_is_complete(  # noqa: PLR0917 - hypothesis names them
    count: int, cap: int, ties: int, shuffles: bool, last_offset: int | None, short: bool, lie: int
) -> None:
    source = Source(
        rows_of(count, ties=ties),
        cap=cap,
        shuffles_ties=shuffles,
        last_offset=last_offset,
        short_pages=short,
        total_says=lambda total: max(total + lie, 0) if total else 0,
    )
    verdict = source.drive(sweep(ONE_DAY, Seen(accounts=("a", "b"))))
    got = set(verdict.keys.tolist())
    if verdict.complete:
        assert got == source.keys(ONE_DAY)
    else:
        assert verdict.gaps, "what is lacking is named"
        assert lie or shuffles or last_offset is not None, "a refusal needs a reason"
    assert len(source.asks) < 6_000, "it ends"


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["come", "go", "swap"])), max_size=6))
def test_complete_by_two_passes_or_one_answer_is_true_of_some_moment_whatever_moves(
    moves: list[tuple[int, str]],
) -> None:
    moments: list[set[int]] = []

    def move(source: Source, number: int) -> None:
        for when, what in moves:
            if when == number and what in ("go", "swap"):
                source.rows.pop(number % len(source.rows))
            if when == number and what in ("come", "swap"):
                source.rows.append(Row(number * 31 % 200, 10_000 + number))
        moments.append(source.keys(ONE_DAY))

    source = Source(rows_of(90), cap=40, before_answer=move)
    verdict = source.drive(sweep(ONE_DAY, Seen(), confirm=True))
    if verdict.method in ("atomic", "confirmed"):
        assert set(verdict.keys.tolist()) in moments
    else:
        assert verdict.gaps


def test_a_whole_may_claim_no_more_than_its_weakest_part() -> None:
    assert weakest(["atomic", "stable", "confirmed"]) == "stable"
    assert weakest(["atomic", "confirmed"]) == "confirmed"
    assert weakest([]) == "atomic"


def test_a_window_of_many_days_is_halved_by_days() -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(4)]
    rows = [msgspec_row for n, day in enumerate(days) for msgspec_row in rows_of(60, day=day, first_key=1 + 100 * n)]
    source = Source(rows, cap=50, last_offset=60)
    verdict = source.drive(sweep(Window(days[0], days[-1]), Seen()))
    assert verdict.complete
    assert len(verdict.keys) == 240
    assert msgspec.structs.asdict(verdict.parts[0].window)["to"] == days[1]


def test_a_closed_day_that_grew_at_its_end_while_it_was_read_is_read_once_more() -> None:
    def grow_once(source: Source, number: int) -> None:
        if number == 2:
            source.rows.append(Row(9_000, 50_000))

    source = Source(rows_of(2_500), before_answer=grow_once)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert (verdict.complete, verdict.passes, verdict.total_after) == (True, 2, 2_501)


def test_a_total_that_was_exceeded_once_is_not_believed_when_a_short_page_reaches_it() -> None:
    source = Source(rows_of(2), cap=3, short_pages=True, total_says=lambda total: max(total - 1, 0))
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert not verdict.complete
    assert [(gap.expected, gap.got) for gap in verdict.gaps] == [(1, 2)]


def test_parts_count_only_if_they_still_sum_up_when_all_are_read() -> None:
    def grow_behind_the_parts(source: Source, _: int) -> None:
        counts = [ask for ask in source.asks if ask.limit == 1 and not str(ask.window.filter)]
        if len(counts) == 2 and source.asks[-1] is counts[-1]:
            source.rows.append(Row(9_000, 60_000))

    source = Source(rows_of(300), cap=60, last_offset=100, before_answer=grow_behind_the_parts)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("confirm", [False, True])
def test_a_total_that_is_always_the_same_huge_number_ends_soon_in_a_gap(growing: bool, confirm: bool) -> None:
    source = Source(rows_of(5), total_says=lambda _: 999_999_999_999_999)
    verdict = source.drive(sweep(ONE_DAY, Seen(accounts=("a", "b")), confirm=confirm, growing=growing))
    assert [(gap.expected, gap.got) for gap in verdict.gaps] == [(999_999_999_999_999, 5)]
    assert not verdict.settled
    assert len(source.asks) < 100


@pytest.mark.parametrize("growing", [False, True])
def test_a_lie_that_sums_up_in_all_its_parts_ends_when_the_budget_is_spent(growing: bool) -> None:
    source = Source(rows_of(400), total_says=lambda total: total * 10**12)
    verdict = source.drive(sweep(ONE_DAY, Seen(accounts=("a", "b")), growing=growing))
    (gap,) = verdict.gaps
    assert (gap.expected, gap.got) == (400 * 10**12, 400)
    assert "given up after" in gap.why
    assert len(source.asks) <= 1_020 + 11 * 400
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)


def test_all_windows_that_lie_share_what_may_be_asked_in_vain() -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(40)]
    rows = [row for n, day in enumerate(days) for row in rows_of(3, day=day, first_key=1 + 100 * n)]
    source, seen = Source(rows, total_says=lambda total: total * 10**12), Seen()
    seen.spare = 1_500
    verdicts = [source.drive(sweep(Window.day(day), seen)) for day in days]
    assert all(verdict.gaps and verdict.rows == 3 for verdict in verdicts)
    assert len(source.asks) <= 1_500 + 40 * (20 + 11 * 3)
    assert seen.spare == 0


def test_what_a_complete_window_took_to_be_read_in_parts_is_given_back() -> None:
    source, seen = Source(rows_of(1_500), cap=20, last_offset=30), Seen()
    assert source.drive(sweep(ONE_DAY, seen)).complete
    assert len(source.asks) > 100
    assert seen.spare == Seen().spare


def test_a_source_that_serves_its_first_row_for_ever_ends_in_a_gap() -> None:
    source = Source(rows_of(1), cap=1, ignores_offset=True, echoes=False, total_says=lambda _: 10**12)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert [(gap.expected, gap.got) for gap in verdict.gaps] == [(10**12, 1)]
    assert len(source.asks) <= 1_020 + 11


def test_a_growing_day_whose_rows_are_beyond_the_last_offset_is_read_in_parts() -> None:
    def grow(source: Source, number: int) -> None:
        if number % 7 == 0:
            source.rows.append(Row(10_000 + number, 50_000 + number, resource_type="USER"))

    source = Source(rows_of(1_500), cap=100, last_offset=300, before_answer=grow)
    first = source.keys(ONE_DAY)
    verdict = source.drive(sweep(ONE_DAY, Seen(), growing=True))
    assert verdict.gaps == ()
    assert verdict.parts
    assert first <= set(verdict.keys.tolist())


def test_parts_of_a_growing_day_that_sum_up_to_more_than_the_whole_are_not_believed() -> None:
    def twice(source: Source, _: int) -> None:
        filtered = str(source.asks[-1].window.filter)
        source.total_says = (lambda total: 2 * total) if filtered else (lambda total: total)

    source = Source(rows_of(1_500), cap=100, last_offset=300, before_answer=twice)
    verdict = source.drive(sweep(ONE_DAY, Seen(), growing=True))
    assert (verdict.parts, verdict.settled) == ((), False)
    assert verdict.gaps


@pytest.mark.parametrize("place", [0, 1, 400, 998, 999])
def test_a_row_that_is_too_large_is_a_gap_of_that_row_and_everything_else_is_had(place: int) -> None:
    source, seen = Source(rows_of(1_000), too_large=frozenset({1 + place})), Seen()
    verdict = source.drive(sweep(ONE_DAY, seen))
    (gap,) = verdict.gaps
    assert (gap.from_, gap.to, gap.expected, gap.got) == (DAY, DAY, 1, 0)
    assert f"the entry at offset {place} " in gap.why
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY) - {1 + place}
    assert (verdict.method, verdict.settled, seen.limit) == (None, False, 1000)
    assert len(source.asks) < 50


def test_a_day_of_nothing_but_rows_that_are_too_large_is_gaps_of_as_many() -> None:
    source = Source(rows_of(30), too_large=frozenset(range(1, 31)))
    gaps = source.drive(sweep(ONE_DAY, Seen(), growing=True)).gaps
    assert sum(gap.expected or 0 for gap in gaps) == 30
    assert len(gaps) == 21


def test_the_day_of_a_row_that_is_too_large_is_found_by_totals_in_a_window_of_many() -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(40)]
    rows = [Row(n, 1 + n, day=day) for n, day in enumerate(days)]
    for window in (Window(days[0], days[-1]), Window(None, days[-1]), Window(days[0], None)):
        source = Source(rows, too_large=frozenset({30}))
        (gap,) = source.drive(sweep(window, Seen())).gaps
        assert (gap.from_, gap.to, gap.expected, gap.got) == (days[29], days[29], 1, 0)
        assert len(source.asks) < 60


def test_a_row_that_is_too_large_among_rows_without_dates_names_no_day() -> None:
    source = Source([*rows_of(3), Row(50, 50, day=None)], too_large=frozenset({50}))
    (gap,) = source.drive(sweep(Window(), Seen())).gaps
    assert (gap.from_, gap.to, gap.expected, gap.got) == (None, None, 1, 0)


def test_a_first_page_is_looked_for_behind_rows_that_are_too_large_and_their_day_is_told() -> None:
    rows = [Row(-2, 1, day=DAY), Row(-1, 2, day=DAY), *rows_of(10, day=DAY + dt.timedelta(days=3), first_key=100)]
    source = Source(rows, too_large=frozenset({1, 2}))
    assert source.drive(first_page(Ask(Window(), 0, 1000), Seen())) == [DAY]
    assert source.served >= {100, 101}
    assert Source(rows).drive(first_page(Ask(Window(), 0, 1000), Seen())) == []


def test_a_total_that_leaves_out_the_row_that_is_too_large_is_not_believed() -> None:
    source = Source(rows_of(8), too_large=frozenset({4}), total_says=lambda total: max(total - 1, 0))
    for growing in (False, True):
        verdict = source.drive(sweep(ONE_DAY, Seen(), growing=growing))
        assert (verdict.complete, verdict.settled) == (False, False)
        assert verdict.gaps


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 80),
    large=st.frozensets(st.integers(1, 80), max_size=4),
    cap=st.integers(2, 40),
    last_offset=st.one_of(st.none(), st.integers(5, 80)),
    growing=st.booleans(),
)
def test_rows_that_are_too_large_are_all_that_is_lacking_and_are_never_called_complete(
    count: int,
    large: frozenset[int],
    cap: int,
    last_offset: int | None,
    growing: bool,
) -> None:
    source = Source(rows_of(count, ties=3), cap=cap, too_large=large, last_offset=last_offset)
    verdict = source.drive(sweep(ONE_DAY, Seen(accounts=("a", "b")), growing=growing))
    lacking = source.keys(ONE_DAY) & large
    assert not (verdict.complete and lacking)
    assert verdict.gaps or not lacking
    if last_offset is None:
        assert verdict.complete is not bool(lacking)
        assert bool(verdict.gaps) is bool(lacking)
        assert set(verdict.keys.tolist()) == source.keys(ONE_DAY) - large
        assert sum(gap.expected or 0 for gap in verdict.gaps) == len(lacking)


def test_a_gap_without_a_total_says_how_many_rows_came_all_the_same() -> None:
    source = Source(rows_of(2_500), total_says=lambda _: None)
    verdict = source.drive(sweep(ONE_DAY, Seen()))
    assert [(gap.expected, gap.got, gap.why) for gap in verdict.gaps] == [(None, 2_500, "the source gave no total")]
    assert set(verdict.keys.tolist()) == source.keys(ONE_DAY)
    assert len(source.asks) <= 2 * 6
