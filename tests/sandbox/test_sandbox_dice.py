"""Chance is the same everywhere: known answers of SplitMix64, and the columns agree with the single numbers."""

import uuid

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from muniment.sandbox.dice import Dice, scatter


def test_numbers_are_those_that_splitmix64_gives_for_the_seed_1234567() -> None:
    dice = Dice()
    dice._state = 1234567
    assert [dice.number() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_scattered_numbers_are_the_stream_that_begins_at_the_next_number() -> None:
    dice = Dice("label")
    twin = Dice()
    twin._state = Dice("label").number()
    assert scatter(dice, 4).tolist() == [twin.number() for _ in range(4)]


def test_another_label_is_another_stream_and_the_same_label_the_same() -> None:
    assert Dice(7, "a").number() == Dice(7, "a").number()
    assert len({Dice(7, "a").number(), Dice(7, "b").number(), Dice(8, "a").number()}) == 3


@given(st.integers(), st.integers(1, 50))
def test_numbers_lie_below_their_end_and_reach_all_of_it(seed: int, end: int) -> None:
    dice = Dice(seed)
    assert {dice.below(end) for _ in range(end * 40)} == set(range(end))


@given(st.integers(), st.lists(st.integers()))
def test_shuffled_things_are_the_same_things(seed: int, things: list[int]) -> None:
    assert sorted(Dice(seed).shuffled(things)) == sorted(things)


@given(st.integers())
def test_ids_are_uuids_of_version_4(seed: int) -> None:
    found = uuid.UUID(Dice(seed).uuid())
    assert (found.version, found.variant) == (4, uuid.RFC_4122)


def test_scattering_raises_no_warning_and_gives_unsigned_numbers() -> None:
    assert scatter(Dice(1), 1000).dtype == np.uint64
