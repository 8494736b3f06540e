"""What the archive knows: a fold over its leaves, kept beside it as a cache and thrown away whenever in doubt.

Days and how each is known to be complete, people and accounts with all their snapshots, findings and their answers.
Everything here can be made again from the archive alone (design §5, "Everything derived").
"""

import contextlib
import datetime as dt
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from muniment.archive.leaf import OWN_SOURCE, Leaf, parse_leaf
from muniment.archive.reading import Archive
from muniment.collect.answers import Kind, Told, read_answer
from muniment.collect.gaps import by_controls, controls_of, holds, left_behind
from muniment.collect.record import (
    POPULATION_KINDS,
    Census,
    DayRead,
    Disposition,
    Finding,
    Outside,
    Receipt,
    Refusal,
    decode_receipt,
)
from muniment.sweep.days import DayEdges
from muniment.sweep.plan import KnownDay
from muniment.sweep.window import NOT_READ, Gap, Method, Window

__all__ = ["Day", "Person", "Snapshot", "SourceStanding", "Standing", "load_standing", "save_standing", "without"]

VERSION = 3
_FILE = "standing.msgpack"
_CRC_BYTES = 4
_LIGHT = ["index", "kind", "source", "day", "time", "user_id", "user_name", "account_id", "account_name"]


class Snapshot(msgspec.Struct, frozen=True):
    """One answer to a lookup.

    Args:
        leaf: That holds it.
        observed_at: When it came, RFC 3339.
        state: That it says.
        passing: There was trouble: the next run asks again.
    """

    leaf: int
    observed_at: str
    state: str
    passing: bool = False


class Person(msgspec.Struct):
    """A user or an account of the entries: its latest name there, its activity, what lookups said."""

    id: str
    name: str | None = None
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    snapshots: list[Snapshot] = []

    @property
    def latest(self) -> Snapshot | None:
        """The last answer, None where it was never asked for."""
        return self.snapshots[-1] if self.snapshots else None


class Day(msgspec.Struct):
    """A day of a source: how many rows it had when last read, and how that is known to be all.

    Args:
        rows: As read.
        total: The source's, then.
        method: How it is known to be complete, None where it is not.
        closed: Whether the day was over.
        censused_at: When the total last agreed, RFC 3339.
        mark: Of its keys.
        gaps: What it lacks.
        lacks: Archived leaves of it that the reading did not serve, as ranges [first, end).
        tags: The keys, each by its tag, that are known to see all that the reading served.
    """

    rows: int
    total: int | None
    method: Method | None
    closed: bool
    censused_at: str
    mark: str
    gaps: list[Gap] = []
    lacks: list[tuple[int, int]] = []
    tags: list[str] = []

    def known(self) -> KnownDay:
        """As the plan of a run wants it."""
        return KnownDay(self.rows, self.method, self.closed, self.censused_at)


class SourceStanding(msgspec.Struct):
    """What is known of one source."""

    days: dict[dt.date, Day] = {}
    counts: dict[dt.date, int] = {}
    undated: int = 0
    displaced: list[tuple[int, int, dt.date]] = []
    versions: list[int] = []
    vanished: list[tuple[int, int]] = []
    users: dict[str, Person] = {}
    accounts: dict[str, Person] = {}
    edges: DayEdges = DayEdges()
    fullest: int = 0
    total_fell: bool = False
    outside: Outside | None = None
    outside_gaps: list[Gap] = []
    controlled: bool = False
    control_gaps: list[Gap] = []
    unfinished: str | None = None

    @property
    def entries(self) -> int:
        """Unique keys archived."""
        return sum(self.counts.values()) + self.undated

    @property
    def gaps(self) -> list[Gap]:
        """What the archive lacks, as last seen."""
        of_days = [gap for day in sorted(self.days) for gap in self.days[day].gaps]
        return of_days + self.control_gaps + self.outside_gaps

    def owes_controls(self, closed: Window | None) -> bool:
        """Whether totals by action and resource type are to be asked for over these closed days.

        That is so until a run has done it to its end, and then as long as they do not sum up.
        """
        if closed is None or closed.from_ is None:
            return False
        if not self.controlled:
            return not self.days or closed.from_ <= min(self.days)
        return any(holds(closed, gap) for gap in self.control_gaps)

    def closed_days(self) -> dict[dt.date, Day]:
        """Days that were over and complete when last read, in order."""
        return {day: self.days[day] for day in sorted(self.days) if self.days[day].closed and self.days[day].method}


