"""The API key: what is taken for one, and that it is never seen anywhere."""

import json
import logging
from pathlib import Path

import pytest
from tests.cli.terminal import PERIOD, Place, Terminal
from tests.source.rawserver import KEY, Behaviour, answers, raw_server

from muniment.sandbox.server import Box

BAD = {
    "several lines": b"one\ntwo\n",
    "several lines of Windows": b"one\r\ntwo\r\n",
    "two line ends": b"one\n\n",
    "nothing": b"",
    "a line end": b"\n",
    "not ASCII": "sch\u00f6n".encode(),
    "a byte that is no UTF-8": b"k\xff",
    "a control character": b"a\x00b",
    "a space before it": b" one",
    "more than a key can be": b"k" * 10_000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_key_file_that_holds_no_key_is_exit_2(muniment: Terminal, place: Place, content: bytes) -> None:
    Path("key").write_bytes(content)
    said = muniment("collect", "--url", "http://127.0.0.1:9", "--api-key-file", "key", "--json")
    assert said.code == 2
    assert "key" in said.error["message"]
    assert not place.archive.exists()
    told = (said.out + said.err).encode()
    assert not any(line and line in told for line in content.splitlines() if len(line) > 3)


@pytest.mark.parametrize("content", [b"k", b"k\n", b"k\r\n"])
def test_a_line_end_after_the_key_is_no_part_of_it(muniment: Terminal, content: bytes) -> None:
    Path("key").write_bytes(content)
    with raw_server(answers(403, b'{"error":{"code":"access_denied","message":"No."}}')) as server:
        assert muniment("collect", "--url", server.url, "--api-key-file", "key").code == 3
        assert {request.headers["x-api-key"] for request in server.requests} == {"k"}


@pytest.mark.parametrize("key", ["", "one\ntwo", "sch\u00f6n", " "])
def test_a_key_in_the_environment_that_is_none_is_exit_2(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", key)
    said = muniment("collect", "--url", "http://127.0.0.1:9", "--json")
    assert (said.code, said.error["code"]) == (2, "bad_input")
    assert not place.archive.exists()


def test_no_key_at_all_is_exit_2_with_both_ways_to_give_one(muniment: Terminal, place: Place) -> None:
    error = muniment("collect", "--url", "http://127.0.0.1:9", "--json").error
    assert error["message"] == "there is no API key"
    assert "MUNIMENT_API_KEY" in error["hint"]
    assert "--api-key-file" in error["hint"]
    assert not place.archive.exists()


def test_a_key_file_that_is_a_folder_or_not_there_is_exit_2(muniment: Terminal) -> None:
    for name in ("nosuch", "."):
        said = muniment("collect", "--url", "http://127.0.0.1:9", "--api-key-file", name, "--json")
        assert said.code == 2
        assert f"the key file {name} cannot be read" in said.error["message"]


def test_a_key_is_never_an_argument(muniment: Terminal) -> None:
    said = muniment("collect", "--api-key", "k", "--json")
    assert said.code == 2
    assert said.error["message"].startswith("No such option '--api-key'")


def echo(status: int) -> Behaviour:
    """A source that repeats the key wherever it can."""
    body = json.dumps({"errors": [{"code": KEY, "message": f"The key {KEY} is not known."}]})
    return answers(status, body.encode(), X_Key=KEY, Retry_After="0")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_the_key_is_in_no_output_and_no_file_even_where_the_source_repeats_it(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", KEY)
    monkeypatch.setenv("MUNIMENT_RETRY_S", "0.1")
    with raw_server(echo(status)) as server:
        said = muniment("collect", "--url", server.url, "-vv", "--json")
        assert server.requests
    assert said.code in (3, 4)
    assert "Traceback" in said.err or said.code == 4
    assert KEY not in said.out + said.err
    assert KEY.encode() not in place.contents()


def test_the_key_is_in_no_output_and_no_file_where_all_is_well(
    muniment: Terminal, place: Place, at_source: Box
) -> None:
    key = at_source.keys["AM_VIEW_ONLY"]
    said = muniment("collect", *PERIOD, "-vv", "--json")
    assert said.code == 0
    assert "GET http://127.0.0.1" in said.err, "each request is named"
    assert key not in said.out + said.err
    assert key.encode() not in place.contents()
    for command in (["receipts"], ["receipts", "--json"], ["status", "--days"], ["users"]):
        told = muniment(*command)
        assert key not in told.out + told.err


def test_a_traceback_shows_no_key(muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", f"{KEY}\u00e9")
    said = muniment("collect", "--url", "http://127.0.0.1:9", "-vv", "--json")
    assert said.code == 2
    assert "Traceback" in said.err
    assert KEY not in said.out + said.err
    assert not place.home.exists()


def test_what_minus_v_listens_to_is_left_alone_afterwards(muniment: Terminal, at_source: Box) -> None:
    muniment("collect", *PERIOD, "-v")
    assert logging.getLogger("muniment").handlers == []
    assert logging.getLogger("muniment").level == logging.NOTSET
    assert "GET" not in muniment("collect", *PERIOD).err
    assert at_source.requests.audit_log
