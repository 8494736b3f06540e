"""Collections on a simulated disk, step by step: what was there before each, and what had been reported by then."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.archive.simulated_disk import FOLDER, SimulatedDisk, State, Survival
from tests.archive.world import found, leaves_of, opened
from tests.collect.scripted import NOW, Source, ago, entry
from tests.crashes.direct import DirectClient

from muniment.archive.home import Home
from muniment.archive.keys import KeyRuns
from muniment.archive.leaf import parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.collecting import Collected, collect
from muniment.collect.record import Disposition, encode
from muniment.errors import NoArchive
from muniment.evidence.archive import verify_archive

PLACE = Path("/disk")
AT = "2026-04-02T12:00:00Z"
Tree = tuple[int, bytes]
"""Size and root."""
EMPTY: Tree = (0, b"")


@dataclass(frozen=True)
class Moment:
    """What there was before a step."""

    state: State
    reported: Tree
    """What had been reported as sealed."""
    items: tuple[bytes, ...]
    """What the source served then."""
    what: str


@dataclass
class Voyage:
    """Notes each step that a disk takes."""

    disk: SimulatedDisk
    source: Source
    reported: Tree = EMPTY
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._archive: Archive | None = None
        self._from = 0
        self.disk.before_step = self.note

    def follow(self, archive: Archive) -> None:
        """Take for reported what this archive comes to by commits; not what a reader found, which may be in mid-air."""
        self._archive, self._from = archive, archive.size

    def note(self, what: str) -> None:
        """Note what there is now."""
        if self._archive is not None and self._archive.size > self._from:
            self.reported = (self._archive.size, self._archive.root)
        self.moments.append(Moment(self.disk.state.copy(), self.reported, tuple(self.source.items), what))


def sail(cache: Path) -> Voyage:
    """Found an archive, collect, collect what came and changed, answer a finding, collect again."""
    disk, source = disk_of(), Source()
    source.fill(3, 1, 6)
    voyage = Voyage(disk, source)
    archive, home = launched(voyage)
    collect_from(source, archive, home, cache)
    source.items += [entry(100 + n, ago(1 + n % 3, second=100 + n)) for n in range(9)]
    source.items[0] = entry(0, ago(3), description="rewritten")
    del source.items[7]
    collect_from(source, archive, home, cache)
    dispose(archive, home)
    source.items.append(entry(200, ago(2, second=500)))
    collect_from(source, archive, home, cache)
    with KeyRuns.open(archive, cache) as keys:
        keys.save(archive, least=1)  # so few would only be kept in memory
    return voyage


def disk_of(state: State | None = None) -> SimulatedDisk:
    """A disk on which everything was written a minute ago: past the grace for readers, and nothing is abandoned yet."""
    return SimulatedDisk(state, now=NOW.timestamp() - 60)


def launched(voyage: Voyage) -> tuple[Archive, Home]:
    """A new archive on the voyage's disk."""
    if PLACE not in voyage.disk.state.names:
        voyage.disk.make_folder(PLACE)
    voyage.disk.sync(PLACE.parent)  # ours to do: an archive is founded in a folder that is there
    archive, home = found(PLACE, disk=voyage.disk)
    voyage.reported = (archive.size, archive.root)
    voyage.follow(archive)
    return archive, home


def collect_from(source: Source, archive: Archive, home: Home, cache: Path) -> Collected:
    """One whole collection."""
    with DirectClient(source) as client:
        return collect(archive, client, "s", home=home, cache=cache, clock=lambda: NOW)


def dispose(archive: Archive, home: Home) -> None:
    """Answer all findings of changed content, as `muniment dispose --standing` does."""
    answer = encode(Disposition(reason="renamed", by="ops", finding=None, standing="content_changed"))
    with Writer(archive, home, clock=lambda: NOW) as writer, writer.transaction() as transaction:
        transaction.add_record("disposition", answer, AT)


def reopened(disk: SimulatedDisk) -> tuple[Archive, Home] | None:
    """The archive on a disk; None where there is none."""
    try:
        return opened(PLACE, disk=disk)
    except NoArchive:
        return None


def entries_in(archive: Archive) -> list[bytes]:
    """The items of all entries."""
    return [leaf.payload for leaf in map(parse_leaf, leaves_of(archive)) if leaf.kind == "entry"]


def demand_verified(disk: SimulatedDisk, folder: Path) -> None:
    """`verify` finds nothing wrong with the archive on a disk; it reads plain files, so it gets a copy."""
    with copied(disk, folder) as copy:
        verdict = verify_archive(copy)
        assert not verdict.problems, verdict.problems


@contextlib.contextmanager
def copied(disk: SimulatedDisk, folder: Path) -> Iterator[Path]:
    """The archive on a simulated disk, as files within a real folder."""
    written: list[Path] = []
    root = PLACE / "archive"
    for path, node in sorted(disk.state.names.items()):
        if path.is_relative_to(root):
            copy = folder / path.relative_to(PLACE)
            written.append(copy)
            if node == FOLDER:
                copy.mkdir()
            else:
                copy.write_bytes(disk.state.contents[node])
    try:
        yield folder / "archive"
    finally:
        for copy in reversed(written):
            copy.rmdir() if copy.is_dir() else copy.unlink()


def after_crash(moment: Moment, survival: Survival, chance: random.Random) -> SimulatedDisk:
    """The disk that comes up after a crash."""
    return disk_of(moment.state.after_crash(survival, chance))
