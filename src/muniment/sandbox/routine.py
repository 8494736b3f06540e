"""What makes up most of a log: people sign in to work and out again, services sign in around the clock.

By columns, since there can be millions; whole numbers only, so that every machine counts the same.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muniment.sandbox.dice import Dice, scatter
from muniment.sandbox.entries import second_step, sign_in, sign_in_error, sign_out
from muniment.sandbox.organisation import DAY_S, MFA_OF, Organisation, Person
from muniment.sandbox.shapes import Shapes
from muniment.sandbox.stage import has_workday

__all__ = ["Times", "routine"]

Ints = NDArray[np.int64]
_OPEN_S: Final = 8 * 3600 + 1200
_WORK_S: Final = 9 * 3600
_PRESENT: Final = 60  # of a hundred days
_LEAST_SIGN_INS, _MOST_SIGN_INS = 3, 16  # a day, at most; more the denser the log
_ERRORS: Final = 6  # of a hundred sign-ins of people
_SIGN_OUTS: Final = 70  # of a hundred; the other sessions run out
_SERVICE_ERRORS: Final = 1  # of a hundred
_SERVICES_SIGN_OUT: Final = 50  # of a hundred
_PEOPLE_SHARE: Final = (2, 3)  # of what there is to fill, if they are enough for it


class Times(NamedTuple):
    """Entries as two columns: seconds since 1970, and codes of shapes."""

    at: Ints
    shape: Ints


_NONE: Final = Times(np.empty(0, np.int64), np.empty(0, np.int64))


class _Sessions(NamedTuple):
    """Sign-ins of people: who (a place in the list), from when until when."""

    who: Ints
    begin: Ints
    end: Ints

    def where(self, which: NDArray[np.bool_] | Ints) -> "_Sessions":
        return _Sessions(*(column[which] for column in self))


def routine(organisation: Organisation, shapes: Shapes, dice: Dice, window: tuple[int, int], size: int) -> Times:
    """Exactly this many entries within a span of seconds, of people and services when they are there."""
    everybody = [*organisation.people.values(), *organisation.left]
    people = [person for person in everybody if not person.service]
    ours = _people(people, shapes, dice, window, size * _PEOPLE_SHARE[0] // _PEOPLE_SHARE[1])
    services = [person for person in everybody if person.service]
    theirs = _services(services, shapes, dice, window, size - len(ours.at))
    return Times(*(np.concatenate(columns) for columns in zip(ours, theirs, strict=True)))


def _people(people: Sequence[Person], shapes: Shapes, dice: Dice, window: tuple[int, int], size: int) -> Times:
    """Whole sessions, picked by chance until this many entries are reached."""
    days = _workdays(window)
    daily = min(_MOST_SIGN_INS, max(_LEAST_SIGN_INS, size // max(1, len(people) * len(days))))
    sessions = _without_absences(_sessions(people, days, daily, dice, window), people)
    sessions = sessions.where(np.argsort(scatter(dice, len(sessions.who)), kind="stable"))
    chance = scatter(dice, len(sessions.who))
    secured_s = np.array([person.mfa_since_s for person in people], np.int64)
    failed, second, left = (
        _percent(chance, 0, _ERRORS),
        secured_s[sessions.who] <= sessions.begin,
        _percent(chance, 8, _SIGN_OUTS),
    )
    lengths = 1 + failed.astype(np.int64) + second + left
    kept = int(np.searchsorted(np.cumsum(lengths), size, side="right"))
    codes = _codes_of_people(people, sessions, shapes)
    parts = (
        (failed, sessions.begin - 5 - _spread(chance, 16, 50), codes[0]),
        (np.ones_like(failed), sessions.begin, codes[1]),
        (second, sessions.begin + _spread(chance, 24, 8), codes[2]),
        (left, sessions.end, codes[3]),
    )
    return Times(
        np.concatenate([at[:kept][there[:kept]] for there, at, _ in parts]),
        np.concatenate([code[:kept][there[:kept]] for there, _, code in parts]),
    )


def _sessions(people: Sequence[Person], days: Ints, most: int, dice: Dice, window: tuple[int, int]) -> _Sessions:
    """Some sign-ins on each of these days in the person's own hours, one after the other, ordered by person."""
    chance = scatter(dice, len(people) * len(days))
    daily = np.where(_percent(chance, 0, _PRESENT), 1 + _spread(chance, 8, most), 0)
    place = np.repeat(np.arange(len(daily)), daily)
    turn = np.arange(len(place)) - np.repeat(np.cumsum(daily) - daily, daily)
    who = place // max(1, len(days))
    slot_s = _WORK_S // daily[place]
    zone_s = np.array([person.zone_s for person in people], np.int64)
    more = scatter(dice, len(place))
    begin = days[place % max(1, len(days))] * DAY_S + _OPEN_S + turn * slot_s - zone_s[who]
    begin += _spread(more, 0, slot_s // 2)
    end = begin + 300 + _spread(more, 20, slot_s // 2 - 600)
    since = np.array([max(window[0], person.created_s) for person in people], np.int64)
    return _Sessions(who, begin, end).where((begin - 60 >= since[who]) & (end < window[1]))


def _workdays(window: tuple[int, int]) -> Ints:
    days = np.arange(window[0] // DAY_S - 1, window[1] // DAY_S + 1)
    working = (days + 3) % 7 < 5
    return days[working] if has_workday(*window) else days


def _without_absences(sessions: _Sessions, people: Sequence[Person]) -> _Sessions:
    """Those in which nobody was shut out, left or got another name."""
    there = np.ones(len(sessions.who), np.bool_)
    for place, person in enumerate(people):
        first, end = np.searchsorted(sessions.who, [place, place + 1])
        for away_s, back_s in (*person.away, *((until_s, until_s) for until_s, _ in person.former_names)):
            there[first:end] &= (sessions.begin[first:end] - 60 >= back_s) | (sessions.end[first:end] < away_s)
    return sessions.where(there)


def _codes_of_people(people: Sequence[Person], sessions: _Sessions, shapes: Shapes) -> tuple[Ints, ...]:
    """For each session the codes of its failure, sign-in, second step and sign-out, under the name of the time."""
    table: list[tuple[int, ...]] = []
    first_row = []
    renamed = np.zeros(len(sessions.who), np.int64)
    for place, person in enumerate(people):
        first_row.append(len(table))
        for until_s, name in person.former_names:
            table.append(_codes(dataclasses.replace(person, name=name), shapes))
            renamed += (sessions.who == place) & (sessions.begin >= until_s)
        table.append(_codes(person, shapes))
    rows = np.array(first_row, np.int64)[sessions.who] + renamed
    return tuple(np.array(table, np.int64)[rows].T)


def _codes(person: Person, shapes: Shapes) -> tuple[int, ...]:
    login = shapes.code_of(sign_in(person))
    second = shapes.code_of(second_step(person)) if person.sign_in in MFA_OF else login
    return shapes.code_of(sign_in_error(person, "wrong password")), login, second, shapes.code_of(sign_out(person))


def _services(services: Sequence[Person], shapes: Shapes, dice: Dice, window: tuple[int, int], size: int) -> Times:
    """Exactly this many sign-ins of services, evenly over the time that each is there."""
    spans = [_presence(service, window) for service in services]
    weights = [(1 + dice.below(4)) * (until - since) for since, until in spans]
    parts, given, weight = [_NONE], 0, 0
    for service, (since, until), share in zip(services, spans, weights, strict=True):
        weight += share
        count = size * weight // sum(weights) - given
        given += count
        if count:
            parts.append(_rounds(service, shapes, dice, (since, until), count))
    return Times(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _presence(service: Person, window: tuple[int, int]) -> tuple[int, int]:
    since = max(window[0], service.created_s + 900)
    until = min([window[1], *(away_s for away_s, _ in service.away)])
    return since, max(since, until)


def _rounds(service: Person, shapes: Shapes, dice: Dice, span: tuple[int, int], count: int) -> Times:
    since, until = span
    chance = scatter(dice, count)
    every_s = (until - since) // count
    phase_s = dice.below(every_s)
    late_s = _spread(chance, 8, min(every_s - phase_s, 120))
    at = since + phase_s + np.arange(count) * (until - since) // count + late_s
    usual = np.full(count, shapes.code_of(sign_in(service)))
    if dice.percent(_SERVICES_SIGN_OUT):
        usual[1::2] = shapes.code_of(sign_out(service))
    failure = shapes.code_of(sign_in_error(service, "service is not allowed at this time"))
    return Times(at, np.where(_percent(chance, 0, _SERVICE_ERRORS), failure, usual))


def _percent(chance: NDArray[np.uint64], shift: int, percent: int) -> NDArray[np.bool_]:
    return _spread(chance, shift, 100) < percent


def _spread(chance: NDArray[np.uint64], shift: int, end: int | Ints) -> Ints:
    """Numbers from 0 up to, not including, `end`."""
    return (chance >> np.uint64(shift)).astype(np.int64) % np.maximum(end, 1)
