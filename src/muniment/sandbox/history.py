"""Tells what happened: scenes by the programme, and everyday sign-ins around them."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from muniment.model import ACTIONS, RESOURCE_TYPES
from muniment.sandbox.dice import Dice, scatter
from muniment.sandbox.programme import BRINGS, ONCE_EACH, choose
from muniment.sandbox.routine import Times, routine
from muniment.sandbox.rows import Rows
from muniment.sandbox.shapes import Shape, Shapes
from muniment.sandbox.stage import Act, Stage

__all__ = ["WHOLE_FROM", "tell"]

WHOLE_FROM: Final = 1_200
"""A log of so many entries has every action and resource type."""

_STORIES: Final = 45  # of a hundred entries, at most
_MONTHLY_ACTS: Final = 12  # of one person, at most
_ENCORE_S: Final = 3600  # before the end
_ATTEMPTS: Final = 3  # a scene under way may be over, because its account closed
_SECOND_US: Final = 1_000_000


def tell(stage: Stage, shapes: Shapes, seed: int, size: int) -> Rows:
    """A log of exactly this many entries, of times within the stage's."""
    people = sum(1 for _ in stage.organisation.staff())
    days = (stage.end_s - stage.start_s) // 86_400
    room = min(size * _STORIES // 100, ONCE_EACH + people * days * _MONTHLY_ACTS // 30)
    acts = list(_play(stage, Dice(seed, "programme"), room))
    if size >= WHOLE_FROM:
        acts.extend(_encore(stage, [shape for _, shape in acts]))
    window = stage.start_s, stage.end_s
    stories = Times(
        np.array([at for at, _ in acts], np.int64), np.array([shapes.code_of(shape) for _, shape in acts], np.int64)
    )
    everyday = routine(stage.organisation, shapes, Dice(seed, "routine"), window, size - len(acts))
    return _rows(stories, everyday, Dice(seed, "ids"))


def _play(stage: Stage, dice: Dice, room: int) -> Iterator[Act]:
    """All acts within the log, in the order of time."""
    for opening in choose(dice, room, stage.start_s, stage.end_s):
        while act := stage.due(opening.at):
            yield act
        stage.begin(opening.scene, opening.at)
    while act := stage.due(stage.end_s):
        yield act


def _encore(stage: Stage, played: list[Shape]) -> Iterator[Act]:
    """What the log lacks of actions and types happens in its last hour, whoever may be at work then."""
    lacking = {*ACTIONS, *RESOURCE_TYPES} - {word for shape in played for word in (shape.action, shape.resource_type)}
    at = stage.end_s - _ENCORE_S
    for word in (*ACTIONS, *RESOURCE_TYPES) * _ATTEMPTS:
        if word in lacking:
            for shape in stage.hurry(BRINGS[word], at):
                at = min(at + 10, stage.end_s - 1)
                lacking -= {shape.action, shape.resource_type}
                yield at, shape


def _rows(stories: Times, everyday: Times, ids: Dice) -> Rows:
    """Both together by time, with ids that are UUIDs of version 4."""
    at, shape = (np.concatenate(columns) for columns in zip(stories, everyday, strict=True))
    high = scatter(ids, len(at)) & np.uint64(0xFFFF_FFFF_FFFF_0FFF) | np.uint64(0x4000)
    low = scatter(ids, len(at)) & np.uint64(0x3FFF_FFFF_FFFF_FFFF) | np.uint64(0x8000_0000_0000_0000)
    return Rows(at * _SECOND_US, shape.astype(np.int32), high, low).ordered()
