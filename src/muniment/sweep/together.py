"""Several procedures as one: their asks go out together, each gets its own answers back."""

from collections.abc import Sequence
from typing import TypeVar

from muniment.sweep.window import Answer, Ask, Steps

__all__ = ["together"]

T = TypeVar("T")


def together(procedures: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Run procedures side by side, in lockstep; their results in the order given."""
    results: dict[int, T] = {}
    wanted: dict[int, tuple[Ask, ...]] = {}
    answers: dict[int, tuple[Answer, ...] | None] = dict.fromkeys(range(len(procedures)))
    while answers:
        for number, answer in answers.items():
            try:
                wanted[number] = procedures[number].send(answer)  # type: ignore[arg-type]  # the first send is None
            except StopIteration as end:
                results[number] = end.value
        if not wanted:
            break
        replies = iter((yield tuple(ask for asks in wanted.values() for ask in asks)))
        answers = {number: tuple(next(replies) for _ in asks) for number, asks in wanted.items()}
        wanted = {}
    return [results[number] for number in range(len(procedures))]
