"""What stands behind the contract: an archive, or a sandbox."""

from collections.abc import Sequence
from typing import Protocol

from muniment.model import Query

__all__ = ["Backend", "Found"]


class Found(Protocol):
    """What a query found: how many entries match in all, and the exact bytes of those on the page."""

    @property
    def total(self) -> int:
        """Entries that match, whatever the page."""
        ...

    @property
    def items(self) -> Sequence[bytes]:
        """The page's entries, each one JSON value."""
        ...


class Backend(Protocol):
    """Answers the three calls of the contract; called from several threads at once."""

    def authorise(self, key: str | None) -> None:
        """Let the holder of a key pass; every call begins with it.

        Args:
            key: The value of ``x-api-key``, None without one.

        Raises:
            Unauthorized: No key, or one that is not known.
            Forbidden: The key's role does not reach this.
            TooManyRequests: Too many calls came before this one.
        """
        ...

    def audit_log(self, query: Query) -> Found:
        """The entries that match, at most ``query.limit`` from ``query.offset``."""
        ...

    def user(self, user_id: str) -> bytes | None:
        """A user as JSON; None for one that is not there (404)."""
        ...

    def account(self, account_id: str) -> bytes | None:
        """An account as JSON; None for one that is not there (404)."""
        ...
