"""Entries that a control total by listed values leaves out: their values are in none of the tutorial's lists."""

import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.reading import Archive
from muniment.collect.standing import SourceStanding
from muniment.sweep.census import VALUES, ControlTotals

__all__ = ["unlisted"]


def unlisted(archive: Archive, known: SourceStanding, controls: ControlTotals) -> int:
    """How many archived entries of the days of these control totals have a value that was not asked for.

    They name the difference between the whole and the sum; a further version of an entry does not count.
    """
    listed = pa.array(
        [*VALUES[controls.by], *(value.lower() for value in VALUES[controls.by] if controls.by == "status")]
    )
    versions = pa.array(known.versions, pa.int64())
    found = 0
    for batch in archive.batches(columns=["index", "kind", "day", controls.by]):
        rows = batch.filter(pc.equal(batch["kind"], "entry"))
        odd = pc.and_(pc.invert(pc.is_in(rows[controls.by], listed)), pc.invert(pc.is_in(rows["index"], versions)))
        within = pc.and_(pc.greater_equal(rows["day"], controls.from_), pc.less_equal(rows["day"], controls.to))
        found += pc.sum(pc.and_(odd, pc.fill_null(within, fill_value=False))).as_py() or 0
    return found
