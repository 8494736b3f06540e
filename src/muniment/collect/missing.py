"""Entries that a day no longer has: moved elsewhere, off the end of a rolling retention, or vanished (design §4.6)."""

import datetime as dt
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from muniment.archive.identity import row_keys
from muniment.archive.reading import Archive
from muniment.collect.record import Finding
from muniment.collect.standing import Day, SourceStanding, without
from muniment.sweep.survey import Stretch
from muniment.sweep.sweeping import Verdict
from muniment.sweep.window import Words

__all__ = ["Missing", "mark_of", "ranges_of"]

Leaves = NDArray[np.int64]
_A_FEW = 100


def mark_of(keys: Words) -> str:
    """Sum of the hashes of distinct keys, modulo 2^64, as 16 hex digits."""
    return f"{int(np.unique(keys).sum(dtype=np.uint64)):016x}"


def ranges_of(leaves: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending leaves as ranges [first, end)."""
    ranges: list[tuple[int, int]] = []
    for leaf in leaves:
        if ranges and ranges[-1][1] == leaf:
            ranges[-1] = (ranges[-1][0], leaf + 1)
        else:
            ranges.append((leaf, leaf + 1))
    return ranges


class Missing:
    """Compares readings of days with what was archived of them.

    Args:
        archive: As it was when the run began.
        source: Name of the source.
        known: What was known of it then.
    """

    def __init__(self, archive: Archive, source: str, known: SourceStanding) -> None:
        self._archive = archive
        self._size = archive.size
        self._source = source
        self._known = known
        self._lacking: dict[dt.date, tuple[Leaves, Words]] = {}
        self._lacking_outside: list[tuple[dt.date | None, int, np.uint64]] = []
        self._served: dict[dt.date, Words] = {}
        self._served_outside: list[Words] = []
        self.lacks: dict[dt.date, list[tuple[int, int]]] = {}
        """Archived leaves that the last reading of a day did not serve, of days whose rows changed."""
        self.reappeared: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._lacking or self._lacking_outside)

    @property
    def gone(self) -> list[tuple[int, int]]:
        """Ranges [first, end) of leaves that the source does not serve any more, as far as days were read."""
        lacks = {day: known.lacks for day, known in self._known.days.items()} | self.lacks
        return without(self._known.vanished, self.reappeared) + [each for ranges in lacks.values() for each in ranges]

    def is_news_to(self, tag: str) -> bool:
        """Whether anything is lacking that the key of this tag is not known to have seen."""
        # whoever sees something of none of the days is known by having seen all of them
        days = self._known.days if self._lacking_outside else self._lacking
        return any(day not in self._known.days or tag not in self._known.days[day].tags for day in days)

    def compare(self, day: dt.date, verdict: Verdict, before: Day | None, fresh: Words) -> bool:
        """Whether the day lacks entries that it had.

        Args:
            day: The day that was read.
            verdict: Of this reading.
            before: Its last reading, None where there was none.
            fresh: Keys of the day that were new.
        """
        if verdict.complete:
            self._served[day] = verdict.keys
        if before is None or not verdict.complete:
            return False
        if int(mark_of(verdict.keys), 16) == (int(before.mark, 16) + int(fresh.sum(dtype=np.uint64))) % (1 << 64):
            return False
        leaves, keys = self._archived(day)
        gone = ~np.isin(keys, verdict.keys)
        absent = self._were_absent(leaves)
        self.reappeared += leaves[absent & ~gone].tolist()
        self.lacks[day] = ranges_of(sorted(leaves[gone].tolist()))
        lacking = gone & ~absent & ~_within(leaves, self._lacked(day))
        self._lacking.pop(day, None)
        if lacking.any():
            self._lacking[day] = (leaves[lacking], keys[lacking])
        return bool(lacking.any())

    def saw_outside(self, keys: Words) -> None:
        """Windows that are no day served these: an entry among them did not vanish."""
        self._served_outside.append(keys)

    def count_outside(self, stretch: Stretch) -> int:
        """How many archived entries of none of the days were there when the source was last read."""
        return len(self._archived_outside(stretch))

    def compare_outside(self, stretch: Stretch, served: Words) -> int:
        """How many of these the source does not have any more, or has on one of the days.

        Args:
            stretch: The days.
            served: Keys of everything that it has outside of them, and perhaps of more.
        """
        on_days = np.concatenate([np.empty(0, np.uint64), *self._served.values()])
        still = set(np.setdiff1d(served, on_days).tolist())
        self._lacking_outside = [row for row in self._archived_outside(stretch) if int(row[2]) not in still]
        return len(self._lacking_outside)

    def _archived_outside(self, stretch: Stretch) -> list[tuple[dt.date | None, int, np.uint64]]:
        """Day by its timestamp, leaf and key of each archived entry of none of the days; not of those known as gone."""
        elsewhere = [(first, end) for first, end, to in self._known.displaced if not stretch.leaves_out(to)]
        dated = self._dated_since(stretch)
        found: list[tuple[dt.date | None, int, np.uint64]] = []
        for rows in self._rows_outside(stretch):
            leaves = rows["index"].to_numpy()
            gone = self._were_absent(leaves) | _within(leaves, elsewhere) | np.isin(leaves, self._known.versions)
            found += [
                (day, leaf, key)
                for day, leaf, key, no in zip(
                    rows["day"].to_pylist(), leaves.tolist(), row_keys(rows), gone.tolist(), strict=True
                )
                if not no and int(key) not in dated
            ]
        return found

    def _rows_outside(self, stretch: Stretch) -> Iterator[pa.RecordBatch]:
        """Archived entries of none of the days; only where there are any is more read than what tells that."""
        telling = ["index", "kind", "source", "day"]
        for narrow in self._archive.batches(0, self._size, columns=telling):
            found = narrow.filter(self._outside_of(narrow, stretch))["index"]
            if found:
                first, end = found[0].as_py(), found[-1].as_py() + 1
                for batch in self._archive.batches(first, end, columns=[*telling, "id", "leaf"]):
                    yield batch.filter(self._outside_of(batch, stretch))

    def _outside_of(self, rows: pa.RecordBatch, stretch: Stretch) -> pa.BooleanArray:
        ours = pc.and_(pc.equal(rows["kind"], "entry"), pc.equal(rows["source"], self._source))
        return pc.and_(ours, _is_outside(rows["day"], stretch))

    def _dated_since(self, stretch: Stretch) -> set[int]:
        """Keys of entries that have a further version on one of the days."""
        keys: set[int] = set()
        for leaf in self._known.versions:
            (row,) = self._archive.batches(leaf, leaf + 1, columns=["kind", "source", "id", "day", "leaf"])
            if not _is_outside(row["day"], stretch)[0].as_py():
                keys |= set(row_keys(row).tolist())
        return keys

    def _lacked(self, day: dt.date) -> list[tuple[int, int]]:
        """Leaves that the day lacked when the run began: moved then, or seen by another key alone."""
        return self._known.days[day].lacks if day in self._known.days else []

    def _were_absent(self, leaves: Leaves) -> NDArray[np.bool_]:
        absent = np.zeros(leaves.size, dtype=bool)
        for first, end in self._known.vanished:
            absent |= (leaves >= first) & (leaves < end)
        return absent

    def _archived(self, day: dt.date) -> tuple[Leaves, Words]:
        """Leaves and keys of a day as archived: by timestamp, but for those that a window showed to be elsewhere."""
        moved_here, moved_away = self._displaced(day)
        leaves: list[Leaves] = [np.empty(0, np.int64)]
        keys: list[Words] = [np.empty(0, np.uint64)]
        for batch in self._archive.batches(0, self._size, columns=["index", "kind", "source", "id", "day", "leaf"]):
            index = batch["index"].to_numpy()
            here = pc.fill_null(pc.equal(batch["day"], day), fill_value=False).to_numpy(zero_copy_only=False)
            here = (here & ~_within(index, moved_away)) | _within(index, moved_here)
            rows = batch.filter(here)
            rows = rows.filter(pc.and_(pc.equal(rows["kind"], "entry"), pc.equal(rows["source"], self._source)))
            leaves.append(rows["index"].to_numpy())
            keys.append(row_keys(rows))
        every, unique = np.concatenate(leaves), np.concatenate(keys)
        _, firsts = np.unique(unique, return_index=True)  # a further version has the key of the first
        return every[firsts], unique[firsts]

    def _displaced(self, day: dt.date) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        here = [(first, end) for first, end, to in self._known.displaced if to == day]
        away = [(first, end) for first, end, to in self._known.displaced if to != day]
        return here, away

    def findings(self, oldest_served: dt.date | None, run: str) -> Iterator[Finding]:
        """What to say of everything that is lacking.

        Args:
            oldest_served: The first day that the source still has rows of; None where it has none at all.
            run: The run that found it.
        """
        fallen: dict[dt.date, Leaves] = {}
        vanished: dict[dt.date, list[int]] = {}
        for day, (leaves, keys) in sorted(self._lacking.items()):
            moved = np.isin(keys, self._served_elsewhere(day))
            for leaf, key in zip(leaves[moved].tolist(), keys[moved], strict=True):
                yield self._moved(run, leaf, key, day)
            if oldest_served is not None and day <= oldest_served:
                fallen[day] = leaves[~moved]
            else:
                vanished[day] = leaves[~moved].tolist()
        for day, gone in vanished.items():
            yield from self._vanished(run, day, gone)
        yield from self._outside(run, oldest_served)
        if any(leaves.size for leaves in fallen.values()):
            yield self._retention(run, fallen)
        yield from self._reappeared(run)

    def _served_elsewhere(self, day: dt.date) -> Words:
        """Keys of all that was served of other days than this one, and of none."""
        others = (served for other, served in self._served.items() if other != day)
        return np.concatenate([np.empty(0, np.uint64), *others, *self._served_outside])

    def _moved(self, run: str, leaf: int, key: np.uint64, day: dt.date) -> Finding:
        other = next((each for each, served in self._served.items() if each != day and key in served), None)
        if other is None:
            return self._about("moved", run, leaf, [day], f"moved from {day} to none of the days")
        return self._about("moved", run, leaf, [day, other], f"moved from {day} to {other}")

    def _reappeared(self, run: str) -> Iterator[Finding]:
        if len(self.reappeared) > _A_FEW:
            what = f"the source serves {len(self.reappeared)} entries again"
            ranges = ranges_of(sorted(self.reappeared))
            yield Finding(kind="reappeared", what=what, source=self._source, run=run, ranges=ranges)
            return
        for leaf in self.reappeared:
            yield self._about("reappeared", run, leaf, [], "the source serves it again")

    def _outside(self, run: str, oldest_served: dt.date | None) -> Iterator[Finding]:
        """As `findings`, of entries of none of the days."""
        for day, leaf, key in self._lacking_outside:
            other = next((d for d, served in self._served.items() if key in served), None)
            if other is not None:
                yield self._about("moved", run, leaf, [other], f"moved to {other}, from none of the days")
            elif day is not None and oldest_served is not None and day < oldest_served:
                what = f"this entry of {day}, long before all others, is no longer there"
                yield self._about("retention", run, leaf, [day], what)
            else:
                when = f"of {day}" if day else "without a date"
                yield self._about(
                    "vanished", run, leaf, [day] if day else [], f"the source no longer has this entry {when}"
                )

    def _vanished(self, run: str, day: dt.date, leaves: list[int]) -> Iterator[Finding]:
        if len(leaves) <= _A_FEW:
            for leaf in leaves:
                yield self._about("vanished", run, leaf, [day], f"the source no longer has this entry of {day}")
            return
        what = f"the source no longer has {len(leaves)} entries of {day}"
        yield Finding(
            kind="vanished", what=what, source=self._source, run=run, ranges=ranges_of(sorted(leaves)), days=[day]
        )

    def _retention(self, run: str, fallen: dict[dt.date, Leaves]) -> Finding:
        leaves = sorted(leaf for day in fallen.values() for leaf in day.tolist())
        days = [day for day, gone in fallen.items() if gone.size]
        first, last = min(days), max(days)
        what = f"the oldest days served have moved on: {len(leaves)} entries of {first} to {last} are no longer there"
        return Finding(
            kind="retention", what=what, source=self._source, run=run, ranges=ranges_of(leaves), days=[first, last]
        )

    def _about(self, kind: str, run: str, leaf: int, days: list[dt.date], what: str) -> Finding:
        return Finding(
            kind=kind, what=what, source=self._source, run=run, id=self._id_of(leaf), leaves=[leaf], days=days
        )

    def _id_of(self, leaf: int) -> str | None:
        batch = next(iter(self._archive.batches(leaf, leaf + 1, columns=["id"])))
        found: str | None = batch["id"][0].as_py()
        return found


def _is_outside(days: pa.Array, stretch: Stretch) -> pa.BooleanArray:
    """Which rows lie on none of the days, by their timestamps."""
    outside = pc.less(days, stretch.first)
    if not stretch.whole:
        return pc.fill_null(outside, fill_value=False)
    return pc.fill_null(pc.or_(outside, pc.greater(days, stretch.last)), fill_value=True)


def _within(index: Leaves, ranges: list[tuple[int, int]]) -> NDArray[np.bool_]:
    inside = np.zeros(index.size, dtype=bool)
    for first, end in ranges:
        inside |= (index >= first) & (index < end)
    return inside