class Standing(msgspec.Struct):
    """What the archive knows, of the tree of this origin, size and root."""

    version: int = VERSION
    origin: str = ""
    size: int = 0
    root: bytes = b""
    sources: dict[str, SourceStanding] = {}
    findings: dict[int, Finding] = {}
    dispositions: dict[int, int] = {}
    standing_kinds: dict[str, int] = {}
    seen_values: list[str] = []

    def source(self, name: str) -> SourceStanding:
        """The standing of one source; an empty one where nothing was collected yet."""
        return self.sources.setdefault(name, SourceStanding())

    @property
    def entries(self) -> int:
        """Unique keys archived, of all sources."""
        return sum(source.entries for source in self.sources.values())

    def open_findings(self) -> dict[int, Finding]:
        """Findings without a disposition, by leaf."""
        return {index: finding for index, finding in self.findings.items() if not self._answered(index, finding)}

    def open_population_findings(self) -> dict[int, Finding]:
        """Of these, the ones about the population."""
        return {i: finding for i, finding in self.open_findings().items() if finding.kind in POPULATION_KINDS}

    def _answered(self, index: int, finding: Finding) -> bool:
        since = self.standing_kinds.get(finding.kind)
        return index in self.dispositions or (since is not None and since < index)

    def absorb(self, archive: Archive) -> None:
        """Take in what the archive has beyond this."""
        for batch in archive.batches(self.size, columns=_LIGHT, rows=65_536):
            self._absorb_entries(batch)
            self._absorb_others(archive, batch)
        self.origin, self.size, self.root = archive.origin, archive.size, archive.root

    def _absorb_entries(self, batch: pa.RecordBatch) -> None:
        entries = batch.filter(pc.equal(batch["kind"], "entry"))
        for name in pc.unique(entries["source"]).to_pylist():
            self._absorb_source(self.source(name), entries.filter(pc.equal(entries["source"], name)))

    def _absorb_source(self, source: SourceStanding, entries: pa.RecordBatch) -> None:
        for counted in pc.value_counts(entries["day"]):
            day, rows = counted["values"].as_py(), counted["counts"].as_py()
            if day is None:
                source.undated += rows
            else:
                source.counts[day] = source.counts.get(day, 0) + rows
        _absorb_people(source.users, entries, "user")
        _absorb_people(source.accounts, entries, "account")

    def _absorb_others(self, archive: Archive, batch: pa.RecordBatch) -> None:
        others = batch.filter(pc.not_equal(batch["kind"], "entry"))
        indices = others["index"].to_pylist()
        for index, raw in zip(indices, archive.leaves(indices), strict=True):
            self._absorb_leaf(archive, index, parse_leaf(raw))

    def _absorb_leaf(self, archive: Archive, index: int, leaf: Leaf) -> None:
        match leaf.kind:
            case "user" | "account":
                self._absorb_snapshot(index, leaf, "user" if leaf.kind == "user" else "account")
            case "finding":
                self._absorb_finding(index, msgspec.json.decode(leaf.payload, type=Finding), archive)
            case "disposition":
                self._absorb_disposition(index, msgspec.json.decode(leaf.payload, type=Disposition))
            case "receipt":
                self._absorb_receipt(archive, decode_receipt(leaf.payload))
            case _:
                pass  # what the tree itself says of keys and segments is the archive's own affair

    def _absorb_snapshot(self, index: int, leaf: Leaf, kind: Kind) -> None:
        if leaf.source == OWN_SOURCE:
            ours = msgspec.json.decode(leaf.payload, type=Refusal)
            name, told, passing = ours.source, Told(ours.id, None, ours.state), ours.is_passing
        else:
            name, told, passing = leaf.source, read_answer(kind, leaf.payload), False
        if told.id is None:
            return  # nobody can be found by it
        source = self.source(name)
        people = source.users if kind == "user" else source.accounts
        person = people.setdefault(told.id, Person(told.id))
        person.snapshots.append(Snapshot(index, leaf.observed_at, told.state, passing))
        if person.name is None:
            person.name = told.name

    def _absorb_finding(self, index: int, finding: Finding, archive: Archive) -> None:
        self.findings[index] = finding
        source = self.source(finding.source)
        if finding.kind == "content_changed":
            version = finding.leaves[-1]
            source.versions.append(version)
            _move(source, None, _days_of(archive, version, version + 1))
        elif finding.kind in ("vanished", "retention"):
            source.vanished += [*finding.ranges, *((leaf, leaf + 1) for leaf in finding.leaves)]
        elif finding.kind == "reappeared":
            of_ranges = (leaf for first, end in finding.ranges for leaf in range(first, end))
            source.vanished = without(source.vanished, [*finding.leaves, *of_ranges])
        elif finding.kind == "unknown_value":
            self.seen_values.append(finding.what)

    def _absorb_disposition(self, index: int, answer: Disposition) -> None:
        if answer.finding is not None:
            self.dispositions[answer.finding] = index
        if answer.standing is not None:
            self.standing_kinds[answer.standing] = index

    def _absorb_receipt(self, archive: Archive, receipt: Receipt) -> None:
        source = self.source(receipt.source)
        source.unfinished = None if receipt.phase == "closed" else receipt.run
        for read in receipt.days:
            source.days[read.day] = _day(source.days.get(read.day), read, receipt)
            for first, end in read.displaced:
                source.displaced.append((first, end, read.day))
                _move(source, read.day, _days_of(archive, first, end))
        for census in receipt.census:
            if census.agrees:
                _mark_censused(source, census, receipt.key_tag)
        _absorb_traits(source, receipt)


