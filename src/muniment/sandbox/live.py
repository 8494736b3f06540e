"""What goes on happening after the log's end, for as long as somebody watches."""

import datetime as dt
from typing import Final

from muniment.sandbox.dice import Dice
from muniment.sandbox.entries import sign_in
from muniment.sandbox.programme import PROGRAMME
from muniment.sandbox.scenes.credentials import service_calls
from muniment.sandbox.scenes.people import visits
from muniment.sandbox.shapes import Shape
from muniment.sandbox.stage import Stage
from muniment.sandbox.store import Line

__all__ = ["Live"]

_STORIES: Final = 8  # of a hundred entries begin one besides
_VISITS: Final = 60  # of a hundred entries, when people are at work


class Live:
    """The next thing that happens, whenever it is asked for.

    Args:
        stage: With what was under way at the log's end.
        dice: Decides what comes next, and ids.
    """

    def __init__(self, stage: Stage, dice: Dice) -> None:
        self._stage = stage
        self._dice = dice
        self._common = [item.scene for item in PROGRAMME for _ in range(item.weight)]

    def next_line(self, now: dt.datetime) -> Line:
        """What was due, else a sign-in; logged as of now."""
        at = int(now.timestamp())
        if self._dice.percent(_STORIES):
            self._stage.begin(self._dice.pick(self._common), at)
        return self._line(at, self._next_shape(at))

    def late_line(self, at: dt.datetime) -> Line:
        """A service signed in at this time, which is logged only now."""
        service = self._dice.pick(list(self._stage.organisation.services()))
        return self._line(int(at.timestamp()), sign_in(service))

    def _next_shape(self, at: int) -> Shape:
        act = self._stage.due(at + 1)
        if act is None and self._dice.percent(_VISITS):
            self._stage.begin(visits, at)
            act = self._stage.due(at + 1)
        while act is None:
            self._stage.begin(service_calls, at)
            act = self._stage.due(at + 1)
        return act[1]

    def _line(self, at: int, shape: Shape) -> Line:
        return Line(at, *self._dice.uuid_halves(), shape)
