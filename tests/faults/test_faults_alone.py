"""Every fault by itself: two collections hold, and end as the page says."""

import os
from pathlib import Path

import pytest
from tests.faults.page import agrees, read_rows, row_of, write_row
from tests.faults.sentences import SENTENCES, broken
from tests.faults.trial import Size, try_out
from tests.faults.wishes import ALONE, KNOWN, Faults, known_of, name_of

from muniment.sandbox.faults.catalogue import FAULTS

SIZE = Size(days=10, entries=1500)
PRINT = os.environ.get("MUNIMENT_PRINT_PAGES") == "1"


@pytest.mark.parametrize("faults", ALONE, ids=name_of)
def test_a_collection_holds_under_this_fault_and_ends_as_the_page_says(faults: Faults, tmp_path: Path) -> None:
    trial = try_out(tmp_path, *faults, size=SIZE)
    assert [sentence for sentence in broken(trial) if sentence not in known_of(faults)] == []
    row = row_of(faults, trial)
    if PRINT:
        write_row(faults, row)
    said = read_rows()[name_of(faults)]
    assert agrees(said, row), f"docs/faults.md says\n{said}\nbut it is\n{row}"


@pytest.mark.parametrize("sentence", sorted({sentence for known in KNOWN.values() for sentence in known}))
def test_what_is_known_not_to_hold_yet_does_not(sentence: str, tmp_path: Path) -> None:
    """Whoever makes it hold takes it off the list."""
    assert sentence in SENTENCES
    those = [faults for faults in ALONE if sentence in known_of(faults)]
    trials = (try_out(tmp_path / str(n), *faults, size=SIZE) for n, faults in enumerate(those))
    assert any(sentence in broken(trial) for trial in trials)


def test_the_page_has_a_row_for_each_in_the_order_of_the_list() -> None:
    assert list(read_rows()) == [name_of(faults) for faults in ALONE]
    assert {faults[0].partition("=")[0] for faults in ALONE} == FAULTS.keys()
