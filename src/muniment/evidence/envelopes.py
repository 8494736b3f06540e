"""Many leaves taken apart at once: each held to the one way in which an envelope is written, as `parse_leaf` holds one."""

from collections.abc import Sequence
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
    previous: int | None | Absent


@dataclass(slots=True)
class TakenApart:
    """A batch of leaves."""

    runs: list[Run] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    """One a leaf; empty of those that are none."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Rows that are no leaf, and why."""

    def kinds(self) -> list[str | None]:
        """The kind of each row, None of those that are no leaf."""
        return self._spread([run.kind for run in self.runs])

    def sources(self) -> list[str | None]:
        """The source of each row, None of those that are no leaf."""
        return self._spread([run.source for run in self.runs])

    def _spread(self, values: Sequence[str]) -> list[str | None]:
        spread: list[str | None] = [None] * len(self.payloads)
        for run, value in zip(self.runs, values, strict=True):
            spread[run.start : run.end] = [value] * (run.end - run.start)
        return spread


def take_apart(leaves: Sequence[bytes], *, has_line_breaks: bool) -> TakenApart:
    """Take leaves apart.

    Args:
        leaves: Their exact bytes.
        has_line_breaks: Whether a CR or LF stands in any of them.
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
        if leaf.kind not in RECORD_KINDS and not has_line_breaks:
            end = _end_of_run(leaves, start, leaves[start][:width])
        taken.payloads += [each[width:-1] for each in leaves[start:end]]
        taken.runs.append(Run(start, end, leaf.kind, leaf.source, leaf.previous))
        start = end
    return taken


def expected_columns(taken: TakenApart) -> dict[str, pa.Array]:
    """The columns that leaves give: each by its name in `LEAF_SCHEMA`, but for `leaf`; a row that is no leaf is null."""
    kinds = taken.kinds()
    rows: dict[str | None, list[int]] = {}
    for row, kind in enumerate(kinds) if len(taken.runs) > 1 or taken.refused else ():
        rows.setdefault(kind, []).append(row)
    if not rows:
        rows = {kinds[0]: list(range(len(kinds)))}
    parts = [_typed(kind, [taken.payloads[row] for row in each]) for kind, each in rows.items()]
    columns = {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}
    if len(parts) > 1:
        place = _inverse([row for each in rows.values() for row in each])
        columns = {name: column.take(place) for name, column in columns.items()}
    texts = {"kind": pa.array(kinds, pa.string()), "source": pa.array(taken.sources(), pa.string())}
    return texts | columns


def _end_of_run(leaves: Sequence[bytes], start: int, prefix: bytes) -> int:
    """The first row after `start` that does not go on with the same envelope.

    What `parse_leaf` found in the first row's prefix it would find in theirs: the prefix ends where the payload begins.
    """
    width = len(prefix)
    for row in range(start + 1, len(leaves)):
        leaf = leaves[row]
        if not (leaf.startswith(prefix) and leaf.endswith(b"}") and len(leaf) > width):
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
