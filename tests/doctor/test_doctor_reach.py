"""From here to the source: encryption, proxies, keys; and never more than a minute or forty requests."""

import json
import time
from pathlib import Path

import pytest
from tests.doctor.conftest import Authority, Seen, Visitor
from tests.source.rawserver import Behaviour, answers, answers_json, is_silent, raw_server, response, says

from muniment.archive.home import Home
from muniment.doctor.asking import MOST_REQUESTS
from muniment.doctor.examinations.catalogue import EXAMINATIONS
from muniment.doctor.visit import visit
from muniment.source.settings import Settings

EMPTY = answers_json({"total": 0, "offset": 0, "limit": 1, "items": []})
KEY = "key-0123456789abcdef_secret"


def look(tmp_path: Path, url: str, most_s: float = 50.0, **environ: str) -> Seen:
    settings = Settings(url=url, api_key=KEY, timeout_s=1, retry_s=0.5)
    report = visit(settings, tmp_path / "archive", Home(tmp_path / "home"), environ=environ, most_s=most_s)
    assert KEY not in str(report.document())
    return Seen(report, report.requests)


# ---- encryption


def test_the_certificate_is_shown_and_said_to_end_soon(tmp_path: Path, authority: Authority) -> None:
    with raw_server(EMPTY, tls=authority.server_context()) as server:
        seen = look(tmp_path, server.url, SSL_CERT_FILE=str(authority.ca))
    assert seen["tls"].result == "differs"  # it holds for a day
    assert seen["tls"].why.startswith("TLSv1.3, certificate by ca until 2")
    assert seen["network"].result == "pass"
    assert seen.report.exit_code == 0
    assert len(server.requests) == seen.report.requests  # looking at the certificate asks nothing


def test_a_certificate_that_nobody_vouches_for_fails_with_what_to_do(tmp_path: Path, authority: Authority) -> None:
    with raw_server(EMPTY, tls=authority.server_context()) as server:
        seen = look(tmp_path, server.url)
    assert (seen["tls"].result, seen["tls"].exit_code) == ("fail", 3)
    assert "SSL_CERT_FILE" in seen["tls"].hint
    assert seen.report.exit_code == 3
    assert server.requests == []


def test_without_encryption_to_another_machine_the_key_is_said_to_be_readable(tmp_path: Path) -> None:
    seen = look(tmp_path, "http://one.invalid")
    assert seen["tls"].result == "differs"
    assert "reads the key" in seen["tls"].why
    assert seen["network"].result == "fail"


# ---- proxies


def test_a_proxy_is_named_without_its_password(tmp_path: Path) -> None:
    with raw_server(EMPTY) as server:
        seen = look(tmp_path, "http://one.invalid", http_proxy=f"http://jane:hunter2@127.0.0.1:{server.port}")
    assert f"http://127.0.0.1:{server.port}" in seen["proxy"].why
    assert "hunter2" not in str(seen.report.document())
    assert seen["network"].result == "pass"


def test_a_proxy_that_cannot_be_used_is_bad_input_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    seen = look(tmp_path, "https://one.invalid", https_proxy="socks5://127.0.0.1:1080")
    assert (seen["settings"].result, seen.report.exit_code) == ("fail", 2)
    assert seen["versions"].result == "pass"
    assert seen.report.requests == 0


# ---- what answers there


@pytest.mark.parametrize(
    ("fault", "words"),
    [("html=1", "not JSON"), ("redirect=1", "redirect"), ("redirect-away=1", "redirect"), ("items-type=1", "items")],
)
def test_what_is_not_digicert_one_is_said_at_once(visited: Visitor, fault: str, words: str) -> None:
    seen = visited(fault, retry_s=0.2)
    assert (seen["network"].result, seen.report.exit_code) == ("fail", 3)
    assert words in seen["network"].why
    assert seen["network"].hint


def test_an_empty_log_is_no_failure_and_comes_with_advice(tmp_path: Path) -> None:
    with raw_server(EMPTY) as server:
        seen = look(tmp_path, server.url)
    assert seen.report.exit_code == 0
    assert seen["period"].result == "skipped"
    assert "filters one by one" in seen["period"].hint


