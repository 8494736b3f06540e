"""A world behind the contract, and the class that every fault of the backend begins from."""

from muniment.api.backend import Backend, Found
from muniment.model import Query
from muniment.sandbox.keys import admit
from muniment.sandbox.world import World

__all__ = ["Passing", "WorldBackend"]


class WorldBackend:
    """A world that asks for a key."""

    def __init__(self, world: World) -> None:
        self._world = world

    def authorise(self, key: str | None) -> None:
        """Admit one of the sandbox's keys."""
        admit(key)

    def audit_log(self, query: Query) -> Found:
        """What the world's log says."""
        return self._world.audit_log(query)

    def user(self, user_id: str) -> bytes | None:
        """What the world knows of a user."""
        return self._world.user(user_id)

    def account(self, account_id: str) -> bytes | None:
        """What the world knows of an account."""
        return self._world.account(account_id)


class Passing:
    """A backend that does as the one behind it does; a fault overrides the call that it spoils."""

    def __init__(self, behind: Backend) -> None:
        self._behind = behind

    def authorise(self, key: str | None) -> None:
        """Pass the key on."""
        self._behind.authorise(key)

    def audit_log(self, query: Query) -> Found:
        """Pass the query on."""
        return self._behind.audit_log(query)

    def user(self, user_id: str) -> bytes | None:
        """Pass the id on."""
        return self._behind.user(user_id)

    def account(self, account_id: str) -> bytes | None:
        """Pass the id on."""
        return self._behind.account(account_id)
