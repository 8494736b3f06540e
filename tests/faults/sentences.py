"""What holds of two collections, whatever the source does; each function is named by its sentence."""

from collections.abc import Callable
from typing import Final

from tests.faults.trial import PATIENCE_S, Run, Size, Trial

from muniment.errors import FindingsOpen, Incomplete, SourceError
from muniment.sweep.plan import IDLE_BUDGET

__all__ = ["SENTENCES", "broken", "most_requests"]

_SAID_COMPLETE: Final = {0, FindingsOpen.exit_code}
_SAID_NOT: Final = {Incomplete.exit_code, SourceError.exit_code}
_TAKEN_BACK: Final = {"vanished", "retention"}


def what_is_served_is_archived_or_in_a_named_gap_or_the_source_ended_the_run(run: Run) -> bool:
    """By exact bytes, but for line breaks between tokens."""
    return run.account.outcome.stopped is not None or not run.unnamed


def complete_is_never_said_falsely(run: Run) -> bool:
    """Nor with a gap."""
    return not run.complete or not (run.lacking or run.gaps)


def the_exit_code_is_that_of_the_contract(run: Run) -> bool:
    """0 or 11 with complete, 3 or 4 without; 4 with a gap."""
    code = run.account.exit_code
    return code in (_SAID_COMPLETE if run.complete else _SAID_NOT) and (code != Incomplete.exit_code or bool(run.gaps))


def nothing_is_foreign_and_nothing_is_there_twice(run: Run) -> bool:
    """Of all that was archived so far."""
    return not run.differs.foreign and not run.differs.repeated


def the_archive_verifies(run: Run) -> bool:
    """With the key that sealed it."""
    return run.verifies


def a_run_ends_by_itself_and_in_time(run: Run) -> bool:
    """Nobody had to stop it."""
    return run.account.outcome.signal is None and run.account.seconds <= PATIENCE_S


def no_more_is_asked_than_the_bound(trial: Trial) -> bool:
    """Tries again included."""
    return all(run.asked <= most_requests(trial.size) for run in trial.runs)


def a_second_run_that_finds_nothing_new_asks_little(trial: Trial) -> bool:
    """After one that was complete; more than the budget, where a day that is confirmed never comes in one order."""
    first, second = trial.runs
    tries = second.account.outcome.retries
    return not (first.complete and second.complete and not second.account.outcome.new) or (
        second.asked <= 10 * IDLE_BUDGET + tries
    )


def what_the_source_took_back_is_a_finding(trial: Trial) -> bool:
    """Once a run was complete without it."""
    last = trial.runs[-1]
    return not (last.complete and last.departed) or bool(_TAKEN_BACK & set(last.findings))


_OF_A_RUN: Final[tuple[Callable[[Run], bool], ...]] = (
    what_is_served_is_archived_or_in_a_named_gap_or_the_source_ended_the_run,
    complete_is_never_said_falsely,
    the_exit_code_is_that_of_the_contract,
    nothing_is_foreign_and_nothing_is_there_twice,
    the_archive_verifies,
    a_run_ends_by_itself_and_in_time,
)
_OF_BOTH: Final[tuple[Callable[[Trial], bool], ...]] = (
    no_more_is_asked_than_the_bound,
    a_second_run_that_finds_nothing_new_asks_little,
    what_the_source_took_back_is_a_finding,
)
SENTENCES: Final = tuple(each.__name__ for each in (*_OF_A_RUN, *_OF_BOTH))


def broken(trial: Trial) -> list[str]:
    """The sentences that do not hold."""
    of_a_run = (each.__name__ for each in _OF_A_RUN if not all(map(each, trial.runs)))
    return [*of_a_run, *(each.__name__ for each in _OF_BOTH if not each(trial))]


def most_requests(size: Size) -> int:
    """How many requests to the audit log a run of this size may make, tries again included.

    It is not what `muniment.sweep.budget` allows, which is more by far, but what no fault has been seen to need.
    """
    return 2000 + 200 * size.days + 2 * size.entries
