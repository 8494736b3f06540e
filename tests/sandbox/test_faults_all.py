"""What holds for every fault there is."""

import itertools
import logging
import re
from typing import Any

import msgspec
import pytest
from tests.sandbox.conftest import ReaderMaker
from tests.sandbox.reading import END, Clock, Reader, body_of, headers_of, raw

from muniment.errors import BadInput
from muniment.sandbox.dice import Dice
from muniment.sandbox.faults import lookups
from muniment.sandbox.faults.catalogue import FAULTS, ROOMS, list_faults, read_faults
from muniment.sandbox.faults.content import is_sound
from muniment.sandbox.faults.fault import Ground
from muniment.sandbox.faults.progress import Progress
from muniment.sandbox.faults.striking import Rate, Strikes
from muniment.sandbox.world import World

GROUPS = {room.__name__.rpartition(".")[2]: [fault.name for fault in room.FAULTS] for room in ROOMS}
NEEDED = {"rate-limit": "=3", "rate-limit-date": "=3", "latency": "=1"}
SLOW = {"stall", "silent", "drip"}
SLOWLY = {"huge": "=3", "gzip-bomb": "=3", "stall": "=9", "silent": "=9", "drip": "=9"}
PATHS = ("limit=1000", "limit=1", "limit=50", "limit=50&offset=49", "limit=50&offset=98", "limit=3&sort=status:desc")
LEAVE_THE_FIRST_PAGE = {
    *("date-off", "date-local", "date-zone", "date-absent", "date-unreadable", "latency", "chunked", "drop-connection"),
    *("lookup-404", "lookup-403", "lookup-500", "lookup-changing", "any-case", "rate-limit-vendor", "narrow-key"),
    *("late", "late-midway", "late-during", "live-head", "retention", "vanish", "vanish-later", "swap", "reappear"),
    *("rewritten", "respelled", "moved", "cap", "cap-silent", "short-pages", "empty-page", "offset-ignored"),
    *("offset-zero", "offset-rounded", "offset-rounded-told", "offset-from-one", "deep-offset", "deep-offset-empty"),
    *("replicas", "limit-refused", "zone", "to-exclusive"),
}
"""Faults that leave the first page of twenty as it is for an administrator, without dates."""

CONCERN_LOOKUPS = {"unknown-fields", "bom", "gzip", "wrong-host"} | {fault.name for fault in lookups.FAULTS}


def wish(name: str) -> str:
    return name + (NEEDED | SLOWLY).get(name, "")


def sound(reader: Reader) -> list[Any]:
    """Entries of the world itself: what a fault does to answers does not matter here."""
    return [msgspec.json.decode(item) for item in reader.box.world.store.everything() if is_sound(item)]


def targets(reader: Reader) -> tuple[str, str]:
    """A user and an account to be looked up."""
    entries = sound(reader)
    return f"user/{next(e['user']['id'] for e in entries if e['user'])}", f"account/{entries[0]['account']['id']}"


def asked(reader: Reader, most: int = 2**16) -> list[bytes]:
    """What the box answers to a number of questions, byte for byte as it came over the socket, but for its port."""
    questions = [*(f"audit-log?{query}" for query in PATHS * 2), *targets(reader) * 2]
    answers = [raw(reader.box, target, most, timeout_s=0.3) for target in questions]
    return [re.sub(rb"localhost:\d+", b"", answer) for answer in answers]


@pytest.mark.parametrize("room", GROUPS)
def test_the_same_fault_and_seed_give_the_same_answers_to_the_same_questions(faulty: ReaderMaker, room: str) -> None:
    for name in GROUPS[room]:
        most = 200 if name in SLOW else 2**16  # of a drip more or less may have come
        once, again = (asked(faulty(wish(name), clock=Clock(), entries=120), most) for _ in range(2))
        assert once == again, name


@pytest.mark.parametrize("room", GROUPS)
def test_a_fault_leaves_what_it_does_not_concern_as_it_was(faulty: ReaderMaker, plain: Reader, room: str) -> None:
    place, elsewhere = targets(plain)[1], "../../../openapi.json"
    for name in GROUPS[room]:
        reader = faulty(wish(name))
        admin = Reader(reader.box, reader.pool, reader.box.keys["AM_ACCOUNT_ADMIN"])
        if name in LEAVE_THE_FIRST_PAGE:
            assert admin.ask("audit-log").data == plain.ask("audit-log").data, name
        if name not in CONCERN_LOOKUPS:
            assert reader.ask(place).data == plain.ask(place).data, name
        assert (reader.ask(elsewhere).status, reader.ask(elsewhere).data) == (200, plain.ask(elsewhere).data), name


def test_no_two_faults_together_break_the_sandbox_itself(faulty: ReaderMaker, caplog: pytest.LogCaptureFixture) -> None:
    dice, names = Dice(1, "pairs"), sorted(set(FAULTS) - SLOW)
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        for _ in range(60):
            pair = [wish(dice.pick(names)) for _ in range(2)]
            reader = faulty(*pair, entries=40)
            for query in ("limit=1000", "limit=7&offset=6", "limit=7&offset=13&from=2026-03-25&to=2026-03-26"):
                raw(reader.box, f"audit-log?{query}", most=2**12, timeout_s=1)
            reader.box.truth()
            assert not caplog.records, pair


