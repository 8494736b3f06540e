"""Every fault there is, and how one is asked for."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final

from muniment.errors import BadInput
from muniment.sandbox.faults import (
    clock,
    content,
    key,
    lookups,
    moving,
    ordering,
    pacing,
    paging,
    refusing,
    replicas,
    totals,
    transfer,
)
from muniment.sandbox.faults.fault import Fault, Ground, Layers

__all__ = ["FAULTS", "ROOMS", "lay_faults", "list_faults", "read_faults"]

ROOMS: Final = (
    content,
    replicas,
    ordering,
    paging,
    totals,
    moving,
    lookups,
    pacing,
    key,
    transfer,
    refusing,
    clock,
)
"""Where faults are kept, from the inside out: an earlier one does not see what a later one does."""

FAULTS: Final[dict[str, Fault]] = {fault.name: fault for room in ROOMS for fault in room.FAULTS}
"""Every fault by name, in that order."""

_PLACES: Final = {name: place for place, name in enumerate(FAULTS)}


def list_faults() -> str:
    """A line for each fault: how it is written, and what it does."""
    width = max(len(fault.usage) for fault in FAULTS.values())
    return "\n".join(f"{fault.usage:{width}}  {fault.does}" for fault in FAULTS.values())


def read_faults(wishes: Sequence[str]) -> list[tuple[Fault, Any]]:
    """The faults wished for, each as ``NAME`` or ``NAME=V``, with their values.

    Raises:
        BadInput: There is no such fault, or its value is not one that it takes.
    """
    return [_read(wish) for wish in wishes]


def lay_faults(ground: Ground, wishes: Sequence[str]) -> list[Layers]:
    """The layers of the faults wished for, the innermost first, in whatever order they were named.

    Raises:
        BadInput: See `read_faults`; the world is then as it was.
    """
    wanted = sorted(read_faults(wishes), key=lambda one: _PLACES[one[0].name])
    return [fault.lay(ground, value) for fault, value in wanted]


def _read(wish: str) -> tuple[Fault, Any]:
    name, equals, text = wish.partition("=")
    fault = FAULTS.get(name)
    if fault is None:
        near = get_close_matches(name, FAULTS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise BadInput(f"there is no fault {name!r}", hint=f"{hint}`--fault list` lists them.")
    return fault, fault.read_value(text if equals else None)
