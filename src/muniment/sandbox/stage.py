"""Where scenes are played: who can take part, and when people are at work."""

import heapq
from collections.abc import Callable, Generator, Iterable
from typing import Final, NamedTuple, TypeVar

from muniment.sandbox.dice import Dice
from muniment.sandbox.entries import entry
from muniment.sandbox.organisation import DAY_S, Account, Organisation, Person, Thing
from muniment.sandbox.registry import Registry
from muniment.sandbox.shapes import Shape

__all__ = ["Act", "Acts", "Play", "Scene", "Stage", "has_workday", "is_workday", "warn"]

Act = tuple[int, Shape]
"""What happens, and when, in seconds since 1970."""

Acts = Generator[Act, None, None]
Scene = Callable[["Play", int], Acts]
"""Yields what happens in the order of time, from the given time on. Once an act was taken up, it has happened:
what the scene changes between two acts holds as of the former."""

T = TypeVar("T", Account, Person, Thing)
_OPEN_S: Final = 8 * 3600 + 1800
_CLOSE_S: Final = 16 * 3600 + 1800
_FEW: Final = 3
_MAILS_S: Final = 2 * 3600 + 900
_USUAL_SPAN_S: Final = 20 * DAY_S


class _Turn(NamedTuple):
    """A scene under way, and its next act."""

    at: int
    number: int
    shape: Shape
    scene: Scene
    play: "Play"
    acts: Acts


class Stage:
    """Scenes under way at the same time, each going on where its next act is due.

    Args:
        organisation: What scenes change.
        registry: Makes whoever and whatever comes new.
        dice: Decides what scenes leave open.
        start_s: When the log begins.
        end_s: When it ends.
    """

    def __init__(self, organisation: Organisation, registry: Registry, dice: Dice, start_s: int, end_s: int) -> None:
        self.organisation = organisation
        self.registry = registry
        self.dice = dice
        self.start_s = start_s
        self.end_s = end_s
        self._under_way: list[_Turn] = []
        self._begun = 0

    def begin(self, scene: Scene, at: int) -> None:
        """Let a scene begin at this time, if it finds its cast."""
        self._begun += 1
        play = Play(self)
        self._go_on(self._begun, scene, play, scene(play, at))

    def due(self, before_s: int) -> Act | None:
        """The next act of any scene, if it is due before this time."""
        while self._under_way and self._under_way[0].at < before_s:
            turn = heapq.heappop(self._under_way)
            if self._take_up(turn):
                return turn.at, turn.shape
        return None

    def hurry(self, scene: Scene, at: int) -> list[Shape]:
        """All that is left of one such scene, whenever it would be due; of a new one, if none is under way."""
        if all(turn.scene is not scene for turn in self._under_way):
            self.begin(scene, at)
        number = next((turn.number for turn in sorted(self._under_way) if turn.scene is scene), None)
        done = []
        while turn := next((turn for turn in self._under_way if turn.number == number), None):
            self._under_way.remove(turn)
            heapq.heapify(self._under_way)
            if self._take_up(turn):
                done.append(turn.shape)
        return done

    def _take_up(self, turn: _Turn) -> bool:
        """Let an act happen, unless something came between, which ends the scene."""
        if not self._is_possible(turn.shape, turn.play):
            turn.play.end()
            return False
        self._go_on(turn.number, turn.scene, turn.play, turn.acts)
        return True

    def _is_possible(self, shape: Shape, play: "Play") -> bool:
        """Whether the account is still open, and who acts still there under that name, if it is not their own scene."""
        if not self.organisation.accounts[shape.account[0]].active:
            return False
        if shape.user is None or play.is_about(shape.user[0]):
            return True
        actor = self.organisation.people.get(shape.user[0])
        return actor is not None and actor.status == "ACTIVE" and actor.name == shape.user[1]

    def _go_on(self, number: int, scene: Scene, play: "Play", acts: Acts) -> None:
        act = next(acts, None)
        if act is None:
            play.end()
        else:
            heapq.heappush(self._under_way, _Turn(act[0], number, act[1], scene, play, acts))


