"""What the tests of verification share: archives with everything in them, and ways to harm them."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from muniment.archive.columns import LeafBatch, columns_of, entry_batch, leaf_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.leaf import parse_leaf
from muniment.archive.parquet import Marks, SegmentEncoder
from muniment.archive.reading import Archive
from muniment.archive.segments import Layout, SegmentName
from muniment.archive.writer import Writer
from muniment.evidence.archive import verify_archive
from muniment.evidence.earlier import Noted
from muniment.evidence.keys import Trusted
from muniment.evidence.verdict import Problem, Verdict
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import Verifier, sign_note
from muniment.merkle.tiles import EMPTY_HEAD, Tile, extend
from muniment.merkle.tree import hash_leaves

SOURCE = "account-manager@one.digicert.com"
AT = "2026-03-02T23:56:45Z"
NOW = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
ORIGIN = "example.com/audit"
SMALL = Layout(block=64, ratio=4)
"""Segments so small that 700 leaves have final ones, merged ones and fresh ones."""


@dataclass(frozen=True)
class World:
    """An archive and the home of its keys."""

    path: Path
    home: Home

    @property
    def archive(self) -> Path:
        return self.path / "archive"

    def copy(self, to: Path) -> "World":
        """The same in another place, to be harmed there."""
        shutil.copytree(self.path, to)
        return World(to, Home(to / "home"))

    def open(self) -> Archive:
        return Archive.open(self.archive)

    def verify(self, *, trusted: Trusted | None = None, noted: tuple[Noted, ...] = (), children: int = 0) -> Verdict:
        """Verify it, with the keys of its home unless others are named."""
        by = trusted or Trusted(home=self.home)
        return verify_archive(self.archive, trusted=by, noted=noted, children=children)

    def files(self) -> list[str]:
        """The paths of all files, within the archive."""
        return sorted(str(path.relative_to(self.archive)) for path in self.archive.rglob("*") if path.is_file())

    def covered(self) -> list[str]:
        """Those that verification says it covers."""
        passed_over = set(self.verify().not_evidence)
        return [path for path in self.files() if path not in passed_over]

    def segments(self) -> list[str]:
        """The segments that leaves are read from, ascending."""
        return [name.path for name in self.open().covering]

    def note(self) -> Noted:
        """Its present checkpoint, noted."""
        return Noted("noted", (self.archive / "checkpoint").read_bytes())

    @contextmanager
    def harmed(self, path: str, harm: Callable[[bytes], bytes | None]) -> Iterator[None]:
        """A file changed for a while; None removes it."""
        file = self.archive / path
        before = file.read_bytes()
        after = harm(before)
        if after is None:
            file.unlink()
        else:
            file.write_bytes(after)
        try:
            yield
        finally:
            file.write_bytes(before)


def found(path: Path) -> World:
    """A new archive in ``path/archive`` with its home in ``path/home``."""
    home = Home(path / "home")
    initialise(path / "archive", home, ORIGIN, now=NOW)
    return World(path, home)


@contextmanager
def writing(world: World, *, layout: Layout = SMALL, grace_s: float = -1e9) -> Iterator[Writer]:
    """A writer that merges before a transaction returns, and removes what is superseded by then."""
    writer = Writer(world.open(), world.home, clock=lambda: NOW, layout=layout, grace_s=grace_s, background=False)
    with writer:
        yield writer


def item(number: int) -> bytes:
    """An entry of the Account Manager; each number is one of its own."""
    return (
        f'{{"id":"entry-{number}","account":{{"id":"a{number % 3}","name":"Account {number % 3}"}},'
        f'"resource_type":"USER","resource_id":"u{number % 7}","resource_name":"user{number % 7}@example.com",'
        f'"action":"{"LOGIN" if number % 5 else "LOGIN_ERROR"}",'
        f'"user":{{"id":"u{number % 7}","name":"user{number % 7}"}},'
        f'"timestamp":"2026-03-{1 + number // 1440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00Z",'
        f'"description":"User signed in","status":"{"success" if number % 5 else "failure"}"}}'
    ).encode()


def page(first: int, count: int) -> LeafBatch:
    """Leaves of consecutive entries."""
    return entry_batch(SOURCE, AT, [item(number) for number in range(first, first + count)])


def people(*ids: str) -> LeafBatch:
    """Leaves of users."""
    return leaf_batch("user", SOURCE, AT, [f'{{"id":"{each}","status":"ACTIVE"}}'.encode() for each in ids])


def receipt(first: int, end: int, phase: str = "part") -> bytes:
    """A receipt that gave leaves [first, end)."""
    return f'{{"run":"r","phase":"{phase}","windows":[{{"leaves":[[{first},{end}]],"parts":[]}}]}}'.encode()


def collect(writer: Writer, first: int, count: int, *users: str) -> int:
    """One commit as `collect` makes it: entries, users, a receipt; returns the tree's size."""
    with writer.transaction() as transaction:
        start = transaction.add(page(first, count))
        transaction.add(people(*users))
        transaction.add_record("receipt", receipt(start, start + count), AT)
    return writer.archive.size


