import contextlib
import datetime as dt
import os
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.simulated_disk import SimulatedDisk
from tests.archive.world import AT, AT_ONCE, NOW, SMALL, found, item, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.columns import columns_of, entry_batch, leaf_batch, record_leaf
from muniment.archive.contents import list_segments
from muniment.archive.leaf import RECORD_KINDS, encode_leaf, parse_leaf
from muniment.archive.parquet import Marks, SegmentEncoder, SegmentFile
from muniment.archive.reading import Archive
from muniment.archive.segments import SegmentName, final_blocks
from muniment.archive.writer import Writer
from muniment.errors import KeyMissing, NotEvidence
from muniment.merkle.tiles import Tile, tiles_of
from muniment.merkle.tree import hash_leaves

DISK = Path("/disk")


def test_entries_and_what_is_said_of_them_are_sealed_together(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    with writer.transaction() as transaction:
        assert (transaction.size, transaction.last_record) == (1, None)
        assert transaction.add(page(0, 3)) == 1
        assert transaction.add(leaf_batch("user", "s", AT, [b'{"id":"u1"}'])) == 4
        assert transaction.add_record("finding", b'{"kind":"twin"}', AT) == 5
        assert transaction.add_record("receipt", b'{"phase":"closed"}', AT) == 6
        assert (transaction.size, transaction.last_record) == (7, 6)
        assert opened(tmp_path)[0].size == 1
    again, _ = opened(tmp_path)
    assert (again.size, again.root, again.note) == (archive.size, archive.root, archive.note)
    assert again.size == 7
    assert [parse_leaf(leaf).kind for leaf in leaves_of(again)] == [
        "archive",
        *["entry"] * 3,
        "user",
        "finding",
        "receipt",
    ]
    assert again.leaves([3, 1, 3]) == [page(2, 1).leaves[0], page(0, 1).leaves[0], page(2, 1).leaves[0]]
    assert [(index, leaf.kind, leaf.previous) for index, leaf in again.record()] == [
        (6, "receipt", 5),
        (5, "finding", None),
    ]


def test_a_transaction_that_raises_or_adds_nothing_changes_nothing(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    files = archive.storage.files()
    with pytest.raises(ZeroDivisionError), writer.transaction() as transaction:
        assert transaction.add(page(0, 3_000)) // 0
    with writer.transaction() as transaction:
        assert transaction.size == 1
    assert [file for file in archive.storage.files() if not file.startswith("lock/")] == files[:1] + [
        file for file in files[1:] if not file.startswith("lock/")
    ]
    assert opened(tmp_path)[0].size == 1
    assert seal(writer, page(0, 1)) == 2


def test_a_commit_that_has_leaves_of_the_record_ends_with_one(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home)
    with contextlib.ExitStack() as commit:
        transaction = commit.enter_context(writer.transaction())
        transaction.add_record("receipt", b"{}", AT)
        transaction.add(page(0, 1))
        with pytest.raises(RuntimeError, match="ends with one"):
            commit.close()
    assert archive.size == 1


def test_leaves_of_the_record_are_not_added_past_the_chain(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    with writer_on(archive, home).transaction() as transaction:
        with pytest.raises(ValueError, match="entry"):
            transaction.add_record("entry", b"{}", AT)
        receipt = record_leaf(encode_leaf("receipt", "muniment", AT, b"{}", previous=None))
        with pytest.raises(ValueError, match="add_record appends them"):
            transaction.add(receipt)


@given(
    commits=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=12),
    merging=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_whatever_is_committed_the_archive_is_a_log_of_it(commits: list[tuple[int, int]], merging: bool) -> None:
    disk = SimulatedDisk()
    disk.make_folder(DISK)
    archive, home = found(DISK, disk=disk)
    expected = leaves_of(archive)
    for number, (entries, receipts) in enumerate(commits):
        if number % 2 == 0:  # every other commit is another process's
            archive, home = opened(DISK, disk=disk)
            writer = writer_on(archive, home, layout=SMALL, grace_s=AT_ONCE if merging else 1e9)
        batch = page(1_000 * number, entries)
        with writer.transaction() as transaction:
            expected += batch.leaves
            transaction.add(batch)
            for _ in range(receipts):
                transaction.add_record("receipt", b"{}", AT)
    writer.close()
    archive, _ = opened(DISK, disk=disk)
    leaves = leaves_of(archive)
    assert [leaf for leaf in leaves if parse_leaf(leaf).kind in ("archive", "entry")] == expected
    assert archive.root == root_of(leaves)
    demand_chain(archive, leaves)
    demand_columns(archive, leaves)
    demand_tiles(archive, leaves)
    demand_sealed_blocks(archive, leaves)


def demand_chain(archive: Archive, leaves: list[bytes]) -> None:
    record = [index for index, leaf in enumerate(leaves) if parse_leaf(leaf).kind in RECORD_KINDS]
    assert [index for index, _ in archive.record()] == record[::-1]
    for end in range(0, archive.size, 7):
        assert archive.last_record(end) == max((index for index in record if index < end), default=None)


def demand_columns(archive: Archive, leaves: list[bytes]) -> None:
    rows = [row for batch in archive.batches() for row in batch.to_pylist()]
    assert [row.pop("index") for row in rows] == list(range(archive.size))
    assert rows == columns_of(leaves).to_pylist()


def demand_tiles(archive: Archive, leaves: list[bytes]) -> None:
    for tile in tiles_of(archive.size):
        if tile.level == 0:
            assert archive.storage.read(tile.path) == hash_leaves(leaves[tile.leaves.start : tile.leaves.stop])


def demand_sealed_blocks(archive: Archive, leaves: list[bytes]) -> None:
    """Blocks are sealed in their order, each once, no later than with the commit after the one that filled them."""
    sealed = [parse_leaf(leaf).payload for leaf in leaves if parse_leaf(leaf).kind == "segment"]
    blocks = final_blocks(list_segments(archive.storage), SMALL)
    assert archive.marks.segments == len(sealed)
    for number, payload in enumerate(sealed):
        assert b'"first":%d,"end":%d,' % (16 * number, 16 * number + 16) in payload
        assert blocks[number].digest.encode() in payload
    assert len(sealed) <= archive.size // 16


def test_the_hash_of_a_whole_final_file_is_sealed_with_the_next_commit(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(0, 15))
    archive.list_again()
    (block,) = final_blocks(archive.covering, SMALL).values()
    assert seal(writer, page(15, 1)) == 18
    leaf = parse_leaf(archive.leaf(16))
    digest = sha256(archive.storage.read(block.path)).hexdigest()
    assert (leaf.kind, leaf.source) == ("segment", "muniment")
    assert leaf.payload == b'{"first":0,"end":16,"sha256":"%s"}' % digest.encode()


def test_a_merged_file_says_where_the_record_stands_as_the_files_it_was_made_of_did(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 2), receipt=b"{}")
    again, home = opened(tmp_path)
    assert [(name.first, name.end) for name in again.covering] == [(0, 4)]
    assert again.marks == archive.marks == Marks(last_record=3)
    seal(writer_on(again, home, layout=SMALL), receipt=b"{}")
    assert parse_leaf(again.leaf(4)).previous == 3


def test_a_large_commit_is_cut_at_whole_blocks_and_encoded_as_it_comes(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = Writer(archive, home, clock=lambda: NOW)
    payloads = [item(number) for number in range(1_000)]
    with writer.transaction() as transaction:
        for _ in range(140):
            transaction.add(entry_batch("s", AT, payloads))
        transaction.add_record("receipt", b"{}", AT)
    assert [(name.first, name.end) for name in archive.covering] == [
        (0, 1),
        (1, 65_536),
        (65_536, 131_072),
        (131_072, 140_002),
    ]
    assert [len(batch) for batch in archive.batches(65_535, 65_537, ["index"])] == [1, 1]
    writer.close()
    archive.list_again()
    assert [(name.first, name.end) for name in archive.covering] == [(0, 65_536), (65_536, 131_072), (131_072, 140_002)]
    assert seal(writer, page(0, 1)) == 140_002 + 2 + 1
    assert archive.marks.segments == 2
    writer.close()


def test_writing_needs_the_signing_key_and_reading_does_not(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    home.key_file(archive.verifier).unlink()
    with pytest.raises(KeyMissing, match=r"\.key: the signing key is not there") as refusal:
        seal(writer_on(archive, home), page(0, 1))
    assert "recover --lost-key" in refusal.value.hint
    assert opened(tmp_path)[0].size == 1


@pytest.mark.parametrize("place", ["checkpoint", "tile/0/000.p/200", "segment"])
def test_damage_in_what_a_commit_reads_is_refused_and_named(tmp_path: Path, place: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 199))
    path = [file for file in archive.storage.files() if file.startswith(place)][-1]
    data = bytearray((tmp_path / "archive" / path).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "archive" / path).write_bytes(data)
    before = {file: archive.storage.read(file) for file in archive.storage.files() if not file.startswith("lock/")}
    with pytest.raises(NotEvidence, match=path):
        seal(writer_on(opened(tmp_path)[0], home), page(199, 1))
    assert before == {file: archive.storage.read(file) for file in before}


@pytest.mark.parametrize("place", ["checkpoint", "tile/0/000.p/200", "segment"])
def test_a_file_that_a_commit_needs_and_that_is_gone_is_named(tmp_path: Path, place: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 199))
    path = next(file for file in archive.storage.files() if file.startswith(place))
    (tmp_path / "archive" / path).unlink()
    with pytest.raises(NotEvidence, match=r"missing|in no file under segment/"):
        seal(writer_on(opened(tmp_path)[0], home), page(199, 1))


def test_a_damaged_file_is_never_merged_into_another(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 2))
    writer = writer_on(archive, home, layout=SMALL)
    with writer.transaction() as transaction:
        transaction.add(page(2, 2))
        # behind the look that a commit takes: only the merge meets it
        path = tmp_path / "archive" / archive.covering[-1].path
        path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    with pytest.raises(NotEvidence, match=path.name), writer.transaction():
        pass
    assert {(name.first, name.end) for name in list_segments(archive.storage)} == {(0, 1), (1, 3), (3, 5)}


def forge(path: Path, old: bytes, new: bytes) -> Path:
    """Put other leaves into a segment, and give it the name that its new content deserves."""
    name = SegmentName.parse(f"segment/{path.name}")
    assert name is not None
    with SegmentFile(name, pa.BufferReader(path.read_bytes())) as segment:
        marks = segment.marks
        leaves = [leaf for batch in segment.batches(0, name.end, ["leaf"], 100) for leaf in batch.column(0).to_pylist()]
    encoder = SegmentEncoder(name.first)
    encoder.add(columns_of([leaf.replace(old, new) for leaf in leaves]))
    data = bytes(encoder.finish(marks))
    path.unlink()
    forged = path.parent / f"{name.first}-{name.end}.{sha256(data).hexdigest()[:16]}.parquet"
    forged.write_bytes(data)
    return forged


def test_a_forged_file_whose_name_fits_is_never_merged_into_another(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 2))
    path = forge(tmp_path / "archive" / archive.covering[-1].path, b"entry-1", b"entry-9")
    writer = writer_on(opened(tmp_path)[0], home, layout=SMALL)
    seal(writer, page(2, 2))
    with pytest.raises(NotEvidence, match=f"{path.name}: leaf 2 is not the one that tile/0/000.p/5 stands for"):
        writer.close()
    assert {(name.first, name.end) for name in list_segments(archive.storage)} == {(0, 1), (1, 3), (3, 5)}


