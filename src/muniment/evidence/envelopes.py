"""Many leaves taken apart at once, each held to the one way in which an envelope is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from muniment.archive.columns import LEAF_SCHEMA, typed_columns
from muniment.archive.leaf import RECORD_KINDS, Absent, parse_leaf
from muniment.errors import NotEvidence

__all__ = ["Run", "TakenApart", "expected_columns", "take_apart"]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring leaves with the same envelope; of the record, one leaf."""

    start: int
    """Counted from the first leaf of the batch, as `end` is."""
    end: int
    kind: str
    source: str
    previous: int | Absent | None


@dataclass(slots=True)
class TakenApart:
    """A batch of leaves."""

    runs: list[Run] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    """One a leaf; empty of those that are none."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Rows that are no leaf, and why."""

    def column(self, value_of: Callable[[Run], str]) -> pa.Array:
        """A text a row, null where there is no leaf."""
        values = [value_of(run) for run in self.runs]
        if not self.refused and len(set(values)) == 1:
            return pa.repeat(pa.scalar(values[0], pa.string()), len(self.payloads))
        spread: list[str | None] = [None] * len(self.payloads)
        for run, value in zip(self.runs, values, strict=True):
            spread[run.start : run.end] = [value] * (run.end - run.start)
        return pa.array(spread, pa.string())


def take_apart(leaves: Sequence[bytes], *, are_lines: bool) -> TakenApart:
    """Take leaves apart.

    Args:
        leaves: Their exact bytes.
        are_lines: Whether every one ends with a brace and none has a CR or LF; if not, each is looked at by itself.
    """
    taken = TakenApart()
    start = 0
    while start < len(leaves):
        try:
            leaf = parse_leaf(leaves[start])
        except NotEvidence as error:
            taken.refused.append((start, error.message))
            taken.payloads.append(b"")
            start += 1
            continue
        width = len(leaves[start]) - len(leaf.payload) - 1
        end = start + 1
        if leaf.kind not in RECORD_KINDS and are_lines:
            end = _end_of_run(leaves, start, leaves[start][:width])
        taken.payloads += [each[width:-1] for each in leaves[start:end]]
        taken.runs.append(Run(start, end, leaf.kind, leaf.source, leaf.previous))
        start = end
    return taken


def expected_columns(taken: TakenApart) -> dict[str, pa.Array]:
    """The columns that leaves give, by name, but for `leaf` itself; null in a row that is no leaf."""
    rows = _rows_by_kind(taken)
    if len(rows) == 1:
        (columns,) = (_typed(kind, taken.payloads) for kind in rows)
    else:
        parts = [_typed(kind, [taken.payloads[row] for row in each]) for kind, each in rows.items()]
        place = _inverse([row for each in rows.values() for row in each])
        columns = {name: pa.concat_arrays([part[name] for part in parts]).take(place) for name in parts[0]}
    return {"kind": taken.column(lambda run: run.kind), "source": taken.column(lambda run: run.source)} | columns


def _rows_by_kind(taken: TakenApart) -> dict[str | None, list[int]]:
    """Which rows are of which kind; None stands for those that are no leaf."""
    rows: dict[str | None, list[int]] = {}
    for run in taken.runs:
        rows.setdefault(run.kind, []).extend(range(run.start, run.end))
    if taken.refused:
        rows[None] = [row for row, _ in taken.refused]
    return rows


def _end_of_run(leaves: Sequence[bytes], start: int, prefix: bytes) -> int:
    """The first row after `start` that does not go on with the same envelope.

    What `parse_leaf` found in the first row's prefix it would find in theirs: the prefix ends where the payload begins.
    """
    for row in range(start + 1, len(leaves)):
        if not leaves[row].startswith(prefix):
            return row
    return len(leaves)


def _typed(kind: str | None, payloads: Sequence[bytes]) -> dict[str, pa.Array]:
    made = {} if kind is None else typed_columns(kind, payloads)
    fields = [column for column in LEAF_SCHEMA if column.name not in ("kind", "source", "leaf")]
    return {
        column.name: made[column.name] if column.name in made else pa.nulls(len(payloads), column.type)
        for column in fields
    }


def _inverse(order: Sequence[int]) -> pa.Array:
    place = [0] * len(order)
    for new, old in enumerate(order):
        place[old] = new
    return pa.array(place, pa.int64())
