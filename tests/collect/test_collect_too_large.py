"""Answers larger than may be, over sockets: smaller pages, and a gap of the one entry that no page size helps."""

import datetime as dt
from collections.abc import Callable

import msgspec
import pytest
from tests.collect.conftest import END, SOURCE, Site

from muniment.archive.reading import Archive
from muniment.collect.collecting import Collected, collect
from muniment.source.client import Client
from muniment.source.settings import Settings

SiteMaker = Callable[..., Site]
MOST_BYTES = 200_000
DAY = dt.timedelta(days=1)


def run(site: Site) -> Collected:
    """Collect with answers of at most 200 000 bytes; how often was asked is then in `asked`."""
    before = site.box.requests.audit_log
    settings = Settings(url=site.box.url, api_key=site.box.keys["AM_VIEW_ONLY"], timeout_s=5.0, retry_s=2.0)
    with Client(settings, clock=site.clock, max_body_bytes=MOST_BYTES) as client:
        archive = Archive.open(site.folder / "archive")
        done = collect(archive, client, SOURCE, home=site.home, cache=site.folder / "cache", clock=site.clock)
    site.asked = site.box.requests.audit_log - before
    return done


def log_large(site: Site, day: dt.date) -> bytes:
    """Log an entry that is larger than any answer may be."""
    at = dt.datetime.combine(day, dt.time(11), dt.UTC)
    some = msgspec.json.decode(site.served()[0])
    large = {"id": f"large-{day}", "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "description": "x" * 2 * MOST_BYTES}
    site.box.world.store.add([msgspec.json.encode(some | large)])
    return next(item for item in site.served() if large["id"].encode() in item)


def test_pages_that_are_too_large_for_all_days_at_once_are_halved_once(make_site: SiteMaker) -> None:
    site = make_site(days=10, entries=8_000)
    assert run(site).outcome.complete
    assert site.archived() == site.served()
    assert site.asked <= 16 * 4 + 8_000 / 200 + 60


@pytest.mark.parametrize("age_days", [4, 11, 12, 40, 300])
def test_one_entry_that_is_too_large_is_a_gap_of_its_day_and_all_else_is_archived(
    make_site: SiteMaker, age_days: int
) -> None:
    site = make_site(days=10, entries=2_000)
    day = END - age_days * DAY
    large = log_large(site, day)
    for _ in range(2):
        done = run(site)
        (gap,) = done.outcome.gaps
        assert (gap.from_, gap.to, gap.expected, gap.got) == (day, day, 1, 0)
        assert f"larger than {MOST_BYTES} bytes" in gap.why
        assert (done.outcome.complete, done.outcome.source_total, done.standing.findings) == (False, 2_001, {})
        assert site.archived() == [item for item in site.served() if item != large]
    assert site.asked < 60
    site.box.world.store.remove(f"large-{day}")
    assert run(site).outcome.complete
