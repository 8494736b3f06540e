"""The key is in no error, log, repr or output, even where the source says it aloud."""

import gzip
import http.client
import json
import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.source.conftest import ClientMaker
from tests.source.rawserver import KEY, OK, Behaviour, answers, hangs_up, is_silent, raw_server, response, says

from muniment.errors import SourceError
from muniment.source.account_manager import AccountManager

SAID = KEY.encode()
BLABS = [
    pytest.param(OK, id="a good answer"),
    pytest.param(hangs_up, id="nothing"),
    pytest.param(is_silent, id="silence"),
    pytest.param(says(SAID + b"\r\n\r\n", keep=False), id="no http"),
    pytest.param(says(b"HTTP/1.1 " + SAID + b" x\r\n\r\n", keep=False), id="status"),
    pytest.param(says(b"HTTP/1.1 200 " + SAID + b"\r\nContent-Length: 2\r\n\r\n[]"), id="reason"),
    pytest.param(
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nbad " + SAID + b"\r\nx-api-key: " + SAID + b"\r\n\r\n[]"),
        id="broken header",
    ),
    pytest.param(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1, " + SAID + b"\r\n\r\n[]", keep=False), id="length"),
    pytest.param(
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + SAID + b"\r\n", keep=False), id="chunk size"
    ),
    pytest.param(answers(200, SAID, Content_Encoding="gzip"), id="bad gzip"),
    pytest.param(answers(200, gzip.compress(SAID), Content_Encoding="gzip"), id="not json"),
    pytest.param(says(response(200, SAID, length=500), keep=False), id="cut"),
    pytest.param(answers(200, b'{"key":"' + SAID + b'"}', Date=KEY, Content_Encoding=KEY), id="headers"),
    pytest.param(answers(302, Location=f"https://{KEY}.example/{KEY}"), id="redirect"),
    pytest.param(answers(429, Retry_After=KEY), id="retry-after"),
    *(
        pytest.param(answers(status, json.dumps(body).encode()), id=f"{status} {number}")
        for status in (400, 401, 403, 404, 405, 500, 503)
        for number, body in enumerate(
            (
                {"errors": [{"code": KEY, "message": f"The key {KEY} is odd."}]},
                {"error": f"x-api-key={quote(KEY + '/')}"},
            )
        )
    ),
]


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that anybody logs, from DEBUG up, as it would be written."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record) + repr(record.__dict__))

    root = logging.getLogger()
    handler, level = Keeper(), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize("blab", BLABS)
def test_the_key_is_said_nowhere(
    make_client: ClientMaker, logged: list[str], capfd: pytest.CaptureFixture[str], blab: Behaviour
) -> None:
    with raw_server(blab) as server:
        client = make_client(server.url, timeout_s=0.2, retry_s=0.2)
        said = [repr(client), repr(client.settings), repr(client.pacer)]
        try:
            said.append(repr(client.get("/x")))
        except SourceError as error:
            said += all_texts(error)
    assert any("muniment.source.client" in line for line in logged)
    assert any("urllib3" in line for line in logged)
    captured = capfd.readouterr()
    for text in [*said, *logged, captured.out, captured.err]:
        assert KEY not in text


def all_texts(error: BaseException) -> list[str]:
    """Whatever an error and those behind it say in any way."""
    texts = ["".join(traceback.format_exception(error))]
    behind: BaseException | None = error
    while behind is not None:
        texts += [str(behind), repr(behind), repr(behind.args), repr(vars(behind))]
        behind = behind.__cause__ or behind.__context__
    return texts


def test_what_is_masked_is_shown_to_be_the_key(make_client: ClientMaker) -> None:
    body = json.dumps({"errors": [{"message": f"Unknown key {KEY}."}]}).encode()
    with raw_server(answers(401, body)) as server, pytest.raises(SourceError, match=r"Unknown key \[key\]\."):
        make_client(server.url).get("/x")


def test_a_debugging_http_client_prints_no_headers(
    make_client: ClientMaker, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with raw_server(OK) as server:
        make_client(server.url).get("/x")
    assert capfd.readouterr().out == ""


def test_a_closed_client_leaves_the_logs_alone(make_client: ClientMaker) -> None:
    before = list(logging.getLogger("urllib3.connection").filters)
    client = make_client("http://127.0.0.1:1")
    assert logging.getLogger("urllib3.connection").filters != before
    client.close()
    assert logging.getLogger("urllib3.connection").filters == before


def test_an_account_manager_shows_its_url_only() -> None:
    with AccountManager("https://demo.one.digicert.com", KEY) as manager:
        assert repr(manager) == "AccountManager(https://demo.one.digicert.com)"
