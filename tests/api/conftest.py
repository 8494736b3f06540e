"""The smallest backend: some items as they are, without filters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from muniment.api.app import make_app
from muniment.api.listen import listening
from muniment.errors import Forbidden, TooManyRequests, Unauthorized
from muniment.model import Query

KEY = {"x-api-key": "shelf-key"}


@dataclass(frozen=True)
class Slice:
    total: int
    items: Sequence[bytes]


@dataclass
class Shelf:
    """A backend that shows the app as it is: whatever lies in it comes out."""

    items: list[bytes] = field(default_factory=list)
    users: dict[str, bytes] = field(default_factory=dict)
    accounts: dict[str, bytes] = field(default_factory=dict)
    asked: list[Query] = field(default_factory=list)

    def authorise(self, key: str | None) -> None:
        if key == "busy":
            raise TooManyRequests("Too many requests.", retry_after="7")
        if key == "roleless":
            raise Forbidden("No role.")
        if key != KEY["x-api-key"]:
            raise Unauthorized("No such key.")

    def audit_log(self, query: Query) -> Slice:
        self.asked.append(query)
        if query.user_name == "defect":
            raise LookupError(query.user_name)
        return Slice(len(self.items), self.items[query.offset : query.offset + query.limit])

    def user(self, user_id: str) -> bytes | None:
        return self.users.get(user_id)

    def account(self, account_id: str) -> bytes | None:
        return self.accounts.get(account_id)


@pytest.fixture(scope="module")
def served_shelf() -> Iterator[tuple[Shelf, str]]:
    shelf = Shelf()
    with listening(make_app(shelf)) as base:
        yield shelf, base


@pytest.fixture
def shelf(served_shelf: tuple[Shelf, str]) -> Shelf:
    """Empty, and what `url` serves."""
    shelf, _ = served_shelf
    vars(shelf).update(vars(Shelf()))
    return shelf


@pytest.fixture
def url(served_shelf: tuple[Shelf, str]) -> str:
    """The contract over `shelf`, served."""
    return served_shelf[1]
