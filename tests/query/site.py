"""What the tests of looking share: an archive of small blocks, beside its cache, and entries to put into it."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from muniment.archive.columns import entry_batch, leaf_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.segments import Layout
from muniment.archive.writer import Writer
from muniment.merkle.note import Signer
from muniment.model import Query
from muniment.query.corrections import NO_CORRECTIONS, Corrections
from muniment.query.index import Index, Policy, open_index
from muniment.query.search import Found, Searcher, search

SOURCE: Final = "account-manager@one.digicert.com"
AT: Final = "2026-03-02T23:56:45Z"
NOW: Final = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
BLOCK: Final = 16
POLICY: Final = Policy(layout=Layout(block=BLOCK, ratio=4), least_blocks=1, few=8)


def entry(number: int, **changed: Any) -> bytes:
    """An entry; each number is one of its own, a minute after the one before."""
    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=number)
    user = number % 5
    said = {
        "id": f"entry-{number:05}",
        "account": {"id": f"account-{number % 3}", "name": f"Account {number % 3}"},
        "resource_type": ("USER", "APIKEY", "ROLE")[number % 3],
        "resource_id": f"resource-{number % 7}",
        "resource_name": f"thing {number % 7}",
        "action": ("LOGIN", "LOGIN", "LOGIN_ERROR", "UPDATE")[number % 4],
        "user": {"id": f"user-{user}", "name": f"user{user}@example.com"},
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "description": f"Something {number % 11} happened",
        "status": "failure" if number % 4 == 2 else "success",
    }
    return json.dumps(said | changed).encode()


class Site:
    """An archive on this disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.home = Home(folder / "home")
        self.archive = initialise(
            folder / "archive", self.home, "example.com/log", now=NOW, generate=lambda name: Signer(name, bytes(32))
        )

    def add(self, payloads: Iterable[bytes], *, source: str = SOURCE, kind: str = "entry") -> int:
        """Seal items in one commit; the index of the first one's leaf."""
        items = list(payloads)
        batch = entry_batch(source, AT, items) if kind == "entry" else leaf_batch(kind, source, AT, items)
        writer = Writer(
            self.archive, self.home, clock=lambda: NOW, layout=POLICY.layout, grace_s=-1e12, background=False
        )
        with writer, writer.transaction() as transaction:
            return transaction.add(batch)

    def reopen(self) -> Archive:
        """The archive as another process sees it."""
        return Archive.open(self.folder / "archive")

    def find(self, query: Query, corrections: Corrections = NO_CORRECTIONS, source: str | None = None) -> Found:
        """By way of the index."""
        return search(self.reopen(), query, self.cache, corrections, source, policy=POLICY)

    def find_plainly(self, query: Query, corrections: Corrections = NO_CORRECTIONS, source: str | None = None) -> Found:
        """Without an index."""
        return search(self.reopen(), query, None, corrections, source)

    def index(self, corrections: Corrections = NO_CORRECTIONS, policy: Policy = POLICY) -> Index | None:
        """The index as a search opens it."""
        return open_index(self.reopen(), self.cache, corrections, policy=policy)

    def index_files(self) -> list[Path]:
        """What indices there are."""
        return sorted(self.cache.glob("query-*.duckdb"))


def searcher_on(site: Site, policy: Policy = POLICY, archive: Archive | None = None) -> Searcher:
    """Searches the site's archive again and again."""
    return Searcher(archive or site.archive, site.cache, policy=policy)


@contextmanager
def going_on(searcher: Searcher, corrections: Corrections = NO_CORRECTIONS) -> Iterator[None]:
    """Demand that no question meanwhile is one that the index answers with an error, which a search would hide."""
    before = searcher._current(corrections)
    yield
    assert searcher._current(corrections) is before, "the index was given up"


def ids(found: Sequence[bytes]) -> list[str]:
    """The ids of entries."""
    return [json.loads(item)["id"] for item in found]
