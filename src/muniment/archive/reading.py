"""Reading an archive: no lock, no write, and never a wait for whoever writes."""

import bisect
import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from muniment.archive.contents import CHECKPOINT, list_segments, present_note, read_note, read_tile
from muniment.archive.genesis import Genesis, parse_genesis
from muniment.archive.keychain import parse_change, verify_change
from muniment.archive.leaf import RECORD_KINDS, Leaf, parse_leaf
from muniment.archive.parquet import Group, Marks, SegmentFile
from muniment.archive.segments import SegmentName, cover, first_hole
from muniment.archive.storage import LocalFolder, Missing, Storage
from muniment.errors import MerkleError, NoArchive, NotEvidence
from muniment.merkle.checkpoint import open_checkpoint
from muniment.merkle.note import Verifier
from muniment.merkle.tiles import Tile, consistency_proof
from muniment.merkle.tree import leaf_hash, verify_consistency

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["Archive"]

_ATTEMPTS: Final = 8
"""How often a reader lists again before it calls a file missing: each time a writer must have merged in between."""
_KEPT_FOOTERS: Final = 16
"""Almost a megabyte each, once they are taken apart."""
_KEPT_GROUPS: Final = 4
_READERS: Final = 4


@dataclass(frozen=True, slots=True)
class _View:
    """The archive at one checkpoint, and the files that hold it."""

    note: str
    size: int
    root: bytes
    verifier: Verifier
    marks: Marks
    covering: tuple[SegmentName, ...]


