"""A disk that keeps its promises to the letter, and nothing beyond them.

What was not synced may be lost when the machine crashes, each piece on its own: a file's content (all, the end of it,
or it reads as zeros) and each name in each folder. Every step can be made the last one before a crash, or refused.
"""

import contextlib
import errno
import functools
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

import pyarrow as pa

from muniment.archive.disk import Name
from muniment.errors import Busy

FOLDER = -1
Survival = Literal["all", "nothing", "some"]
Given = ParamSpec("Given")
Got = TypeVar("Got")


@dataclass
class State:
    """All that a disk holds."""

    names: dict[Path, int] = field(default_factory=lambda: {Path("/"): FOLDER})
    durable_names: dict[Path, int] = field(default_factory=lambda: {Path("/"): FOLDER})
    contents: dict[int, bytes] = field(default_factory=dict)
    durable_contents: dict[int, bytes] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)
    next_node: int = 0

    def copy(self) -> "State":
        return State(
            dict(self.names),
            dict(self.durable_names),
            dict(self.contents),
            dict(self.durable_contents),
            dict(self.times),
            self.next_node,
        )

    def after_crash(self, survival: Survival, chance: random.Random) -> "State":
        """What is there when the machine is up again; `all` is a process that was killed, not a machine."""
        if survival == "all":
            return self.copy()
        names: dict[Path, int] = {}
        for path in sorted(self.names.keys() | self.durable_names.keys()):
            old, new = self.durable_names.get(path), self.names.get(path)
            node = old if old == new or survival == "nothing" or chance.random() < 0.5 else new
            if node is not None and (path == Path("/") or names.get(path.parent) == FOLDER):
                names[path] = node
        contents = {node: self._content(node, survival, chance) for node in self.contents}
        return State(names, dict(names), contents, dict(contents), dict(self.times), self.next_node)

    def _content(self, node: int, survival: Survival, chance: random.Random) -> bytes:
        old, new = self.durable_contents.get(node, b""), self.contents[node]
        if old == new or survival == "nothing":
            return old
        return chance.choice([old, new, new[: chance.randrange(len(new) + 1)], bytes(len(new))])


def alone(
    method: Callable[Concatenate["SimulatedDisk", Given], Got],
) -> Callable[Concatenate["SimulatedDisk", Given], Got]:
    """Let one thread at a time do something to the disk."""

    @functools.wraps(method)
    def one_at_a_time(self: "SimulatedDisk", /, *args: Given.args, **kwargs: Given.kwargs) -> Got:
        with self.mutex:
            return method(self, *args, **kwargs)

    return one_at_a_time


class SimulatedDisk:
    """See `muniment.archive.disk.Disk`; threads may share it.

    Args:
        state: What it holds to begin with.
        now: Modification time of what is written.
    """

    def __init__(self, state: State | None = None, *, now: float = 1e9) -> None:
        self.state = state or State()
        self.now = now
        self.steps = 0
        self.before_step: Callable[[str], None] = lambda _: None
        self.has_refused = False
        self.mutex = threading.RLock()
        self._locks: set[Path] = set()

    def refuse(self, number: int, code: int, *, ever_after: bool = False) -> None:
        """Refuse one step, counted from now, or all writing from it on."""
        first = self.steps + number

        def check(what: str) -> None:
            at = self.steps - 1
            if at == first or (ever_after and at > first and what != "remove"):
                self.has_refused = True
                raise OSError(code, os.strerror(code))

        self.before_step = check

    def allow(self) -> None:
        """Refuse nothing any more."""
        self.before_step = lambda _: None

    @alone
    def read(self, path: Path) -> bytes:
        return self.state.contents[self._file(path)]

    def open(self, path: Path) -> pa.NativeFile:
        return pa.BufferReader(self.read(path))

    @alone
    def names(self, folder: Path) -> list[Name]:
        self._demand_folder(folder)
        found = ((path, node) for path, node in self.state.names.items() if path.parent == folder and path != folder)
        return sorted(Name(path.name, node == FOLDER) for path, node in found)

    @alone
    def modified_at(self, path: Path) -> float:
        node = self._node(path)
        return 0.0 if node == FOLDER else self.state.times[node]

    @alone
    def make_folder(self, path: Path, mode: int = 0o777) -> None:  # noqa: ARG002 - everybody may do everything here
        self._demand_folder(path.parent)
        if path not in self.state.names:
            self._step("make_folder")
            self.state.names[path] = FOLDER

    @alone
    def write(self, files: Mapping[Path, bytes | memoryview], mode: int = 0o666) -> None:  # noqa: ARG002 - as above
        for path, data in files.items():
            self._demand_folder(path.parent)
            self._step("create", path)
            if path not in self.state.names:
                self.state.names[path] = self.state.next_node
                self.state.next_node += 1
            node = self._file(path)
            whole = bytes(data)
            self.state.contents[node], self.state.times[node] = whole[: len(whole) // 2], self.now
            self._step("write", path)
            self.state.contents[node] = whole
        for path in files:
            self._sync_content(path)
            self.state.durable_contents[self._file(path)] = self.state.contents[self._file(path)]

    @alone
    def sync(self, folder: Path) -> None:
        self._demand_folder(folder)
        self._step("sync")
        state = self.state
        kept = {path: node for path, node in state.durable_names.items() if path.parent != folder or path == folder}
        now = {path: node for path, node in state.names.items() if path.parent == folder and path != folder}
        state.durable_names = kept | now

    @alone
    def rename(self, old: Path, new: Path) -> None:
        self._demand_folder(new.parent)
        self._file(old)
        self._step("rename")
        self.state.names[new] = self.state.names.pop(old)

    @alone
    def remove(self, path: Path) -> None:
        self._file(path)
        self._step("remove")
        del self.state.names[path]

    @alone
    def remove_folder(self, path: Path) -> None:
        self._demand_folder(path)
        if self.names(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        self._step("remove")
        del self.state.names[path]

    @contextlib.contextmanager
    def lock(self, path: Path, wait_s: float, what: str) -> Iterator[None]:  # noqa: ARG002 - nobody else is there to let go
        self._demand_folder(path.parent)
        if path in self._locks:
            raise Busy(f"process 1 {what}")
        self._locks.add(path)
        try:
            yield
        finally:
            self._locks.discard(path)

    def _step(self, what: str, path: Path | None = None) -> None:
        self.steps += 1
        try:
            self.before_step(what)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error

    def _sync_content(self, path: Path) -> None:
        """One step; where it is refused, what was written is lost, and no later sync brings it back."""
        try:
            self._step("fsync", path)
        except OSError:
            node = self._file(path)
            self.state.contents[node] = bytes(len(self.state.contents[node]))
            raise

    def _node(self, path: Path) -> int:
        if path not in self.state.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return self.state.names[path]

    def _file(self, path: Path) -> int:
        node = self._node(path)
        if node == FOLDER:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        return node

    def _demand_folder(self, path: Path) -> None:
        if self._node(path) != FOLDER:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
