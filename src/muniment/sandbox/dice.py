"""Chance that falls the same on every machine and Python: SplitMix64 over integers, without floats, hashes or sets.

Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from muniment.sandbox.rows import uuid_text

__all__ = ["Dice", "scatter"]

T = TypeVar("T")
_MASK: Final = 2**64 - 1
_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Dice:
    """A stream of chance, told apart from others by its label.

    Args:
        label: What is decided; a stream of its own for each thing keeps one from shifting another.
    """

    def __init__(self, *label: int | str) -> None:
        text = "/".join(str(part) for part in label)
        self._state = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def number(self) -> int:
        """Any 64-bit number."""
        self._state = value = (self._state + _STEP) & _MASK
        for shift, factor in _MIX:
            value = ((value ^ (value >> shift)) * factor) & _MASK
        return value ^ (value >> 31)

    def below(self, end: int) -> int:
        """A number from 0 up to, not including, `end`."""
        return (self.number() * end) >> 64

    def between(self, first: int, last: int) -> int:
        """A number from `first` to `last`, both inclusive."""
        return first + self.below(last - first + 1)

    def percent(self, chance: int) -> bool:
        """True in this many of a hundred cases."""
        return self.below(100) < chance

    def pick(self, choices: Sequence[T]) -> T:
        """One of these."""
        return choices[self.below(len(choices))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The same things in another order."""
        rest = list(things)
        return [rest.pop(self.below(len(rest))) for _ in things]

    def uuid_halves(self) -> tuple[int, int]:
        """The halves of a UUID of version 4 (RFC 9562, section 5.4)."""
        return self.number() & ~0xF000 | 0x4000, self.number() & (2**62 - 1) | 2**63

    def uuid(self) -> str:
        """A UUID of version 4 as text."""
        return uuid_text(*self.uuid_halves())


def scatter(dice: Dice, size: int) -> NDArray[np.uint64]:
    """This many 64-bit numbers at once, from a stream begun by the next number of the dice."""
    value = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(dice.number())
    for shift, factor in _MIX:
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(factor)
    return value ^ (value >> np.uint64(31))
