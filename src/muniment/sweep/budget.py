"""How many asks a window is worth: a source that never agrees with itself is not asked for ever."""

import numpy as np

from muniment.sweep.window import Answer, Ask, Seen, Sheet, Window, Words

__all__ = ["Budget"]

FREE = 20
DRAWN_AT_ONCE = 50
MOST_DRAWN = 1_000
EARNED = 10  # asks for each answer with news: what it held may be read five times, in parts
_NONE: Words = np.empty(0, dtype=np.uint64)


class Budget:
    """The asks of one window and its parts.

    Asks that bring nothing new are what it counts: each answer with rows that no earlier one had earns ten more. Of
    others 20 are free, and up to 1000 are drawn from what all windows of a run share (`Seen.spare`); a window that is
    complete in the end gives back what it drew. So no window takes more than 1020 asks and eleven for each answer that
    brought something new; all that end in a gap together take no more than `Seen.spare`, besides 20 each and those
    eleven.

    Args:
        window: What is read.
        seen: Says how much may be spent in vain.
    """

    def __init__(self, window: Window, seen: Seen) -> None:
        self.spent = 0
        self.total: int | None = None
        self._window = window
        self._seen = seen
        self._earned = 0
        self._drawn = 0
        self._keys: list[Words] = []

    def bears(self, asks: int) -> bool:
        """Whether so many more asks may go out."""
        if self._left < asks:
            self._earned = EARNED * self._answers_with_news()
        while self._left < asks and self._draw():
            pass
        return self._left >= asks

    def note(self, asks: tuple[Ask, ...], answers: tuple[Answer, ...]) -> None:
        """Take the answers to some asks."""
        self.spent += len(asks)
        for ask, answer in zip(asks, answers, strict=True):
            if isinstance(answer, Sheet):
                self._keys.append(answer.keys)
                self.total = answer.total if ask.window == self._window else self.total

    def give_back(self) -> None:
        """It was not spent in vain."""
        self._seen.spare += self._drawn
        self._drawn = 0

    def keys(self) -> Words:
        """The distinct keys that came."""
        return np.unique(np.concatenate([_NONE, *self._keys]))

    @property
    def _left(self) -> int:
        return FREE + self._earned + self._drawn - self.spent

    def _draw(self) -> bool:
        drawn = min(DRAWN_AT_ONCE, MOST_DRAWN - self._drawn, self._seen.spare)
        self._seen.spare -= drawn
        self._drawn += drawn
        return drawn > 0

    def _answers_with_news(self) -> int:
        _, firsts = np.unique(np.concatenate([_NONE, *self._keys]), return_index=True)
        ends = np.cumsum([keys.size for keys in self._keys])
        return int(np.unique(np.searchsorted(ends, firsts, side="right")).size)
