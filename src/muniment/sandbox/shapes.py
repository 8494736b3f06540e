"""Everything of an entry but its id and time, kept once for all entries that share it.

A million entries have some ten thousand shapes, so filters are decided on shapes, not on entries.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muniment.model import Query
from muniment.sandbox.facts import Facts

__all__ = ["Mask", "Shape", "Shapes", "encode"]

Mask = NDArray[np.bool_]
_ATTRIBUTES: Final = ("account_id", "resource_type", "resource_id", "action", "user_name", "description", "status")


class Shape(NamedTuple):
    """An entry without id and timestamp; `account` and `user` are (id, name)."""

    account: tuple[str, str]
    resource_type: str
    resource_id: str
    resource_name: str
    action: str
    user: tuple[str, str] | None
    description: str
    status: str


class _Values:
    """The distinct values of one attribute, and which of them each shape has."""

    def __init__(self) -> None:
        self._codes: dict[str | None, int] = {}
        self._column = np.empty(64, np.int32)
        self._ranks: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._size = 0

    def append(self, value: str | None) -> None:
        if self._size == len(self._column):
            self._column = np.concatenate([self._column, np.empty_like(self._column)])
        self._column[self._size] = self._codes.setdefault(value, len(self._codes))
        self._size += 1

    def equal_to(self, values: Sequence[str], size: int) -> Mask:
        """The shapes that have one of these values."""
        codes = [self._codes[value] for value in values if value in self._codes]
        return np.isin(self._column[:size], codes)

    def where(self, holds: Callable[[str], bool], size: int) -> Mask:
        """The shapes whose value is a text for which this holds."""
        return self.equal_to([value for value in list(self._codes) if value is not None and holds(value)], size)

    def rank_of_shapes(self, size: int) -> NDArray[Any]:
        """The place of each shape's value among all values by code point, None behind the last.

        Returns:
            16-bit numbers where they suffice, since those sort ten times faster.
        """
        ranks = self._ranks
        if len(ranks) != len(self._codes):
            ranks = self._ranks = self._rank()
        narrow = np.uint16 if len(ranks) <= 2**16 else np.uint32
        return ranks.astype(narrow)[self._column[:size]]

    def _rank(self) -> NDArray[np.uint32]:
        values = list(self._codes)
        places = sorted(range(len(values)), key=lambda code: (values[code] is None, values[code] or ""))
        ranks = np.empty(len(values), np.uint32)
        ranks[places] = np.arange(len(values), dtype=np.uint32)
        return ranks


class Shapes:
    """All shapes by code. One thread adds, any number read: a code once given never changes."""

    def __init__(self) -> None:
        self._codes: dict[Shape, int] = {}
        self._values = {name: _Values() for name in _ATTRIBUTES}
        self._odd_ids: dict[int, str] = {}
        self.heads: list[str] = []
        """What stands between the id and the time; of an odd shape, empty."""
        self.tails: list[str] = []
        """What stands after the time; of an odd shape, empty."""
        self.odd: dict[int, bytes] = {}
        """The exact bytes of shapes that one entry has alone, id and time included."""

    def __len__(self) -> int:
        return len(self.tails)

    def code_of(self, shape: Shape) -> int:
        """The code of a shape, which is given one if it is new."""
        code = self._codes.get(shape)
        if code is None:
            head, tail = _render(shape)
            code = self._append(
                head, tail, shape.account[0], *shape[1:3], shape.action, shape.user and shape.user[1], *shape[6:]
            )
            self._codes[shape] = code
        return code

    def add_odd(self, item: bytes, facts: Facts) -> int:
        """Give a code to an entry that is served as these very bytes."""
        code = len(self)
        self.odd[code] = item
        self._odd_ids[code] = facts.id
        return self._append("", "", *facts[2:])

    def odd_id(self, code: int) -> str:
        """The id of the entry that has this odd shape, empty where it has none."""
        return self._odd_ids[code]

    def odd_with_id(self, entry_id: str) -> list[int]:
        """The codes of the odd shapes whose entry has this id."""
        return [code for code, other in list(self._odd_ids.items()) if other == entry_id]

    def matching(self, query: Query, *, any_case: bool = False) -> Mask | None:
        """The shapes that pass the filters other than dates; None when there are no such filters.

        Args:
            query: What is asked.
            any_case: Upper and lower case are the same in names.
        """
        size = len(self)
        masks = [self._values[name].equal_to([value], size) for name, value in _exact(query) if value is not None]
        if query.resource_types:
            masks.append(self._values["resource_type"].equal_to(query.resource_types, size))
        if query.status is not None:
            masks.append(self._values["status"].where(lambda value: value.upper() == query.status, size))
        if query.user_name is not None:
            masks.append(self._values["user_name"].where(_containing(query.user_name, any_case=any_case), size))
        return np.logical_and.reduce(masks) if masks else None

    def ranks(self, field: str) -> NDArray[Any]:
        """By shape, the place of its value among all values of ``action``, ``status`` or ``description``."""
        return self._values[field].rank_of_shapes(len(self))

    def _append(self, head: str, tail: str, *attributes: str | None) -> int:
        for values, value in zip(self._values.values(), attributes, strict=True):
            values.append(value)
        self.heads.append(head)
        self.tails.append(tail)  # last: its length is what readers go by
        return len(self.tails) - 1


def _containing(part: str, *, any_case: bool) -> Callable[[str], bool]:
    folded = part.casefold()
    return (lambda name: folded in name.casefold()) if any_case else (lambda name: part in name)


def _exact(query: Query) -> list[tuple[str, str | None]]:
    return [("account_id", query.account_id), ("action", query.action), ("resource_id", query.resource_id)]


def _render(shape: Shape) -> tuple[str, str]:
    head = {
        "account": {"id": shape.account[0], "name": shape.account[1]},
        "resource_type": shape.resource_type,
        "resource_id": shape.resource_id,
        "resource_name": shape.resource_name,
        "action": shape.action,
        "user": shape.user and {"id": shape.user[0], "name": shape.user[1]},
    }
    tail = {"description": shape.description, "status": shape.status}
    return f'",{encode(head)[1:-1]},"timestamp":"', f'Z",{encode(tail)[1:]}'


def encode(value: Any) -> str:
    """Compact JSON; the vendor's own spacing is not known (assumed)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
