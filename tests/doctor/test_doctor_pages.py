"""The page of assumptions and the doctor's examinations name each other."""

import re
from pathlib import Path

from muniment.doctor.examinations.catalogue import EXAMINATIONS

PAGE = Path(__file__).parents[2] / "docs" / "assumptions.md"
OTHERS = {"network", "key", "clock", "steadiness", "same-key"}
"""Checks of the way to the source, and of this machine, that stand for an assumption too."""


def last_cells() -> list[str]:
    """The last column of each row of a table; headings and rules aside."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [^|]", line)]
    assert all(row.count(" | ") == rows[0].count(" | ") for row in rows)
    return [row.removesuffix(" |").rpartition(" | ")[2] for row in rows]


def test_each_assumption_names_the_examination_that_asks_about_it_or_says_that_none_can() -> None:
    cells = last_cells()
    named = {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}
    assert named - OTHERS == {name for name, *_ in EXAMINATIONS}
    assert all(cell == "–" or "`" in cell for cell in cells)  # noqa: RUF001 - an en dash stands for none