@pytest.mark.parametrize(("fault", "name"), [("key-expires=10", "key"), ("role-lost=10", "role")])
def test_a_key_that_is_lost_midway_ends_the_questions(visited: Visitor, fault: str, name: str) -> None:
    seen = visited(fault)
    assert (seen[name].result, seen.report.exit_code) == ("fail", 3)
    assert "after 1" in seen[name].why
    assert seen.requests <= 12
    assert seen["json"].result == "pass"  # what was seen until then is still looked at


@pytest.mark.parametrize("fault", ["redirect", "redirect-away"])
def test_what_comes_once_in_a_while_and_ends_a_collection_fails(visited: Visitor, fault: str) -> None:
    seen = visited(fault)
    assert (seen["steadiness"].result, seen.report.exit_code) == ("fail", 3)
    assert "ends a collection" in seen["steadiness"].why
    assert seen["order"].result == "pass"


def test_a_source_that_falls_silent_is_not_asked_for_ever(tmp_path: Path) -> None:
    with raw_server(*[EMPTY] * 6, is_silent) as server:
        began = time.monotonic()
        seen = look(tmp_path, server.url)
        assert time.monotonic() - began < 10
    assert (seen["steadiness"].result, seen.report.exit_code) == ("fail", 3)


@pytest.mark.parametrize(
    "behaviour",
    [
        answers_json({"total": KEY, "offset": KEY, "limit": KEY, "items": [{"id": KEY, "action": KEY}]}),
        answers_json({"total": 3, "items": {KEY: KEY}}),
        answers(500, json.dumps({"errors": [{"code": KEY, "message": f"no {KEY}"}]}).encode()),
        answers(302, Location=f"https://{KEY}.example/{KEY}"),
        answers(200, KEY.encode()),
    ],
)
def test_a_source_that_says_the_key_is_not_repeated(tmp_path: Path, behaviour: Behaviour) -> None:
    with raw_server(behaviour) as server:
        look(tmp_path, server.url)  # which looks for the key in all that is said


# ---- bounds


@pytest.mark.parametrize("fault", ["http-429-bare=3", "hang-up=3"])
def test_it_never_makes_more_than_forty_requests(visited: Visitor, fault: str) -> None:
    seen = visited(fault)
    assert seen.requests == seen.report.requests == MOST_REQUESTS
    assert seen["steadiness"].result == "differs"
    assert "the 40 requests were spent" in seen["unknown-user"].why


@pytest.mark.parametrize("most", [1, 3])
def test_asking_the_same_again_counts_too(visited: Visitor, most: int) -> None:
    seen = visited("http-500=1", retry_s=5, most_requests=most)
    assert seen.requests == seen.report.requests == most
    assert (seen["network"].result, seen.report.exit_code) == ("fail", 3)


@pytest.mark.parametrize("most", [1, 2, 7, 20])
def test_with_fewer_requests_the_rest_is_skipped_and_that_is_said(visited: Visitor, most: int) -> None:
    seen = visited(most_requests=most)
    assert seen.requests == most
    assert f"the {most} requests were spent" in seen["refusals"].why
    assert seen.results("fail") == set()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answers(429, Retry_After="300"), "the 1 seconds were over while the source asked to wait 300 s"),
        (says(response(200, b"{", length=1000)), "seconds were over"),
        (is_silent, "seconds were over"),
    ],
    ids=["asks to wait", "stalls", "is silent"],
)
def test_time_is_bounded_whatever_the_source_does(tmp_path: Path, behaviour: Behaviour, words: str) -> None:
    with raw_server(behaviour) as server:
        began = time.monotonic()
        seen = look(tmp_path, server.url, most_s=1.0)
        assert time.monotonic() - began < 4
    assert (seen["network"].result, seen.report.exit_code) == ("fail", 3)
    assert words in seen["network"].why
    assert {seen[name].result for name, *_ in EXAMINATIONS} == {"skipped"}
