"""Faults of looking up users and accounts."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from muniment.errors import Forbidden, MunimentError
from muniment.sandbox.backend import Passing, Source
from muniment.sandbox.faults.content import log_beside
from muniment.sandbox.faults.fault import Fault, Ground, Layers, Value
from muniment.sandbox.faults.refusing import defect

__all__ = ["FAULTS"]

Json = dict[str, Any]
Concerns = Callable[[str], bool]

_IDS: Final = ("a/b", "what?is=this#part", "100%25", "space and+plus", "semi;colon,comma", "Zoë-証明書", "'\"<&>")


def _share(text: str) -> int | None:
    digits = text.removesuffix("%")
    share = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 4 else 0
    return share if 1 <= share <= 100 else None


_SHARE: Final = Value("P%", "a share of the ids such as 25%", _share, 25)


def _concerned(ground: Ground, name: str, share: int) -> Concerns:
    """A share of all ids, the same ones always."""
    return lambda one: ground.dice(name, one).percent(share)


class _Unhelpful(Passing):
    """Answers for some ids otherwise."""

    def __init__(self, behind: Source, *, concerns: Concerns, refusal: MunimentError | None) -> None:
        super().__init__(behind)
        self._concerns = concerns
        self._refusal = refusal

    def user(self, user_id: str) -> bytes | None:
        """Refuse, or know nothing, of some users."""
        return self._answer(super().user, user_id)

    def account(self, account_id: str) -> bytes | None:
        """Refuse, or know nothing, of some accounts."""
        return self._answer(super().account, account_id)

    def _answer(self, ask: Callable[[str], bytes | None], one: str) -> bytes | None:
        if not self._concerns(one):
            return ask(one)
        if self._refusal is not None:
            raise self._refusal
        return None


def _refused(name: str, refusal: MunimentError | None) -> Callable[[Ground, int], Layers]:
    return lambda ground, share: Layers(
        backend=partial(_Unhelpful, concerns=_concerned(ground, name, share), refusal=refusal)
    )


class _Changing(Passing):
    """Says another locale each time it is asked for the same user or account."""

    def __init__(self, behind: Source) -> None:
        super().__init__(behind)
        self._times: dict[str, Iterator[int]] = defaultdict(itertools.count)

    def user(self, user_id: str) -> bytes | None:
        """A user as it is, but for the locale."""
        return self._change(super().user(user_id), user_id)

    def account(self, account_id: str) -> bytes | None:
        """An account as it is, but for the locale."""
        return self._change(super().account(account_id), account_id)

    def _change(self, document: bytes | None, one: str) -> bytes | None:
        if document is None:
            return None
        known: Json = msgspec.json.decode(document)
        return msgspec.json.encode(known | {"locale": f"{known.get('locale')}-{next(self._times[one])}"})


def _changing(_ground: Ground, _value: None) -> Layers:
    return Layers(backend=_Changing)


def _odd_ids(ground: Ground, _value: None) -> Layers:
    """Entries by users whose ids must be escaped in a path, and who can be looked up."""

    def by_one_of_them(entry: Json, n: int) -> bytes:
        return msgspec.json.encode(entry | {"user": {"id": _IDS[n], "name": f"user {n}"}})

    log_beside(ground, "lookup-odd-ids", len(_IDS), by_one_of_them)
    for one in _IDS:
        document = {"id": one, "user_name": f"user {one}", "status": "ACTIVE", "user_type": "standard"}
        ground.world.lookups[one] = msgspec.json.encode(document)
    return Layers()


def _defective(ground: Ground, share: int) -> Layers:
    return Layers(app=partial(defect, clock=ground.clock, concerns=_concerned(ground, "lookup-500", share)))


FAULTS: Final = (
    Fault(
        "lookup-404",
        "answers 404 for P% of the users and accounts (25% unless told)",
        _refused("lookup-404", None),
        _SHARE,
    ),
    Fault(
        "lookup-403",
        "answers 403 for P% of the users and accounts (25% unless told)",
        _refused("lookup-403", Forbidden("The API key has no role that allows this.")),
        _SHARE,
    ),
    Fault("lookup-500", "answers 500 for P% of the users and accounts (25% unless told)", _defective, _SHARE),
    Fault("lookup-changing", "says another locale each time a user or an account is looked up", _changing),
    Fault("lookup-odd-ids", f"logs {len(_IDS)} entries by users whose ids must be escaped in a URL", _odd_ids),
)