class Archive:
    """An archive as of its last checkpoint, until `refresh` takes the next one.

    The checkpoint's signature is verified with the key that the archive itself names: whether that is the right key is
    asked by `verify`. Safe to share between threads.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.facts: Genesis
        """What leaf 0 says."""
        self.genesis = b""
        """Hash of leaf 0: which archive this is, whatever folder it lies in."""
        self._seen: _View | None = None
        self._lock = threading.RLock()
        self._footers: OrderedDict[SegmentName, pq.FileMetaData] = OrderedDict()
        self._groups: OrderedDict[Group, pa.BinaryArray] = OrderedDict()
        self._pool: ThreadPoolExecutor | None = None
        self._vkeys: tuple[int | None, tuple[str, ...]] | None = None

    def __repr__(self) -> str:
        return f"Archive({self.storage!r})"

    @classmethod
    def open(cls, path: Path | None = None, *, storage: Storage | None = None) -> "Archive":
        """Open the archive in a folder.

        Args:
            path: The folder.
            storage: Where it lies instead, if that is no folder of this machine.

        Raises:
            NoArchive: There is none, or something else.
            NotEvidence: Its checkpoint, its first or its last segment is damaged, or the signature is wrong.
        """
        if storage is None:
            path = path or Path()
            if path.exists() and not path.is_dir():
                raise NoArchive(f"{path} is a file, not an archive")
            storage = LocalFolder(path)
        _refuse_what_is_none(storage, path)
        archive = cls(storage)
        archive.refresh()
        return archive

    @property
    def _view(self) -> _View:
        if self._seen is None:
            raise RuntimeError("an archive is opened by Archive.open")
        return self._seen

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.facts.origin

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._view.size

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return self._view.root

    @property
    def note(self) -> str:
        """The checkpoint, as it was signed."""
        return self._view.note

    @property
    def verifier(self) -> Verifier:
        """The key that signs now."""
        return self._view.verifier

    @property
    def marks(self) -> Marks:
        """Where the record and the keys end."""
        return self._view.marks

    @property
    def covering(self) -> tuple[SegmentName, ...]:
        """The segment files that hold its leaves, ascending; the last may reach further once others have merged it."""
        return self._view.covering

    @property
    def vkeys(self) -> tuple[str, ...]:
        """All keys it was ever signed with, oldest first; each change's proof is verified.

        Raises:
            NotEvidence: A change of key is not proven, or does not follow the one before.
        """
        last_key = self.marks.last_key
        if self._vkeys is None or self._vkeys[0] != last_key:
            self._vkeys = (last_key, self._walk_keys())
        return self._vkeys[1]

    def refresh(self) -> None:
        """Take the present checkpoint.

        Raises:
            NotEvidence: It is damaged, or its signature is wrong.
        """
        with self._lock:
            for attempt in range(_ATTEMPTS):
                note = present_note(self.storage)
                if self._seen is not None and note == self._seen.note:
                    return
                try:
                    self._seen = self._view_of(note)
                except (Missing, NotEvidence):
                    # the next checkpoint came meanwhile, and its writer merged what this one needs; or it is damage
                    if attempt + 1 == _ATTEMPTS:
                        raise
                else:
                    return

    def batches(
        self, first: int = 0, end: int | None = None, columns: Sequence[str] | None = None, *, rows: int = 8_192
    ) -> "Iterator[pa.RecordBatch]":
        """The leaves [first, end), ascending and without a gap.

        Args:
            first: Index of the first leaf.
            end: Index after the last one; None for the tree's size.
            columns: Names of columns of `SEGMENT_SCHEMA`; None for all. They come in the file's order.
            rows: At most so many in a batch.

        Raises:
            NotEvidence: A segment is damaged or missing.
        """
        end = self.size if end is None else min(end, self.size)
        while first < end:
            with self._open_at(first) as segment:
                until = min(end, segment.name.end)
                yield from segment.batches(first, until, columns, rows)
            first = until

    def leaf(self, index: int) -> bytes:
        """The exact bytes of a leaf.

        Raises:
            IndexError: There is no such leaf.
            NotEvidence: Its segment is damaged or missing.
        """
        return self.leaves([index])[0]

    def leaves(self, indices: Sequence[int]) -> list[bytes]:
        """The exact bytes of leaves, in the order asked; neighbours cost little.

        Raises:
            IndexError: There is no such leaf.
            NotEvidence: A segment is damaged or missing.
        """
        wanted = sorted(set(indices))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < self.size:
            raise IndexError(f"the archive has leaves 0 to {self.size - 1}")
        groups = [list(group) for _, group in itertools.groupby(wanted, self._file_of)]
        if len(groups) > 1:
            self._pool = self._pool or ThreadPoolExecutor(_READERS, thread_name_prefix="leaves")
            parts = self._pool.map(self._leaves_of_one_file, groups)
        else:
            parts = map(self._leaves_of_one_file, groups)
        found = dict(itertools.chain.from_iterable(zip(*pair, strict=True) for pair in zip(groups, parts, strict=True)))
        return [found[index] for index in indices]

    def record(self, end: int | None = None) -> Iterator[tuple[int, Leaf]]:
        """The record, newest first, by `previous`: receipts, findings, dispositions, outages, recoveries, keys.

        Args:
            end: Only leaves before this index.

        Raises:
            NotEvidence: The chain is broken.
        """
        index = self.last_record(end)
        while index is not None:
            leaf = parse_leaf(self.leaf(index))
            if leaf.kind not in RECORD_KINDS or not isinstance(leaf.previous, int | None):
                raise NotEvidence(f"leaf {index} is of kind {leaf.kind}: the chain of the record does not lead there")
            if leaf.previous is not None and leaf.previous >= index:
                raise NotEvidence(f"leaf {index} names leaf {leaf.previous} as the one before it")
            yield index, leaf
            index = leaf.previous

    def last_record(self, end: int | None = None) -> int | None:
        """Index of the last leaf of the record before `end`; None where there is none."""
        view = self._view
        if end is None or end >= view.size:
            return view.marks.last_record
        for name in reversed([name for name in view.covering if name.first < end]):
            found = self._last_record_in(name.first, min(name.end, end))
            if found is not None:
                return found
        return None

    def read_tile(self, tile: Tile) -> bytes:
        """A tile's hashes; see `contents.read_tile`."""
        return read_tile(self.storage, tile)

    def extends(self, size: int, root: bytes) -> bool:
        """Whether this tree had this root when it had `size` leaves, by a consistency proof from its own tiles."""
        view = self._view
        if not 0 < size < view.size:
            return size == view.size and root == view.root
        try:
            proof = consistency_proof(size, view.size, self.read_tile)
            verify_consistency(size, view.size, proof, root, view.root)
        except NotEvidence:
            return False
        return True

    def list_again(self) -> None:
        """Look which files there are now: some were merged since.

        Raises:
            NotEvidence: Some leaf is in no file.
        """
        with self._lock:
            names = list_segments(self.storage)
            # files of the tree as it is now may take the place of those that it had
            present = read_note(present_note(self.storage)).size
            covering = _cover(names, self.size, max(self.size, present))
            self._seen = replace(self._view, covering=covering)

    def _view_of(self, note: str) -> _View:
        checkpoint = read_note(note)
        covering = _cover(list_segments(self.storage), checkpoint.size, checkpoint.size)
        with self._open(covering[-1]) as segment:
            marks = segment.marks
        if not self.genesis:
            leaf = self._leaf_in(covering, 0)
            self.facts, self.genesis = parse_genesis(leaf), leaf_hash(leaf)
        verifier = self._key_as_of(marks, covering)
        try:
            open_checkpoint(note, self.origin, [verifier])
        except MerkleError as error:
            raise NotEvidence(f"checkpoint: {error}") from error
        return _View(note, checkpoint.size, checkpoint.root, verifier, marks, covering)

    def _key_as_of(self, marks: Marks, covering: Sequence[SegmentName]) -> Verifier:
        if marks.last_key is None:
            return Verifier.parse(self.facts.vkey)
        change = parse_change(parse_leaf(self._leaf_in(covering, marks.last_key)))
        verify_change(change, self.origin, marks.last_key)
        return Verifier.parse(change.new)

    def _leaf_in(self, covering: Sequence[SegmentName], index: int) -> bytes:
        name = _file_of(covering, index)
        if name is None:
            raise NotEvidence(f"leaf {index} is in no file under segment/")
        with self._open(name) as segment:
            return segment.leaves([index], {})[0]

    def _file_of(self, index: int) -> SegmentName | None:
        return _file_of(self.covering, index)

    def _leaves_of_one_file(self, indices: list[int]) -> list[bytes]:
        """Leaves that lay in one file when we looked; merging may since have put them into a larger one."""
        with self._lock:
            kept = dict(self._groups)
        with self._open_at(indices[0]) as segment:
            leaves = segment.leaves(indices, kept)
        with self._lock:
            self._groups.update(kept)
            _forget_oldest(self._groups, _KEPT_GROUPS)
        return leaves

    def _open_at(self, index: int) -> SegmentFile:
        """The segment that holds a leaf; lists again when it went from under us."""
        for _ in range(_ATTEMPTS):
            name = self._file_of(index)
            if name is not None:
                try:
                    return self._open(name)
                except Missing:
                    pass
            self.list_again()
        raise NotEvidence(f"leaf {index} is in no file under segment/")

    def _open(self, name: SegmentName) -> SegmentFile:
        segment = SegmentFile(name, self.storage.open(name.path), self._footers.get(name))
        with self._lock:
            self._footers[name] = segment.metadata
            _forget_oldest(self._footers, _KEPT_FOOTERS)
        return segment

    def _last_record_in(self, first: int, end: int) -> int | None:
        found: int | None = None
        for batch in self.batches(first, end, ["index", "kind"], rows=65_536):
            kinds = batch.column("kind").to_pylist()
            places = [place for place, kind in enumerate(kinds) if kind in RECORD_KINDS]
            found = batch.column("index")[places[-1]].as_py() if places else found
        return found

    def _walk_keys(self) -> tuple[str, ...]:
        changes = [(index, parse_change(leaf)) for index, leaf in self.record() if leaf.kind == "key"]
        vkeys = [self.facts.vkey]
        for index, change in reversed(changes):
            verify_change(change, self.origin, index)
            if change.old != vkeys[-1]:
                raise NotEvidence(f"the change of key in leaf {index} does not follow {vkeys[-1]}")
            vkeys.append(change.new)
        return tuple(vkeys)


def _file_of(covering: Sequence[SegmentName], index: int) -> SegmentName | None:
    place = bisect.bisect_right(covering, index, key=lambda name: name.first) - 1
    return covering[place] if place >= 0 and index < covering[place].end else None


def _refuse_what_is_none(storage: Storage, path: Path | None) -> None:
    if storage.exists(CHECKPOINT):
        return
    # what a crash in `init` leaves behind reaches no further than leaf 0
    if any(name.end > 1 for name in list_segments(storage)):
        raise NotEvidence("checkpoint: missing, while there are segments", hint="Put it back from a backup.")
    raise NoArchive(f"there is no archive in {storage if path is None else path}")


def _cover(names: Sequence[SegmentName], size: int, limit: int) -> tuple[SegmentName, ...]:
    covering = cover(names, size, limit)
    if not covering:
        raise NotEvidence(f"leaf {first_hole(names, size)} is in no file under segment/")
    return covering


def _forget_oldest(kept: "OrderedDict[Any, Any]", count: int) -> None:
    while len(kept) > count:
        kept.popitem(last=False)
