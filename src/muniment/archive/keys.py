"""Which entry was seen before: a derived index of keys, outside the archive, that can be thrown away.

It names the tree that it was made from. Unless the present tree is that one or extends it, it is made again; what the
tree has beyond it is read from the tail. So a copy that was put back never hides an entry that it lacks. A folder that
cannot be written, or whose files were spoilt, does no harm: what it would tell is read from the archive.
"""

import contextlib
import logging
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import pyarrow.compute as pc

from muniment.archive.disk import REAL_DISK
from muniment.archive.identity import content_hashes, row_keys
from muniment.archive.leaf import payloads_of
from muniment.archive.reading import Archive
from muniment.archive.runs import (
    Indices,
    Run,
    Seen,
    Words,
    joined,
    latest,
    look_up,
    map_run,
    merge_runs,
    sorted_run,
    write_run,
)
from muniment.errors import Busy

__all__ = ["KeyRuns", "Sealed"]

Sealed = tuple[int, Words, Words]
"""Entries just sealed: index of the first leaf, keys, contents."""

_log = logging.getLogger(__name__)

VERSION: Final = 2
_MANIFEST: Final = "keys.json"
_FLUSH_ROWS: Final = 262_144
_WORTH_SAVING: Final = 1_024
"""New rows below this are read again from the tail next time: cheaper than writing them now."""
_PART_BYTES: Final = 1 << 20
_RATIO: Final = 3
"""A run is merged with the one before it unless that holds so many times more rows."""


class _RunFile(msgspec.Struct, frozen=True):
    name: str
    count: int
    crc: int


class _Manifest(msgspec.Struct, frozen=True):
    version: int
    origin: str
    size: int
    root: bytes
    runs: list[_RunFile]


