"""DigiCert ONE Account Manager as the vendor's tutorial uses it: five steps, five calls.

Source: DigiCert, "Audit API activity for compliance reporting".
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeVar, Unpack

import msgspec

from muniment.errors import BadInput, Forbidden, NotFound, Oversized, WireError
from muniment.model import MAX_LIMIT, Account, Entry, Named, Page, Query, Sort, User
from muniment.source.client import Client
from muniment.source.decode import decode_account, decode_entry, decode_user
from muniment.source.endpoints import AUDIT_LOG, account_path, user_path
from muniment.source.pages import RawPage, cut_page
from muniment.source.paging import Paging
from muniment.source.question import Filters, make_query
from muniment.source.settings import read_settings

__all__ = ["AccountManager", "Resolved"]

T = TypeVar("T")
State = Literal["found", "not_found", "forbidden", "not_named"]
_OLDEST_FIRST: Final = Sort("timestamp", "asc")  # new entries land behind what is already read
_NEWEST_FIRST: Final = Sort("timestamp", "desc")


class Resolved(msgspec.Struct, frozen=True):
    """An entry with the user and the account that it names, as they are now.

    A state is ``found``, ``not_found`` (deleted or never there: the entry keeps the name that it had then),
    ``forbidden`` (out of this key's reach) or ``not_named`` (the entry has no such id).
    """

    entry: Entry
    user: User | None
    user_state: State
    account: Account | None
    account_state: State


class AccountManager:
    """One DigiCert ONE account, asked with one API key.

    Any number of threads may use it. Time-outs come from ``MUNIMENT_TIMEOUT_S`` and ``MUNIMENT_RETRY_S``, proxies and
    authorities' certificates from the usual environment variables.

    Args:
        url: Such as ``https://demo.one.digicert.com``.
        api_key: A token of one of the roles that may view audit logs.
        max_rate: Requests a second, at most.
        client_cert: PEM file of a client certificate, for hosts that ask for one.
        client_key: PEM file of its key, where that is not in the same file.

    Raises:
        BadInput: One of them cannot be used.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        max_rate: float | None = None,
        client_cert: Path | None = None,
        client_key: Path | None = None,
    ) -> None:
        settings = read_settings(
            url, api_key, os.environ, max_rate=max_rate, client_cert=client_cert, client_key=client_key
        )
        self.client = Client(settings)

    def __repr__(self) -> str:
        return f"AccountManager({self.client.settings.url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self.client.close()

    def recent(self, n: int = 10) -> list[Entry]:
        """The newest entries, newest first (step 1).

        Args:
            n: How many, at most 1000.
        """
        if not 0 < n <= MAX_LIMIT:
            raise BadInput(f"between 1 and {MAX_LIMIT} recent entries can be had at once, not {n}")
        return _entries(self.page(Query(sort=_NEWEST_FIRST, limit=n)))

    def page(self, query: Query) -> Page:
        """One answer, as the source gives it: `items` are the exact bytes of each entry.

        Raises:
            SourceError: As `Client.get`.
            WireError: The answer is no page.
        """
        reply = self.client.get(AUDIT_LOG, query.to_params(), shrinkable=query.limit > 1)
        return _whole(cut_page(reply.body))

    def count(self, **filters: Unpack[Filters]) -> int:
        """How many entries match, for one small request (steps 2 and 3: ``total``)."""
        return self.page(make_query(filters, limit=1)).total

    def audit_log(self, **filters: Unpack[Filters]) -> Iterator[Entry]:
        """Every entry that matches, page after page as they are used (steps 2 and 3).

        They come oldest first unless `sort` says otherwise: as many as the source counts, or an error. That none is
        missing is shown *by count* only: an entry that left and one that came in the same moment cancel out.
        What proves more is `muniment collect`, which compares days and repeats readings.
        The id of each entry is kept, some 100 bytes, to tell one that moved from one that is new.

        Raises:
            BadInput: A filter is malformed.
            SourceError: As `Client.get`.
            WireError: A page is not what was asked for, an entry is malformed, or the total cannot be reached.
        """
        query = make_query(filters, limit=MAX_LIMIT)
        return self._read(query if query.sort else msgspec.structs.replace(query, sort=_OLDEST_FIRST))

    def user(self, user_id: str) -> User:
        """A user, as now (step 4).

        Raises:
            NotFound: Deleted, or not visible to this key.
        """
        return decode_user(self.client.get(user_path(user_id)).body)

    def account(self, account_id: str) -> Account:
        """An account, as now (step 5).

        Raises:
            NotFound: There is none, or it is not visible to this key.
        """
        return decode_account(self.client.get(account_path(account_id)).body)

    def resolved(self, entries: Iterable[Entry]) -> Iterator[Resolved]:
        """Each entry with its user and account, each of which is asked for once (steps 4 and 5)."""
        users: dict[str, tuple[User | None, State]] = {}
        accounts: dict[str, tuple[Account | None, State]] = {}
        for entry in entries:
            user = _look_up(entry.user, users, self.user)
            account = _look_up(entry.account, accounts, self.account)
            yield Resolved(entry, *user, *account)

    def compliance_report(self, **filters: Unpack[Filters]) -> Iterator[Resolved]:
        """All five steps in one: every entry that matches, with its user and account."""
        return self.resolved(self.audit_log(**filters))

    def _read(self, query: Query) -> Iterator[Entry]:
        paging = Paging()
        while not paging.is_complete:
            query = msgspec.structs.replace(query, offset=paging.offset)
            try:
                page = self.page(query)
            except Oversized:
                if query.limit == 1:
                    raise
                query = msgspec.structs.replace(query, limit=query.limit // 2)
                continue
            entries = _entries(page)
            keys = [entry.id or hashlib.sha256(item).digest() for entry, item in zip(entries, page.items, strict=True)]
            for index in paging.absorb(page, query.limit, keys):
                yield entries[index]


def _entries(page: Page) -> list[Entry]:
    return [decode_entry(bytes(item), f"items[{index}]") for index, item in enumerate(page.items)]


def _whole(raw: RawPage) -> Page:
    for name in ("total", "offset", "limit"):
        if getattr(raw, name) is None:
            raise WireError("; ".join(raw.odd), path=name)
    return Page(raw.total or 0, raw.offset or 0, raw.limit or 0, [msgspec.Raw(item) for item in raw.items])


def _look_up(
    named: Named | None, known: dict[str, tuple[T | None, State]], ask: Callable[[str], T]
) -> tuple[T | None, State]:
    if named is None or not named.id:
        return None, "not_named"
    if named.id not in known:
        known[named.id] = _ask(named.id, ask)
    return known[named.id]


def _ask(identifier: str, ask: Callable[[str], T]) -> tuple[T | None, State]:
    try:
        return ask(identifier), "found"
    except NotFound:
        return None, "not_found"
    except Forbidden:
        return None, "forbidden"
