"""Pages in, leaves out: what is new is kept back, and sealed together with what the run says of it.

Design §4.6: the key is (source, id); the same content under a key was seen before, another is a further version.
"""

import contextlib
import datetime as dt
import itertools
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.columns import LeafBatch, typed_columns
from muniment.archive.commit import Transaction
from muniment.archive.identity import difference, same_json
from muniment.archive.keys import KeyRuns
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.activity import Activity
from muniment.collect.fetching import Fetched
from muniment.collect.instants import Clock, rfc3339
from muniment.collect.record import Finding, encode
from muniment.collect.waiting import Kept, Placed, Waiting, some_rows
from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES
from muniment.sweep.days import DayEdges
from muniment.sweep.window import Ask, Sheet, Window, Words

__all__ = ["Sealer"]

MOST_ANSWERS = 50
MOST_WAITING = 8_192
MOST_WAITING_BYTES = 16 << 20
_COMPARED = 8
"""So many of a key's last contents are compared with what comes: a source may give all of its entries one id."""
_NO_LEAF = -1
_NONE: Words = np.empty(0, dtype=np.uint64)
_NO_DAY = -(1 << 31)
_EPOCH = dt.date(1970, 1, 1).toordinal()
_KNOWN_VALUES = {
    "action": frozenset(ACTIONS),
    "resource_type": frozenset(RESOURCE_TYPES),
    "status": frozenset(status.lower() for status in STATUSES),
}


_LOOKED_AT = ["action", "resource_type", "status", "resource_id", "user_id", "account_id", "time"]


