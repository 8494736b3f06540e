"""A world behind the contract, and the class that every fault of the backend begins from."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from muniment.api.backend import Found
from muniment.model import Query
from muniment.sandbox.keys import admit
from muniment.sandbox.world import World

__all__ = ["Passing", "Search", "Sheet", "Source", "WorldBackend"]

Search = Callable[[Query], Found]


class Sheet(msgspec.Struct, frozen=True):
    """What a page will say, before it is written: the three numbers, and the exact bytes of its items."""

    total: int
    items: Sequence[bytes]
    offset: int
    limit: int


class Source(Protocol):
    """A backend of the contract whose pages also say which offset and limit they went by."""

    def authorise(self, key: str | None) -> None:
        """Let the holder of a key pass, or raise the refusal."""
        ...

    def audit_log(self, query: Query) -> Sheet:
        """The entries that match, at most ``query.limit`` from ``query.offset``."""
        ...

    def user(self, user_id: str) -> bytes | None:
        """A user as JSON; None for one that is not there (404)."""
        ...

    def account(self, account_id: str) -> bytes | None:
        """An account as JSON; None for one that is not there (404)."""
        ...


class WorldBackend:
    """A world that asks for a key.

    Args:
        world: Knows users and accounts.
        search: Answers queries instead of the world's own log.
    """

    def __init__(self, world: World, search: Search | None = None) -> None:
        self._world = world
        self._search = search

    def authorise(self, key: str | None) -> None:
        """Admit one of the sandbox's keys."""
        admit(key)

    def audit_log(self, query: Query) -> Sheet:
        """What the log says; the page goes by the query."""
        search = self._search or self._world.audit_log  # looked up each time: a test may put another in its place
        found = search(query)
        return Sheet(found.total, found.items, query.offset, query.limit)

    def user(self, user_id: str) -> bytes | None:
        """What the world knows of a user."""
        return self._world.user(user_id)

    def account(self, account_id: str) -> bytes | None:
        """What the world knows of an account."""
        return self._world.account(account_id)


class Passing:
    """A source that does as the one behind it does; a fault overrides the call that it spoils."""

    def __init__(self, behind: Source) -> None:
        self._behind = behind

    def authorise(self, key: str | None) -> None:
        """Pass the key on."""
        self._behind.authorise(key)

    def audit_log(self, query: Query) -> Sheet:
        """Pass the query on."""
        return self._behind.audit_log(query)

    def user(self, user_id: str) -> bytes | None:
        """Pass the id on."""
        return self._behind.user(user_id)

    def account(self, account_id: str) -> bytes | None:
        """Pass the id on."""
        return self._behind.account(account_id)
