"""Users and accounts that the source does not tell of: each refusal is that one's state, and no gap (design §4.10)."""

import threading
from collections.abc import Callable

import pytest
from tests.collect.conftest import SOURCE, Site

from muniment.collect.standing import Person
from muniment.errors import Forbidden, Unreachable
from muniment.model import Query
from muniment.sandbox.store import Matches

SiteMaker = Callable[..., Site]


class OddWorld:
    """Takes the place of a world's user lookup: `say` decides for one user."""

    def __init__(self, site: Site, say: Callable[[str], bytes | None]) -> None:
        honest = site.box.world.user
        self.chosen: str | None = None
        self.say = say

        def user(user_id: str) -> bytes | None:
            answer = honest(user_id)
            if self.chosen is None and answer is not None:
                self.chosen = user_id
            return self.say(user_id) if user_id == self.chosen else answer

        site.box.world.user = user  # type: ignore[method-assign] # the world itself is odd


def forbid(_: str) -> bytes | None:
    raise Forbidden("Access denied.")


def break_down(_: str) -> bytes | None:
    raise RuntimeError("the source is ill")


def speak_of_another(_: str) -> bytes | None:
    return b'{"id":"somebody-else","user_name":"x","status":"ACTIVE"}'


def know_nobody(_: str) -> bytes | None:
    return None


def person(site: Site, who: str | None) -> Person:
    assert who is not None
    return site.collect(retry_s=0.5).standing.sources[SOURCE].users[who]


@pytest.mark.parametrize(
    ("say", "state"),
    [
        (forbid, "forbidden"),
        (break_down, "unresolved"),
        (speak_of_another, "unresolved"),
        (know_nobody, "not_found"),
    ],
)
def test_a_refused_lookup_is_that_users_state_and_does_not_touch_complete(
    make_site: SiteMaker, say: Callable[[str], bytes | None], state: str
) -> None:
    site = make_site(days=5, entries=60)
    odd = OddWorld(site, say)
    done = site.collect(retry_s=0.5)
    assert (done.outcome.complete, done.outcome.stopped, done.standing.findings) == (True, None, {})
    users = done.standing.sources[SOURCE].users
    assert odd.chosen is not None
    told = users[odd.chosen].latest
    assert told is not None
    assert told.state == state
    assert all(user.latest is not None for user in users.values())


def test_somebody_unresolved_is_asked_for_again_by_the_next_run_and_a_404_is_not(make_site: SiteMaker) -> None:
    site = make_site(days=5, entries=60)
    odd = OddWorld(site, break_down)
    site.collect(retry_s=0.5)
    before = len(person(site, odd.chosen).snapshots)
    assert before == 2
    assert site.looked_up >= 1
    odd.say = know_nobody
    last = person(site, odd.chosen).latest
    assert last is not None
    assert last.state == "not_found"
    site.collect()
    assert site.looked_up == 0


def test_answers_are_sealed_two_hundred_at_a_time(make_site: SiteMaker) -> None:
    site = make_site(days=5, entries=60)
    form = (
        b'{"id":"g%d","timestamp":"2026-03-30T09:00:00Z","action":"LOGIN","status":"success","user":{"id":"ghost-%d"}}'
    )
    site.box.world.store.add([form % (number, number) for number in range(450)])
    sizes: list[int] = []
    site.tell = lambda progress: sizes.append(site.archive.size) if "resolving" in str(progress) else None
    done = site.collect()
    asked = len(done.standing.sources[SOURCE].users) + len(done.standing.sources[SOURCE].accounts)
    assert len(sizes) == -(-asked // 200) >= 3
    assert len(set(sizes)) > 1, "answers are sealed while others are still to be asked for"


def test_a_source_that_answers_nothing_any_more_is_not_asked_for_less_and_less(make_site: SiteMaker) -> None:
    site = make_site(days=6, entries=400)
    honest, answered, over = site.box.world.store.search, 0, threading.Event()

    def fall_silent(query: Query) -> Matches:
        nonlocal answered
        answered += 1
        if answered > 1:
            over.wait(1)
        return honest(query)

    site.box.world.store.search = fall_silent  # type: ignore[method-assign] # the world itself falls silent
    done = site.collect(timeout_s=0.2, retry_s=0.2)
    over.set()
    assert isinstance(done.outcome.stopped, Unreachable)
    assert (done.outcome.complete, done.standing.entries) == (False, 400)
    assert done.outcome.requests <= 60
