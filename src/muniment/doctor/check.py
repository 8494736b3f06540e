"""What the doctor says: a check for each examination, and what they come to."""

from dataclasses import dataclass
from typing import Any, Literal

from muniment.doctor.examinations.exam import Finding

__all__ = ["About", "Check", "Report"]

About = Literal["source", "assumption", "machine"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Args:
        name: Of what was looked at.
        about: Which part of the report it belongs to.
        finding: What was found.
    """

    name: str
    about: About
    finding: Finding

    def document(self) -> dict[str, str]:
        """As `--json` shows it."""
        finding = self.finding
        return {
            "check": self.name,
            "result": finding.result,
            "why": finding.why,
            "hint": finding.hint,
            "about": self.about,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found.

    Args:
        url: Of the source; None where none is known.
        checks: In the order in which they are shown.
        requests: How many went out.
        seconds: How long it took.
    """

    url: str | None
    checks: tuple[Check, ...]
    requests: int
    seconds: float

    @property
    def obstacle(self) -> Check | None:
        """The first check that stands in the way of a complete collection."""
        return next((check for check in self.checks if check.finding.exit_code), None)

    @property
    def ok(self) -> bool:
        """Whether nothing does."""
        return self.obstacle is None

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0 if self.obstacle is None else self.obstacle.finding.exit_code

    def document(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "ok": self.ok,
            "url": self.url,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "checks": [check.document() for check in self.checks],
        }