class KeyRuns:
    """Keys of all entries of an archive, each with its leaf and what content it has.

    Any number may be open on one cache folder; the first one keeps it up, the others keep what is new in memory.

    Args:
        folder: Of this archive's index alone.
        flush_rows: So many rows are kept in memory at most.
    """

    def __init__(self, folder: Path, *, flush_rows: int = _FLUSH_ROWS) -> None:
        self._folder = folder
        self._flush_rows = flush_rows
        self._held = contextlib.ExitStack()
        self._owns = False
        self._files: list[tuple[_RunFile, Run]] = []
        self._recent: list[Run] = []
        self._unsaved = 0
        self.size = 0
        """Size of the tree whose entries are all in here."""
        self._root = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def open(cls, archive: Archive, cache_folder: Path, *, flush_rows: int = _FLUSH_ROWS) -> "KeyRuns":
        """Open the index of an archive, brought up to the archive's present size.

        Args:
            archive: Whose entries.
            cache_folder: Where derived files lie; never in the archive.
            flush_rows: So many rows are kept in memory at most.

        Raises:
            NotEvidence: A segment that must be read is damaged.
        """
        runs = cls(cache_folder / archive.genesis.hex() / "keys", flush_rows=flush_rows)
        with runs._refusals_borne():
            runs._folder.mkdir(parents=True, exist_ok=True)
            runs._own()
        runs._load(archive)
        runs.catch_up(archive)
        runs.save(archive)
        return runs

    def close(self) -> None:
        """Let go of the folder; what `save` has not written is read from the tail next time."""
        self._held.close()

    def look_up(self, keys: Words, contents: Words) -> Seen:
        """Which leaf each key has, and which leaf has this content under it; -1 for none.

        64 bits stand for a key: where the content differs, the leaf says whether it is the same key.

        Args:
            keys: Of `key_hashes`.
            contents: Of `content_hashes`, of the same items.
        """
        return look_up(self._runs, keys, contents)

    def latest(self, key: int, most: int) -> list[int]:
        """The last leaves with this key, latest first."""
        return latest(self._runs, key, most)

    @property
    def _runs(self) -> list[Run]:
        return [*(run for _, run in self._files), *self._recent]

    def catch_up(self, archive: Archive, fresh: Sequence[Sealed] = ()) -> None:
        """Take in what the archive has beyond `size`.

        Args:
            archive: As it is now.
            fresh: Runs of entries that the caller sealed: the index of the first leaf, keys, contents. They are not
                read again; everything between them is.
        """
        if self.size and not archive.extends(self.size, self._root):
            self._start_again()
        news = sorted((sealed for sealed in fresh if sealed[0] >= self.size), key=lambda sealed: sealed[0])
        self._add_sealed(news)
        for first, keys, _ in news:
            self._read(archive, first)
            self.size = first + len(keys)
        self._read(archive, archive.size)
        self._root = archive.root
        self.save(archive, least=self._flush_rows)

    def save(self, archive: Archive, *, least: int = _WORTH_SAVING) -> None:
        """Write what is new, if it is worth it and nobody else keeps the folder up.

        Args:
            archive: As it was when this was last brought up to it.
            least: So many new rows are worth it.
        """
        if not self._owns or self._unsaved < least or (archive.size, archive.root) != (self.size, self._root):
            return
        with self._refusals_borne():
            self._flush()
            self._write_manifest(archive)
            self._unsaved = 0

    def _own(self) -> None:
        with contextlib.suppress(Busy):
            self._held.enter_context(REAL_DISK.lock(self._folder / "lock", 0, "keeps the index of keys"))
            self._owns = True

    def _load(self, archive: Archive) -> None:
        manifest = self._read_manifest()
        files: list[tuple[_RunFile, Run]] = []
        if manifest is not None and manifest.origin == archive.origin:
            try:
                files = [(each, self._mapped(each)) for each in manifest.runs]
                self.size, self._root = manifest.size, manifest.root
            except (OSError, ValueError):
                files = []
        self._files = files
        if self._owns:
            with self._refusals_borne():
                self._remove_others()

    def _mapped(self, file: _RunFile) -> Run:
        """Open a run's file.

        Raises:
            OSError: It is not there.
            ValueError: It is not as it was written.
        """
        path = self._folder / file.name
        if _crc(path) != file.crc:
            raise ValueError(f"{path} is not as it was written")
        return map_run(path, file.count)

    def _read_manifest(self) -> _Manifest | None:
        try:
            manifest = msgspec.json.decode((self._folder / _MANIFEST).read_bytes(), type=_Manifest)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return manifest if manifest.version == VERSION else None

    def _write_manifest(self, archive: Archive) -> None:
        manifest = _Manifest(VERSION, archive.origin, archive.size, archive.root, [each for each, _ in self._files])
        REAL_DISK.write({self._folder / "keys.new": msgspec.json.encode(manifest)})
        REAL_DISK.rename(self._folder / "keys.new", self._folder / _MANIFEST)
        self._remove_others()

    def _remove_others(self) -> None:
        """Remove runs that no manifest names: a killed process left them, or they were merged."""
        named = {each.name for each, _ in self._files}
        for path in self._folder.glob("*.run"):
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _start_again(self) -> None:
        self._files, self._recent, self._unsaved, self.size = [], [], 0, 0

    def _read(self, archive: Archive, end: int) -> None:
        """Take in the entries up to a leaf from the archive itself."""
        if self.size == end:
            return
        kinds = (batch.column(0) for batch in archive.batches(self.size, end, ["kind"], rows=65_536))
        # most of what lies between our own entries is receipts, whose leaves need not be read
        if any(pc.any(pc.equal(column, "entry")).as_py() for column in kinds):
            for batch in archive.batches(self.size, end, ["index", "kind", "source", "id", "leaf"]):
                rows = batch.filter(pc.equal(batch.column("kind"), "entry"))
                payloads = payloads_of("entry", rows.column("leaf").to_pylist())
                self._add(row_keys(rows), content_hashes(payloads), rows.column("index").to_numpy())
        self.size = end

    def _add_sealed(self, news: Sequence[Sealed]) -> None:
        if news:
            keys, contents = (np.concatenate([sealed[n] for sealed in news]) for n in (1, 2))
            self._add(keys, contents, np.concatenate([np.arange(first, first + len(own)) for first, own, _ in news]))

    def _add(self, keys: Words, contents: Words, leaves: Indices) -> None:
        if not len(keys):
            return
        self._recent.append(sorted_run(keys, leaves.astype(np.uint64), contents))
        self._unsaved += len(keys)
        while len(self._recent) > 1 and self._recent[-2].count < _RATIO * self._recent[-1].count:
            self._recent[-2:] = [joined(self._recent[-2:])]
        if self._owns and sum(run.count for run in self._recent) >= self._flush_rows:
            with self._refusals_borne():
                self._flush()

    def _flush(self) -> None:
        """Write what is in memory as a run, and merge runs until each holds several times more rows than the next."""
        if not self._recent:
            return
        run = joined(self._recent)
        path = self._next_path()
        write_run(path, run)
        self._files.append(_written(path, run.count))
        self._recent = []
        while len(self._files) > 1 and self._files[-2][0].count < _RATIO * self._files[-1][0].count:
            (older, _), (newer, _) = self._files[-2:]
            path = self._next_path()
            count = merge_runs(path, self._folder / older.name, self._folder / newer.name)
            self._files[-2:] = [_written(path, count)]

    def _next_path(self) -> Path:
        """A name that no file has: a process that holds the folder up makes all names."""
        numbers = [int(path.stem) for path in self._folder.glob("*.run") if path.stem.isdecimal()]
        return self._folder / f"{max(numbers, default=0) + 1}.run"

    @contextlib.contextmanager
    def _refusals_borne(self) -> Iterator[None]:
        """A folder that refuses is left alone from then on."""
        try:
            yield
        except OSError as error:
            self._owns = False
            _log.info("the index of keys is kept in memory: %s", error)


def _written(path: Path, count: int) -> tuple[_RunFile, Run]:
    return _RunFile(path.name, count, _crc(path)), map_run(path, count)


def _crc(path: Path) -> int:
    """Of a file's bytes: 24 MB, a million rows, take about 5 ms."""
    crc = 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(_PART_BYTES):
            crc = zlib.crc32(part, crc)
    return crc
