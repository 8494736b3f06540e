"""Visits to sandboxes that behave, and to such as do not."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.source.conftest import Authority, authority

from muniment.archive.home import Home
from muniment.doctor.check import Report
from muniment.doctor.examinations.exam import Finding
from muniment.doctor.visit import visit
from muniment.sandbox.server import Box
from muniment.source.settings import Settings

__all__ = ["Authority", "authority"]

Visitor = Callable[..., "Seen"]


class Seen:
    """What a visit found, and what the source was asked for it."""

    def __init__(self, report: Report, requests: int) -> None:
        self.report = report
        self.requests = requests

    def __getitem__(self, name: str) -> Finding:
        (found,) = (check.finding for check in self.report.checks if check.name == name)
        return found

    def results(self, *results: str) -> set[str]:
        """Names of the checks with one of these results, those of this machine aside."""
        return {
            check.name for check in self.report.checks if check.finding.result in results and check.about != "machine"
        }


@pytest.fixture
def call_on(tmp_path: Path) -> Visitor:
    """Visits a sandbox."""

    def call(box: Box, role: str = "AM_VIEW_ONLY", **options: Any) -> Seen:
        settings = Settings(
            url=options.pop("url", box.url),
            api_key=box.keys.get(role, role),
            timeout_s=options.pop("timeout_s", 1.0),
            retry_s=options.pop("retry_s", 1.0),
        )
        options = {"environ": {}, **options}
        before = box.requests.audit_log + box.requests.lookups
        report = visit(settings, tmp_path / "archive", Home(tmp_path / "home"), **options)
        return Seen(report, box.requests.audit_log + box.requests.lookups - before)

    return call


@pytest.fixture
def visited(make_box: Callable[..., Box], call_on: Visitor) -> Visitor:
    """Visits a sandbox of 1,200 entries in 20 days, with these faults."""

    def make(*faults: str, role: str = "AM_VIEW_ONLY", entries: int = 1200, **options: Any) -> Seen:
        box = make_box(days=20, entries=entries, end=dt.date(2026, 4, 1), faults=faults)
        return call_on(box, role, **options)

    return make
