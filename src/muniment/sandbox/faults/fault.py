"""What a fault is: a name, a value, a sentence, and the layers that it lays around a sandbox."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.types import ASGIApp

from muniment.errors import BadInput
from muniment.sandbox.backend import Search, Source
from muniment.sandbox.dice import Dice
from muniment.sandbox.faults.progress import Progress
from muniment.sandbox.world import World

__all__ = ["Fault", "Ground", "Layers", "Members", "Value", "count", "minutes", "unchanged"]

T = TypeVar("T")
Members = dict[str, bytes]


def unchanged(thing: T) -> T:
    """The layer that is none."""
    return thing


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fault may stand on.

    Args:
        world: May be changed, when the fault is laid and while it is served.
        clock: What the sandbox goes by.
        progress: How much of the log has been served.
    """

    world: World
    clock: Callable[[], dt.datetime]
    progress: Progress

    def dice(self, *label: int | str) -> Dice:
        """Chance that is the same for the same seed and label."""
        return Dice(self.world.seed, "fault", *label)


@dataclass(frozen=True, slots=True)
class Layers:
    """Where a fault takes hold, from the inside out; what it leaves alone stays as it is.

    Args:
        item: The bytes of an entry on its way out; the same for the same bytes, so that the truth can be told.
        search: Around the log: which rows there are, and in which order.
        backend: Around what is asked and found: keys, offsets, limits, totals, users and accounts.
        page: The members of a page, each as its JSON, in order.
        body: The body of each answer 200 of the three calls.
        app: Around the whole exchange over HTTP, refusals included, and the connection below it.
    """

    item: Callable[[bytes], bytes] = unchanged
    search: Callable[[Search], Search] = unchanged
    backend: Callable[[Source], Source] = unchanged
    page: Callable[[Members], Members] = unchanged
    body: Callable[[bytes], bytes] = unchanged
    app: Callable[[ASGIApp], ASGIApp] = unchanged


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """What stands behind a fault's ``=``.

    Args:
        label: What it is called, such as ``N``.
        wants: What it must be, in words.
        parse: Reads it; None where it is no such thing.
        default: What it is where none is given; None where one must be.
    """

    label: str
    wants: str
    parse: Callable[[str], T | None]
    default: T | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Args:
        name: As ``--fault`` takes it.
        does: What it does, as a phrase that follows the name.
        lay: Makes the layers, from the ground and the value (None where it takes none).
        value: What it takes, if it takes any.
    """

    name: str
    does: str
    lay: Callable[[Ground, Any], Layers]
    value: Value[Any] | None = None

    @property
    def usage(self) -> str:
        """How it is written: ``late``, ``late=N`` or ``late[=N]``."""
        if self.value is None:
            return self.name
        label = self.value.label
        return f"{self.name}={label}" if self.value.default is None else f"{self.name}[={label}]"

    def read_value(self, text: str | None) -> Any:
        """The value as it was given, or its default.

        Raises:
            BadInput: One is missing, too much, or not what it must be.
        """
        if self.value is None:
            if text is not None:
                raise BadInput(f"the fault {self.name} takes no value, but was given {text!r}")
            return None
        if text is None and self.value.default is not None:
            return self.value.default
        value = self.value.parse(text or "")
        if value is None:
            raise BadInput(f"the fault {self.usage} takes {self.value.wants}, not {text or ''!r}")
        return value


def count(label: str = "N", default: int | None = None, most: int = 10**9) -> Value[int]:
    """A whole number from 1."""

    def parse(text: str) -> int | None:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
        return number if 1 <= number <= most else None

    wants = "a whole number from 1" if most == 10**9 else f"a whole number from 1 to {most}"
    return Value(label, wants, parse, default)


def minutes(most: int, default: int) -> Value[int]:
    """A whole number of minutes, ahead or, with a minus, behind; not 0."""

    def parse(text: str) -> int | None:
        digits = text.removeprefix("-")
        number = int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0
        return number if 0 < abs(number) <= most else None

    return Value("MIN", f"minutes from -{most} to {most}, not 0", parse, default)