class Play:
    """What one scene works with."""

    def __init__(self, stage: Stage) -> None:
        self.dice = stage.dice
        self.organisation = stage.organisation
        self.registry = stage.registry
        self._stage = stage
        self._cast: list[Account | Person | Thing] = []

    def end(self) -> None:
        """Set everybody free for other scenes."""
        for one in self._cast:
            one.busy = False

    def cast(self, choices: Iterable[T], fits: Callable[[T], bool] = lambda _: True) -> T | None:
        """Somebody or something that fits and is in no other scene; kept from others until this one ends."""
        free = [one for one in choices if not one.busy and fits(one)]
        if not free:
            return None
        chosen = self.dice.pick(free)
        self.bind(chosen)
        return chosen

    def bind(self, one: Account | Person | Thing) -> None:
        """Keep somebody or something from other scenes until this one ends."""
        one.busy = True
        self._cast.append(one)

    def is_about(self, id_: str) -> bool:
        """Whether this is somebody's or something's own scene."""
        return any(one.id == id_ for one in self._cast)

    def accounts(self) -> list[Account]:
        """Accounts that are open."""
        return [account for account in self.organisation.accounts.values() if account.active]

    def things(self, resource_type: str) -> list[Thing]:
        """Things of a type, of open accounts and of owners who can use them."""
        return [
            thing
            for thing in self.organisation.things_of(resource_type)
            if thing.account.active and (thing.owner is None or thing.owner.status == "ACTIVE")
        ]

    def admin(self, account: Account) -> Person:
        """Somebody who administers the account; no scene shuts an admin out."""
        return self.dice.pick(self.organisation.admins(account))

    def is_free_to_go(self, person: Person) -> bool:
        """Whether no other scene is about what this person holds, which is little."""
        belongings = self._belongings(person)
        return len(belongings) <= _FEW and not any(thing.busy for thing in belongings)

    def bind_belongings(self, person: Person) -> list[Thing]:
        """What this person holds, kept from other scenes until this one ends."""
        belongings = self._belongings(person)
        for thing in belongings:
            self.bind(thing)
        return belongings

    def role(self, account: Account, name: str | None = None) -> Thing:
        """A role of the account, this one or any but the admin's."""
        roles = [thing for thing in self.organisation.things_of("ROLE") if thing.account is account]
        return next(role for role in roles if role.name == name) if name else self.dice.pick(roles[1:])

    def wait(self, days: int = 0, hours: int = 0) -> int:
        """Seconds of a long wait, somewhat varied; shorter in a log of few days, so that stories end within it."""
        span_s = days * DAY_S + hours * 3600
        squeezed = span_s * min(self._stage.end_s - self._stage.start_s, _USUAL_SPAN_S) // _USUAL_SPAN_S
        return squeezed + self.dice.below(squeezed // 8 + 1)

    def nightly(self, after: int) -> int:
        """When the system sends its mails: in the night, or in a log of few days, presently."""
        if self._stage.end_s - self._stage.start_s < _USUAL_SPAN_S:
            return after + self.soon()
        return -(-(after - _MAILS_S) // DAY_S) * DAY_S + _MAILS_S + self.dice.below(20)

    def soon(self, least_s: int = 5, most_s: int = 90) -> int:
        """Seconds until the next step of somebody who is at it."""
        return self.dice.between(least_s, most_s)

    def at_work(self, person: Person, after: int) -> int:
        """A time in this person's working hours, soon after the one given."""
        day, second = divmod(after + person.zone_s, DAY_S)
        if not self._is_workday(day) or second >= _CLOSE_S:
            day, second = day + 1, 0
        while not self._is_workday(day):
            day += 1
        opened = max(second, _OPEN_S)
        return day * DAY_S + opened + self.dice.below(min(7200, _CLOSE_S - opened) + 1) - person.zone_s

    def is_at_work(self, person: Person, at: int) -> bool:
        """Whether this is in this person's working hours."""
        day, second = divmod(at + person.zone_s, DAY_S)
        return self._is_workday(day) and _OPEN_S <= second < _CLOSE_S

    def at_night(self, person: Person, after: int) -> int:
        """A time in this person's next night."""
        day = (after + person.zone_s) // DAY_S + 1
        return day * DAY_S + self.dice.between(3600, 4 * 3600) - person.zone_s

    def on_weekend(self, person: Person, after: int) -> int:
        """A time on this person's next weekend."""
        day = (after + person.zone_s) // DAY_S + 1
        while is_workday(day):
            day += 1
        return day * DAY_S + self.dice.between(9 * 3600, 20 * 3600) - person.zone_s

    def _belongings(self, person: Person) -> list[Thing]:
        return [thing for thing in self.organisation.things.values() if thing.owner is person]

    def _is_workday(self, day: int) -> bool:
        return is_workday(day) or not has_workday(self._stage.start_s, self._stage.end_s)


def is_workday(day: int) -> bool:
    """Whether a day, counted from 1970-01-01, is one from Monday to Friday."""
    return (day + 3) % 7 < 5


def has_workday(start_s: int, end_s: int) -> bool:
    """Whether a log has any; in one that is all weekend, people work on it."""
    first = start_s // DAY_S
    return any(map(is_workday, range(first, min(end_s // DAY_S, first + 3))))


def warn(
    play: Play, about: Account | Person | Thing, action: str, at: int, days_left: tuple[int, ...]
) -> Generator[Act, None, int]:
    """The system sends reminders, each this many days before something ends; returns when the last one went."""
    for place, days in enumerate(days_left):
        at = play.nightly(at if place == 0 else at + play.wait(days=days_left[place - 1] - days))
        unit = "day" if days == 1 else "days"
        yield at, entry(None, action, about, f"Sent a reminder that {about.name} ends in {days} {unit}")
    return at
