"""Faults of the key: it expires, loses its role, is not for this host, or reaches less than another."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from muniment.errors import Forbidden, MunimentError, Unauthorized
from muniment.model import Query
from muniment.sandbox.backend import Passing, Sheet, Source
from muniment.sandbox.exchange import current
from muniment.sandbox.facts import read_facts
from muniment.sandbox.faults.fault import Fault, Ground, Layers, count
from muniment.sandbox.keys import KEYS

__all__ = ["FAULTS"]

_ADMIN: Final = KEYS["AM_ACCOUNT_ADMIN"]


class _Refusing(Passing):
    """Refuses every key from some call on."""

    def __init__(self, behind: Source, *, borne: int, refuse: Callable[[], MunimentError]) -> None:
        super().__init__(behind)
        self._calls = itertools.count()
        self._borne = borne
        self._refuse = refuse

    def authorise(self, key: str | None) -> None:
        """Count the call, and refuse it if there were enough."""
        super().authorise(key)
        if next(self._calls) >= self._borne:
            raise self._refuse()


def _expired() -> MunimentError:
    return Unauthorized("The API key has expired.")


def _roleless() -> MunimentError:
    return Forbidden("The API key has no role that allows this.")


def _unknown_here() -> MunimentError:
    return Unauthorized("The API key is not known on this host.")


def _after(refuse: Callable[[], MunimentError]) -> Callable[[Ground, int], Layers]:
    return lambda _ground, calls: Layers(backend=partial(_Refusing, borne=calls, refuse=refuse))


def _wrong_host(_ground: Ground, _value: None) -> Layers:
    return Layers(backend=partial(_Refusing, borne=0, refuse=_unknown_here))


class _Narrow(Passing):
    """Shows a key other than the administrator's the entries of one account only."""

    def __init__(self, behind: Source, *, account_id: str) -> None:
        super().__init__(behind)
        self._account_id = account_id

    def authorise(self, key: str | None) -> None:
        """Admit the key, and remember whose the exchange is."""
        super().authorise(key)
        current().key = key

    def audit_log(self, query: Query) -> Sheet:
        """Answer as if the account had been asked for; another account has nothing."""
        if current().key == _ADMIN:
            return super().audit_log(query)
        sheet = super().audit_log(msgspec.structs.replace(query, account_id=self._account_id))
        if query.account_id in (None, self._account_id):
            return sheet
        return msgspec.structs.replace(sheet, total=0, items=())


def _narrow(ground: Ground, _value: None) -> Layers:
    items = ground.world.audit_log(Query(limit=1)).items
    account_id = next((read_facts(item).account_id for item in items), None) or ""
    return Layers(backend=partial(_Narrow, account_id=account_id))


FAULTS: Final = (
    Fault(
        "key-expires",
        "answers 401 after N calls (20 unless told), whatever the key",
        _after(_expired),
        count(default=20),
    ),
    Fault(
        "role-lost",
        "answers 403 after N calls (20 unless told), whatever the key",
        _after(_roleless),
        count(default=20),
    ),
    Fault("wrong-host", "answers 401 to every key, as a host does that they are not for", _wrong_host),
    Fault("narrow-key", "shows keys other than the administrator's the entries of one account only", _narrow),
)