def fill(world: World, grace_s: float = -1e9) -> None:
    """700 entries in many commits, with odd items among them, users, findings and dispositions."""
    with writing(world, grace_s=grace_s) as writer:
        for number, count in enumerate((1, 3, 70, 5, 130, 64, 2, 200, 17, 100, 9, 80, 4, 15)):
            collect(writer, 1000 * number, count, f"u{number}")
        odd = [b'{"id":7,"timestamp":null}', b'{"id":"\\ud800"}', b"[1]", b'"x"', '{"id":"\u00fc","status":1}'.encode()]
        with writer.transaction() as transaction:
            transaction.add(entry_batch("another source", AT, odd))
            transaction.add_record("finding", b'{"kind":"no_id","what":"an item without id"}', AT)
            transaction.add_record("disposition", b'{"reason":"known","by":"me"}', AT)


def leaves_of(world: World) -> list[bytes]:
    """All leaves, as the segments hold them."""
    return [leaf for batch in world.open().batches(columns=["leaf"]) for leaf in batch.column(0).to_pylist()]


def seal_anew(world: World, leaves: Sequence[bytes], *, origin: str = ORIGIN) -> None:
    """What an operator with the key can do: make segments, tiles and checkpoint anew from any leaves, and sign."""
    signer = world.home.signer(world.open().verifier)
    encoder, marks = SegmentEncoder(0), Marks()
    for index, leaf in enumerate(leaves):
        kind = parse_leaf(leaf).kind
        encoder.add(columns_of([leaf]))
        marks = marks.after(kind, index, 1)
    shutil.rmtree(world.archive / "segment")
    shutil.rmtree(world.archive / "tile")
    (world.archive / "segment").mkdir()
    data = encoder.finish(marks).to_pybytes()
    name = SegmentName(0, len(leaves), sha256(data).hexdigest()[:16])
    (world.archive / name.path).write_bytes(data)
    head, tiles = extend(EMPTY_HEAD, hash_leaves(leaves), _no_tile)
    for tile, hashes in tiles.items():
        (world.archive / tile.path).parent.mkdir(parents=True, exist_ok=True)
        (world.archive / tile.path).write_bytes(hashes)
    note = sign_note(Checkpoint(origin, head.size, head.root).encode(), [signer])
    (world.archive / "checkpoint").write_text(note)


def _no_tile(tile: Tile) -> bytes:
    raise AssertionError(tile)


def rewrite(world: World, path: str, change: Callable[[pa.Table], pa.Table], **written: object) -> str:
    """Make a segment anew from its changed rows, under the name that fits its new content; returns its path."""
    name = SegmentName.parse(path)
    assert name
    file = world.archive / path
    before = pq.ParquetFile(file)
    table = change(before.read())
    facts = {key: value for key, value in before.metadata.metadata.items() if key.startswith(b"muniment.")}
    sink = pa.BufferOutputStream()
    options = {"compression": "zstd", "write_statistics": ["index", "time", "day"]} | written
    pq.write_table(table.replace_schema_metadata(facts), sink, **options)
    return put(world, path, sink.getvalue().to_pybytes())


def put(world: World, path: str, data: bytes) -> str:
    """Put a segment's bytes in its place, under the name that fits them; returns its path."""
    name = SegmentName.parse(path)
    assert name
    (world.archive / path).unlink()
    new = SegmentName(name.first, name.end, sha256(data).hexdigest()[:16])
    (world.archive / new.path).write_bytes(data)
    return new.path


def with_values(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """The table with one value changed."""
    place = table.schema.get_field_index(column)
    values = table.column(column).to_pylist()
    values[row] = value
    return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))


def flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    """The bytes with one bit flipped."""
    return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


def result_of(verdict: Verdict, name: str) -> str:
    """The result of one check."""
    (result,) = (check.result for check in verdict.checks if check.check == name)
    return result


def why_of(verdict: Verdict, name: str) -> str:
    """The words of one check."""
    (why,) = (check.why for check in verdict.checks if check.check == name)
    return why


def failed(verdict: Verdict) -> set[str]:
    """The checks that failed."""
    return {check.check for check in verdict.checks if check.result == "fail"}


def named(verdict: Verdict) -> set[tuple[str, int | None]]:
    """Files and leaves that have problems."""
    return {(problem.file, problem.leaf) for problem in verdict.problems}


def problems_of(verdict: Verdict, name: str) -> list[Problem]:
    """The problems of one check."""
    return [problem for problem in verdict.problems if problem.check == name]


def vkey_of(world: World) -> Verifier:
    """The key that signs now."""
    return world.open().verifier
