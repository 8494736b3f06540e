"""What tests of several rooms stand on: a sandbox in this process, over real sockets."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import settings

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

    BoxMaker = Callable[..., Box]


# timings are no tests: other work on the machine must not make one fail
settings.register_profile("muniment", deadline=None)
settings.load_profile("muniment")


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    """A client that does exactly what it is told: no retries, no redirects."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        yield pool


@pytest.fixture(scope="session")
def shared_box() -> Iterator["Box"]:
    """One sandbox for all tests that only ask: 1200 entries in the 90 days before 2026-04-01."""
    with ExitStack() as stack:
        yield _boxes(stack)()


@pytest.fixture
def make_box() -> Iterator["BoxMaker"]:
    """Makes sandboxes that a test may change, from the arguments of `World` and `serve`; they end with the test."""
    with ExitStack() as stack:
        yield _boxes(stack)


def _boxes(stack: ExitStack) -> "BoxMaker":
    # Imported here: every room's tests collect this file, and few of them need a server.
    from muniment.sandbox.server import serve  # noqa: PLC0415
    from muniment.sandbox.world import World  # noqa: PLC0415

    def make(
        seed: int = 7, days: int = 90, entries: int = 1200, end: dt.date = dt.date(2026, 4, 1), **served: Any
    ) -> "Box":
        return stack.enter_context(serve(World(seed, days, entries, end), **served))

    return make
