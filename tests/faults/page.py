"""The table of `docs/faults.md`: a row for each fault tried out, as a run gives it."""

import fcntl
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.faults.trial import Run, Trial
from tests.faults.wishes import ALONE, SMALL_PAGES, VARIES, Faults, name_of

from muniment.sandbox.faults.catalogue import FAULTS

__all__ = ["PAGE", "agrees", "read_rows", "row_of", "write_row"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"
_ROW: Final = re.compile(r"^\| `([^`]+)` \|(?: [^|]* \|){5}$", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+")
_FEW: Final = 12


def row_of(faults: Faults, trial: Trial) -> str:
    """What became of a trial."""
    first, second = trial.runs
    name = faults[0].partition("=")[0]
    does = "the same, on pages of 40 rows" if SMALL_PAGES in faults else FAULTS[name].does
    asked = ", ".join(f"{run.asked} + {run.looked_up}" for run in trial.runs)
    cells = [f"`{name_of(faults)}`", does, _ended(first), _ended(second), asked, _archived(trial)]
    return f"| {' | '.join(cells)} |"


def _ended(run: Run) -> str:
    stopped = run.account.outcome.stopped
    if stopped is not None:
        return f"3 {stopped.code}"
    said = f"{run.account.exit_code} {'complete' if run.complete else 'gap'}"
    return ", ".join([said, *run.findings])


def _archived(trial: Trial) -> str:
    last = trial.runs[-1]
    held = f"{last.archived} of {trial.entries}"
    if not last.lacking:
        return held
    return f"{held}, the others in gaps" if last.account.outcome.stopped is None else f"{held}, the others not reached"


def agrees(said: str, came: str) -> bool:
    """Whether a row says what came, but for how many requests; of what is left to chance only that it was tried."""
    (*same, ends, again, asked, held), (*as_said, ended, ended_again, were_asked, were_held) = (
        _cells(said),
        _cells(came),
    )
    if same[0].strip("`").split()[0].partition("=")[0] in VARIES:
        return same == as_said
    return (
        (*same, ends, again) == (*as_said, ended, ended_again)
        and (ended_again.startswith("3 ") or _are_about_as_many(asked, were_asked))
        and (ended_again.startswith("3 ") or held == were_held)  # what was under way at its end is left to chance
    )


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def _are_about_as_many(some: str, others: str) -> bool:
    pairs = zip(map(int, _NUMBER.findall(some)), map(int, _NUMBER.findall(others)), strict=True)
    return all(max(one, other) <= _FEW + 3 * min(one, other) for one, other in pairs)


def read_rows() -> dict[str, str]:
    """Name to row, as the page has them."""
    return {found[1]: found[0] for found in _ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def write_row(faults: Faults, row: str) -> None:
    """Put a row into the page, in the place of the one of that name; others may be writing too."""
    with PAGE.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before, table, after = _parts(file.read())
        rows = {found[1]: found[0] for found in _ROW.finditer(table)} | {name_of(faults): row}
        file.seek(0)
        file.write("\n".join([before, *_in_order(rows), after]))
        file.truncate()


def _parts(text: str) -> tuple[str, str, str]:
    """What stands before the rows, the rows, and what comes after them."""
    lines = text.split("\n")
    ruler = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    rows = list(itertools.takewhile(lambda line: line.startswith("|"), lines[ruler + 1 :]))
    end = ruler + 1 + len(rows)
    return "\n".join(lines[: ruler + 1]), "\n".join(rows), "\n".join(lines[end:])


def _in_order(rows: dict[str, str]) -> Iterator[str]:
    return (rows[name_of(faults)] for faults in ALONE if name_of(faults) in rows)
