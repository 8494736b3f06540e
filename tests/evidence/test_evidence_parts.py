"""The parts of a verification, each against the slow and plain way to say the same."""

import re
import subprocess
import sys
from collections import deque
from pathlib import Path
from queue import SimpleQueue

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evidence.world import AT, SOURCE, World, item

from muniment.archive.columns import columns_of
from muniment.archive.leaf import ABSENT, KINDS, RECORD_KINDS, encode_leaf, parse_leaf
from muniment.archive.segments import SegmentName, cover
from muniment.errors import NotEvidence
from muniment.evidence.account import Kept
from muniment.evidence.block import BlockJob, lower_tiles, read_block
from muniment.evidence.envelopes import _are_lines, expected_columns, take_apart
from muniment.evidence.extent import BLOCK, Piece, blocks_of, holes_in, lay_out, spans_blocks
from muniment.evidence.tree import make_tree
from muniment.evidence.verdict import LEAVES_NAMED, Check, Problems, Verdict
from muniment.evidence.workers import _hand_over, read_blocks
from muniment.merkle.tiles import TreeBuilder
from muniment.merkle.tree import perfect_roots, subtree_root

SETTINGS = settings(deadline=None, max_examples=100, derandomize=True)

PAYLOADS = st.sampled_from(
    [item(1), item(2), b"{}", b'{"id":7}', b'{"id":"\\ud800"}', b"", b"[", b'"\xff"', b'{"id":"}"}']
)
LEAVES = st.builds(
    lambda kind, source, second, payload: encode_leaf(
        kind, source, f"2026-03-02T23:56:{second:02}Z", payload, previous=second if kind in RECORD_KINDS else ABSENT
    ),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([SOURCE, "s", 'a "name"', "\u00fc"]),
    st.integers(0, 3),
    PAYLOADS,
)
ODD = st.sampled_from([b"", b"{}", b"x}", b'{"kind":"entry"}', encode_leaf("entry", "s", AT, b"{}")[:-1], b"\n}"])


def broken(leaf: bytes, position: int, byte: bytes) -> bytes:
    at = position % (len(leaf) + 1)
    return leaf[:at] + byte + leaf[at:]


NEARLY = st.builds(broken, LEAVES, st.integers(0, 10**6), st.sampled_from([b"\n", b"\r", b" ", b'"', b"}", b"0"]))


@SETTINGS
@given(st.lists(st.one_of(LEAVES, LEAVES, ODD, NEARLY), min_size=1, max_size=40))
def test_leaves_taken_apart_together_are_what_each_is_alone(leaves: list[bytes]) -> None:
    taken = take_apart(pa.array(leaves, pa.binary()))
    refused = dict(taken.refused)
    runs = {row: run for run in taken.runs for row in range(run.start, run.end)}
    for row, leaf in enumerate(leaves):
        if row in refused:
            with pytest.raises(NotEvidence, match=re.escape(refused[row])):
                parse_leaf(leaf)
        else:
            alone, run = parse_leaf(leaf), runs[row]
            assert (run.kind, run.source, run.previous) == (alone.kind, alone.source, alone.previous)
            assert taken.payloads[row] == alone.payload
    assert not refused.keys() & runs.keys()


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 18, 40])
@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_run_ends_where_the_envelope_changes(count: int, after: int) -> None:
    same = [encode_leaf("entry", SOURCE, AT, item(number)) for number in range(count)]
    others = [encode_leaf("entry", SOURCE, AT.replace("45Z", "46Z"), item(number)) for number in range(after)]
    skipped = [encode_leaf("user", SOURCE, AT, b"{}")]
    taken = take_apart(pa.array([*skipped, *same, *others], pa.binary()).slice(1))
    assert [(run.start, run.end) for run in taken.runs] == [(0, count), (count, count + after)][: 1 + (after > 0)]
    assert taken.payloads == [item(number) for number in [*range(count), *range(after)]]


@SETTINGS
@given(st.lists(LEAVES, min_size=1, max_size=40))
def test_the_expected_columns_are_those_that_a_segment_is_written_with(leaves: list[bytes]) -> None:
    written = columns_of(leaves)
    expected = expected_columns(take_apart(pa.array(leaves, pa.binary())))
    assert list(expected) == [name for name in written.schema.names if name != "leaf"]
    for name, column in expected.items():
        assert column.equals(written.column(name)), name


@SETTINGS
@given(st.lists(st.one_of(LEAVES, ODD), min_size=1, max_size=20), st.integers(0, 5))
def test_a_slice_of_leaves_is_lines_where_each_of_its_leaves_is_one(leaves: list[bytes], skip: int) -> None:
    part = leaves[skip:]
    holds = bool(part) and all(leaf.endswith(b"}") and b"\n" not in leaf and b"\r" not in leaf for leaf in part)
    assert _are_lines(pa.array(leaves, pa.binary()).slice(skip)) is holds


NAMES = st.lists(
    st.builds(
        lambda first, count, digest: SegmentName(first, first + count, digest * 16),
        st.integers(0, 30),
        st.integers(1, 12),
        st.sampled_from("0a"),
    ),
    max_size=12,
    unique=True,
)


@SETTINGS
@given(NAMES, st.integers(1, 40))
def test_leaves_are_read_from_where_a_reader_reads_them_and_else_from_wherever_they_are(
    names: list[SegmentName], size: int
) -> None:
    pieces = lay_out(names, size, size)
    covering = cover(names, size, size)
    if covering:
        assert [piece.name for piece in pieces] == list(covering)
    held = {leaf for name in names for leaf in range(name.first, name.end) if leaf < size}
    read = [leaf for piece in pieces for leaf in range(piece.start, piece.end)]
    missing = [leaf for first, end in holes_in(pieces, size) for leaf in range(first, end)]
    assert read == sorted(held)
    assert sorted(read + missing) == list(range(size))
    assert all(piece.name.first <= piece.start < piece.end <= piece.name.end for piece in pieces)