def as_an_earlier_parser_wrote(path: Path) -> None:
    """Give a segment typed columns that are all null, by rules of version 0."""
    with pq.ParquetFile(path) as file:
        facts = {
            key.decode(): value.decode() for key, value in file.metadata.metadata.items() if key[:9] == b"muniment."
        }
        rows = file.read()
    for name in ("id", "time", "action"):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(name), pa.nulls(rows.num_rows, rows.schema.field(name).type))
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, rows.schema) as file:
        file.write_table(rows)
        file.add_key_value_metadata(facts | {"muniment.columns_version": "0"})
    data = bytes(sink.getvalue())
    path.unlink()
    path.with_name(f"{path.name.partition('.')[0]}.{sha256(data).hexdigest()[:16]}.parquet").write_bytes(data)


def test_damage_that_is_found_while_merging_stops_the_next_transaction(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 2))
    forge(tmp_path / "archive" / archive.covering[-1].path, b"entry-1", b"entry-9")
    writer = Writer(opened(tmp_path)[0], home, clock=lambda: NOW, layout=SMALL)
    seal(writer, page(2, 2))
    with pytest.raises(NotEvidence, match="leaf 2 is not the one"):
        [seal(writer, page(100 + number, 1)) for number in range(200)]
    with contextlib.suppress(NotEvidence):  # it is tried again after each commit
        writer.close()


