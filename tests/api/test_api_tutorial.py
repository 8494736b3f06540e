"""The vendor's samples run against the sandbox, unchanged but for host, key and the ids that they say to replace."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

TUTORIAL = (Path(__file__).parent / "tutorial.md").read_text()
SAMPLES = {
    (int(step), language): code
    for step, text in re.findall(r"^## Step (\d):(.*?)(?=^## |\Z)", TUTORIAL, re.DOTALL | re.MULTILINE)
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
}
PATHS = {
    1: "audit-log?sort=timestamp:desc",
    2: "audit-log?from=2026-01-01&to=2026-03-31&resource_types=USER,APIKEY&sort=timestamp:desc",
    3: "audit-log?from=2026-01-01&to=2026-03-31&resource_types=USER,APIKEY&sort=timestamp:desc&offset=0&limit=1000",
    4: "user/USER_ID",
    5: "account/ACCOUNT_ID",
}
STEPS = pytest.mark.parametrize("step", PATHS)


@pytest.fixture(scope="module")
def ids(shared_box: "Box") -> dict[str, str]:
    """A user and an account that an entry names and the sandbox knows."""
    with urllib3.PoolManager() as pool:
        page = _ask(pool, shared_box, "audit-log?limit=1000")
    known = next(e for e in page["items"] if e["user"] and shared_box.world.user(e["user"]["id"]))
    return {"USER_ID": known["user"]["id"], "ACCOUNT_ID": known["account"]["id"]}


def _ask(pool: urllib3.PoolManager, box: "Box", path: str) -> Any:
    answer = pool.request("GET", f"{box.url}/account/api/v1/{path}", headers={"x-api-key": box.keys["AM_VIEW_ONLY"]})
    assert answer.status == 200
    return answer.json()


def _filled_in(text: str, box: "Box", ids: dict[str, str]) -> str:
    text = text.replace("https://demo.one.digicert.com", box.url)
    text = re.sub(r'(?<=")ADMIN_API_TOKEN(?=")|(?<=x-api-key: )ADMIN_API_TOKEN', box.keys["AM_ACCOUNT_ADMIN"], text)
    for name, value in ids.items():
        text = re.sub(rf'(?<=["/]){name}(?=")|(?<=/){name}$', value, text)
    return text


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = os.environ | {"no_proxy": "*", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, cwd=cwd, env=environment, check=True, capture_output=True, timeout=60
    ).stdout.decode()


def _needs(program: str) -> None:
    if shutil.which(program) is None and "CI" not in os.environ:
        pytest.skip(f"{program} is not installed on this machine")


def test_every_step_of_the_tutorial_is_here_in_three_languages() -> None:
    assert set(SAMPLES) == {(step, language) for step in PATHS for language in ("sh", "python", "java")}


@STEPS
def test_curl_gets_what_the_step_asks_for(
    http: urllib3.PoolManager, shared_box: "Box", ids: dict[str, str], step: int
) -> None:
    _needs("curl")
    code = _filled_in(SAMPLES[step, "sh"], shared_box, ids)
    if shutil.which("jq") is None:
        code = code.replace(" | jq '.'", "")  # it only lays the document out
    assert json.loads(_run("sh", "-c", code)) == _ask(http, shared_box, _filled_in(PATHS[step], shared_box, ids))


@STEPS
def test_python_gets_what_the_step_asks_for(
    http: urllib3.PoolManager, shared_box: "Box", ids: dict[str, str], step: int
) -> None:
    told = _run(sys.executable, "-c", _filled_in(SAMPLES[step, "python"], shared_box, ids))
    status, document = told.split("\n", 1)
    assert status == "Status Code: 200"
    assert ast.literal_eval(document) == _ask(http, shared_box, _filled_in(PATHS[step], shared_box, ids))


@STEPS
def test_java_gets_what_the_step_asks_for(
    http: urllib3.PoolManager, shared_box: "Box", ids: dict[str, str], step: int, tmp_path: Path
) -> None:
    _needs("java")
    (tmp_path / "ApiExample.java").write_text(_filled_in(SAMPLES[step, "java"], shared_box, ids))
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8")
    status, document = _run("java", *quick, "ApiExample.java", cwd=tmp_path).split("\n", 1)
    assert status == "Status Code: 200"
    assert json.loads(document) == _ask(http, shared_box, _filled_in(PATHS[step], shared_box, ids))


def test_the_pages_of_step_3_together_hold_every_matching_entry_once(
    http: urllib3.PoolManager, shared_box: "Box"
) -> None:
    query = PATHS[3].replace("limit=1000", "limit=100")
    total = _ask(http, shared_box, query)["total"]
    pages = [_ask(http, shared_box, query.replace("offset=0", f"offset={n}")) for n in range(0, total, 100)]
    assert {page["total"] for page in pages} == {total}
    got = [entry["id"] for page in pages for entry in page["items"]]
    assert len(got) == len(set(got)) == total > 100
