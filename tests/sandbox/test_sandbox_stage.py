"""Scenes under way at the same time do not trip over each other."""

import datetime as dt

import pytest

from muniment.sandbox.dice import Dice
from muniment.sandbox.entries import entry
from muniment.sandbox.founding import found
from muniment.sandbox.organisation import Person, unix_time
from muniment.sandbox.registry import Registry
from muniment.sandbox.stage import Acts, Play, Stage

START = dt.date(2026, 3, 2)
END = dt.date(2026, 4, 1)
NOON = unix_time(START) + 43_200


def new_stage() -> Stage:
    registry = Registry(Dice(7, "registry"))
    organisation = found(Dice(7, "founding"), registry, START, 24, 6)
    return Stage(organisation, registry, Dice(7, "scenes"), unix_time(START), unix_time(END))


def somebody(stage: Stage) -> Person:
    return next(person for person in stage.organisation.staff() if not person.is_admin)


def acts_of(stage: Stage) -> list[tuple[int, str]]:
    acts = []
    while act := stage.due(unix_time(END)):
        acts.append((act[0] - NOON, act[1].description))
    return acts


def test_acts_of_several_scenes_come_in_the_order_of_time() -> None:
    stage = new_stage()
    person = somebody(stage)

    def speaks(name: str, *times: int) -> None:
        def scene(_: Play, at: int) -> Acts:
            for time in times:
                yield at + time, entry(person, "UPDATE", person, name)

        stage.begin(scene, NOON)

    speaks("a", 1, 5, 9)
    speaks("b", 2, 5, 6)
    assert acts_of(stage) == [(1, "a"), (2, "b"), (5, "a"), (5, "b"), (6, "b"), (9, "a")]


def test_what_a_scene_changes_after_an_act_holds_only_once_that_act_is_due() -> None:
    stage = new_stage()
    person = somebody(stage)

    def leaves(play: Play, at: int) -> Acts:
        play.bind(person)
        yield at, entry(person, "DELETE", person, "gone")
        play.organisation.drop(person)

    stage.begin(leaves, NOON)
    assert stage.due(NOON) is None
    assert person.id in stage.organisation.people
    assert stage.due(NOON + 1) is not None
    assert person.id not in stage.organisation.people


@pytest.mark.parametrize("what", ["is deleted", "is locked", "gets another name", "closes the account"])
def test_a_scene_ends_where_who_acts_next_cannot_any_more(what: str) -> None:
    stage = new_stage()
    person = somebody(stage)

    def acts_twice(_: Play, at: int) -> Acts:
        yield at, entry(person, "UPDATE", person, "first")
        yield at + 10, entry(person, "UPDATE", person, "second")

    stage.begin(acts_twice, NOON)
    assert stage.due(NOON + 1) is not None
    if what == "is deleted":
        stage.organisation.drop(person)
    elif what == "is locked":
        person.shut_out(NOON)
    elif what == "gets another name":
        person.rename(NOON, "other.name", "Name")
    else:
        person.account.active = False
    assert acts_of(stage) == []


def test_who_is_in_one_scene_is_not_cast_in_another_until_it_ends() -> None:
    stage = new_stage()
    person = somebody(stage)
    cast = []

    def needs_them(play: Play, at: int) -> Acts:
        cast.append(play.cast([person]))
        if cast[-1]:
            yield at + 10, entry(person, "UPDATE", person, "played")

    stage.begin(needs_them, NOON)
    stage.begin(needs_them, NOON)
    assert cast == [person, None]
    assert acts_of(stage) == [(10, "played")]
    stage.begin(needs_them, NOON)
    assert cast[-1] is person


def test_a_hurried_scene_is_played_to_its_end_and_others_wait() -> None:
    stage = new_stage()
    person = somebody(stage)

    def slow(_: Play, at: int) -> Acts:
        for day in range(3):
            yield at + day * 86_400 * 30, entry(person, "UPDATE", person, f"day {day}")

    def other(_: Play, at: int) -> Acts:
        yield at + 5, entry(person, "UPDATE", person, "other")

    stage.begin(slow, NOON)
    stage.begin(other, NOON)
    assert stage.due(NOON + 1) is not None
    assert [shape.description for shape in stage.hurry(slow, NOON)] == ["day 1", "day 2"]
    assert [shape.description for shape in stage.hurry(slow, NOON)] == ["day 0", "day 1", "day 2"]
    assert acts_of(stage) == [(5, "other")]
