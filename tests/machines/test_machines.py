"""The lives of a source and of its archive, drawn by chance: some in each test run, many where MUNIMENT_SOAK is 1."""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.machines.machine import Lives

SOAK: Final = os.environ.get("MUNIMENT_SOAK") == "1"
_BORNE: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.soak
def test_whatever_happens_to_a_source_and_its_archive_the_sentences_hold() -> None:
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=5_000 if SOAK else 60,
            stateful_step_count=30 if SOAK else 15,
            deadline=None,
            derandomize=not SOAK,
            suppress_health_check=_BORNE,
            print_blob=True,
        ),
    )
