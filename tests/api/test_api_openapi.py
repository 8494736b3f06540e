"""The OpenAPI document is true: schemathesis finds no answer that it does not describe."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
import urllib3

from muniment.model import ACTIONS, MAX_LIMIT, RESOURCE_TYPES, SORT_FIELDS, STATUSES, Query

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

API = "/account/api/v1"


@pytest.fixture(scope="module")
def document(shared_box: "Box") -> Any:
    """As it is served: to anybody, since it says how to get a key's worth."""
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", shared_box.url + "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


@pytest.fixture(scope="module")
def schema(shared_box: "Box") -> Any:
    return schemathesis.openapi.from_url(shared_box.url + "/openapi.json")


@pytest.fixture
def session(shared_box: "Box") -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["x-api-key"] = shared_box.keys["AM_VIEW_ONLY"]
        yield session


def test_schemathesis_finds_no_contradiction(shared_box: "Box", tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", shared_box.url + "/openapi.json"),
        *("--header", f"x-api-key: {shared_box.keys['AM_VIEW_ONLY']}"),
        *("--checks", "all", "--max-examples", "50", "--generation-deterministic", "--no-color"),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Tested: 3" in ended.stdout


def test_every_entry_user_and_account_is_as_described(
    shared_box: "Box", schema: Any, session: requests.Session
) -> None:
    def get(path: str, **query: int) -> Any:
        answer = session.get(shared_box.url + API + path, params=query)
        if answer.status_code == 200:
            template = re.sub(r"/(\w+)/.*", r"/\1/{\1_id}", path)
            schema[API + template]["GET"].validate_response(answer)
        return answer.json()

    entries = [e for offset in (0, 1000) for e in get("/audit-log", limit=1000, offset=offset)["items"]]
    users = [get(f"/user/{user}") for user in {e["user"]["id"] for e in entries if e["user"]}]
    accounts = [get(f"/account/{account}") for account in {e["account"]["id"] for e in entries if e["account"]}]
    assert len(entries) == 1200
    assert any("user_type" in user for user in users)
    assert accounts


def test_a_wrong_answer_would_be_noticed(shared_box: "Box", schema: Any, session: requests.Session) -> None:
    answer = session.get(shared_box.url + API + "/audit-log", params={"limit": 1})
    page = answer.json()
    answer._content = json.dumps(page | {"total": "many"}).encode()
    with pytest.raises(AssertionError, match='"many" is not of type "integer"'):
        schema[API + "/audit-log"]["GET"].validate_response(answer)


def test_the_document_says_what_the_model_says(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    parameters = {p["name"]: p for p in document["paths"][API + "/audit-log"]["get"]["parameters"]}
    full = Query.from_params({"from": "2026-01-01", "to": "2026-01-01"} | {"sort": "action", "limit": "1"})
    assert set(parameters) >= set(full.to_params())
    assert len(parameters) == 11
    for name, words in (("action", ACTIONS), ("resource_types", RESOURCE_TYPES), ("status", STATUSES)):
        assert all(f"`{word}`" in parameters[name]["description"] for word in words)
    assert all(field in parameters["sort"]["schema"]["pattern"] for field in SORT_FIELDS)
    assert str(MAX_LIMIT) in parameters["limit"]["description"]


def test_each_operation_names_every_status_that_it_may_answer(document: Any) -> None:
    answers = {path.rsplit("/", 1)[-1]: set(item["get"]["responses"]) for path, item in document["paths"].items()}
    common = {"200", "401", "403", "429"}
    assert answers == {"audit-log": common | {"400"}, "{user_id}": common | {"404"}, "{account_id}": common | {"404"}}
