"""The query index of an archive: opened, kept up, and thrown away whenever in doubt.

It is a file in a cache folder, never in the archive, made from one tree and never changed. Unless the present tree had
that root at that size, and its entries are corrected as they were, it is no index of this archive.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import duckdb
import msgspec

from muniment.archive.columns import columns_of
from muniment.archive.segments import LAYOUT, Layout, final_blocks
from muniment.archive.storage import LocalFolder
from muniment.errors import ArchiveError, NotEvidence
from muniment.merkle.tiles import load_head
from muniment.model import Query, Sort
from muniment.query.building import Tree, build_index, hash_of
from muniment.query.corrections import Corrections
from muniment.query.direct import Direct
from muniment.query.drilling import Drill
from muniment.query.engine import connect, cursor_of
from muniment.query.order import Answer, Nothing, Row
from muniment.query.scope import scope_of
from muniment.query.sql import conditions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from muniment.archive.reading import Archive

__all__ = ["POLICY", "Index", "Policy", "open_index"]

VERSION: Final = 1
_NAME: Final = re.compile(r"query-([0-9]{1,18})-[0-9a-f]{16}-[0-9a-f]{16}\.duckdb")
_UNFINISHED: Final = "query.unfinished"
_LOCK: Final = "query"
_WAIT_S: Final = 120.0
"""How long to wait for somebody who is building the index; then looking goes on without."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When an index is worth it; tests take small numbers."""

    layout: Layout = LAYOUT
    least_blocks: int = 3
    """Fewer final segments are read as they are."""
    lag: int = 64
    """It is made again once it lacks more than one in so many of the final segments that it has."""
    hash_bits: int = 64
    """How much of a resource id's hash is kept."""
    few: int = 40_000
    """So many rows are sorted without further ado."""


POLICY: Final = Policy()


class Index:
    """An index, open; asked by any number of threads.

    Args:
        archive: What it was made from.
        path: Its file.
        db: The same, open.
        tree: As of which tree.
        corrections: As the tree names them.
        few: So many rows are sorted without further ado.
    """

    def __init__(
        self,
        archive: "Archive",
        path: Path,
        db: "DuckDBPyConnection",
        tree: Tree,
        corrections: Corrections,
        *,
        few: int,
    ) -> None:
        self.tree = tree
        self._archive = archive
        self._path = path
        self._db = db
        self._corrections = corrections
        self._few = few

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def end(self) -> int:
        """It covers the leaves before this one."""
        return self.tree.size

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def discard(self) -> None:
        """Let go of the file and remove it: it is damaged."""
        with contextlib.suppress(duckdb.Error):
            self.close()
        _remove(self._path)

    def serves(self, query: Query) -> bool:
        """Whether it has the column that the query sorts by."""
        return query.sort is None or query.sort.field != "description"

    def ask(self, query: Query, source: str | None = None) -> Answer:
        """What the entries that it covers have to say to a query; their rows lack ids.

        Raises:
            duckdb.Error: The file is damaged.
        """
        cursor = cursor_of(self._db)
        scope = scope_of(cursor, conditions(query, source), self.tree.hash_bits)
        drill = Drill(cursor, scope, query.sort or Sort(), self._few)
        if query.resource_id is None or not drill.count():
            return drill
        if self._clashes(cursor, query.resource_id):
            return Direct(self._archive, 0, self.end, self._corrections).ask(query, source)
        # all hits share one id: if it is another one, which has the same hash, there is none
        hit = self._archive.leaf(drill.rows(0, 1)[0].leaf)
        return drill if columns_of([hit])["resource_id"][0].as_py() == query.resource_id else Nothing()

    def with_ids(self, rows: Sequence[Row]) -> list[Row]:
        """The same rows, with the ids of their entries."""
        if not rows:
            return []
        ids = columns_of(self._archive.leaves([row.leaf for row in rows]))["id"].to_pylist()
        return [row._replace(id=known) for row, known in zip(rows, ids, strict=True)]

    def _clashes(self, cursor: "DuckDBPyConnection", resource_id: str) -> bool:
        given = f"(SELECT {hash_of('given', self.tree.hash_bits)} FROM (SELECT CAST(? AS VARCHAR) AS given))"
        asked = f"SELECT count(*) FROM clashes WHERE hash = {given}"
        return bool(cursor.execute(asked, [resource_id]).fetchall()[0][0])