def _absorb_traits(source: SourceStanding, receipt: Receipt) -> None:
    if receipt.outside is not None:
        source.outside = receipt.outside
    if receipt.phase == "closed":
        _absorb_gaps(source, receipt)
        if receipt.scope_accepted and receipt.stopped is None:
            _note_tag(source, receipt.from_, receipt.to, receipt.key_tag)
    source.total_fell |= receipt.total_fell
    source.fullest = max(source.fullest, int(receipt.seen.get("fullest") or 0))
    earliest, latest = receipt.seen.get("earliest_s"), receipt.seen.get("latest_s")
    if earliest is not None and latest is not None:
        source.edges = source.edges.widened(earliest, latest)


def _absorb_gaps(source: SourceStanding, receipt: Receipt) -> None:
    """Gaps that are no day's: outside the days, totals that disagree."""
    by_days, controls = [gap for day in source.days.values() for gap in day.gaps], by_controls(receipt)
    found = [gap for gap in receipt.gaps if gap not in by_days + controls and not gap.why.startswith(NOT_READ)]
    source.outside_gaps = left_behind(source.outside_gaps, found, receipt)
    if receipt.stopped is None:
        windows = [Window(each.from_, each.to) for each in controls_of(receipt)]
        source.controlled |= bool(windows)
        known = source.control_gaps
        source.control_gaps = [gap for gap in known if not any(holds(window, gap) for window in windows)]
    source.control_gaps += [gap for gap in controls if gap not in source.control_gaps]


def without(ranges: list[tuple[int, int]], leaves: Iterable[int]) -> list[tuple[int, int]]:
    """Ranges [first, end) less some leaves."""
    for leaf in leaves:
        for place, (first, end) in enumerate(ranges):
            if first <= leaf < end:
                rest = [(first, leaf), (leaf + 1, end)]
                ranges = [*ranges[:place], *(r for r in rest if r[0] < r[1]), *ranges[place + 1 :]]
                break
    return ranges


def _absorb_people(people: dict[str, Person], entries: pa.RecordBatch, what: str) -> None:
    table = pa.table({"id": entries[f"{what}_id"], "name": entries[f"{what}_name"], "time": entries["time"]})
    groups = table.filter(pc.is_valid(table["id"])).group_by("id", use_threads=False)
    for row in groups.aggregate([("name", "last"), ("time", "min"), ("time", "max")]).to_pylist():
        person = people.setdefault(row["id"], Person(row["id"]))
        person.name = row["name_last"] or person.name
        person.first = min((t for t in (person.first, row["time_min"]) if t), default=None)
        person.last = max((t for t in (person.last, row["time_max"]) if t), default=None)


def _days_of(archive: Archive, first: int, end: int) -> Iterator[tuple[dt.date | None, int]]:
    """How many entries of a range of leaves lie on each day, by their timestamps."""
    for batch in archive.batches(first, end, columns=["day"]):
        for counted in pc.value_counts(batch["day"]):
            yield counted["values"].as_py(), counted["counts"].as_py()


