"""How fast an archive is looked at: `python -m benchmarks.query [ENTRIES] [FOLDER]`.

The archive is made by a generator that writes straight into it, in a folder that goes away at the end, or in FOLDER,
where it stays and is used again. Pages are asked for in a process that holds the archive open; what the first one of a
new process takes stands beside them.
"""

import datetime as dt
import hashlib
import json
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

from muniment.archive.columns import entry_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.model import Query, Sort
from muniment.query.scan import scan
from muniment.query.search import Found, Searcher

SOURCE = "account-manager@one.digicert.com"
OBSERVED = "2026-03-02T23:56:45Z"
NOW = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
FIRST = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DAYS = 400
NEWEST = Sort("timestamp", "desc")
PAGE = 1_000
COMMIT = 65_536
ACTIONS = {
    "LOGIN": 400, "LOGOUT": 200, "LOGIN_ERROR": 80, "CREATE": 60, "UPDATE": 120, "DELETE": 40, "UPDATE_PASSWORD": 30,
    "UPDATE_TOTP": 20, "DISABLED": 10, "ENABLED": 10, "SEND_RESET_PASSWORD": 15, "LOW_LICENSE_WARNING_SENT": 1,
}  # fmt: skip
TYPES = {"USER": 50, "SERVICE_USER": 20, "APIKEY": 15, "BASIC_AUTH": 20, "SSO_SAML": 10, "ROLE": 3, "ACCOUNT": 2}
NAMES = ("maria.lindqvist", "j.okafor", "wei.zhang", "svc-renewals", "tomas.novak", "a.fernandez", "svc-ci", "p.iyer")


def uuid(kind: str, number: int) -> str:
    digits = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class Generator:
    """Entries in the order of their times, several a second on the busiest days; few users do most."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._random = random.Random(5)
        users = max(50, min(20_000, count // 50))
        self._users = [(uuid("user", n), f"{NAMES[n % 8]}{n // 8}@example.com") for n in range(users)]
        self._weights = list(accumulate(1 / (n + 10) for n in range(users)))
        self._accounts = [(uuid("account", n), f"Example Subsidiary {n} AB") for n in range(40)]
        self._things = max(100, count // 20)

    def pages(self) -> Iterator[list[bytes]]:
        for first in range(0, self._count, PAGE):
            yield self._page(first, min(PAGE, self._count - first))

    def _page(self, first: int, count: int) -> list[bytes]:
        pick = self._random.choices
        users = pick(self._users, cum_weights=self._weights, k=count)
        accounts = pick(self._accounts, range(40, 0, -1), k=count)
        actions, types = (pick(list(words), list(words.values()), k=count) for words in (ACTIONS, TYPES))
        things = [int(self._random.random() ** 3 * self._things) for _ in range(count)]
        start = first * DAYS * 86_400 // self._count
        stamps = [
            (FIRST + dt.timedelta(seconds=start + n * DAYS * 86_400 // self._count)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for n in range(count)
        ]
        ids = [self._random.getrandbits(128).to_bytes(16).hex() for _ in range(count)]
        return [
            f'{{"id":"{e[:8]}-{e[8:12]}-{e[12:16]}-{e[16:20]}-{e[20:]}","account":{{"id":"{account}","name":"{title}"}},'
            f'"resource_type":"{kind}","resource_id":"{thing:08x}-77aa-4bbb-8ccc-{thing * 7919:012x}",'
            f'"resource_name":"thing {thing}","action":"{action}",'
            f'"user":{{"id":"{user}","name":"{name}"}},"timestamp":"{stamp}",'
            f'"description":"{action.title()} of {kind.lower()} thing {thing % 5000} by {name[:8]}",'
            f'"status":"{"failure" if action == "LOGIN_ERROR" else "success"}"}}'.encode()
            for e, (account, title), kind, thing, action, (user, name), stamp in zip(
                ids, accounts, types, things, actions, users, stamps, strict=True
            )
        ]


def make(folder: Path, count: int) -> None:
    home = Home(folder / "home")
    archive = initialise(folder / "archive", home, now=NOW)
    pages = Generator(count).pages()
    with Writer(archive, home, grace_s=0) as writer:
        for _ in range(0, count, COMMIT // PAGE * PAGE):
            with writer.transaction() as transaction:
                for _ in range(COMMIT // PAGE):
                    if (page := next(pages, None)) is not None:
                        transaction.add(entry_batch(SOURCE, OBSERVED, page))


class Entries:
    """An archive to be looked at, and pages to ask for."""

    def __init__(self, folder: Path) -> None:
        self.archive = Archive.open(folder / "archive")
        self.cache = folder / "cache"
        some = json.loads(self.archive.leaf(self.archive.size // 3))["entry"]
        self.queries = {
            "no filter": Query(),
            "newest first": Query(sort=NEWEST),
            "action, 40 % of all": Query(action="LOGIN"),
            "action, 1 % of all": Query(action="DISABLED"),
            "status, 92 % of all": Query(status="SUCCESS"),
            "resource types, half": Query(resource_types=("USER", "APIKEY")),
            "resource id": Query(resource_id=some["resource_id"]),
            "user name, an eighth": Query(user_name="zhang"),
            "user name, one": Query(user_name=some["user"]["name"]),
            "account": Query(account_id=some["account"]["id"]),
            "a quarter": Query(from_=dt.date(2025, 4, 1), to=dt.date(2025, 6, 30)),
            "a quarter, action, name": Query(
                from_=dt.date(2025, 4, 1), to=dt.date(2025, 6, 30), action="LOGIN", user_name="okafor"
            ),
            "failures of a name": Query(user_name="novak", status="FAILURE", sort=NEWEST),
        }
        half = self.archive.size // 2
        self.deep = {
            "offset, half of all": Query(offset=half),
            "offset, newest first": Query(offset=half, sort=NEWEST),
            "offset, by action": Query(offset=half, sort=Sort("action", "desc")),
            "offset, by status": Query(offset=half, sort=Sort("status")),
            "by description": Query(sort=Sort("description")),
        }


def measure(searcher: Searcher, query: Query, times: int) -> tuple[list[float], Found]:
    """Milliseconds of each time, in order."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        found = searcher.search(query)
        spent.append((time.perf_counter() - start) * 1e3)
    return sorted(spent), found


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def in_a_process(work: Callable[[Path], None], folder: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=(folder,))
    process.start()
    process.join()


