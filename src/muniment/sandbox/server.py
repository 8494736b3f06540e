"""A world served over real sockets: its keys, its faults, and entries that keep arriving."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp

from muniment.api.app import make_app
from muniment.api.backend import Backend
from muniment.api.listen import listening
from muniment.sandbox.backend import WorldBackend
from muniment.sandbox.faults.catalogue import lay_faults
from muniment.sandbox.faults.fault import Ground, Layers
from muniment.sandbox.faults.moving import log_late
from muniment.sandbox.keys import KEYS
from muniment.sandbox.wire import Counted, Requests, Rewritten
from muniment.sandbox.world import World

__all__ = ["Box", "serve"]

Clock = Callable[[], dt.datetime]
_LIVE_STEP_S: Final = 0.05


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Box:
    """A sandbox that is being served.

    Args:
        url: Its base URL.
        keys: Role to key; ``none`` is a valid key without a role.
        world: What it serves; entries may be logged, removed and rewritten while it does.
        requests: What it was asked, counted.
    """

    url: str
    keys: Mapping[str, str]
    world: World
    requests: Requests

    def log_late(self, count: int) -> tuple[str, ...]:
        """Log this many entries of all ages behind every reader; their ids."""
        return log_late(self.world, count)


@contextmanager
def serve(
    world: World,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    live: float = 0.0,
    faults: Sequence[str] = (),
    clock: Clock = _utc_now,
) -> Iterator[Box]:
    """Serve a world while the context lasts.

    Args:
        world: Served as it is at each moment.
        host: A name or address of this machine.
        port: 0 takes a free one.
        live: Entries that arrive each second, dated by `clock`.
        faults: Each as ``NAME`` or ``NAME=V``; the first is the innermost.
        clock: The sandbox's own, as an aware time; ``Date`` and the limits of pace go by it.

    Raises:
        BadInput: There is no such fault, or its value is not one that it takes.
        MunimentError: The address cannot be had.
    """
    requests = Requests()
    layers = lay_faults(Ground(world, clock), faults)
    app = Counted(_lay_around(WorldBackend(world), layers, clock), requests)
    with ExitStack() as stack:
        url = stack.enter_context(listening(app, host, port))
        if live:
            stack.enter_context(_arriving(world, live, clock))
        yield Box(url, KEYS, world, requests)


def _lay_around(backend: Backend, layers: Sequence[Layers], clock: Clock) -> ASGIApp:
    for layer in layers:
        backend = layer.backend(backend)
    app: ASGIApp = make_app(backend, clock)
    for layer in layers:
        app = layer.app(Rewritten(app, layer.body))
    return app


@contextmanager
def _arriving(world: World, rate: float, clock: Clock) -> Iterator[None]:
    """Let entries arrive from a thread of its own, `rate` of them each second on average."""
    ended = threading.Event()

    def arrive() -> None:
        begun, arrived = clock(), 0
        while not ended.wait(max(1 / rate, _LIVE_STEP_S)):
            now = clock()
            due = int((now - begun).total_seconds() * rate)
            if due > arrived:
                world.arrive(now, due - arrived)
                arrived = due

    thread = threading.Thread(target=arrive, name="muniment-live", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
