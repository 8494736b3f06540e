"""A world served over real sockets: its keys, its faults, and entries that keep arriving."""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from starlette.types import ASGIApp

from muniment.api.app import make_app
from muniment.api.backend import Found
from muniment.api.listen import listening
from muniment.model import Query
from muniment.sandbox.backend import Search, Sheet, WorldBackend
from muniment.sandbox.cable import Cables
from muniment.sandbox.faults.catalogue import lay_faults
from muniment.sandbox.faults.fault import Ground, Layers, Members, unchanged
from muniment.sandbox.faults.moving import log_late
from muniment.sandbox.faults.progress import Progress
from muniment.sandbox.keys import KEYS
from muniment.sandbox.store import Matches
from muniment.sandbox.truth import Seen, Truth, Witness, Witnessed, tell_truth
from muniment.sandbox.wire import Counted, Requests, Rewritten
from muniment.sandbox.world import World

__all__ = ["Box", "serve"]

T = TypeVar("T")
Clock = Callable[[], dt.datetime]
Layer = Callable[[T], T]
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
        as_served: What its faults make of an entry's bytes on their way out.
        seen: What clients were given, noted as far as it has faults.
    """

    url: str
    keys: Mapping[str, str]
    world: World
    requests: Requests
    as_served: Callable[[bytes], bytes] = unchanged
    seen: Seen = field(default_factory=Seen)

    def truth(self, to: dt.date | None = None) -> Truth:
        """What a complete collection has to hold now, whatever the key.

        Args:
            to: Of what is dated later, which may still be arriving, nothing must be held that was not given.
        """
        return tell_truth(self.world.store, self.as_served, self.seen, to)

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
        faults: Each as ``NAME`` or ``NAME=V``, in any order; one may be named several times.
        clock: The sandbox's own, as an aware time; ``Date`` and the limits of pace go by it.

    Raises:
        BadInput: There is no such fault, or its value is not one that it takes.
        MunimentError: The address cannot be had.
    """
    requests, seen, cables = Requests(), Seen(), Cables()
    ground = Ground(world, clock, Progress(world.store.everything))
    layers = lay_faults(ground, faults)
    as_served = ground.progress.as_served = _chain(layer.item for layer in layers)
    with ExitStack() as stack:
        app = Counted(_make_app(world, layers, as_served, clock), requests)
        if layers:
            url = stack.enter_context(listening(Witnessed(app, cables, seen), host, port, cables.protocol()))
        else:
            url = stack.enter_context(listening(app, host, port))
        if live:
            stack.enter_context(_arriving(world, live, clock))
        yield Box(url, KEYS, world, requests, as_served, seen)


def _make_app(world: World, layers: Sequence[Layers], as_served: Layer[bytes], clock: Clock) -> ASGIApp:
    if not layers:
        return make_app(WorldBackend(world), clock)

    def ask_world(query: Query) -> Found:
        return world.audit_log(query)  # looked up each time: a test may put another in its place

    search = _chain(layer.search for layer in layers)(ask_world)
    backend = _chain(layer.backend for layer in layers)(WorldBackend(world, _serving(search, as_served)))
    render = _rendering(_chain(layer.page for layer in layers))
    app: ASGIApp = make_app(Witness(backend), clock, render)
    for layer in layers:
        app = layer.app(app if layer.body is unchanged else Rewritten(app, layer.body))
    return app


def _chain(steps: Iterable[Layer[T]]) -> Layer[T]:
    """All steps, one after the other; `unchanged` where none changes anything."""
    taken = [step for step in steps if step is not unchanged]

    def take(thing: T) -> T:
        for step in taken:
            thing = step(thing)
        return thing

    return take if taken else unchanged


def _serving(search: Search, as_served: Layer[bytes]) -> Search:
    if as_served is unchanged:
        return search

    def answer(query: Query) -> Matches:
        found = search(query)
        return Matches(found.total, [as_served(item) for item in found.items])

    return answer


def _rendering(change: Layer[Members]) -> Callable[[Query, Found], bytes]:
    """Writes a page from its members, changed."""

    def render(query: Query, found: Found) -> bytes:
        offset, limit = (found.offset, found.limit) if isinstance(found, Sheet) else (query.offset, query.limit)
        members = {
            "total": b"%d" % found.total,
            "offset": b"%d" % offset,
            "limit": b"%d" % limit,
            "items": b"[%s]" % b",".join(found.items),
        }
        written = (b'"%s":%s' % (name.encode(), value) for name, value in change(members).items())
        return b"{%s}" % b",".join(written)

    return render


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
