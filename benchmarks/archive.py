"""How fast leaves are sealed and read again: `python -m benchmarks.archive [ENTRIES]`.

Items are made a page at a time, and making them is not counted. Each figure stands beside a limit of the same run.
"""

import datetime as dt
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from muniment.archive.columns import entry_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.keys import KeyRuns
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer

PAGE = 1_000
COMMIT = 50_000
SOURCE = "account-manager@one.digicert.com"
OBSERVED = "2026-03-02T23:56:45Z"
NOW = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
ACTIONS = ("LOGIN", "LOGIN", "LOGIN", "LOGOUT", "LOGIN_ERROR", "CREATE", "UPDATE", "DELETE")
TYPES = ("USER", "USER", "APIKEY", "BASIC_AUTH", "SSO_SAML", "ROLE", "SERVICE_USER", "ACCOUNT")
NAMES = ("maria.lindqvist", "j.okafor", "wei.zhang", "svc-renewals", "tomas.novak", "a.fernandez", "svc-ci", "p.iyer")


def uuid(kind: str, number: int) -> str:
    digits = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


USERS = [(uuid("user", n), f"{NAMES[n % 8]}{n // 8}@example.com") for n in range(300)]
ACCOUNTS = [(uuid("account", n), f"Example Subsidiary {n} AB") for n in range(12)]


def item(number: int) -> bytes:
    digest = hashlib.sha256(b"%d" % number).digest()
    user, name = USERS[digest[0] + (digest[1] & 31)]
    account, title = ACCOUNTS[digest[2] % 12]
    action, resource_type = ACTIONS[digest[3] & 7], TYPES[digest[4] & 7]
    subject, subject_name = USERS[digest[5] + (digest[6] & 31)]
    time_text = (dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=31 * number)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    status = "failure" if action == "LOGIN_ERROR" else "success"
    return (
        f'{{"id":"{uuid("entry", number)}","account":{{"id":"{account}","name":"{title}"}},'
        f'"resource_type":"{resource_type}","resource_id":"{subject}","resource_name":"{subject_name}",'
        f'"action":"{action}","user":{{"id":"{user}","name":"{name}"}},"timestamp":"{time_text}",'
        f'"description":"{action.title()} of {resource_type.lower()} {subject_name} by {name}","status":"{status}"}}'
    ).encode()


def pages(count: int) -> Iterator[list[bytes]]:
    for first in range(0, count, PAGE):
        yield [item(number) for number in range(first, min(first + PAGE, count))]


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def folder_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def seal_all(writer: Writer, count: int) -> tuple[float, int]:
    """Seconds spent on sealing, and bytes of the same entries as jsonl."""
    seconds, raw = 0.0, 0
    source = pages(count)
    for _ in range(0, count, COMMIT):
        batch = [next(source) for _ in range(min(COMMIT // PAGE, count // PAGE))]
        raw += sum(len(payload) + 1 for page in batch for payload in page)
        start = time.perf_counter()
        with writer.transaction() as transaction:
            for page in batch:
                transaction.add(entry_batch(SOURCE, OBSERVED, page))
        seconds += time.perf_counter() - start
        del batch
    start = time.perf_counter()
    writer.close()
    return seconds + time.perf_counter() - start, raw


def add_few(writer: Writer, times: int) -> float:
    """Seconds that adding ten entries takes, in the middle."""
    spent = []
    for number in range(times):
        page = [item(10**9 + 10 * number + n) for n in range(10)]
        start = time.perf_counter()
        with writer.transaction() as transaction:
            transaction.add(entry_batch(SOURCE, OBSERVED, page))
        spent.append(time.perf_counter() - start)
    writer.close()
    return sorted(spent)[times // 2]


def read_all(archive: Archive) -> float:
    start = time.perf_counter()
    count = sum(len(batch.column(0).to_pylist()) for batch in archive.batches(columns=["leaf"], rows=2_048))
    assert count == archive.size
    return time.perf_counter() - start


def hash_rate() -> float:
    """SHA-256 of 600 bytes, a second: the limit beside which sealing stands."""
    data = bytes(600)
    start = time.perf_counter()
    for _ in range(200_000):
        hashlib.sha256(data).digest()
    return 200_000 / (time.perf_counter() - start)


def main(count: int) -> None:
    print(f"limit: {hash_rate():,.0f} hashes of 600 bytes a second on one core; start {peak_mb()} MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(folder / "home")
        archive = initialise(folder / "archive", home, now=NOW)
        seconds, raw = seal_all(Writer(archive, home, grace_s=0), count)
        print(f"seal     {count / seconds:12,.0f} entries/s  {seconds:.2f} s, peak {peak_mb()} MB")
        size = folder_bytes(folder / "archive")
        print(f"disk     {size / raw:12.3f} of the jsonl  {raw / count:.0f} bytes an item, {size / count:.0f} on disk")
        few = add_few(Writer(Archive.open(folder / "archive"), home), 40)
        first = add_few(Writer(Archive.open(folder / "archive"), home), 1)
        print(f"add 10   {few * 1e3:12.2f} ms  the first of a process {first * 1e3:.2f} ms")
        archive = Archive.open(folder / "archive")
        seconds = read_all(archive)
        print(f"read     {archive.size / seconds:12,.0f} leaves/s in batches of 2,048, peak {peak_mb()} MB")
        start = time.perf_counter()
        KeyRuns.open(archive, folder / "cache").close()
        print(
            f"keys     {archive.size / (time.perf_counter() - start):12,.0f} entries/s made anew, peak {peak_mb()} MB"
        )
        start = time.perf_counter()
        KeyRuns.open(archive, folder / "cache").close()
        opened = time.perf_counter() - start
        start = time.perf_counter()
        Archive.open(folder / "archive")
        print(f"open     {(time.perf_counter() - start) * 1e3:12.2f} ms, its keys {opened * 1e3:.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
