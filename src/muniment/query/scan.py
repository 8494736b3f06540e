"""Everything that matches, for whoever wants it all: exports, reports, replays."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.leaf import payloads_of
from muniment.model import Query
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.sql import Statement, conditions, every_index

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.query.direct import Direct

__all__ = ["Lines", "scan"]

_LINES: Final = 2_048
_BLOCK: Final = 65_536
"""So many leaves are looked through at once; and fetched at once where, in another order, they may lie anywhere."""


class Lines(msgspec.Struct, frozen=True):
    """Some of the entries that match."""

    indices: Sequence[int]
    """Of their leaves."""
    leaves: Sequence[bytes]
    """Their exact bytes."""

    @property
    def payloads(self) -> list[bytes]:
        """The exact bytes of the entries."""
        return payloads_of("entry", self.leaves)


def scan(
    archive: "Archive",
    query: Query,
    corrections: Corrections = NO_CORRECTIONS,
    source: str | None = None,
    *,
    skip: int = 0,
    take: int | None = None,
) -> Iterator[Lines]:
    """Everything that matches, some entries at a time, in memory that does not grow with the archive.

    In the archive's order, which is that of arrival, unless the query names an order. Later contents of a key are left
    out as in a search, unless the corrections come `with_every_version`.

    Args:
        archive: Where to look.
        query: What is asked; its offset and limit are not looked at.
        corrections: What is known of the entries besides.
        source: Name of the only source whose entries count; None for all.
        skip: How many entries to leave out at the beginning.
        take: How many at most; None for all.

    Raises:
        NotEvidence: A segment that must be read is damaged or missing.
        StorageError: There is no room to sort so much.
    """
    if query.sort is not None:
        return _sorted_lines(archive, every_index(query, source, skip=skip, take=take), corrections)
    if conditions(query, source):
        return _cut(_filtered_lines(archive, every_index(query, source), corrections), skip, take)
    return _cut(_all_lines(archive, corrections), skip, take)


def _all_lines(archive: "Archive", corrections: Corrections) -> Iterator[Lines]:
    for batch in archive.batches(columns=["index", "kind", "leaf"], rows=_LINES):
        indices, leaves = batch["index"].to_numpy(), batch["leaf"]
        wanted = corrections.first_contents(indices) & np.asarray(pc.equal(batch["kind"], "entry"))
        if not wanted.all():
            indices, leaves = indices[wanted], leaves.filter(pa.array(wanted))
        yield Lines(indices.tolist(), leaves.to_pylist())


def _filtered_lines(archive: "Archive", asked: Statement, corrections: Corrections) -> Iterator[Lines]:
    from muniment.query.direct import Direct  # noqa: PLC0415 - a database engine, for filters only
    from muniment.query.engine import connect  # noqa: PLC0415

    with connect() as db:
        for first in range(0, archive.size, _BLOCK):
            end = min(first + _BLOCK, archive.size)
            yield from _lines_of(archive, Direct(archive, first, end, corrections, db=db), asked, _LINES)


def _sorted_lines(archive: "Archive", asked: Statement, corrections: Corrections) -> Iterator[Lines]:
    from muniment.query.direct import Direct  # noqa: PLC0415 - a database engine, for sorting only

    return _lines_of(archive, Direct(archive, 0, archive.size, corrections), asked, _BLOCK)


def _lines_of(archive: "Archive", entries: "Direct", asked: Statement, at_once: int) -> Iterator[Lines]:
    for rows in entries.run(asked, at_once):
        indices = [row[0] for row in rows]
        yield Lines(indices, archive.leaves(indices))


def _cut(found: Iterator[Lines], skip: int, take: int | None) -> Iterator[Lines]:
    """The entries from `skip` on, `take` of them."""
    for lines in found:
        if take is not None and take <= 0:
            return
        high = None if take is None else skip + take
        some = Lines(lines.indices[skip:high], lines.leaves[skip:high]) if skip or take is not None else lines
        skip = max(0, skip - len(lines.leaves))
        if some.leaves:
            take = None if take is None else take - len(some.leaves)
            yield some
