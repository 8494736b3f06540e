"""Faults of content: what the tutorial does not show, and a collector has to keep all the same."""

import itertools
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from muniment.model import Query
from muniment.sandbox.exchange import current
from muniment.sandbox.facts import read_facts
from muniment.sandbox.faults.fault import Fault, Ground, Layers, Members, count
from muniment.sandbox.faults.oddities import ODDITIES, ODDS, Odd
from muniment.sandbox.faults.striking import Rate, Strikes, rate
from muniment.sandbox.world import World

__all__ = ["FAULTS", "examples", "is_sound", "log_beside", "odd_entries"]

Json = dict[str, Any]
Spoil = Callable[[Json, int], bytes]

_UNKNOWN: Final = b'"ip_address":"203.0.113.7","details":{"reason":null,"attempts":[1,2.50,3e2]}'
_BOM: Final = b"\xef\xbb\xbf"
_MOST: Final = 1000
_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_NAMED: Final = rf'\{{"id":{_TEXT},"name":{_TEXT}\}}'
_SOUND: Final = re.compile(
    rf'\{{"id":{_TEXT},"account":{_NAMED},"resource_type":{_TEXT},"resource_id":{_TEXT},"resource_name":{_TEXT},'
    rf'"action":{_TEXT},"user":(?:{_NAMED}|null),"timestamp":"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:]{{8}}Z",'
    rf'"description":{_TEXT},"status":{_TEXT}\}}'.encode()
)
_NEARBY: Final = 16
_SUFFIXES: Final = ("", " ", "\u200b", "\u00e9", "e\u0301", "X", "x")
_NO_LISTS: Final = (b'{"0":{}}', b"null", b'"[]"', b"7", b"true", None)


def odd_entries(world: World) -> list[bytes]:
    """One entry for each oddity, otherwise like the world's first one; none for an empty world."""
    first: list[Json] = [msgspec.json.decode(item) for item in world.audit_log(Query(limit=1)).items]
    return [
        msgspec.json.encode(like | {"id": f"00000000-0000-4000-8000-{n:012x}"} | odd)
        for like in first
        for n, odd in enumerate(ODDITIES)
    ]


