"""Examinations as procedures: against a log in memory that answers in ways which no fault of the sandbox has."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.doctor.examinations.catalogue import EXAMINATIONS
from muniment.doctor.examinations.days import examine_outside, examine_period, examine_zone
from muniment.doctor.examinations.exam import (
    Answer,
    CannotSay,
    Finding,
    Lookup,
    Page,
    Question,
    Refusal,
    Steps,
    ask_page,
)
from muniment.doctor.examinations.filters import examine_refusals, examine_type_list, examine_upper_case
from muniment.doctor.examinations.lookups import NOBODY, examine_role, examine_unknown_user
from muniment.doctor.examinations.order import examine_order, examine_ties
from muniment.doctor.examinations.pages import examine_cap, examine_deep_offset, examine_offset
from muniment.doctor.examinations.rows import Row, read_row
from muniment.doctor.examinations.sample import Sample, take_sample
from muniment.doctor.examinations.totals import examine_same_total, examine_sums, examine_total

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TYPES = ("USER", "APIKEY", "ACCOUNT")


def rows(number: int, every: dt.timedelta = dt.timedelta(minutes=10)) -> list[Row]:
    """Entries in an even rhythm."""
    return [
        Row(
            key=f"id-{n}",
            id=f"id-{n}",
            at=NOON + n * every,
            action="LOGIN" if n % 2 else "CREATE",
            resource_type=TYPES[n % 3],
            status="failure" if n % 5 == 0 else "success",
            user_id=f"user-{n % 4}",
            user_name=f"Jane.Doe{n % 4}",
            account_id="account",
            members=frozenset(),
        )
        for n in range(number)
    ]


@dataclass
class Log:
    """A log that is as assumed but for what a test replaces."""

    rows: Sequence[Row]
    cap: int = 1000
    descends: bool = True
    matches: Callable[[Row, Mapping[str, str]], bool] | None = None
    total: Callable[[int], int | None] = lambda found: found
    lookup: Callable[[Question], Answer] = lambda question: Lookup(question.who)
    asked: list[Question] = field(default_factory=list)

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        if question.where != "audit-log":
            return self.lookup(question)
        params = question.params
        if "/" in params.get("from", ""):
            return Refusal("invalid_request", "Invalid from.", status=400, vendor_code="invalid_input_field")
        found = [row for row in self.rows if (self.matches or matches)(row, params)]
        if params["sort"] == "timestamp:desc" and self.descends:
            found.reverse()
        offset, limit = int(params["offset"]), int(params["limit"])
        page = tuple(found[offset : offset + min(limit, self.cap)])
        return Page(offset, limit, self.total(len(found)), offset, min(limit, self.cap), page)

    def drive(self, steps: Steps[Any]) -> Any:
        try:
            question = next(steps)
            while True:
                question = steps.send(self(question))
        except StopIteration as end:
            return end.value

    def sample(self) -> Sample:
        taken: Sample = self.drive(take_sample(self.drive(ask_page())))
        return taken

    def examine(self, examine: Callable[[Sample], Steps[Finding]]) -> Finding:
        found: Finding = self.drive(examine(self.sample()))
        return found


def matches(row: Row, params: Mapping[str, str]) -> bool:
    assert row.at is not None
    day = row.at.date().isoformat()
    wanted = {
        "action": row.action,
        "status": (row.status or "").upper(),
    }
    return (
        params.get("from", day) <= day <= params.get("to", day)
        and all(params.get(name, value) == value for name, value in wanted.items())
        and row.resource_type in params.get("resource_types", row.resource_type or "").split(",")
        and params.get("user_name", "") in (row.user_name or "")
    )


def only_first_type(row: Row, params: Mapping[str, str]) -> bool:
    return matches(row, {name: value.partition(",")[0] for name, value in params.items()})


def upper(row: Row, params: Mapping[str, str]) -> bool:
    turned = {name: value.upper() for name, value in params.items() if name in ("action", "status")}
    return matches(row, {**params, **turned})


# ---- every examination


@pytest.mark.parametrize("number", [0, 1, 2, 3, 8, 40, 1500])
def test_a_log_that_is_as_assumed_never_differs_however_few_entries_it_has(number: int) -> None:
    log = Log(rows(number))
    log.lookup = lambda question: (
        Refusal("not_found", "User not found.", status=404) if question.who == NOBODY else Lookup(question.who)
    )
    sample = log.sample()
    for name, examine, _ in EXAMINATIONS:
        try:
            finding = log.drive(examine(sample))
        except CannotSay:
            continue
        if name != "members":  # the rows here have none
            assert finding.result in ("pass", "skipped"), (name, finding)


SECONDS = st.integers(0, 3 * 86_400) | st.integers(0, 600 * 86_400)
SPANS_S = st.sampled_from([1, 3600, 86_400])
ENTRIES = st.tuples(
    SECONDS,
    st.sampled_from(["LOGIN", "CREATE", "TELEPORT", None]),
    st.sampled_from(TYPES),
    st.sampled_from(["success", "failure"]),
    st.sampled_from(["jane", "Jane", "JANE DOE", "x", "Zoë", None]),
)


@given(made=st.lists(ENTRIES, max_size=40), span_s=SPANS_S, cap=st.sampled_from([20, 1000]))
def test_whatever_entries_a_log_holds_it_is_not_said_to_differ_where_it_does_not(
    made: list[tuple[int, str | None, str, str, str | None]], span_s: int, cap: int
) -> None:
    rows = [
        Row(
            f"id-{n}",
            f"id-{n}",
            NOON + dt.timedelta(seconds=at_s // span_s * span_s),
            action,
            of,
            status,
            "u",
            name,
            "a",
        )
        for n, (at_s, action, of, status, name) in enumerate(made)
    ]
    log = Log(sorted(rows, key=lambda row: row.at or NOON), cap=cap)
    log.lookup = lambda question: (
        Refusal("not_found", "User not found.", status=404) if question.who == NOBODY else Lookup(question.who)
    )
    sample = log.sample()
    allowed = {"members", *(["values"] if "TELEPORT" in {row.action for row in log.rows} else [])}
    allowed |= {"cap"} if cap < 1000 else set()
    for name, examine, _ in EXAMINATIONS:
        try:
            finding = log.drive(examine(sample))
        except CannotSay:
            continue
        assert finding.result != "differs" or name in allowed, (name, finding)


def test_of_enough_entries_every_examination_says_something() -> None:
    log = Log([*rows(1500), *rows(1)])  # a pair with one timestamp
    log.rows = sorted(log.rows, key=lambda row: row.at or NOON)
    sample = log.sample()
    for _, examine, _ in EXAMINATIONS:
        assert log.drive(examine(sample)).why


@pytest.mark.parametrize("name", [one.name for one in EXAMINATIONS])
def test_an_examination_that_is_refused_says_nothing_else(name: str) -> None:
    log = Log(rows(1500))
    sample = log.sample()
    examine = next(one.examine for one in EXAMINATIONS if one.name == name)
    steps = examine(sample)
    try:
        next(steps)
    except (StopIteration, CannotSay):
        return  # it asks nothing
    with pytest.raises(CannotSay, match="spent"):
        steps.send(Refusal("stopped", "the 40 requests were spent"))


# ---- filters


def test_a_source_that_matches_actions_in_any_case_differs() -> None:
    finding = Log(rows(40), matches=upper).examine(examine_upper_case)
    assert finding.result == "differs"
    assert "lower case matches too: 20 by action=create" in finding.why


def test_a_source_that_matches_only_statuses_in_any_case_differs_too() -> None:
    def any_status(row: Row, params: Mapping[str, str]) -> bool:
        return matches(row, {**params, "status": params["status"].upper()} if "status" in params else params)

    finding = Log(rows(40), matches=any_status).examine(examine_upper_case)
    assert finding.result == "differs"
    assert "32 by status=success" in finding.why


def test_a_source_that_finds_nothing_in_upper_case_differs_with_the_tutorials_advice() -> None:
    def in_lower_case(row: Row, params: Mapping[str, str]) -> bool:
        return "action" not in params and matches(row, params)

    finding = Log(rows(40), matches=in_lower_case).examine(examine_upper_case)
    assert finding.result == "differs"
    assert "upper case" in finding.hint


def test_a_source_that_heeds_only_the_first_of_a_list_of_types_differs() -> None:
    finding = Log(rows(40), matches=only_first_type).examine(examine_type_list)
    assert finding.result == "differs"
    assert finding.why == "USER finds 14, APIKEY 13, both in a list 14"


def test_a_malformed_date_that_is_not_refused_or_in_other_words_differs() -> None:
    log = Log(rows(3))
    sample = log.sample()
    steps = examine_refusals(sample)
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(Refusal("invalid_request", "Bad.", status=400))
    assert (end.value.value.result, "form" in end.value.value.why) == ("differs", True)
    steps = examine_refusals(sample)
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(Page(0, 1, 3, 0, 1, ()))
    assert "not refused" in end.value.value.why


# ---- days


def test_a_log_that_shows_nothing_comes_with_the_tutorials_advice() -> None:
    finding = Log([]).examine(examine_period)
    assert finding.result == "skipped"
    assert "broadest query finds nothing" in finding.why
    assert "filters one by one" in finding.hint


def test_the_period_is_said_with_what_to_do_when_a_query_finds_nothing() -> None:
    finding = Log(rows(1500)).examine(examine_period)
    assert finding.why == "1500 entries; those seen lie from 2026-03-01 to 2026-03-11, and are of 1 account"
    assert "period" in finding.hint


@settings(max_examples=20)
@given(minutes=st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15))
def test_the_zone_is_named_where_entries_lie_near_both_ends_of_a_day(minutes: int) -> None:
    ahead = dt.timedelta(minutes=minutes)

    def in_zone(row: Row, params: Mapping[str, str]) -> bool:
        assert row.at is not None
        return matches(msgspec.structs.replace(row, at=row.at + ahead), params)

    log = Log(rows(1500, dt.timedelta(minutes=5)), matches=in_zone)
    finding = log.examine(examine_zone)
    assert finding.result == ("differs" if minutes else "pass")
    sign, told = "-" if minutes < 0 else "+", abs(minutes)
    assert (f"UTC{sign}{told // 60:02}:{told % 60:02}" in finding.why) is bool(minutes)


def test_entries_without_a_day_are_counted() -> None:
    def dated(row: Row, params: Mapping[str, str]) -> bool:
        return "from" not in params or row.key != "id-3"

    finding = Log(rows(40), matches=dated).examine(examine_outside)
    assert finding.result == "differs"
    assert finding.why.startswith("40 entries in all, 39 of them")


# ---- totals of a log that moves


@pytest.mark.parametrize("step", [1, -1])
def test_a_log_that_grows_or_shrinks_meanwhile_is_no_contradiction(step: int) -> None:
    moving = count(1500, step)
    log = Log(rows(1500), total=lambda _: next(moving))
    sample = log.sample()
    assert log.drive(examine_same_total(sample)).result == "pass"
    for examine in (examine_sums, examine_outside):
        with pytest.raises(CannotSay, match="meanwhile"):
            log.drive(examine(sample))


def test_a_total_that_is_too_high_shows_where_the_rows_end() -> None:
    finding = Log(rows(40), total=lambda found: found + 1).examine(examine_total)
    assert (finding.result, finding.exit_code) == ("differs", 4)
    assert finding.why == "total says 41, and behind 40 rows there is none"


def test_parts_that_lack_some_are_explained_by_statuses_beyond_the_list() -> None:
    odd = msgspec.structs.replace(rows(1)[0], key="odd", status="warning")
    finding = Log([*rows(40), odd]).examine(examine_sums)
    assert (finding.result, finding.exit_code) == ("differs", 0)
    finding = Log([*rows(40), odd], total=lambda found: found + 2).examine(examine_sums)
    assert (finding.result, finding.exit_code) == ("differs", 4), "there are more than there should be, not fewer"
    finding = Log(rows(40), total=lambda found: max(0, found - 1)).examine(examine_sums)
    assert (finding.result, finding.exit_code) == ("differs", 4)


# ---- pages


def test_a_source_that_sorts_in_one_direction_only_differs() -> None:
    finding = Log(rows(1500), descends=False).examine(examine_order)
    assert finding.result == "differs"
    assert "timestamp:desc" in finding.why


def test_where_no_two_rows_are_of_one_time_their_order_says_nothing() -> None:
    with pytest.raises(CannotSay, match="one timestamp"):
        Log(rows(1500)).examine(examine_ties)


def test_a_source_that_gives_more_than_a_thousand_rows_differs() -> None:
    finding = Log(rows(1500), cap=5000).examine(examine_cap)
    assert finding.result == "differs"
    assert "more than 1000" in finding.why


@pytest.mark.parametrize("number", [1, 40, 1000])
def test_the_cap_is_not_said_to_be_seen_where_everything_fits_into_one_answer(number: int) -> None:
    with pytest.raises(CannotSay, match=f"{number} entries fit"):
        Log(rows(number)).examine(examine_cap)


def test_the_last_row_is_not_missed_where_the_log_shrank_meanwhile() -> None:
    log = Log(rows(1500))
    sample = log.sample()
    log.rows = log.rows[:1400]
    with pytest.raises(CannotSay, match="changed meanwhile"):
        log.drive(examine_deep_offset(sample))


def test_other_rows_of_a_log_that_changed_are_no_contradiction_and_of_one_that_did_not_they_are() -> None:
    log = Log(rows(1500))
    sample = log.sample()
    again = msgspec.structs.replace(sample.again, rows=sample.again.rows[1:])
    assert log.drive(examine_ties(msgspec.structs.replace(sample, again=again))).result == "differs"
    fewer = msgspec.structs.replace(again, total=1499)
    with pytest.raises(CannotSay, match="changed meanwhile"):
        log.drive(examine_ties(msgspec.structs.replace(sample, again=fewer)))


def test_an_offset_is_not_judged_while_the_log_moves() -> None:
    log = Log(rows(1500))
    sample = log.sample()
    log.rows = log.rows[1:]
    with pytest.raises(CannotSay, match="changed meanwhile"):
        log.drive(examine_offset(sample))


# ---- lookups


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Lookup("somebody"), "somebody else"),
        (Refusal("access_denied", "answered 403: No.", status=403), "no (403)"),
        (Refusal("source_unreachable", "answered 500", status=500), "answered 500"),
    ],
)
def test_what_the_key_may_not_look_up_is_said(answer: Answer, words: str) -> None:
    finding = Log(rows(40), lookup=lambda _: answer).examine(examine_role)
    assert finding.result == "differs"
    assert words in finding.why
    assert "AM_VIEW_ONLY" in finding.hint


def test_one_user_of_three_who_is_found_is_enough() -> None:
    def lookup(question: Question) -> Answer:
        return (
            Refusal("not_found", "gone", status=404) if question.who in ("user-0", "user-1") else Lookup(question.who)
        )

    log = Log(rows(40), lookup=lookup)
    assert log.examine(examine_role).result == "pass"
    assert [question.who for question in log.asked if question.where == "user"] == ["user-0", "user-1", "user-2"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal("not_found", "User not found.", status=404), "pass"),
        (Refusal("access_denied", "No.", status=403), "differs"),
        (Refusal("source_unreachable", "answered 500", status=500), "differs"),
        (Lookup(NOBODY), "differs"),
    ],
)
def test_a_user_who_never_was_is_not_found(answer: Answer, result: str) -> None:
    assert Log(rows(3), lookup=lambda _: answer).examine(examine_unknown_user).result == result


def test_a_lookup_that_nothing_came_of_says_nothing() -> None:
    silence = Refusal("source_unreachable", "no answer within 1 s")
    with pytest.raises(CannotSay, match="no answer within 1 s"):
        Log(rows(3), lookup=lambda _: silence).examine(examine_unknown_user)


# ---- rows


@given(st.binary(max_size=200))
def test_whatever_an_item_holds_it_is_a_row(item: bytes) -> None:
    assert read_row(item).key


@pytest.mark.parametrize(
    ("item", "identity", "year"),
    [
        (b'{"id":"a","timestamp":"2026-03-01T12:00:00Z"}', "a", 2026),
        (b'{"id":9007199254740993,"timestamp":1772366400}', "9007199254740993", 2026),
        (b'{"id":"a","timestamp":1772366400000.5}', "a", 2026),
        (b'{"id":null,"timestamp":"yesterday"}', None, None),
        (b'{"id":"","timestamp":true}', None, None),
        (b'{"id":["a"],"user":"x","account":7,"timestamp":1e400}', None, None),
        (b"[]", None, None),
        (b'{"id":' + b"9" * 5000 + b"}", "9" * 5000, None),
        (b"[" * 5000, None, None),
    ],
)
def test_of_an_item_is_read_what_can_be(item: bytes, identity: str | None, year: int | None) -> None:
    row = read_row(item)
    assert row.id == identity
    assert (row.at.year if row.at else None) == year
