"""Sandboxes of a small world, with faults and without."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import urllib3
from tests.sandbox.reading import END, Reader

from muniment.sandbox.server import serve
from muniment.sandbox.world import World

ReaderMaker = Callable[..., Reader]


@pytest.fixture(scope="module")
def ending() -> Iterator[Callable[[ExitStack], None]]:
    """Ends sandboxes behind the tests' backs, since each takes a moment; all are over when the module is."""
    under_way: list[Future[None]] = []
    with ThreadPoolExecutor(16) as threads:
        yield lambda stack: under_way.append(threads.submit(stack.close))
    for one in under_way:
        one.result()


@pytest.fixture
def faulty(ending: Callable[[ExitStack], None], http: urllib3.PoolManager) -> Iterator[ReaderMaker]:
    """Makes readers of a small world with faults."""
    made: list[ExitStack] = []

    def make(*faults: str, seed: int = 7, days: int = 10, entries: int = 200, **served: Any) -> Reader:
        made.append(ExitStack())
        world = World(seed, days, entries, END)
        return Reader(made[-1].enter_context(serve(world, faults=faults, **served)), http)

    yield make
    http.clear()
    for stack in made:
        ending(stack)


@pytest.fixture(scope="module")
def plain() -> Iterator[Reader]:
    """A reader of the same world without any."""
    with (
        serve(World(7, 10, 200, END)) as box,
        urllib3.PoolManager(retries=False, timeout=10) as pool,
    ):
        yield Reader(box, pool)