class Sealer:
    """Keeps what is new until it is sealed.

    Args:
        writer: Commits to the archive.
        keys: What the archive holds already.
        source: Name of the source.
        run: The run's id, for findings.
        seen_values: Findings `unknown_value` so far, by their words.
        twins: Ids of entries that are known to come twice.
        clock: When findings are made.
    """

    def __init__(
        self,
        writer: Writer,
        keys: KeyRuns,
        *,
        source: str,
        run: str,
        seen_values: set[str],
        twins: set[str],
        clock: Clock,
    ) -> None:
        self.placed = Placed()
        self.activity = Activity()
        self.new = 0
        self.days_elsewhere: Counter[dt.date] = Counter()
        """New entries by the day of their timestamp, of windows that are no day."""
        self.versions: list[int] = []
        """Leaves of further versions that were sealed."""
        self.days_shown: set[dt.date] = set()
        """Days of the timestamps of all that such windows served."""
        self._undated: set[int] = set()
        self.edges = DayEdges()
        self.odd: dict[str, None] = {}
        self._writer = writer
        self._keys = keys
        self._source = source
        self._run = run
        self._seen_values = seen_values
        self._twins = twins
        self._clock = clock
        self._kept = Kept()
        self._loose: list[Finding] = []  # findings about no new leaf
        self._answers = 0
        self._under_way: tuple[Kept, Future[None]] | None = None
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="seal")
        self._displaced: defaultdict[dt.date, list[Words]] = defaultdict(list)
        self._fresh: defaultdict[dt.date, list[Words]] = defaultdict(list)

    @property
    def archive(self) -> Archive:
        """The archive, once it has everything that was sealed.

        Raises:
            ArchiveError, NotEvidence: As `settle`.
        """
        self.settle()
        return self._writer.archive

    @property
    def due(self) -> bool:
        """Whether it is time to seal: at least every 50 answers, and before what waits takes much memory."""
        kept = self._kept
        return self._answers >= MOST_ANSWERS or kept.rows >= MOST_WAITING or kept.leaf_bytes >= MOST_WAITING_BYTES

    @property
    def holds_any(self) -> bool:
        """Whether anything waits to be sealed."""
        return bool(self._kept.batches or self._loose)

    def take(self, ask: Ask, fetched: Fetched) -> None:
        """Keep what is new on a page."""
        self._answers += 1
        sheet, page = fetched.answer, fetched.batch
        if not isinstance(sheet, Sheet) or page is None or not page.leaves:
            return
        rows, findings = self._judge(sheet, page)
        batch = some_rows(page, rows)
        # a further version is no further entry: what none of the days serves is held against totals by number
        first = [place for place in range(len(rows)) if place not in findings]
        if rows:
            self._keep(Waiting(ask.window, batch, sheet.keys[rows], sheet.contents[rows], findings))
        self._note_days(ask.window, sheet.keys, page)
        if ask.window.is_day:
            self._fresh[ask.window.first_day].append(sheet.keys[rows])
        else:
            days, keys = batch.record_batch["day"].take(pa.array(first, pa.int64())), sheet.keys[rows][first]
            self.days_elsewhere.update(day for day in days.to_pylist() if day is not None)
            self._undated.update(keys[days.is_null().to_numpy(zero_copy_only=False)].tolist())

    def displaced(self, day: dt.date) -> Words:
        """Keys of rows that the window of a day served though their timestamp says another; forgotten then."""
        return np.unique(np.concatenate([_NONE, *self._displaced.pop(day, [])]))

    def fresh(self, day: dt.date) -> Words:
        """Keys that were new in the window of a day, or in its parts; forgotten then."""
        return np.unique(np.concatenate([_NONE, *self._fresh.pop(day, [])]))

    def seal(self, others: Sequence[LeafBatch], say: Callable[[Transaction], None]) -> None:
        """Commit everything kept, other leaves, then findings and what `say` adds to the record; all of it or nothing.

        Which leaves these are is settled on return; they are written beside what the caller does next. `settle` waits
        for it, as does whatever reads the archive, and the next commit.

        Raises:
            ArchiveError, NotEvidence: As `Writer.transaction`.
        """
        self._look_over()
        self.settle()
        with contextlib.ExitStack() as stack:
            transaction = stack.enter_context(self._writer.transaction())
            if self._writer.archive.size != self._keys.size:
                self._look_again()
            kept = self._kept
            kept.firsts = [transaction.add(batch.leaves) for batch in kept.batches]
            for batch, first in zip(kept.batches, kept.firsts, strict=True):
                self.placed.add(batch.window, first, first + len(batch.leaves.leaves))
            for more in others:
                transaction.add(more)
            for finding in self._findings():
                transaction.add_record("finding", encode(finding), rfc3339(self._clock()))
            say(transaction)
            self._under_way = kept, self._beside.submit(stack.pop_all().close)
        self._kept, self._loose, self._answers = Kept(), [], 0

    def settle(self) -> None:
        """Wait until the last commit is durable.

        Raises:
            ArchiveError, NotEvidence: It could not be made; the archive is as it was before.
        """
        if self._under_way is None:
            return
        (kept, done), self._under_way = self._under_way, None
        done.result()
        sealed = [(first, batch.keys, batch.contents) for first, batch in zip(kept.firsts, kept.batches, strict=True)]
        self._keys.catch_up(self._writer.archive, sealed)
        self.new += kept.rows
        pa.default_memory_pool().release_unused()  # what waited is most of what this process holds

    def close(self) -> None:
        """Wait for the last commit, whatever became of it; nothing can be sealed any more."""
        self._beside.shutdown()

    @property
    def undated(self) -> int:
        """New entries whose timestamp says no day, and which no day's window served either."""
        return len(self._undated)

    def leaves_of(self, keys: Words) -> list[int]:
        """Where keys are sealed, or are about to be by the transaction under way; ascending, each once."""
        found = self._keys.look_up(keys, keys).leaves
        leaves = {int(leaf) for leaf in found if leaf != _NO_LEAF}
        return sorted(leaves | self._kept.leaves_of(keys))

    # -- judging a page

    def _judge(self, sheet: Sheet, page: LeafBatch) -> tuple[list[int], dict[int, Finding]]:
        """The rows to keep, and what is to be said of some of them, by their place among those."""
        found = self._keys.look_up(sheet.keys, sheet.contents)
        doubtful = (found.leaves != _NO_LEAF) | np.isin(sheet.keys, self._doubtful_keys(sheet.keys.tolist()))
        plain = ~doubtful
        self._kept.note_new(sheet.keys[plain].tolist(), sheet.contents[plain].tolist())
        if plain.all():
            return list(range(len(sheet))), {}
        asked = np.flatnonzero(doubtful)
        columns = (asked, sheet.keys[asked], sheet.contents[asked], found.leaves[asked], found.same[asked])
        dropped, said = self._judge_rows(page, zip(*(column.tolist() for column in columns), strict=True))
        rows = [row for row in range(len(sheet)) if row not in dropped]
        return rows, {bisect_left(rows, row): finding for row, finding in said.items()}

    def _doubtful_keys(self, keys: Sequence[int]) -> Words:
        """Keys that come twice on a page, or before it in what is not sealed yet."""
        distinct = set(keys)
        doubtful = {key for kept in self._unsealed() for key in kept.keys_among(distinct)}
        if len(distinct) < len(keys):
            doubtful |= {key for key, times in Counter(keys).items() if times > 1}
        return np.array(list(doubtful), np.uint64)

    def _unsealed(self) -> tuple[Kept, ...]:
        """What the index of keys does not have yet, oldest first."""
        return (self._kept,) if self._under_way is None else (self._under_way[0], self._kept)

    def _judge_rows(
        self, page: LeafBatch, rows_found: Iterable[tuple[int, int, int, int, bool]]
    ) -> tuple[set[int], dict[int, Finding]]:
        """Which of some rows are no news, and what is to be said of the others."""
        dropped: set[int] = set()
        findings: dict[int, Finding] = {}
        here: defaultdict[int, list[int]] = defaultdict(list)
        unsealed = self._unsealed()
        for row, key, content, leaf, same in rows_found:
            if key in here:
                self._note_twin(page.leaves[row], key)
            here[key].append(row)
            if same or any(kept.holds(key, content) for kept in unsealed):
                dropped.add(row)
                continue
            if leaf != _NO_LEAF or any(kept.has(key) for kept in unsealed):
                first, item = self._first_content(key, leaf, page.leaves[here[key][0]]), _payload(page.leaves[row])
                latest = self._latest_contents(key, [page.leaves[other] for other in here[key][-_COMPARED:-1]])
                if any(same_json(each, item) for each in itertools.chain([first], latest)):
                    self.odd["the same JSON came in other bytes than before"] = None
                    dropped.add(row)
                    continue
                if _id_of(first) == _id_of(item):
                    what = difference(first, item)
                    findings[row] = self._finding("content_changed", what, _id_of(item), leaves=[leaf])
                else:
                    self.odd["two ids share the 64 bits that stand for a key: both are kept"] = None
            self._kept.note(key, content)
        return dropped, findings

    def _first_content(self, key: int, leaf: int, here: bytes) -> bytes:
        """The first content of a key: sealed, about to be, or on this page."""
        if leaf != _NO_LEAF:
            return _payload(self._writer.archive.leaf(leaf))
        return _payload(next((found for kept in self._unsealed() if (found := kept.leaf(key)) is not None), here))

    def _latest_contents(self, key: int, here: Sequence[bytes]) -> Iterator[bytes]:
        """The last contents of a key: before this one on its page, about to be sealed, and sealed."""
        yield from map(_payload, here)
        for kept in self._unsealed():
            yield from map(_payload, kept.latest(key, _COMPARED))
        yield from (_payload(self._writer.archive.leaf(leaf)) for leaf in self._keys.latest(key, _COMPARED))

    def _note_twin(self, leaf: bytes, key: int) -> None:
        item_id = _id_of(_payload(leaf))
        which = "" if item_id is not None else f": an item without an id, key {key:016x}"
        told = self._finding("twin", f"one answer held this entry twice{which}", item_id)
        name = told.id or told.what
        if name not in self._twins:
            self._twins.add(name)
            self._loose.append(told)

    def _note_days(self, window: Window, keys: Words, page: LeafBatch) -> None:
        """What the timestamps of rows say beside the window that served them."""
        days = page.record_batch["day"]
        if not window.is_day:
            self.days_shown.update(day for day in pc.unique(days).to_pylist() if day is not None)
            return
        day = window.first_day
        self._note_edges(day, page)
        elsewhere = days.cast(pa.int32()).fill_null(_NO_DAY).to_numpy() != day.toordinal() - _EPOCH
        if elsewhere.any():
            self._displaced[day].append(keys[elsewhere])
            self._undated.difference_update(keys[elsewhere].tolist())

    def _note_edges(self, day: dt.date, batch: LeafBatch) -> None:
        ends = pc.min_max(batch.record_batch["time"]).as_py()
        if ends["min"] is not None:
            midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
            earliest, latest = ((ends[end] - midnight).total_seconds() for end in ("min", "max"))
            self.edges = self.edges.widened(earliest, latest)

    # -- keeping

    def _keep(self, batch: Waiting) -> None:
        batch.findings.update(self._rows_without_id(batch.leaves))
        self._kept.add(batch)

    def _rows_without_id(self, batch: LeafBatch) -> dict[int, Finding]:
        ids = batch.record_batch["id"]
        if not ids.null_count:
            return {}
        rows = np.flatnonzero(pc.is_null(ids).to_numpy(zero_copy_only=False)).tolist()
        return {row: self._without_id(_payload(batch.leaves[row])) for row in rows}

    def _look_over(self) -> None:
        """Note what all that is kept says of people, and values that are in no list."""
        if not self._kept.batches:
            return
        rows = pa.Table.from_batches([batch.leaves.record_batch.select(_LOOKED_AT) for batch in self._kept.batches])
        self.activity.note(rows)
        for name, known in _KNOWN_VALUES.items():
            for value in pc.unique(rows[name]).to_pylist():
                if value is not None and value not in known:
                    self._note_unknown_value(f"{name} {value!r} is in none of the tutorial's lists")

    def _note_unknown_value(self, what: str) -> None:
        if what not in self._seen_values:
            self._seen_values.add(what)
            self._loose.append(self._finding("unknown_value", what, None))

    def _without_id(self, payload: bytes) -> Finding:
        if _is_readable(payload):
            return self._finding("no_id", "an item without an id", None)
        return self._finding("unreadable", "an item that no JSON parser reads", None)

    def _finding(self, kind: str, what: str, item_id: str | None, *, leaves: Sequence[int] = ()) -> Finding:
        return Finding(
            kind=kind,
            what=what,
            source=self._source,
            run=self._run,
            id=item_id,
            leaves=[n for n in leaves if n >= 0],
        )

    # -- sealing

    def _look_again(self) -> None:
        """Somebody else sealed since we looked: keep only what is still new."""
        self._keys.catch_up(self._writer.archive, [])
        kept, self._kept = self._kept, Kept()
        for batch in kept.batches:
            found = self._keys.look_up(batch.keys, batch.contents)
            fresh = np.flatnonzero(~found.same)
            if fresh.size:
                self._kept.add(batch if fresh.size == batch.keys.size else batch.only(fresh.tolist()))
                for key, content in zip(batch.keys[fresh].tolist(), batch.contents[fresh].tolist(), strict=True):
                    self._kept.note(key, content)

    def _findings(self) -> Iterator[Finding]:
        yield from self._loose
        for batch, first in zip(self._kept.batches, self._kept.firsts, strict=True):
            for row, finding in batch.findings.items():
                leaves = finding.leaves
                if finding.kind == "content_changed" and not leaves:
                    leaves = [self._place_of(int(batch.keys[row]))]
                if finding.kind == "content_changed":
                    self.versions.append(first + row)
                yield msgspec.structs.replace(finding, leaves=[*leaves, first + row])

    def _place_of(self, key: int) -> int:
        """Where a key is whose first content was not sealed yet when its second came."""
        keys = np.array([key], np.uint64)
        found = int(self._keys.look_up(keys, keys).leaves[0])
        if found != _NO_LEAF:
            return found
        number, row = next(self._kept.places(key))
        return self._kept.firsts[number] + row


def _payload(leaf: bytes) -> bytes:
    return parse_leaf(leaf).payload


def _is_readable(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _id_of(item: bytes) -> str | None:
    """An item's id as its column has it, whatever the item is."""
    found: str | None = typed_columns("entry", [item])["id"][0].as_py()
    return found
