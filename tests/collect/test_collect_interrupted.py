"""A run that is stopped in any way loses nothing that was sealed, and the next one goes on."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.collect.conftest import Site

from muniment.archive.columns import entry_batch
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer, collect_lock
from muniment.errors import Busy, NotOurs, StorageError, Unreachable

SiteMaker = Callable[..., Site]


def start(site: Site) -> subprocess.Popen[bytes]:
    """`muniment collect` as a process of its own."""
    env = os.environ | {
        "MUNIMENT_URL": site.box.url,
        "MUNIMENT_API_KEY": site.box.keys["AM_VIEW_ONLY"],
        "MUNIMENT_HOME": str(site.home.path),
        "MUNIMENT_CACHE": str(site.folder / "cache"),
        "MUNIMENT_ARCHIVE": str(site.folder / "archive"),
    }
    call = [
        sys.executable,
        "-c",
        "from muniment.cli.main import main; main(['collect', '--source', 'account-manager@sandbox'])",
    ]
    return subprocess.Popen(call, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_for_leaves(site: Site, count: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and Archive.open(site.folder / "archive").size < count:
        time.sleep(0.01)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_leaves_a_whole_archive_and_the_next_finds_the_rest_once(make_site: SiteMaker, seed: int) -> None:
    site = make_site(days=200, entries=4_000, faults=("latency=40",))
    child = start(site)
    wait_for_leaves(site, 2)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    child.kill()
    child.communicate()
    held = Archive.open(site.folder / "archive").size
    assert held >= 1
    done = site.collect()
    assert done.outcome.complete
    assert site.archived() == site.served(), "0 missing, 0 duplicate"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_asked_to_stop_seals_what_it_has_and_says_so(
    make_site: SiteMaker, number: signal.Signals, code: int
) -> None:
    site = make_site(days=200, entries=4_000, faults=("latency=100",))
    child = start(site)
    wait_for_leaves(site, 2)
    child.send_signal(number)
    _, told = child.communicate(timeout=20)
    assert child.returncode == code, told.decode()
    assert b"Stopped as asked" in told
    assert site.receipts()[-1].phase == "closed"
    assert site.receipts()[-1].complete is False
    before = len(site.archived())
    done = site.collect()
    assert done.outcome.complete
    assert done.outcome.new == 4_000 - before
    assert site.archived() == site.served()


def test_days_that_a_stopped_run_completed_are_not_read_again(make_site: SiteMaker) -> None:
    site = make_site(days=200, entries=4_000, faults=("latency=40",))
    child = start(site)
    wait_for_leaves(site, 800)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    read = {day.day for receipt in site.receipts() for day in receipt.days}
    assert read
    whole_days = (site.clock().date() - min(read)).days + 1
    site.collect()
    assert site.asked <= whole_days - len(read) + 60 + 50


def test_two_collectors_of_one_source_cannot_run_at_once(make_site: SiteMaker) -> None:
    site = make_site(entries=100)
    with collect_lock(site.archive, "account-manager@sandbox"), pytest.raises(Busy, match=str(os.getpid())):
        site.collect()


def test_another_writer_in_between_costs_nobody_anything(make_site: SiteMaker) -> None:
    """Somebody seals the same entries and a disposition while a run has them in its hands."""
    site = make_site(days=3, entries=400)
    other = Writer(Archive.open(site.folder / "archive"), site.home)
    taken = site.served()[:150]
    sealed: list[int] = []

    def meddle(_: object) -> None:
        if not sealed:
            with other.transaction() as transaction:
                batch = entry_batch("account-manager@sandbox", "2026-04-02T11:00:00Z", taken)
                sealed.append(transaction.add(batch))
                transaction.add_record(
                    "disposition", b'{"reason":"r","by":"b","standing":"moved"}', "2026-04-02T11:00:00Z"
                )

    site.tell = meddle
    done = site.collect()
    other.close()
    assert sealed
    assert done.outcome.complete
    assert site.archived() == site.served(), "each entry once"


def test_a_full_disk_leaves_the_archive_whole(make_site: SiteMaker) -> None:
    site = make_site(days=3, entries=3_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        with pytest.raises(StorageError, match=r"segment|tile"):
            site.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Archive.open(site.folder / "archive").size == 1
    assert site.collect().outcome.complete
    assert site.archived() == site.served()


def test_an_older_copy_put_back_is_refused(make_site: SiteMaker) -> None:
    site = make_site(days=3, entries=300)
    shutil.copytree(site.folder / "archive", site.folder / "older")
    site.collect()
    shutil.rmtree(site.folder / "archive")
    (site.folder / "older").rename(site.folder / "archive")
    site.archive = Archive.open(site.folder / "archive")
    with pytest.raises(NotOurs):
        site.collect()


def test_a_source_that_goes_away_midway_is_exit_3_with_what_was_read_sealed(make_site: SiteMaker) -> None:
    site = make_site(days=200, entries=2_000)
    calls = 0
    search = site.box.world.store.search

    def fail_later(query: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 60:
            raise RuntimeError("the source is ill")
        return search(query)

    site.box.world.store.search = fail_later  # type: ignore[method-assign] # the world itself breaks down
    done = site.collect(retry_s=0.3)
    assert isinstance(done.outcome.stopped, Unreachable)
    assert done.outcome.new > 0
    assert any("not read" in gap.why for gap in done.outcome.gaps)
    site.box.world.store.search = search  # type: ignore[method-assign]
    assert site.collect().outcome.complete
    assert site.archived() == site.served()