def test_a_file_that_was_changed_since_this_process_wrote_it_is_never_merged(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home, layout=SMALL)
    with writer.transaction() as transaction:
        transaction.add(page(0, 2))
    path = tmp_path / "archive" / archive.covering[-1].path
    forge(path, b"entry-1", b"entry-9").rename(path)
    seal(writer, page(2, 2))
    with pytest.raises(NotEvidence, match=f"{path.name}: its content does not have the hash in its name"):
        writer.close()
    assert (1, 5) not in {(name.first, name.end) for name in list_segments(archive.storage)}


def test_superseded_files_stay_until_readers_have_had_time(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    now = [archive.storage.modified_at("checkpoint")]

    def clock() -> dt.datetime:
        return dt.datetime.fromtimestamp(now[0], dt.UTC)

    writer = Writer(archive, home, clock=clock, layout=SMALL, grace_s=60, background=False)
    for number in range(5):
        seal(writer, page(number, 3))
    before = set(list_segments(archive.storage))
    archive.list_again()
    assert before > set(archive.covering)
    now[0] += 50
    seal(writer, page(100, 1))
    assert set(list_segments(archive.storage)) > before
    now[0] += 100
    seal(writer, page(101, 1))
    writer.close()
    archive.list_again()
    assert set(list_segments(archive.storage)) == set(archive.covering)


def test_temporary_files_of_a_killed_process_go_after_an_hour(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    archive.storage.write({"tmp/123.old": b"half a segm", "tmp/124.new": b"half a tile"})
    old = archive.storage.modified_at("tmp/123.old") - 7_200
    os.utime(tmp_path / "archive/tmp/123.old", (old, old))
    writer = Writer(archive, home, layout=SMALL, background=False)
    for number in range(5):
        seal(writer, page(number, 3))
    assert archive.storage.files("tmp") == ["tmp/124.new"]


def test_a_file_that_an_earlier_parser_wrote_gets_the_present_columns_when_it_is_merged(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home, layout=SMALL), page(0, 2))
    as_an_earlier_parser_wrote(tmp_path / "archive" / archive.covering[-1].path)
    archive, home = opened(tmp_path)
    assert [row["id"] for batch in archive.batches(1) for row in batch.to_pylist()] == [None, None]
    writer = writer_on(archive, home, layout=SMALL)
    seal(writer, page(2, 2))
    writer.close()
    archive.list_again()
    (name,) = archive.covering
    with SegmentFile(name, archive.storage.open(name.path)) as segment:
        assert segment.columns_version == 1
    rows = [row for batch in archive.batches(1) for row in batch.to_pylist()]
    assert [row["id"] for row in rows] == ["entry-0", "entry-1", "entry-2", "entry-3"]


def test_partial_tiles_go_when_wider_ones_have_stood_for_the_grace_period(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writer = writer_on(archive, home, grace_s=1e9)
    for number in range(20):
        seal(writer, page(number, 1))
    kept = archive.storage.files("tile")
    assert Tile(0, 0, 5).path in kept
    writer = writer_on(archive, home, grace_s=AT_ONCE)
    for number in range(20, 40):
        seal(writer, page(number, 1))
    assert len(archive.storage.files("tile")) < 20
    seal(writer, page(40, 300))
    for number in range(20):
        seal(writer, page(400 + number, 1))
    assert [path for path in archive.storage.files("tile/0") if path.startswith("tile/0/000")] == ["tile/0/000"]
    assert archive.read_tile(Tile(0, 0, 5)) == hash_leaves(archive.leaves(range(5)))