def test_no_segment_spans_two_blocks() -> None:
    assert not spans_blocks(SegmentName(0, BLOCK, "0" * 16))
    assert not spans_blocks(SegmentName(BLOCK, BLOCK + 1, "0" * 16))
    assert spans_blocks(SegmentName(0, BLOCK + 1, "0" * 16))
    assert spans_blocks(SegmentName(BLOCK - 1, BLOCK + 1, "0" * 16))


def test_pieces_are_handed_out_by_block() -> None:
    names = [
        SegmentName(0, BLOCK, "0" * 16),
        SegmentName(BLOCK, BLOCK + 9, "0" * 16),
        SegmentName(BLOCK + 9, BLOCK + 10, "0" * 16),
    ]
    pieces = [Piece(name, name.first, name.end) for name in names]
    assert blocks_of(pieces) == {0: (pieces[0],), 1: (pieces[1], pieces[2])}


@pytest.mark.parametrize("rest", [0, 1, 255, 256, 300, 65_535])
def test_a_tree_made_of_blocks_is_the_tree_of_its_leaves(rest: int) -> None:
    size = 2 * BLOCK + rest
    hashes = b"".join(number.to_bytes(32) for number in range(size))
    blocks = []
    for first in range(0, size, BLOCK):
        own = hashes[first * 32 : (first + BLOCK) * 32]
        blocks.append(kept(first, own))
    made = make_tree(size, blocks)
    builder = TreeBuilder()
    full = dict(builder.absorb(hashes))
    assert made.root == builder.head().root
    assert made.edge == dict(builder.partial_tiles())
    tiles = full | made.edge
    lower = {
        tile: data for block in blocks for tile, data in lower_tiles(block.first, hashes_of(hashes, block)).items()
    }
    assert made.upper | lower == tiles


def hashes_of(hashes: bytes, block: Kept) -> bytes:
    return hashes[block.first * 32 : block.end * 32]


def kept(first: int, hashes: bytes) -> Kept:
    """A block with nothing but its hashes."""
    end = first + len(hashes) // 32
    roots = [subtree_root(hashes)] if end - first == BLOCK else list(perfect_roots(hashes))
    return Kept(
        first=first, end=end, hashes=hashes, roots=roots, tiles_differ=False, read=[(first, end)], problems=[],
        segments=[], gone=False, kinds={}, entries=b"", links=[], tellings=[], genesis=None,
    )  # fmt: skip


def test_of_many_leaves_of_one_file_some_are_named_and_the_others_counted() -> None:
    problems = Problems()
    for leaf in range(LEAVES_NAMED + 500):
        problems.add("tree", "segment/a", "differs", leaf)
        problems.add("tree", "segment/b", "differs", leaf) if leaf < 3 else None
    listed = problems.listed()
    assert len(listed) == LEAVES_NAMED + 3 + 1
    assert listed[-1].what == f"500 more of its leaves, up to leaf {LEAVES_NAMED + 499}"
    assert len(problems.of("tree")) == len(listed)
    assert problems.of("tiles") == []


def test_skipped_is_not_failed_and_failed_is_not_ok() -> None:
    def verdict(*checks: Check) -> Verdict:
        return Verdict("archive", "o", 1, 1, "", "none", checks, (), ())

    assert verdict(Check("a", "pass", ""), Check("b", "skipped", "")).ok
    assert not verdict(Check("a", "pass", ""), Check("b", "fail", "")).ok


def jobs_of(world: World) -> list[BlockJob]:
    """Four jobs, as of an archive that is large."""
    names = world.open().covering
    pieces = tuple(Piece(name, name.first, name.end) for name in names)
    return [BlockJob.of(world.archive, 0, 747, pieces)] * 4


def test_children_that_cannot_start_leave_the_work_to_the_parent(sealed: World) -> None:
    expected = read_block(jobs_of(sealed)[0])
    for command in (["/nonexistent"], [sys.executable, "-c", ""], [sys.executable, "-c", "print('x' * 100)"]):
        outcomes = list(read_blocks(jobs_of(sealed), 1, command))
        assert len(outcomes) == 4
        assert all(outcome == expected or outcome.problems for outcome in outcomes)
    assert list(read_blocks(jobs_of(sealed), 1, ["/nonexistent"])) == [expected] * 4


DIES = """
import struct, sys
sys.stdout.buffer.write(struct.pack(">Q", 0)); sys.stdout.flush()
sys.stdin.buffer.read(8)
"""


def test_a_child_that_dies_over_a_block_is_a_problem_of_its_files_and_takes_no_other_block(sealed: World) -> None:
    waiting, done = deque(jobs_of(sealed)), SimpleQueue[Kept]()
    with subprocess.Popen([sys.executable, "-c", DIES], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        _hand_over(child, waiting, done)
    assert len(waiting) == 3
    outcome = done.get_nowait()
    assert {problem.file for problem in outcome.problems} == set(sealed.segments())
    assert {problem.what for problem in outcome.problems} == {"the process that read it came to an end"}
    assert not outcome.read
    assert not outcome.tiles_differ


def test_a_child_reads_as_the_parent_does(sealed: World, tmp_path: Path) -> None:
    assert tmp_path.exists()
    outcomes = list(read_blocks(jobs_of(sealed) * 3, 1))
    assert outcomes == [read_block(jobs_of(sealed)[0])] * 12
