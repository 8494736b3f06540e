"""Being told to stop, by others or by oneself."""

import threading

from muniment.source.halt import Halt


def test_a_halt_is_set_with_the_other_event_but_never_sets_it() -> None:
    other = threading.Event()
    own = Halt(other)
    own.set()
    assert own.is_set()
    assert not other.is_set()
    assert not Halt(other).is_set()
    other.set()
    assert Halt(other).is_set()


def test_waiting_ends_with_the_time_or_with_either_event() -> None:
    other = threading.Event()
    assert not Halt(other).wait(0.05)
    assert not Halt().wait(0)
    threading.Timer(0.05, other.set).start()
    assert Halt(other).wait(60)
    own = Halt()
    threading.Timer(0.05, own.set).start()
    assert own.wait()
