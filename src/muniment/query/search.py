"""Looking at an archive: a page as the API would give it."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import duckdb
import msgspec

from muniment.archive.leaf import payloads_of
from muniment.model import Query
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.direct import Direct
from muniment.query.index import POLICY, Index, Policy, open_index
from muniment.query.order import Nothing, merge

if TYPE_CHECKING:
    from muniment.archive.reading import Archive

__all__ = ["Found", "Searcher", "search"]


class Found(msgspec.Struct, frozen=True):
    """What a query found."""

    total: int
    """How many entries match, whatever the page."""
    items: Sequence[bytes]
    """The exact bytes of those on the page."""
    leaves: Sequence[int] = ()
    """The indices of their leaves."""


class Searcher:
    """Searches one archive again and again, from any number of threads; what it has read for a query serves the next.

    Args:
        archive: Whoever holds it may refresh it between two queries.
        cache: A folder of this archive's own, outside it, for the index; None does without.
        policy: When an index is worth it.
        announce: Told when the index has to be made, which takes a while.
    """

    def __init__(
        self,
        archive: "Archive",
        cache: Path | None,
        *,
        policy: Policy = POLICY,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._archive = archive
        self._cache = cache
        self._policy = policy
        self._announce = announce
        self._lock = threading.Lock()
        self._state: _State | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            self._state = None  # queries under way hold what they read

    def search(self, query: Query, corrections: Corrections = NO_CORRECTIONS, source: str | None = None) -> Found:
        """The entries that match, and of them at most ``query.limit`` from ``query.offset``.

        Args:
            query: What is asked.
            corrections: What is known of the entries besides.
            source: Name of the only source whose entries count; None for all.

        Raises:
            NotEvidence: A segment that must be read is damaged or missing.
        """
        state = self._current(corrections)
        try:
            return self._fetch(*state.find(query, source))
        except duckdb.Error:
            self._give_up(state)  # the index is damaged: another one is made
        try:
            return self._fetch(*self._current(corrections).find(query, source))
        except duckdb.Error:  # a sound one cannot answer this
            return self._fetch(*_State(self._archive, None, corrections).find(query, source))

    def _fetch(self, total: int, leaves: list[int]) -> Found:
        return Found(total, payloads_of("entry", self._archive.leaves(leaves)), leaves)

    def _current(self, corrections: Corrections) -> "_State":
        with self._lock:
            if self._state is None or not self._state.is_of(self._archive, corrections):
                self._state = _State(self._archive, self._open_index(corrections), corrections)
            return self._state

    def _open_index(self, corrections: Corrections) -> Index | None:
        if self._cache is None:
            return None
        return open_index(self._archive, self._cache, corrections, policy=self._policy, announce=self._announce)

    def _give_up(self, state: "_State") -> None:
        with self._lock:
            if self._state is state and state.index is not None:
                state.index.discard()
                self._state = None


class _State:
    """An archive at one size, as it is read at that size."""

    def __init__(self, archive: "Archive", index: Index | None, corrections: Corrections) -> None:
        self.index = index
        self._tree = archive.root
        self._corrections = corrections
        self._whole = Direct(archive, 0, archive.size, corrections)
        self._tail = Direct(archive, index.end, archive.size, corrections) if index else self._whole

    def is_of(self, archive: "Archive", corrections: Corrections) -> bool:
        return self._tree == archive.root and self._corrections == corrections

    def find(self, query: Query, source: str | None) -> tuple[int, list[int]]:
        """How many entries match, and the leaves of the page."""
        if self.index is not None and self.index.serves(query):
            indexed, others = self.index.ask(query, source), self._tail.ask(query, source)
            total, rows = merge(query, indexed, others, self.index.with_ids)
        else:
            total, rows = merge(query, Nothing(), self._whole.ask(query, source), list)
        return total, [row.leaf for row in rows]


def search(
    archive: "Archive",
    query: Query,
    cache: Path | None = None,
    corrections: Corrections = NO_CORRECTIONS,
    source: str | None = None,
    *,
    policy: Policy = POLICY,
) -> Found:
    """Search an archive once; see `Searcher`."""
    with Searcher(archive, cache, policy=policy) as searcher:
        return searcher.search(query, corrections, source)
