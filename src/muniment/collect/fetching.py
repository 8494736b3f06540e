"""Asks answered over real sockets: many under way, every page handed on once, procedures fed in their order."""

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import msgspec

from muniment.archive.columns import LeafBatch
from muniment.sweep.window import Answer, Ask, Steps

__all__ = ["Crew", "Fetched", "Interrupted", "Stop"]

T = TypeVar("T")
Raw = TypeVar("Raw")


class Fetched(msgspec.Struct, frozen=True, eq=False):
    """An answer, with the leaves that the sweep does not need.

    Args:
        answer: What the sweep is told.
        batch: A leaf for each row, in the order served; None where there are none.
    """

    answer: Answer
    batch: LeafBatch | None = None


class Interrupted(Exception):
    """The run was asked to stop by a signal.

    Args:
        signal: Its number.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Stop(Protocol):
    """Whether somebody asked to stop, and by which signal; None while nobody did."""

    def __call__(self) -> int | None:
        """The signal's number."""
        ...


class _Course(Generic[T]):
    """A procedure under way: the asks of its present step and the answers that are in."""

    def __init__(self, steps: Steps[T]) -> None:
        self.asks: tuple[Ask, ...] = ()
        self.result: T
        self.ended = False
        self._steps = steps
        self._answers: dict[int, Answer] = {}
        self._begun = False

    def take(self, number: int, answer: Answer) -> bool:
        """Keep an answer; whether that was the last one of this step."""
        self._answers[number] = answer
        return len(self._answers) == len(self.asks)

    def go_on(self) -> None:
        """Take the next step with the answers that are in; passes over steps that ask nothing."""
        answers = tuple(self._answers[number] for number in range(len(self.asks))) if self._begun else None
        self.asks, self._answers, self._begun = (), {}, True
        try:
            while not self.asks:
                self.asks = self._steps.send(answers)  # type: ignore[arg-type]  # the first send is None
                answers = ()
        except StopIteration as end:
            self.result, self.ended = end.value, True


class _Task(NamedTuple):
    course: _Course[Any]
    number: int
    ask: Ask


_Inbox = queue.SimpleQueue[tuple[_Task, Any]]


class Crew(Generic[Raw]):
    """Threads that ask, and one place where the answers come together.

    Args:
        ask: Answers one ask; called from several threads.
        read: Makes of an answer what there is to be known; called in the caller's thread.
        on_page: Called in the caller's thread with each page, in the order they come in.
        width: The most asks under way at once; half as many more may wait for their turn, or answered to be read.
        stop: Asked between answers.
        give_up: Ends whatever is under way, once an answer has ended the run; that may be waiting to try again.
    """

    def __init__(
        self,
        ask: Callable[[Ask], Raw],
        read: Callable[[Raw], Fetched],
        on_page: Callable[[Ask, Fetched], None],
        *,
        width: int,
        stop: Stop,
        give_up: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._read = read
        self._on_page = on_page
        self._most = width + width // 2  # threads that are done go on while answers wait to be read
        self._stop = stop
        self._give_up = give_up
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="source")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._give_up()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, steps: Steps[T]) -> T:
        """Drive one procedure to its result."""
        (result,) = self.run_all([steps])
        return result

    def run_all(self, procedures: Iterable[Steps[T]]) -> Iterator[T]:
        """Drive procedures side by side, oldest first; yields results as they come.

        Raises:
            SourceError: What an ask ended with; nothing further is asked.
            Interrupted: Somebody asked to stop.
        """
        waiting = iter(procedures)
        inbox: _Inbox = queue.SimpleQueue()
        outbox: deque[_Task] = deque()
        under_way = 0
        while True:
            while len(outbox) + under_way < self._most and (course := self._begin(waiting)) is not None:
                yield from self._step(course, outbox)
            while outbox and under_way < self._most:
                self._pool.submit(self._work, outbox.popleft(), inbox)
                under_way += 1
            if not under_way:
                return
            task, raw = self._next(inbox)
            under_way -= 1
            if isinstance(raw, BaseException):
                raise raw
            fetched = self._read(raw)
            self._on_page(task.ask, fetched)
            if task.course.take(task.number, fetched.answer):
                yield from self._step(task.course, outbox)

    @staticmethod
    def _step(course: "_Course[T]", outbox: "deque[_Task]") -> Iterator[T]:
        """Let a procedure go on: its result, or further asks to put out."""
        course.go_on()
        if course.ended:
            yield course.result
        outbox.extend(_Task(course, number, ask) for number, ask in enumerate(course.asks))

    @staticmethod
    def _begin(waiting: Iterator[Steps[T]]) -> "_Course[T] | None":
        steps = next(waiting, None)
        return None if steps is None else _Course(steps)

    def _work(self, task: "_Task", inbox: "_Inbox") -> None:
        try:
            inbox.put((task, self._ask(task.ask)))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            inbox.put((task, error))
            self._give_up()  # that one may have many answers to read first, and would ask on for each

    def _next(self, inbox: "_Inbox") -> "tuple[_Task, Raw | BaseException]":
        while True:
            signal = self._stop()
            if signal is not None:
                raise Interrupted(signal)
            with contextlib.suppress(queue.Empty):
                got: tuple[_Task, Raw | BaseException] = inbox.get(timeout=0.2)
                return got
