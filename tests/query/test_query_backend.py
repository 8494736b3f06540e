"""An archive answers behind the contract as its source did, over real sockets."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest
import urllib3
from tests.query.site import Site, entry, searcher_on

from muniment.api.app import make_app
from muniment.api.listen import listening
from muniment.query.backend import ArchiveBackend, Known
from muniment.query.corrections import Corrections

COUNT = 70
USER = b'{"id":"user-1","status":"ACTIVE","email":"ann@example.com"}'
GONE = b'{"id":"user-2","state":"not_found","source":"here","why":"User not found."}'
ACCOUNT = b'{"id":"account-1","active":true}'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    site = Site(tmp_path_factory.mktemp("served"))
    site.add(entry(number) for number in range(COUNT))
    version = site.add([entry(0, description="changed")])
    user, account = site.add([USER], kind="user"), site.add([ACCOUNT], kind="account")
    gone = site.add([GONE], source="muniment", kind="user")
    known = Known(
        Corrections(versions=[version], displaced=[(1, 3, dt.date(2026, 2, 28))]),
        users={"user-1": user, "user-2": gone},
        accounts={"account-1": account},
    )
    with (
        searcher_on(site) as searcher,
        listening(make_app(ArchiveBackend(site.archive, searcher, known, "secret"))) as url,
    ):
        yield url


def ask(http: urllib3.PoolManager, url: str, key: str | None = "secret") -> tuple[int, bytes]:
    answer = http.request("GET", url, headers={} if key is None else {"x-api-key": key})
    return answer.status, answer.data


def test_a_page_has_the_exact_bytes_of_its_entries(http: urllib3.PoolManager, served: str) -> None:
    status, body = ask(http, f"{served}/account/api/v1/audit-log?sort=timestamp:desc&limit=2&offset=1")
    assert status == 200
    items = b",".join([entry(COUNT - 2), entry(COUNT - 3)])
    assert body == b'{"total":70,"offset":1,"limit":2,"items":[' + items + b"]}"


def test_filters_and_days_are_those_of_the_archive(http: urllib3.PoolManager, served: str) -> None:
    for asked, total in (("action=LOGIN", 36), ("to=2026-02-28", 2), ("status=success", 0), ("user_name=user3", 14)):
        _, body = ask(http, f"{served}/account/api/v1/audit-log?{asked}")
        assert json.loads(body)["total"] == total, asked


def test_users_and_accounts_are_as_the_source_last_said(http: urllib3.PoolManager, served: str) -> None:
    assert ask(http, f"{served}/account/api/v1/user/user-1") == (200, USER)
    assert ask(http, f"{served}/account/api/v1/account/account-1") == (200, ACCOUNT)
    for path, what in (("user/user-2", b"User"), ("user/user-3", b"User"), ("account/account-9", b"Account")):
        status, body = ask(http, f"{served}/account/api/v1/{path}")
        assert (status, what + b" not found." in body) == (404, True)


@pytest.mark.parametrize("key", [None, "", "other", "secret "[:-1] + "x"])
def test_nobody_passes_without_the_key(http: urllib3.PoolManager, served: str, key: str | None) -> None:
    assert ask(http, f"{served}/account/api/v1/audit-log", key)[0] == 401


def test_without_a_key_of_its_own_everybody_passes(site: Site) -> None:
    with searcher_on(site) as searcher:
        ArchiveBackend(site.archive, searcher, Known()).authorise(None)
