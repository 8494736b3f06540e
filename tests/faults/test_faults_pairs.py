"""Faults in pairs: some of them always, all of them where MUNIMENT_SOAK is 1 (`make soak`)."""

import os
from pathlib import Path

import pytest
from tests.faults.sentences import broken
from tests.faults.trial import Size, try_out
from tests.faults.wishes import Faults, drawn_pairs, every_pair, known_of, name_of

SIZE = Size(days=5, entries=240)
SOAK = os.environ.get("MUNIMENT_SOAK") == "1"


@pytest.mark.soak
@pytest.mark.parametrize("faults", every_pair() if SOAK else drawn_pairs(), ids=name_of)
def test_a_collection_holds_under_both(faults: Faults, tmp_path: Path) -> None:
    trial = try_out(tmp_path, *faults, size=SIZE)
    assert [sentence for sentence in broken(trial) if sentence not in known_of(faults)] == []
