"""How fast an archive is looked at: `python -m benchmarks.query [ENTRIES] [FOLDER]`.

The archive is made by a generator that writes straight into it, in a folder that goes away at the end, or in FOLDER, where
it stays and is used again. Each page is asked for in a process that holds the archive open; the first page of a new
process stands beside it.
"""

import datetime as dt
import hashlib
import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from muniment.archive.columns import entry_batch
from muniment.archive.founding import initialise
from muniment.archive.home import Home
from muniment.archive.writer import Writer

SOURCE = "account-manager@one.digicert.com"
OBSERVED = "2026-03-02T23:56:45Z"
NOW = dt.datetime(2026, 3, 2, 23, 56, 45, tzinfo=dt.UTC)
FIRST = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DAYS = 400
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
        actions, types = pick(list(ACTIONS), ACTIONS.values(), k=count), pick(list(TYPES), TYPES.values(), k=count)
        things = [int(self._random.random() ** 3 * self._things) for _ in range(count)]
        start = first * DAYS * 86_400 // self._count
        stamps = [
            (FIRST + dt.timedelta(seconds=start + n * DAYS * 86_400 // self._count)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for n in range(count)
        ]
        ids = [self._random.getrandbits(128).to_bytes(16).hex() for _ in range(count)]
        return [
            f'{{"id":"{e[:8]}-{e[8:12]}-{e[12:16]}-{e[16:20]}-{e[20:]}","account":{{"id":"{account}","name":"{title}"}},'
            f'"resource_type":"{kind}","resource_id":"{thing:08x}-77aa-4bbb-8ccc-{thing * 7919:012x}","resource_name":"thing '
            f'{thing}","action":"{action}","user":{{"id":"{user}","name":"{name}"}},"timestamp":"{stamp}",'
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