def build(folder: Path) -> None:
    entries = Entries(folder)
    start = time.perf_counter()
    with Searcher(entries.archive, entries.cache) as searcher:
        searcher.search(Query())
    seconds = time.perf_counter() - start
    size = sum(file.stat().st_size for file in entries.cache.glob("query-*"))
    print(f"index made in {seconds:.1f} s, {size / entries.archive.size:.1f} bytes an entry, peak {peak_mb()} MB")


def look(folder: Path) -> None:
    entries = Entries(folder)
    with Searcher(entries.archive, entries.cache) as searcher:
        start = time.perf_counter()
        searcher.search(Query())
        print(f"first page of the process {(time.perf_counter() - start) * 1e3:.0f} ms")
        print(f"{'page of 20':26} {'p50 ms':>8} {'max ms':>8} {'total':>12}")
        for name, query in entries.queries.items():
            spent, found = measure(searcher, query, 21)
            print(f"{name:26} {spent[10]:8.1f} {spent[-1]:8.1f} {found.total:12,}")
        for name, query in entries.deep.items():
            spent, found = measure(searcher, query, 3)
            print(f"{name:26} {spent[1]:8.1f} {spent[-1]:8.1f} {found.total:12,}")
    print(f"peak {peak_mb()} MB")


def export(folder: Path) -> None:
    archive = Archive.open(folder / "archive")
    start, busy, size = time.perf_counter(), time.process_time(), 0
    with (folder / "entries.jsonl").open("wb") as file:
        for lines in scan(archive, Query()):
            payloads = lines.payloads
            payloads.append(b"")
            file.write(b"\n".join(payloads))
            size += len(payloads) - 1
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    raw = (folder / "entries.jsonl").stat().st_size
    start = time.perf_counter()
    with (folder / "entries.jsonl").open("rb") as file, (folder / "copy.jsonl").open("wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
    limit = time.perf_counter() - start
    rates = f"{size / seconds:,.0f} entries/s, {size / busy:,.0f} a second of CPU"
    print(f"export {rates}, {raw / size:.0f} bytes each, peak {peak_mb()} MB")
    print(f"limit: the same bytes copied {size / limit:,.0f} entries/s")
    for name in ("entries.jsonl", "copy.jsonl"):
        (folder / name).unlink()


def main(count: int, folder: Path) -> None:
    if not (folder / "archive").exists():
        start = time.perf_counter()
        make(folder, count)
        print(f"{count:,} entries made in {time.perf_counter() - start:.0f} s")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    for work in (build, look, export):
        in_a_process(work, folder)


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        main(asked, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(asked, Path(temporary))
