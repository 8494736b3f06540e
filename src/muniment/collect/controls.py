"""Entries that a control total by listed values leaves out: their values are in none of the tutorial's lists."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.reading import Archive
from muniment.sweep.census import VALUES, ControlTotals

__all__ = ["unlisted"]


def unlisted(
    archive: Archive,
    versions: Sequence[int],
    displaced: Sequence[tuple[int, int, dt.date]],
    gone: Sequence[tuple[int, int]],
    controls: ControlTotals,
) -> int:
    """How many archived entries of the days of these control totals have a value that was not asked for.

    They name the difference between the whole and the sum; a further version of an entry does not count.

    Args:
        archive: Holds the entries.
        versions: Leaves of further versions.
        displaced: Ranges of leaves that were served on another day than their timestamps say, and which.
        gone: Ranges of leaves that the source does not serve any more.
        controls: What was asked.
    """
    listed = pa.array(
        [*VALUES[controls.by], *(value.lower() for value in VALUES[controls.by] if controls.by == "status")]
    )
    later = pa.array(versions, pa.int64())
    found = 0
    for batch in archive.batches(columns=["index", "kind", "day", controls.by]):
        rows = batch.filter(pc.equal(batch["kind"], "entry"))
        odd = pc.and_(pc.invert(pc.is_in(rows[controls.by], listed)), pc.invert(pc.is_in(rows["index"], later)))
        within = pc.and_(pc.greater_equal(rows["day"], controls.from_), pc.less_equal(rows["day"], controls.to))
        served = np.asarray(pc.fill_null(within, fill_value=False)).copy()
        place = np.asarray(rows["index"])
        for first, end, day in displaced:
            served[(place >= first) & (place < end)] = controls.holds(day)
        for first, end in gone:
            served[(place >= first) & (place < end)] = False
        found += int(np.count_nonzero(served & np.asarray(odd)))
    return found
