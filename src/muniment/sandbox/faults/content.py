"""Faults of content: what the tutorial does not show, and a collector has to keep all the same."""

from typing import Any, Final

import msgspec

from muniment.api.backend import Found
from muniment.model import Query
from muniment.sandbox.backend import Passing
from muniment.sandbox.faults.fault import Fault, Ground, Layers
from muniment.sandbox.store import Matches
from muniment.sandbox.world import World

__all__ = ["FAULTS"]

_UNKNOWN: Final = b'"ip_address":"203.0.113.7","details":{"reason":null,"attempts":[1,2.50,3e2]}'

_HUGE: Final = 100_000
_ODDITIES: Final[tuple[dict[str, Any], ...]] = (
    {"action": "TELEPORT"},
    {"resource_type": "HOLOGRAM"},
    {"status": "warning"},
    {"user": None},
    {"account": None},
    {"user": {"id": None, "name": None}},
    {"resource_id": None, "resource_name": None, "description": None},
    {"description": ""},
    {"description": "long " * (_HUGE // 5)},
    {"resource_name": "Zoë 証明書 \u0627\u0644\u062d\u0633\u0627\u0628 \U0001f510 e\u0301"},
    {"description": 'NUL \x00, escape \x1b[31m, line\u2028separator, tab\t, quote " and \\'},
    {"attempts": 9007199254740993, "ratio": 1e-7},
    {"timestamp": 1_767_225_600_000},
    {"timestamp": "2026-01-01T00:00:00.123456789+05:30"},
    {"timestamp": "1969-12-31T23:59:59Z"},
    {"timestamp": "9999-12-31T23:59:59Z"},
    {"timestamp": "yesterday"},
    {"timestamp": None},
)
"""What is odd about each odd entry, beside an entry of the world."""


class _WithUnknownMembers(Passing):
    """Entries with members that no page of the vendor names."""

    def audit_log(self, query: Query) -> Found:
        """Put the members at the end of each entry; everything before stays byte for byte."""
        found = super().audit_log(query)
        return Matches(found.total, [item[:-1] + b"," + _UNKNOWN + b"}" for item in found.items])


def _put_first(body: bytes) -> bytes:
    return b"{" + _UNKNOWN + b"," + body[1:]


def _unknown_fields(_ground: Ground, _value: int) -> Layers:
    return Layers(backend=_WithUnknownMembers, body=_put_first)


def odd_entries(world: World) -> list[bytes]:
    """One entry for each oddity, otherwise like the world's first one; none for an empty world."""
    first: list[dict[str, Any]] = [msgspec.json.decode(item) for item in world.audit_log(Query(limit=1)).items]
    return [
        msgspec.json.encode(like | {"id": f"00000000-0000-4000-8000-{n:012x}"} | odd)
        for like in first
        for n, odd in enumerate(_ODDITIES)
    ]


def _odd_items(ground: Ground, _value: int) -> Layers:
    ground.world.store.add(odd_entries(ground.world))
    return Layers()


FAULTS: Final = (
    Fault(
        "unknown-fields", "adds members that are not documented to entries, pages, users and accounts", _unknown_fields
    ),
    Fault(
        "odd-items",
        f"logs {len(_ODDITIES)} entries with unknown values, nulls, long and non-ASCII text, NUL, odd timestamps",
        _odd_items,
    ),
)