def examples(world: World, number: int) -> list[bytes]:
    """So many entries of the log that are in order, evenly spread; some twice where it has fewer."""
    total = world.audit_log(Query(limit=0)).total
    offsets = ((2 * n + 1) * total // (2 * number) for n in range(number if total else 0))
    nearby = (world.audit_log(Query(offset=max(0, offset - _NEARBY // 2), limit=_NEARBY)).items for offset in offsets)
    sound = ([item for item in items if is_sound(item)] for items in nearby)
    return [items[len(items) // 2] for items in sound if items]


def is_sound(item: bytes) -> bool:
    """Whether an entry has the form that the tutorial shows, its members in order and without spaces between."""
    return _SOUND.fullmatch(item) is not None


def log_beside(ground: Ground, name: str, number: int, spoil: Spoil) -> None:
    """Log so many entries beside others of the log, like them to its filters and sorts, whatever their bytes say.

    Args:
        ground: The world, and the chance that new ids come from.
        name: Of the fault.
        number: How many; none in an empty log.
        spoil: Makes the bytes, from an entry that would be in order and how many there were before it.
    """
    dice = ground.dice(name)
    added = []
    for n, item in enumerate(examples(ground.world, number)):
        like: Json = msgspec.json.decode(item) | {"id": dice.uuid()}
        added.append((spoil(like, n), read_facts(msgspec.json.encode(like))))
    ground.world.store.add_as(added)


def _put_last(item: bytes) -> bytes:
    return item[:-1] + b"," + _UNKNOWN + b"}" if item.startswith(b"{") and item.endswith(b"}") else item


def _put_first(body: bytes) -> bytes:
    return b"{" + _UNKNOWN + b"," + body[1:]


def _unknown_fields(_ground: Ground, _value: None) -> Layers:
    return Layers(item=_put_last, body=_put_first)


def _odd_items(ground: Ground, _value: None) -> Layers:
    ground.world.store.add(odd_entries(ground.world))
    return Layers()


def _logging(name: str, spoil: Spoil) -> Callable[[Ground, int], Layers]:
    def lay(ground: Ground, number: int) -> Layers:
        log_beside(ground, name, number, spoil)
        return Layers()

    return lay


def _logged(odd: Odd) -> Fault:
    does = f"logs N entries ({odd.usual} unless told) {odd.does}"
    return Fault(odd.name, does, _logging(odd.name, odd.spoil), count(default=odd.usual, most=_MOST))


def _similar_ids(ground: Ground, _value: None) -> Layers:
    """Ids that a careless comparison takes for one: by case, by space, by Unicode normal form."""
    base = ground.dice("similar-ids").uuid()
    ids = [base + suffix for suffix in _SUFFIXES]
    like: list[Json] = [msgspec.json.decode(item) for item in examples(ground.world, 1)]
    ground.world.store.add(msgspec.json.encode(entry | {"id": one}) for entry in like for one in ids)
    return Layers()


def _twins(ground: Ground, number: int) -> Layers:
    items = examples(ground.world, number)
    ground.world.store.add_as((item, read_facts(item)) for item in items)
    return Layers()


def _unlike_twins(ground: Ground, number: int) -> Layers:
    items: list[Json] = [msgspec.json.decode(item) for item in examples(ground.world, number)]
    ground.world.store.add(msgspec.json.encode(one | {"description": "another entry of this id"}) for one in items)
    return Layers()


def _bom(_ground: Ground, _value: None) -> Layers:
    return Layers(body=lambda body: _BOM + body)


def _items_of_no_list(ground: Ground, wanted: Rate) -> Layers:
    strikes = Strikes(wanted, "items-type", ground)
    hits = itertools.count()

    def change(members: Members) -> Members:
        if not strikes.fall(current().target):
            return members
        current().whole = False
        value = _NO_LISTS[next(hits) % len(_NO_LISTS)]
        others = {name: value for name, value in members.items() if name != "items"}
        return others if value is None else others | {"items": value}

    return Layers(page=change)


_TIME: Final = re.compile(rb'("timestamp":")([^"]*)(")')


def _offset_times(item: bytes) -> bytes:
    """The same moments, written with another offset from UTC and a fraction."""
    return _TIME.sub(_written_otherwise, item, count=1)


def _written_otherwise(found: re.Match[bytes]) -> bytes:
    return found[1] + found[2].removesuffix(b"Z") + b".000+00:00" + found[3]


def _other_times(_ground: Ground, _value: None) -> Layers:
    return Layers(item=_offset_times)


FAULTS: Final = (
    *map(_logged, ODDS),
    Fault(
        "odd-items",
        f"logs {len(ODDITIES)} entries with unknown values, nulls, long and non-ASCII text, NUL, odd timestamps",
        _odd_items,
    ),
    Fault(
        "similar-ids",
        f"logs {len(_SUFFIXES)} entries whose ids differ by case, by a space or by Unicode normal form",
        _similar_ids,
    ),
    Fault("twins", "has N entries (3 unless told) twice, byte for byte", _twins, count(default=3, most=_MOST)),
    Fault(
        "unlike-twins",
        "has N ids (3 unless told) twice, with other content each time",
        _unlike_twins,
        count(default=3, most=_MOST),
    ),
    Fault("other-times", "writes each timestamp with a fraction and +00:00 instead of Z", _other_times),
    Fault(
        "unknown-fields", "adds members that are not documented to entries, pages, users and accounts", _unknown_fields
    ),
    Fault("bom", "begins each answer with a byte order mark", _bom),
    Fault(
        "items-type",
        "has on every Nth page (4th unless told) no list as items: object, null, string, number, none",
        _items_of_no_list,
        rate(4),
    ),
)