def open_index(
    archive: "Archive",
    cache: Path,
    corrections: Corrections,
    *,
    policy: Policy = POLICY,
    announce: Callable[[str], None] = lambda _: None,
) -> Index | None:
    """The index of an archive, made first if it is worth it; None where there is none to be had.

    Args:
        archive: As it is now.
        cache: A folder of this archive's own, outside it; need not exist, need not be writable.
        corrections: What is known of its entries besides.
        policy: When it is worth it.
        announce: Told when it has to be made, which takes a while.
    """
    with contextlib.suppress(OSError, ArchiveError, NotEvidence, duckdb.Error):
        return _Shelf(archive, cache, corrections, policy).open(announce)
    return None


class _Shelf:
    """The cache folder, as far as indices of an archive lie in it."""

    def __init__(self, archive: "Archive", cache: Path, corrections: Corrections, policy: Policy) -> None:
        self._archive = archive
        self._cache = cache
        self._corrections = corrections
        self._policy = policy

    def open(self, announce: Callable[[str], None]) -> Index | None:
        """The best index there is or can be made."""
        blocks = self._final_blocks()
        index = self._present()
        if self._suffices(index, blocks):
            return index
        try:
            return self._make(blocks, announce)
        except (OSError, ArchiveError, duckdb.Error):
            return index

    def _make(self, blocks: int, announce: Callable[[str], None]) -> Index | None:
        self._cache.mkdir(parents=True, exist_ok=True)
        with LocalFolder(self._cache).lock(_LOCK, _WAIT_S, "is making the query index"):
            index = self._present()  # perhaps of whoever held the lock
            if self._suffices(index, blocks):
                return index
            tree = self._tree(blocks * self._policy.layout.block)
            announce(f"making the query index of {tree.size:,} leaves, once")
            path = self._built(tree)
            if index is not None:
                index.discard()
            return self._opened(path, tree)

    def _built(self, tree: Tree) -> Path:
        """The file of a new index, which has its name once it is whole."""
        unfinished = self._cache / _UNFINISHED
        _remove(unfinished)  # of somebody who was killed: the lock is ours
        try:
            build_index(unfinished, self._archive, tree, self._corrections)
            return unfinished.replace(self._cache / _name(tree))
        finally:
            _remove(unfinished)

    def _suffices(self, index: Index | None, blocks: int) -> bool:
        if index is None:
            return blocks < self._policy.least_blocks
        known = index.end // self._policy.layout.block
        return blocks - known <= known // self._policy.lag

    def _present(self) -> Index | None:
        """The largest index that is of this very archive; all others are removed."""
        best: Index | None = None
        for size, path in sorted(
            (int(m[1]), path) for path in self._cache.glob("query-*") if (m := _NAME.fullmatch(path.name))
        ):
            index = self._checked(path, size)
            if index is None:
                _remove(path)
                continue
            if best is not None:
                best.discard()
            best = index
        return best

    def _checked(self, path: Path, size: int) -> Index | None:
        if not 0 < size <= self._archive.size:
            return None
        tree = self._tree(size)
        if path.name != _name(tree):
            return None
        try:
            return self._opened(path, tree)
        except duckdb.Error:
            return None

    def _opened(self, path: Path, tree: Tree) -> Index | None:
        db = connect(path, read_only=True)
        said = db.execute("SELECT said FROM tree").fetchall()
        if said != [(msgspec.json.encode(tree).decode(),)]:
            db.close()
            return None
        return Index(self._archive, path, db, tree, self._corrections, few=self._policy.few)

    def _tree(self, size: int) -> Tree:
        return Tree(
            version=VERSION,
            engine=duckdb.__version__,
            genesis=self._archive.genesis.hex(),
            size=size,
            root=load_head(size, self._archive.read_tile).root.hex(),
            corrections=self._corrections.digest(size),
            hash_bits=self._policy.hash_bits,
        )

    def _final_blocks(self) -> int:
        """How many blocks are final, from the first on without a gap."""
        self._archive.list_again()  # what was merged since it was opened may be final now
        final = final_blocks(self._archive.covering, self._policy.layout)
        return next(number for number in range(len(final) + 1) if number not in final)


def _name(tree: Tree) -> str:
    return f"query-{tree.size}-{tree.root[:16]}-{tree.corrections}.duckdb"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
