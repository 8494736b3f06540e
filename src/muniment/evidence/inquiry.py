"""What an archive's files give when they are read: the checkpoint, the leaves, the tree made again."""

from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from muniment.archive.contents import CHECKPOINT, FACTS
from muniment.archive.genesis import Genesis, parse_genesis
from muniment.archive.segments import SegmentName, cover
from muniment.errors import NotEvidence
from muniment.evidence.account import Kept, Span, Telling
from muniment.evidence.block import BlockJob, lower_tiles, read_block
from muniment.evidence.extent import BLOCK, MISSING_BLOCKS, Piece, blocks_of, choose_size, holes_in, lay_out
from muniment.evidence.files import segments_in
from muniment.evidence.folder import Folder, Gone, Unreadable
from muniment.evidence.judging import Judge
from muniment.evidence.tiles import StoredTiles
from muniment.evidence.tree import MadeTree, make_tree
from muniment.evidence.verdict import Check, Problems
from muniment.evidence.workers import read_blocks
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import MAX_NOTE_BYTES, parse_note

__all__ = ["Inquiry", "Progress"]

_ATTEMPTS: Final = 4
"""How often files are listed again because one went: each time a writer must have merged in between."""
_FACTS_BYTES: Final = 65_536

Progress = Callable[[int, int], None]
"""Told after each block how many leaves are read, and how many there are."""


