"""What a fault is: a name, a value, a sentence, and the layers that it lays around a sandbox."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.types import ASGIApp

from muniment.api.backend import Backend
from muniment.errors import BadInput
from muniment.sandbox.world import World

__all__ = ["Fault", "Ground", "Layers", "unchanged"]


T = TypeVar("T")


def unchanged(thing: T) -> T:
    """The layer that is none."""
    return thing


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fault may stand on: the world that it may change, and the clock that the sandbox goes by."""

    world: World
    clock: Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Layers:
    """Where a fault takes hold, from the inside out; what it leaves alone stays as it is.

    Args:
        backend: Around what is asked and found.
        body: Around the body of each answer 200 of the three calls.
        app: Around the whole exchange over HTTP, refusals included.
    """

    backend: Callable[[Backend], Backend] = unchanged
    body: Callable[[bytes], bytes] = unchanged
    app: Callable[[ASGIApp], ASGIApp] = unchanged


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Args:
        name: As ``--fault`` takes it.
        does: What it does, as a phrase that follows the name.
        lay: Makes the layers, from the ground and the value (0 where it takes none).
        value: What the value is called; empty where it takes none.
        default: The value where none is given; None where one must be.
    """

    name: str
    does: str
    lay: Callable[[Ground, int], Layers]
    value: str = ""
    default: int | None = None

    @property
    def usage(self) -> str:
        """How it is written: ``late``, ``late=N`` or ``late[=N]``."""
        if not self.value:
            return self.name
        return f"{self.name}={self.value}" if self.default is None else f"{self.name}[={self.value}]"

    def read_value(self, text: str | None) -> int:
        """The value as it was given, or its default.

        Raises:
            BadInput: One is missing, too much, or not a whole number from 1.
        """
        if text is None and (self.default is not None or not self.value):
            return self.default or 0
        if not self.value:
            raise BadInput(f"the fault {self.name} takes no value, but was given {text!r}")
        if text is None or not (text.isascii() and text.isdecimal()) or int(text) < 1:
            raise BadInput(f"the fault {self.usage} takes a whole number from 1, not {text or ''!r}")
        return int(text)
