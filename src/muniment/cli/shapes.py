"""Gaps, findings and roots as `--json` and people see them."""

import base64
from collections.abc import Mapping
from typing import Any

from muniment.cli.wording import number, period, sign
from muniment.collect.record import Finding
from muniment.sweep.window import Gap

__all__ = ["b64", "finding_documents", "gap_line"]


def b64(root: bytes) -> str:
    """A root hash, in standard base64 as in the checkpoint."""
    return base64.b64encode(root).decode()


def finding_documents(findings: Mapping[int, Finding]) -> list[dict[str, Any]]:
    """Findings with the leaf that `dispose` takes."""
    return [_document(index, found) for index, found in sorted(findings.items())]


def gap_line(gap: Gap) -> str:
    """A gap in a line."""
    where = f"{period(gap.from_, gap.to)} {gap.filter}".strip()
    return f"{sign('gap')} gap {where}: expected {number(gap.expected)}, got {number(gap.got)}: {gap.why}"


def _document(index: int, found: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"finding": index, "kind": found.kind, "what": found.what, "source": found.source}
    if found.id is not None:
        told["id"] = found.id
    if found.leaves:
        told["leaves"] = found.leaves
    return told
