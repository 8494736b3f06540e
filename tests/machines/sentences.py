"""What holds of each run of a collection, whatever the source does; each function is named by its sentence."""

from collections.abc import Callable
from typing import Final

from tests.machines.place import Run
from tests.machines.source import HARMLESS, LIES

from muniment.errors import ScopeShrank

__all__ = ["broken"]


def what_went_out_is_archived_unless_somebody_ended_the_run(run: Run) -> bool:
    """Every content of it, and so also what was read in vain."""
    return run.outcome is None or run.signalled or run.served <= run.held.keys()


def what_is_complete_names_no_gap_and_what_is_not_says_why(run: Run) -> bool:
    """A gap, an error or a signal."""
    outcome = run.outcome
    if outcome is None:
        return True
    reasons = [*outcome.gaps, outcome.stopped, outcome.signal]
    return outcome.complete is not any(reason is not None for reason in reasons)


def complete_is_never_said_falsely_of_a_day_that_was_read(run: Run) -> bool:
    """What was there all the while is archived."""
    return not run.complete or not [entry for entry in run.lacking if run.day_of(entry) in run.days_read]


def complete_is_never_said_falsely_of_what_was_counted(run: Run) -> bool:
    """What it lacks is made up for, in the totals, by as many archived entries that are gone unnoticed."""
    return not run.complete or bool(run.felt & set(LIES)) or len(run.lacking) <= len(run.unnoticed)


def a_refusal_has_a_reason(run: Run) -> bool:
    """A fault that was felt, a source that moved, a signal; or a key that does not see what another one saw.

    Entries that went before their day was ever read are no finding yet, and may keep control totals from summing up.
    """
    if run.outcome is None or run.outcome.complete or run.signalled or run.moved or run.unnoticed:
        return True
    if run.felt - set(HARMLESS):
        return True
    return isinstance(run.outcome.stopped, ScopeShrank) and bool(run.unserved)


def nothing_is_called_vanished_that_was_there_all_the_while(run: Run) -> bool:
    """Whoever may see it; where totals lie, nothing of a day, for what lies outside the days is known by totals."""
    said = {content[0] for content, leaf in run.held.items() if leaf in run.called_vanished}
    if run.felt & set(LIES):
        said &= {entry.id for entry in run.before.values() if run.day_of(entry) in run.days_read}
    return not said & run.there


def a_well_behaved_source_is_asked_little(run: Run) -> bool:
    """Less than three requests a page, and some for each day."""
    if run.felt or run.moved:
        return True
    days = 20 + len({run.day_of(entry) for entry in run.before.values()})
    return run.asked <= 150 + 8 * days + 6 * len(run.before)


_SENTENCES: Final[tuple[Callable[[Run], bool], ...]] = (
    what_went_out_is_archived_unless_somebody_ended_the_run,
    what_is_complete_names_no_gap_and_what_is_not_says_why,
    complete_is_never_said_falsely_of_a_day_that_was_read,
    complete_is_never_said_falsely_of_what_was_counted,
    a_refusal_has_a_reason,
    nothing_is_called_vanished_that_was_there_all_the_while,
    a_well_behaved_source_is_asked_little,
)


def broken(run: Run) -> list[str]:
    """The sentences that do not hold."""
    return [each.__name__ for each in _SENTENCES if not each(run)]
