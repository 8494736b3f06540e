"""Many leaves taken apart at once, each held to the one way in which an envelope is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.columns import LEAF_SCHEMA, typed_columns
from muniment.archive.leaf import RECORD_KINDS, Absent, parse_leaf
from muniment.errors import NotEvidence

__all__ = ["Run", "TakenApart", "expected_columns", "take_apart"]

_A_FEW: Final = 16
"""Leaves that are compared one by one, before all that follow are at once."""


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

    leaves: list[bytes]
    """Their exact bytes."""
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


def take_apart(column: pa.BinaryArray) -> TakenApart:
    """Take leaves apart.

    Args:
        column: Their exact bytes, none null.
    """
    taken = TakenApart(column.to_pylist())
    leaves = taken.leaves
    alike = _are_lines(column)
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
        if alike and leaf.kind not in RECORD_KINDS:
            end = _end_of_run(column, leaves, start, width)
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


def _are_lines(leaves: pa.BinaryArray) -> bool:
    """Whether every leaf ends as an envelope does, and no CR or LF stands in any: then its beginning says it all."""
    _, offsets, data = leaves.buffers()
    edges = np.frombuffer(offsets, np.int32)[leaves.offset : leaves.offset + len(leaves) + 1]
    if not len(leaves) or not np.diff(edges).all():
        return False
    text = data.slice(edges[0], edges[-1] - edges[0]).to_pybytes()
    ends = np.frombuffer(text, np.uint8)[edges[1:] - edges[0] - 1]
    return b"\n" not in text and b"\r" not in text and bool((ends == ord("}")).all())


def _end_of_run(column: pa.BinaryArray, leaves: Sequence[bytes], start: int, width: int) -> int:
    """The first row after `start` that does not begin with the same envelope, which is `width` bytes.

    What `parse_leaf` found in the first row's envelope it would find in theirs: it ends where the payload begins.
    """
    prefix = leaves[start][:width]
    for row in range(start + 1, min(start + _A_FEW, len(leaves))):
        if not leaves[row].startswith(prefix):
            return row
    rest = start + _A_FEW
    if rest >= len(leaves):
        return len(leaves)
    differs = pc.index(pc.starts_with(column.slice(rest), prefix), value=False).as_py()
    return len(leaves) if differs < 0 else rest + int(differs)


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
