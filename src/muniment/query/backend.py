"""The archive behind the contract: it answers as the source did when it was asked."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from muniment.archive.leaf import OWN_SOURCE, parse_leaf
from muniment.errors import Unauthorized
from muniment.model import Query
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.search import Found, Searcher

if TYPE_CHECKING:
    from muniment.archive.reading import Archive

__all__ = ["ArchiveBackend", "Known"]


@dataclass(frozen=True)
class Known:
    """What is known of an archive at one size, beyond its leaves one by one.

    Attributes:
        corrections: See there.
        users: By id, the leaf of the latest answer about each user.
        accounts: As `users`.
    """

    corrections: Corrections = NO_CORRECTIONS
    users: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)


class ArchiveBackend:
    """Serves an archive through `muniment.api`; called from any number of threads.

    Args:
        archive: What is served.
        searcher: Searches it.
        known: What is known of it; whoever refreshes the archive replaces this.
        key: What a caller must give as ``x-api-key``; None lets everybody pass.
    """

    def __init__(self, archive: "Archive", searcher: Searcher, known: Known, key: str | None = None) -> None:
        self.known = known
        self._archive = archive
        self._searcher = searcher
        self._key = key

    def authorise(self, key: str | None) -> None:
        """Let the holder of the key pass.

        Raises:
            Unauthorized: No key, or another one.
        """
        if self._key is None:
            return
        if key is None or not hmac.compare_digest(key.encode(), self._key.encode()):
            raise Unauthorized("The API key is missing or not known.")

    def audit_log(self, query: Query) -> Found:
        """The entries that match, at most ``query.limit`` from ``query.offset``."""
        return self._searcher.search(query, self.known.corrections)

    def user(self, user_id: str) -> bytes | None:
        """The latest answer about a user; None where the source knew none, or was never asked."""
        return self._answer(self.known.users.get(user_id))

    def account(self, account_id: str) -> bytes | None:
        """The latest answer about an account; None where the source knew none, or was never asked."""
        return self._answer(self.known.accounts.get(account_id))

    def _answer(self, leaf: int | None) -> bytes | None:
        if leaf is None:
            return None
        said = parse_leaf(self._archive.leaf(leaf))
        return None if said.source == OWN_SOURCE else said.payload  # our own word on a refusal is no answer
