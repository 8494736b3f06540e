"""Which faults are tried out, with which values, alone and in pairs; and what is known not to hold yet."""

import itertools
from typing import Final

from muniment.sandbox.dice import Dice
from muniment.sandbox.faults import moving, ordering, pacing, paging, refusing, replicas, totals, transfer
from muniment.sandbox.faults.catalogue import FAULTS

__all__ = ["ALONE", "KNOWN", "SMALL_PAGES", "VARIES", "drawn_pairs", "every_pair", "known_of", "name_of"]

Faults = tuple[str, ...]

SMALL_PAGES: Final = "cap=40"
"""What makes a day come in several pages, where some faults have their effect."""

_VALUES: Final = {
    "rate-limit": "=40",
    "rate-limit-date": "=40",
    "latency": "=20",
    "deep-offset": "=100",
    "deep-offset-empty": "=100",
}
_ON_SEVERAL_PAGES: Final = {
    *(fault.name for room in (replicas, ordering, paging, totals, moving) for fault in room.FAULTS),
    *("items-type", "twins", "unlike-twins", "odd-items", "huge", "gzip-bomb", "cut", "http-504"),
} - {"cap", "cap-silent"}


def _wish(name: str) -> str:
    return name + _VALUES.get(name, "")


ALONE: Final[list[Faults]] = [
    wishes
    for name in FAULTS
    for wishes in [(_wish(name),), *([(_wish(name), SMALL_PAGES)] if name in _ON_SEVERAL_PAGES else [])]
]
"""Every fault by itself, and once more on small pages where it may make a difference; a row of the page each."""

VARIES: Final = {"replicas", "total-flickers", "no-order", "ties", *(fault.name for fault in moving.FAULTS)}
"""Faults whose effect depends on which of the requests under way comes first."""

_NEVER_ENDING: Final = {"total-flickers", *(name for name in FAULTS if name.startswith("offset-"))}
_EACH_A_WAIT: Final = {fault.name for room in (pacing, refusing, transfer) for fault in room.FAULTS}
_IN_PAIRS: Final = {"deep-offset": "=30", "deep-offset-empty": "=30", "total-capped": "=100", "rate-limit-vendor": ""}
_CAP_IN_PAIRS: Final = "cap=15"
_DRAWN: Final = 120


def every_pair() -> list[Faults]:
    """All of them, each second one by chance on small pages."""
    return [_pair(one, other) for one, other in itertools.combinations(FAULTS, 2)]


def drawn_pairs() -> list[Faults]:
    """Some of them, by a fixed seed; none in which a window that comes to no end waits at many of its requests."""
    drawn = Dice(6, "pairs of faults").shuffled(every_pair())
    return [pair for pair in drawn if not _takes_minutes(pair)][:_DRAWN]


def _takes_minutes(pair: Faults) -> bool:
    names = {wish.partition("=")[0] for wish in pair}
    return bool(names & _NEVER_ENDING and names & _EACH_A_WAIT)


def _pair(one: str, other: str) -> Faults:
    small = Dice(6, "small pages", one, other).percent(50) and not {"cap", "cap-silent"} & {one, other}
    pair = tuple(name + (_VALUES | _IN_PAIRS).get(name, "") for name in (one, other))
    return (*pair, _CAP_IN_PAIRS) if small else pair


def name_of(faults: Faults) -> str:
    """As a test and a row are called."""
    return " ".join(faults)


_GONE_IN_ONE_RUN: Final = "an entry that one run archived, and that was gone when its day was read, is no finding yet"
_TAKEN_BACK: Final = "what_the_source_took_back_is_a_finding"

KNOWN: Final[dict[str, dict[str, str]]] = {
    name: {_TAKEN_BACK: _GONE_IN_ONE_RUN} for name in ("retention", "vanish", "vanish-later", "swap")
}
"""Fault to the sentences that do not hold under it yet, and why."""


def known_of(faults: Faults) -> dict[str, str]:
    """The sentences that are known not to hold under these faults, with the reason."""
    return {sentence: why for fault in faults for sentence, why in KNOWN.get(fault.partition("=")[0], {}).items()}
