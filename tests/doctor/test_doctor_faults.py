"""Each examination differs under the fault that it is for, and passes where there is none."""

import pytest
from tests.doctor.conftest import Visitor

from muniment.doctor.asking import MOST_REQUESTS
from muniment.doctor.examinations.catalogue import EXAMINATIONS

FAULTS = [
    # examination, fault, exit code, words of what was seen
    ("total", "total-missing", 4, "missing"),
    ("total", "total-null", 4, "missing"),
    ("total", "total-string", 4, "counts nothing"),
    ("total", "total-float", 4, "counts nothing"),
    ("total", "total-negative", 4, "counts nothing"),
    ("total", "total-zero", 4, "total says 0, and 1000 rows came"),
    ("total", "total-capped", 4, "total says 500, and 1000 rows came"),
    ("same-total", "total-page", 4, "1, 2, 1000, 1000, 20, 1"),
    ("same-total", "total-flickers", 4, "1200, 1201, 1200"),
    ("same-total", "replicas", 4, "1200, 1197, 1200"),
    ("sums", "total-high", 4, "1099 + 103 by status = 1202, but 1201 in all"),
    ("sums", "total-low", 4, "1097 + 101 by status = 1198, but 1199 in all"),
    ("sums", "odd-items", 0, "1115 + 102 by status = 1217, but 1218 in all"),
    ("outside", "odd-items", 0, "1218 entries in all, 121"),
    ("to", "to-exclusive", 4, "a day that is named is left out"),
    ("zone", "zone=330", 0, "UTC+05:"),
    ("zone", "zone=-480", 0, "UTC-0"),
    ("order", "newest-first", 0, "not give the oldest first"),
    ("order", "unordered", 0, "not give the oldest first"),
    ("order", "no-order", 0, "not give the oldest first"),
    ("ties", "ties", 0, "in another order"),
    ("ties", "no-order", 0, "in another order"),
    ("cap", "cap=100", 0, "100 came, and says so"),
    ("cap", "cap-silent=100", 0, "100 came, in silence"),
    ("cap", "limit-refused", 0, "Invalid limit [1000]"),
    ("page-length", "short-pages", 0, "are short"),
    ("page-length", "empty-page", 0, "are short"),
    ("offset", "offset-ignored", 0, "begins with row 0"),
    ("offset", "offset-ignored+cap=40", 4, "begins with row 0"),
    ("offset", "offset-zero", 0, "begins with row 0"),
    ("offset", "offset-rounded", 0, "begins with row 0"),
    ("offset", "offset-from-one", 0, "begins with row 6"),
    ("deep-offset", "deep-offset", 0, "Invalid offset [1199]"),
    ("deep-offset", "deep-offset-empty", 0, "has no rows"),
    ("echo", "offset-zero", 0, "answered as offset 0"),
    ("echo", "offset-rounded-told", 0, "answered as offset 0"),
    ("user-name", "any-case", 0, "whatever the case"),
    ("ids", "no-id", 0, "have no id"),
    ("ids", "twins", 0, "twice in one answer"),
    ("members", "unknown-fields", 0, "2 members beside the 10"),
    ("values", "odd-items", 0, "values that the tutorial does not list"),
    ("json", "bom", 0, "byte order mark"),
    ("json", "surrogates", 0, "strict parser refuses"),
    ("clock", "date-off", 0, "7.0 minutes ahead of"),
    ("clock", "date-off=-90", 0, "90.0 minutes behind"),
    ("clock", "date-absent", 0, "no Date that can be read"),
    ("clock", "date-unreadable", 0, "no Date that can be read"),
    ("role", "lookup-403=100%", 0, "users: no (403); accounts: no (403)"),
    ("role", "lookup-404=100%", 0, "User not found"),
    ("unknown-user", "lookup-403=100%", 0, "403 for a user who never was"),
    ("steadiness", "http-429-bare=5", 0, "had to be made again"),
    ("steadiness", "items-type", 0, "had to be made again"),
    ("steadiness", "huge", 0, "had to be made again"),
    ("steadiness", "cut=5", 0, "had to be made again"),
]


@pytest.mark.parametrize(("name", "fault", "exit_code", "words"), FAULTS, ids=[f"{one[0]}-{one[1]}" for one in FAULTS])
def test_it_differs_and_says_what_was_seen_and_what_follows(
    visited: Visitor, name: str, fault: str, exit_code: int, words: str
) -> None:
    seen = visited(*fault.split("+"))
    finding = seen[name]
    assert (finding.result, finding.exit_code) == ("differs", exit_code)
    assert words in finding.why
    assert finding.hint
    assert seen.report.exit_code in (exit_code, 4)  # one fault may show in several examinations
    assert seen.report.ok is (seen.report.exit_code == 0)
    assert seen.requests == seen.report.requests <= MOST_REQUESTS


def test_nothing_differs_at_a_source_that_is_as_assumed(visited: Visitor) -> None:
    seen = visited()
    assert seen.results("differs", "fail") == set()
    assert seen.results("skipped") == {"tls"}
    assert (seen.report.ok, seen.report.exit_code) == (True, 0)
    assert seen.requests == seen.report.requests <= MOST_REQUESTS - 5  # some are left for trying again


@pytest.mark.parametrize("fault", ["live-head=1", "late-midway=20", "retention=5", "vanish=20", "reappear=5"])
def test_a_log_that_moves_is_not_said_to_differ(visited: Visitor, fault: str) -> None:
    seen = visited(fault)
    assert seen.results("differs", "fail") == set()
    assert seen.report.exit_code == 0


@pytest.mark.parametrize(
    ("fault", "needed", "skipped"),
    [
        ("total-flickers", "same-total", {"outside", "to", "upper-case", "user-name", "type-list"}),
        ("total-high", "sums", {"type-list"}),
    ],
)
def test_nothing_is_concluded_from_totals_that_contradict_each_other(
    visited: Visitor, fault: str, needed: str, skipped: set[str]
) -> None:
    seen = visited(fault)
    for name in skipped:
        assert (seen[name].result, seen[name].why) == ("skipped", f"nothing can be concluded while {needed} differs")


def test_each_examination_has_a_fault_that_it_is_for() -> None:
    without = {"period", "upper-case", "type-list", "refusals"}  # their sources are in test_doctor_examinations.py
    assert {name for name, *_ in EXAMINATIONS} - {name for name, *_ in FAULTS} == without
