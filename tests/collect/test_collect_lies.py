"""Sources whose figures are no counts: what they gave is archived, the run ends soon, and its gaps say what is so."""

import datetime as dt
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.collect.conftest import SOURCE, Clock
from tests.source.rawserver import KEY, Request, raw_server, response

from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.collect.collecting import Collected, collect
from muniment.source.client import Client
from muniment.source.settings import Settings
from muniment.sweep.window import Gap

FIRST = dt.date(2026, 3, 25)
HUGE = 999_999_999_999_999


@dataclass
class Liar:
    """Five entries on each of four days; `page` alters what it answers."""

    page: Callable[[dict[str, Any]], None] = lambda _: None
    ignores: tuple[str, ...] = ()
    asked: int = 0
    entries: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "id": f"e-{day}-{n}",
                "timestamp": f"{FIRST + dt.timedelta(days=day)}T12:00:0{n}Z",
                "status": "success",
                "action": "LOGIN",
                "resource_type": "USER",
            }
            for day in range(4)
            for n in range(5)
        ]
    )

    def __call__(self, request: Request, sock: socket.socket) -> bool:
        """Answer one request."""
        self.asked += 1
        params = {name: value for name, value in request.params.items() if name not in self.ignores}
        found = [entry for entry in self.entries if _fits(entry, params)]
        offset, limit = int(params["offset"]), int(params["limit"])
        page = {"total": len(found), "offset": offset, "limit": limit, "items": found[offset : offset + limit]}
        self.page(page)
        sock.sendall(response(200, json.dumps(page).encode(), Content_Type="application/json"))
        return True


def _fits(entry: dict[str, Any], params: dict[str, str]) -> bool:
    day = entry["timestamp"][:10]
    return (
        params.get("from", "") <= day <= params.get("to", "9999")
        and params.get("status", "SUCCESS") == "SUCCESS"
        and params.get("action", "LOGIN") == "LOGIN"
        and "USER" in params.get("resource_types", "USER").split(",")
    )


def run(liar: Liar, folder: Path) -> tuple[Collected, list[Gap]]:
    """Collect once from a liar."""
    clock, home = Clock(), Home(folder / "home")
    archive = initialise(folder / "archive", home, "test.example/log", now=clock())
    with raw_server(liar) as server, Client(Settings(url=server.url, api_key=KEY), clock=clock) as client:
        done = collect(archive, client, SOURCE, home=home, cache=folder / "cache", clock=clock)
    assert not done.outcome.complete or not done.outcome.gaps
    return done, done.outcome.gaps


def test_a_source_that_tells_the_truth_is_complete(tmp_path: Path) -> None:
    done, _ = run(Liar(), tmp_path)
    assert (done.outcome.complete, done.outcome.new) == (True, 20)


def test_one_huge_total_for_everything_ends_soon_and_everything_served_is_archived(tmp_path: Path) -> None:
    liar = Liar(page=lambda page: page.update(total=HUGE))
    done, gaps = run(liar, tmp_path)
    assert liar.asked < 1_000
    assert done.outcome.new == 20
    assert (FIRST, HUGE, 5) in [(gap.from_, gap.expected, gap.got) for gap in gaps]


def test_a_gap_without_a_total_says_how_many_entries_are_archived(tmp_path: Path) -> None:
    done, gaps = run(Liar(page=lambda page: page.pop("total")), tmp_path)
    assert done.outcome.new == 20
    assert [gap.got for gap in gaps if gap.from_ is None] == [20]
    assert [gap.got for gap in gaps if gap.from_ == FIRST] == [5]
    assert all(gap.expected is None for gap in gaps)


def test_a_source_that_ignores_dates_is_a_contradiction_and_never_expected_below_nothing(tmp_path: Path) -> None:
    done, gaps = run(Liar(ignores=("from", "to")), tmp_path)
    assert (done.outcome.complete, done.outcome.new) == (False, 20)
    assert all(gap.expected is None or gap.expected >= 0 for gap in gaps)
    assert any(gap.why.startswith("the days serve more") and gap.got > (gap.expected or 0) for gap in gaps)


@pytest.mark.parametrize("total", [-1, "5", 1e3, None, 10**20])
def test_a_total_that_is_no_count_is_none(tmp_path: Path, total: object) -> None:
    done, gaps = run(Liar(page=lambda page: page.update(total=total)), tmp_path)
    assert (done.outcome.complete, done.outcome.new) == (False, 20)
    assert gaps


def test_a_source_that_writes_null_for_no_items_is_complete(tmp_path: Path) -> None:
    def write_null(page: dict[str, Any]) -> None:
        page["items"] = page["items"] or None

    done, _ = run(Liar(page=write_null), tmp_path)
    assert (done.outcome.complete, done.outcome.new) == (True, 20)
