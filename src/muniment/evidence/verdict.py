"""What a verification says: numbered checks, problems that name file and leaf, and what was not looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

__all__ = ["LEAVES_NAMED", "Check", "Problem", "Problems", "Result", "Trust", "Verdict"]

Result = Literal["pass", "fail", "skipped"]
Trust = Literal["given-key", "home-key", "enclosed-key", "none"]

LEAVES_NAMED: Final = 1_000
"""So many leaves of one file are named for one check; of further ones the number, the first and the last."""


class Problem(msgspec.Struct, frozen=True):
    """Something that is not as it was sealed."""

    check: str
    file: str
    """Path within the archive."""
    what: str
    leaf: int | None = None

    def document(self) -> dict[str, Any]:
        """As `--json` shows it."""
        leaf = {} if self.leaf is None else {"leaf": self.leaf}
        return {"file": self.file, **leaf, "what": self.what, "check": self.check}


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered step. What could not be looked at is `skipped`, which never counts as `pass`."""

    check: str
    result: Result
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a verification."""

    kind: Literal["archive", "package"]
    origin: str | None
    leaves: int
    """How many leaves were read and hashed."""
    tree_size: int | None
    """As the checkpoint says, None where it cannot be read."""
    root: str | None
    """As the checkpoint says, Base 64."""
    trust: Trust
    """Whose word the signature's key rests on."""
    checks: tuple[Check, ...]
    problems: tuple[Problem, ...]
    not_evidence: tuple[str, ...]
    """Files in the folder that nothing was concluded from: locks, temporary and superseded files."""

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not any(check.result == "fail" for check in self.checks)

    def document(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "ok": self.ok,
            "kind": self.kind,
            "origin": self.origin,
            "leaves": self.leaves,
            "tree_size": self.tree_size,
            "root": self.root,
            "trust": self.trust,
            "checks": [{"check": each.check, "result": each.result, "why": each.why} for each in self.checks],
            "problems": [problem.document() for problem in self.problems],
            "not_evidence": list(self.not_evidence),
        }


class Problems:
    """Collects problems, and counts those of one file and check that are too many to list."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._listed: list[Problem] = []
        self._leaves: dict[tuple[str, str], list[int]] = {}
        for problem in problems:
            self._take(problem)

    def add(self, check: str, file: str, what: str, leaf: int | None = None) -> None:
        """Note one.

        Args:
            check: Which check it fails.
            file: Path within the archive.
            what: It, in a sentence without its full stop.
            leaf: Index of the leaf concerned, the first one where there are several.
        """
        self._take(Problem(check, file, what, leaf))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several."""
        for problem in problems:
            self._take(problem)

    def listed(self) -> tuple[Problem, ...]:
        """All of them, in the order they came; those that were only counted stand last."""
        beyond = [
            Problem(
                check,
                file,
                f"{len(leaves) - LEAVES_NAMED} more of its leaves, up to leaf {max(leaves)}",
                leaves[LEAVES_NAMED],
            )
            for (check, file), leaves in self._leaves.items()
            if len(leaves) > LEAVES_NAMED
        ]
        return (*self._listed, *beyond)

    def of(self, check: str) -> list[Problem]:
        """Those of one check."""
        return [problem for problem in self.listed() if problem.check == check]

    def _take(self, problem: Problem) -> None:
        if problem.leaf is not None:
            leaves = self._leaves.setdefault((problem.check, problem.file), [])
            leaves.append(problem.leaf)
            if len(leaves) > LEAVES_NAMED:
                return
        self._listed.append(problem)