def test_a_connection_that_was_broken_is_left_alone_by_other_faults(
    faulty: ReaderMaker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        for pair in (("cut=1", "length-short=1"), ("reset=1", "gzip=1"), ("hang-up=1", "chunked"), ("cut=1", "half=1")):
            raw(faulty(*pair).box)
    assert not caplog.records


@pytest.mark.parametrize(
    "pair", [("cap=7", "bom"), ("ties", "cap-silent=7"), ("http-500=3", "http-502=4"), ("late=2", "no-order")]
)
def test_it_does_not_matter_in_which_order_faults_are_named(faulty: ReaderMaker, pair: tuple[str, str]) -> None:
    one, other = (asked(faulty(*order, clock=Clock())) for order in (pair, pair[::-1]))
    assert one == other


def test_a_fault_may_be_named_several_times(faulty: ReaderMaker) -> None:
    assert faulty("http-502=2", "http-502=3").statuses(12, "audit-log?limit=1").count(502) > 5


def test_every_nth_request_is_hit_and_spared_when_it_is_asked_again(faulty: ReaderMaker) -> None:
    reader = faulty("http-500=3")
    assert [reader.answer(limit=n).status for n in range(1, 10)] == [200, 200, 500] * 3
    assert [reader.answer(limit=n).status for n in (10, 11, 12, 12, 13, 14)] == [200, 200, 500, 200, 200, 500]
    assert faulty("http-500=1").statuses(4) == [500] * 4


def hits(reader: Reader) -> list[bool]:
    return [reader.answer(limit=n).status == 502 for n in range(1, 41)]


def test_a_share_of_requests_is_hit_by_the_seed_whatever_comes_between(faulty: ReaderMaker) -> None:
    first = hits(faulty("http-502=25%"))
    assert 4 <= sum(first) <= 16
    other = faulty("http-502=25%")
    other.statuses(5, "account/x")
    assert hits(other) == first
    assert hits(faulty("http-502=25%", seed=8)) != first
    assert hits(faulty("http-502=100%")) == [True] * 40


def test_no_request_fails_twice_running_unless_all_do() -> None:
    world = World(1, 1, 0, END)
    ground = Ground(world, Clock(), Progress(world.store.everything))
    for wanted in (Rate(every=2), Rate(percent=99)):
        strikes = Strikes(wanted, "x", ground)
        falls = [(target, strikes.fall(target)) for target in "ababbaabcabccbaabcccabbbca"]
        for target in "abc":
            fell = [hit for asked_for, hit in falls if asked_for == target]
            assert any(fell)
            assert not any(one and two for one, two in itertools.pairwise(fell))


@pytest.mark.parametrize(
    ("asking", "message"),
    [
        ("no-such-fault", "there is no fault 'no-such-fault'"),
        ("http-500=0", "the fault http-500[=N|P%] takes a whole number from 1, or a share such as 25%, not '0'"),
        ("http-500=0%", "the fault http-500[=N|P%] takes a whole number from 1, or a share such as 25%, not '0%'"),
        ("http-500=101%", "the fault http-500[=N|P%] takes a whole number from 1, or a share such as 25%, not '101%'"),
        ("http-500=", "the fault http-500[=N|P%] takes a whole number from 1, or a share such as 25%, not ''"),
        ("zone=0", "the fault zone[=MIN] takes minutes from -840 to 840, not 0, not '0'"),
        ("zone=841", "the fault zone[=MIN] takes minutes from -840 to 840, not 0, not '841'"),
        ("date-off=x", "the fault date-off[=MIN] takes minutes from -43200 to 43200, not 0, not 'x'"),
        ("lookup-404=0", "the fault lookup-404[=P%] takes a share of the ids such as 25%, not '0'"),
        ("big-items=1001", "the fault big-items[=N] takes a whole number from 1 to 1000, not '1001'"),
        ("date-absent=1", "the fault date-absent takes no value, but was given '1'"),
    ],
)
def test_a_value_that_a_fault_does_not_take_is_refused_in_words(asking: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_faults([asking])
    assert refused.value.message == message


def test_there_are_more_than_sixty_and_each_has_a_line_of_its_own() -> None:
    lines = list_faults().splitlines()
    assert len(lines) == len(FAULTS) > 60
    assert all(re.fullmatch(r"[a-z0-9-]+(\[?=[A-Z|%]+\]?)?  +\S.*[^. ]", line) for line in lines)
    assert len({line.split("  ", 1)[1].strip() for line in lines}) == len(lines)


def test_head_and_body_are_told_apart_by_this_client(plain: Reader) -> None:
    answer = raw(plain.box, "audit-log?limit=1")
    assert int(headers_of(answer)["content-length"]) == len(body_of(answer))