def _move(source: SourceStanding, to: dt.date | None, counts: Iterable[tuple[dt.date | None, int]]) -> None:
    """Count entries under another day than their timestamps say; under none where `to` is None."""
    for day, rows in counts:
        if day is None:
            source.undated -= rows
        else:
            source.counts[day] -= rows
        if to is not None:
            source.counts[to] = source.counts.get(to, 0) + rows


def _day(before: Day | None, read: DayRead, receipt: Receipt) -> Day:
    tags = _tags_after(before, read, receipt)
    return Day(
        read.rows, read.total, read.method, read.closed, read.at, read.mark, list(read.gaps), list(read.lacks), tags
    )


def _tags_after(before: Day | None, read: DayRead, receipt: Receipt) -> list[str]:
    """The keys that see all of a day after it was read: whoever read other rows before may not see these."""
    own = [receipt.key_tag]
    if before is None:
        return own
    if read.method is not None:
        return [*before.tags, *(tag for tag in own if tag not in before.tags)] if read.mark == before.mark else own
    grew = any(window.new for window in receipt.windows if window.from_ == window.to == read.day)
    return [tag for tag in before.tags if tag in own] if grew else before.tags


def _mark_censused(source: SourceStanding, census: Census, tag: str) -> None:
    for day, known in source.days.items():
        if census.from_ <= day <= census.to and known.method is not None:
            known.censused_at = census.at
    _note_tag(source, census.from_, census.to, tag)


def _note_tag(source: SourceStanding, first: dt.date | None, last: dt.date | None, tag: str) -> None:
    """Note that a key sees all of some days; None is unbounded."""
    for day, known in source.days.items():
        if (first or day) <= day <= (last or day) and known.method is not None and tag not in known.tags:
            known.tags = [*known.tags, tag]


def load_standing(archive: Archive, cache: Path) -> Standing:
    """The standing of an archive, from the cache where that is of this very tree, brought up to the archive's size.

    Args:
        archive: The archive as it is now.
        cache: A folder outside it; need not exist.
    """
    standing = _cached(archive, cache) or Standing()
    if standing.size < archive.size or standing.root != archive.root:
        standing.absorb(archive)
        save_standing(standing, cache)
    return standing


def _cached(archive: Archive, cache: Path) -> Standing | None:
    try:
        crc, said = _parted((cache / _FILE).read_bytes())
        kept = msgspec.msgpack.decode(said, type=Standing)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    ours = kept.version == VERSION and kept.origin == archive.origin and crc == zlib.crc32(said)
    return kept if ours and archive.extends(kept.size, kept.root) else None


def _parted(data: bytes) -> tuple[int, bytes]:
    """A file's CRC and what it is of: one whose bits were spoilt can still look like a standing."""
    return int.from_bytes(data[:_CRC_BYTES]), data[_CRC_BYTES:]


def save_standing(standing: Standing, cache: Path) -> None:
    """Keep a standing; a cache that cannot be written is no harm."""
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        fresh = cache / f"{_FILE}.{np.random.default_rng().integers(1 << 32)}"
        said = msgspec.msgpack.encode(standing)
        fresh.write_bytes(zlib.crc32(said).to_bytes(_CRC_BYTES) + said)
        fresh.replace(cache / _FILE)


def people_until(
    archive: Archive, source: str, kind: str, people: Iterable[Person], end: dt.datetime
) -> Iterator[Person]:
    """People as known at a moment: snapshots taken before it, and their entries dated before it.

    Args:
        archive: Holds the entries.
        source: Name of the source.
        kind: `user` or `account`.
        people: As known now.
        end: The moment, aware.
    """
    then: dict[str, Person] = {}
    for batch in archive.batches(columns=_LIGHT):
        dated = pc.fill_null(pc.less(batch["time"], pa.scalar(end, pa.timestamp("us", "UTC"))), fill_value=False)
        ours = pc.and_(pc.equal(batch["kind"], "entry"), pc.equal(batch["source"], source))
        _absorb_people(then, batch.filter(pc.and_(dated, ours)), kind)
    for person in people:
        snapshots = [s for s in person.snapshots if dt.datetime.fromisoformat(s.observed_at) < end]
        known = then.get(person.id)
        if known is not None or snapshots:
            known = known or Person(person.id, person.name)
            known.snapshots = snapshots
            yield known