@dataclass(slots=True)
class Inquiry:
    """Reads an archive; what it finds wrong is in `problems`.

    Args:
        folder: The archive's.
    """

    folder: Folder
    problems: Problems = field(default_factory=Problems)
    note: bytes = b""
    """The checkpoint's bytes."""
    checkpoint: Checkpoint | None = None
    """What it says; None where it cannot be read."""
    size: int = 0
    """Number of leaves that are verified: the checkpoint's, unless nothing bears that out."""
    pieces: tuple[Piece, ...] = ()
    blocks: list[Kept] = field(default_factory=list)
    """In their order; with holes between them only where far too many leaves are missing."""
    made: MadeTree | None = None
    genesis: Genesis | None = None
    """What leaf 0 says; None where it cannot be read."""

    @property
    def tiles(self) -> StoredTiles:
        """The tiles as they are stored."""
        return StoredTiles(self.folder)

    @property
    def leaves(self) -> int:
        """How many leaves could be read."""
        return sum(end - first for block in self.blocks for first, end in block.read)

    @property
    def used(self) -> set[SegmentName]:
        """The segment files that leaves are read from."""
        return {piece.name for piece in self.pieces}

    def tellings(self, kind: str) -> list[Telling]:
        """The leaves of a kind that say something of others, ascending."""
        return [telling for block in self.blocks for telling in block.tellings if telling.kind == kind]

    def unread(self) -> list[Span]:
        """Leaves that could not be read."""
        spans: list[Span] = []
        at = 0
        for first, end in (span for block in self.blocks for span in block.read):
            if at < first:
                spans.append((at, first))
            at = end
        return [*spans, (at, self.size)] if at < self.size else spans

    def file_of(self, leaf: int) -> str | None:
        """The path of the file that holds a leaf; None where none does."""
        place = bisect_right(self.pieces, leaf, key=lambda piece: piece.start) - 1
        if place < 0 or leaf >= self.pieces[place].end:
            return None
        return self.pieces[place].name.path

    def check(self, name: str, words: str) -> Check:
        """A check's outcome: it passes, with these words, unless it has problems."""
        own = self.problems.of(name)
        if not own:
            return Check(name, "pass", words)
        more = f"; {len(own) - 1} more" if len(own) > 1 else ""
        leaf = "" if own[0].leaf is None else f"leaf {own[0].leaf}: "
        return Check(name, "fail", f"{own[0].file}: {leaf}{own[0].what}{more}")

    def read_checkpoint(self) -> None:
        """Read the checkpoint; its signature is another matter."""
        try:
            self.note = self.folder.read(CHECKPOINT, MAX_NOTE_BYTES + 1)
            self.checkpoint = Checkpoint.parse(parse_note(self.note).text)
        except NotEvidence as error:
            self.problems.add("checkpoint", CHECKPOINT, error.message)
        if self.checkpoint and not self.checkpoint.size:
            self.problems.add("checkpoint", CHECKPOINT, "it is of an empty tree, and every archive has a leaf 0")

    def read_leaves(self, children: int, progress: Progress | None) -> None:
        """Read all leaves, and check what can be checked block by block.

        Args:
            children: How many processes to use besides this one.
            progress: Is told how far it is.
        """
        self._choose_files()
        own = blocks_of(self.pieces)
        # the last block first: its files are those that may go, when somebody merges them
        jobs = [self._job(number, own.get(number, ())) for number in reversed(self._block_numbers(own))]
        done = 0
        for kept in read_blocks(jobs, children):
            block = self._read_again(kept) if kept.gone else kept
            self.blocks.append(block)
            self.problems.extend(block.problems)
            done += block.end - block.first
            if progress:
                progress(done, self.size)
        self.blocks.sort(key=lambda block: block.first)
        self._name_holes()

    def judge_tree(self) -> None:
        """Make the tree again and compare it with the checkpoint and the tiles; what differs is named."""
        if len(self.blocks) * BLOCK < self.size:
            self.problems.add("tree", CHECKPOINT, "so many leaves are missing that nothing was compared with it")
            return
        self.made = made = make_tree(self.size, self.blocks)
        signed = self.checkpoint if self.checkpoint and self.checkpoint.size == self.size else None
        tiles = self.tiles
        same = all(tiles.exact(tile) == data for tile, data in (made.upper | made.edge).items())
        fits = signed is not None and signed.root == made.root
        if same and fits and not any(block.tiles_differ for block in self.blocks):
            return
        self._judge(Judge(made, signed, tiles, self._file_of_read(), self.problems))
        if signed is None:
            self.problems.add("tree", CHECKPOINT, f"it gives no root for the {self.size} leaves that there are")
        elif not fits and not (self.problems.of("tree") or self.problems.of("tiles")):
            self.problems.add("tree", CHECKPOINT, "its root is not the one that the leaves and the tiles give")

    def read_genesis(self) -> None:
        """Compare leaf 0 with the file that repeats it, and with the checkpoint."""
        leaf = next((block.genesis for block in self.blocks if block.genesis is not None), None)
        try:
            facts = self.folder.read(FACTS, _FACTS_BYTES)
        except (Gone, Unreadable) as error:
            self.problems.add("facts", FACTS, error.message)
            facts = None
        try:
            self.genesis = None if leaf is None else parse_genesis(leaf)
        except (NotEvidence, UnicodeDecodeError, RecursionError) as error:
            self.problems.add("facts", self.file_of(0) or "segment/0", str(error), 0)
        if leaf is None:
            self.problems.add("facts", self.file_of(0) or "segment/0", "leaf 0 cannot be read", 0)
        if self.genesis and facts is not None and facts != self.genesis.toml():
            self.problems.add("facts", FACTS, "it is not, byte for byte, what leaf 0 says")
        if self.genesis and self.checkpoint and self.genesis.origin != self.checkpoint.origin:
            what = f"it is of {self.checkpoint.origin!r}, leaf 0 says {self.genesis.origin!r}"
            self.problems.add("checkpoint", CHECKPOINT, what)

    def _choose_files(self) -> None:
        names = segments_in(self.folder)
        limit = self._present_size()
        self.size = choose_size(self.checkpoint, names, limit, self.tiles.fit)
        self.pieces = lay_out(names, self.size, limit)
        if self.checkpoint is None:
            return
        if self.size != self.checkpoint.size:
            what = f"it says {self.checkpoint.size} leaves, the segments hold {self.size}"
            self.problems.add("checkpoint", CHECKPOINT, what)
        elif cover(names, self.size, limit) is None and not holes_in(self.pieces, self.size):
            what = f"no segment ends at its {self.size} leaves: an older one was put back, or segments were exchanged"
            self.problems.add("checkpoint", CHECKPOINT, what)

    def _present_size(self) -> int:
        """Size of the tree by now: somebody may be writing while we read."""
        known = self.checkpoint.size if self.checkpoint else 0
        try:
            return max(known, Checkpoint.parse(parse_note(self.folder.read(CHECKPOINT, MAX_NOTE_BYTES + 1)).text).size)
        except NotEvidence:
            return known

    def _name_holes(self) -> None:
        for first, end in holes_in(self.pieces, self.size):
            blocks = range(first // BLOCK, -(-end // BLOCK))
            for number in blocks if len(blocks) <= MISSING_BLOCKS else ():
                start, stop = max(first, number * BLOCK), min(end, (number + 1) * BLOCK)
                what = f"missing: leaves {start} to {stop - 1} are in no file"
                self.problems.add("segments", f"segment/{start}-{stop}", what, start)
            if len(blocks) > MISSING_BLOCKS:
                what = f"missing: leaves {first} to {end - 1} are in no file"
                self.problems.add("segments", f"segment/{first}-{end}", what, first)

    def _block_numbers(self, own: Collection[int]) -> list[int]:
        count = -(-self.size // BLOCK)
        return list(range(count)) if count - len(own) <= MISSING_BLOCKS else sorted(own)

    def _job(self, number: int, own: tuple[Piece, ...], *, keep_hashes: bool = False) -> BlockJob:
        first, end = number * BLOCK, min(self.size, (number + 1) * BLOCK)
        return BlockJob.of(self.folder.root, first, end, own, keep_hashes=keep_hashes or end - first < BLOCK)

    def _read_again(self, kept: Kept) -> Kept:
        """Read a block of which a file went: its leaves are in another one by now, unless somebody took it away."""
        number = kept.first // BLOCK
        for _ in range(_ATTEMPTS):
            laid_out = lay_out(segments_in(self.folder), self.size, self._present_size())
            own = blocks_of(laid_out).get(number, ())
            others = [piece for piece in self.pieces if piece.start // BLOCK != number]
            self.pieces = tuple(sorted([*others, *own], key=lambda piece: piece.start))
            kept = read_block(self._job(number, own))
            if not kept.gone:
                break
        return kept

    def _judge(self, judge: Judge) -> None:
        judge.judge_upper()
        own = blocks_of(self.pieces)
        for block in self.blocks:
            number = block.first // BLOCK
            expected = judge.expected_root(number) if block.end - block.first == BLOCK else None
            if block.tiles_differ or block.hashes or expected not in (None, block.roots[0]):
                hashes = block.hashes or read_block(self._job(number, own.get(number, ()), keep_hashes=True)).hashes
                judge.judge_block(lower_tiles(block.first, hashes))

    def _file_of_read(self) -> Callable[[int], str | None]:
        """Where a leaf is, None where it could not be read."""
        unread = self.unread()
        return lambda leaf: None if any(first <= leaf < end for first, end in unread) else self.file_of(leaf)
