"""Each sentence can fail: a trial that holds, with one thing changed."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.faults.page import agrees, row_of
from tests.faults.sentences import SENTENCES, broken, most_requests
from tests.faults.trial import PATIENCE_S, Run, Size, Trial, lies_in, try_out

from muniment.errors import Unreachable
from muniment.sandbox.truth import Difference
from muniment.sweep.window import Gap

NOTHING: frozenset[bytes] = frozenset()
LACKING = b'{"id":"1","timestamp":"2026-03-30T23:30:00Z","status":"success","action":"LOGIN"}'
LOST = frozenset([LACKING])


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Of a source without faults."""
    return try_out(tmp_path_factory.mktemp("trial"), size=Size(days=3, entries=60))


def with_last(trial: Trial, **changed: Any) -> Trial:
    return replace(trial, runs=(trial.runs[0], replace(trial.runs[1], **changed)))


def ended(run: Run, **changed: Any) -> dict[str, Any]:
    return {"account": replace(run.account, outcome=msgspec.structs.replace(run.account.outcome, **changed))}


def test_all_hold_where_nothing_is_wrong(trial: Trial) -> None:
    assert broken(trial) == []
    assert all(run.complete and run.archived == trial.entries == 60 for run in trial.runs)


BREAKING: dict[str, Callable[[Run], dict[str, Any]]] = {
    "what_is_served_is_archived_or_in_a_named_gap_or_the_source_ended_the_run": lambda _: {"lacking": LOST},
    "complete_is_never_said_falsely": lambda _: {"lacking": LOST},
    "the_exit_code_is_that_of_the_contract": lambda run: ended(run, complete=False),
    "nothing_is_foreign_and_nothing_is_there_twice": lambda _: {"differs": Difference(NOTHING, NOTHING, LOST)},
    "the_archive_verifies": lambda _: {"verifies": False},
    "a_run_ends_by_itself_and_in_time": lambda run: {"account": replace(run.account, seconds=PATIENCE_S + 1)},
    "no_more_is_asked_than_the_bound": lambda _: {"asked": most_requests(Size(3, 60)) + 1},
    "a_second_run_that_finds_nothing_new_asks_little": lambda _: {"asked": 121},
    "what_the_source_took_back_is_a_finding": lambda _: {"departed": True},
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_broken_by_what_it_speaks_of(trial: Trial, sentence: str) -> None:
    assert sentence in broken(with_last(trial, **BREAKING[sentence](trial.runs[1])))


@pytest.mark.parametrize(
    ("gap", "speaks_of_it"),
    [
        (Gap(None, None, "", 3, 2, ""), True),
        (Gap(dt.date(2026, 3, 31), dt.date(2026, 3, 31), "", 3, 2, ""), True),  # in some zone it is
        (Gap(dt.date(2026, 4, 1), None, "", 3, 2, ""), False),
        (Gap(None, dt.date(2026, 3, 28), "", 3, 2, ""), False),
        (Gap(None, None, "action=LOGIN&status=SUCCESS", 3, 2, ""), True),
        (Gap(None, None, "action=CREATE", 3, 2, ""), False),
        (Gap(None, None, "resource_types=USER", 3, 2, ""), False),
    ],
)
def test_what_is_lacking_is_named_by_a_gap_of_its_days_and_filter_alone(
    trial: Trial, gap: Gap, speaks_of_it: bool
) -> None:
    assert lies_in(LACKING, gap) == speaks_of_it
    lacking = with_last(trial, lacking=LOST, **ended(trial.runs[1], complete=False, gaps=[gap]))
    assert (broken(lacking) == []) == speaks_of_it


def test_what_is_lacking_after_the_source_ended_the_run_needs_no_name(trial: Trial) -> None:
    stopped = ended(trial.runs[1], complete=False, stopped=Unreachable("no answer"))
    assert broken(with_last(trial, lacking=LOST, **stopped)) == []


def test_a_row_agrees_with_itself_and_with_other_requests_but_with_nothing_else(trial: Trial) -> None:
    row = row_of(("bom",), trial)
    assert row.startswith("| `bom` | begins each answer with a byte order mark | 0 complete | 0 complete |")
    assert agrees(row, row)
    assert agrees(row, row_of(("bom",), with_last(trial, asked=trial.runs[1].asked + 5)))
    assert not agrees(row, row_of(("bom",), with_last(trial, asked=trial.runs[1].asked + 50)))
    assert not agrees(row, row_of(("bom",), with_last(trial, archived=59)))
    assert not agrees(row, row_of(("bom",), with_last(trial, **BREAKING[SENTENCES[2]](trial.runs[1]))))
