"""What the app itself promises, whatever stands behind it."""

import datetime as dt
import json
import re
import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.api.app import make_app
from muniment.api.listen import listening
from muniment.errors import MunimentError
from muniment.model import Query, Sort

AUDIT_LOG = "/account/api/v1/audit-log"
KEY = {"x-api-key": "shelf-key"}


def error_of(answer: urllib3.BaseHTTPResponse) -> tuple[int, str, str]:
    """Status, code and message of a refusal that has exactly the form that the vendor prints."""
    assert answer.headers["content-type"] == "application/json"
    document = json.loads(answer.data)
    (error,) = document.pop("errors")
    assert document == {}
    assert set(error) == {"code", "message"}
    return answer.status, error["code"], error["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from", "2026/01/01"),
        ("from", "20260101"),
        ("from", "2026-1-1"),
        ("from", "\uff12026-01-01"),
        ("from", "0000-01-01"),
        ("to", "2026-02-30"),
        ("to", "2026-01-01T00:00:00Z"),
        ("to", "tomorrow"),
        ("sort", "timestamp:asc:desc"),
        ("sort", "timestamp:sideways"),
        ("sort", "timestamp:DESC"),
        ("sort", "timestamp:"),
        ("sort", "shoe:asc"),
        ("sort", "shoe"),
        ("sort", ":asc"),
        ("offset", "-1"),
        ("offset", "1.0"),
        ("offset", "1e3"),
        ("offset", "9" * 40),
        ("limit", "abc"),
        ("limit", "-1"),
        ("limit", "+1"),
        ("limit", "0x10"),
    ],
)
def test_a_malformed_parameter_is_refused_in_the_vendors_words(
    http: urllib3.PoolManager, url: str, name: str, value: str
) -> None:
    answer = http.request("GET", url + AUDIT_LOG, headers=KEY, fields={name: value})
    assert error_of(answer) == (400, "invalid_input_field", f"Invalid {name} [{value}].")


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        (None, (401, "invalid_api_key", "No such key.")),
        ("", (401, "invalid_api_key", "No such key.")),
        ("other", (401, "invalid_api_key", "No such key.")),
        ("roleless", (403, "access_denied", "No role.")),
        ("busy", (429, "request_limit_exceeded", "Too many requests.")),
    ],
)
@pytest.mark.parametrize("path", ["audit-log", "audit-log?from=no-date", "user/u", "account/a"])
def test_the_key_is_asked_for_before_anything_else(
    http: urllib3.PoolManager, url: str, path: str, key: str | None, refusal: tuple[int, str, str]
) -> None:
    headers = {} if key is None else {"x-api-key": key}
    answer = http.request("GET", f"{url}/account/api/v1/{path}", headers=headers)
    assert error_of(answer) == refusal
    assert answer.headers.get("retry-after") == ("7" if key == "busy" else None)


@pytest.mark.parametrize(("path", "what"), [("user/nobody", "User"), ("account/none", "Account")])
def test_what_is_not_there_is_named(http: urllib3.PoolManager, url: str, path: str, what: str) -> None:
    answer = http.request("GET", f"{url}/account/api/v1/{path}", headers=KEY)
    assert error_of(answer) == (404, "not_found", f"{what} not found.")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/account/api/v1",
        "/account/api/v1/audit-logs",
        AUDIT_LOG + "/",
        AUDIT_LOG + "/1",
        "/account/api/v1/user/a/b",
    ],
)
def test_an_unknown_path_is_404_in_json(http: urllib3.PoolManager, url: str, path: str) -> None:
    answer = http.request("GET", url + path, headers=KEY)
    assert error_of(answer) == (404, "resource_not_found", "Resource not found.")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROB"])
@pytest.mark.parametrize("path", ["audit-log", "user/u", "account/a"])
def test_another_method_is_405_and_says_which_are_allowed(
    http: urllib3.PoolManager, url: str, path: str, method: str
) -> None:
    answer = http.request(method, f"{url}/account/api/v1/{path}", headers=KEY)
    assert error_of(answer) == (405, "method_not_allowed", f"Method {method} is not allowed here.")
    assert set(re.split(r", ?", answer.headers["allow"])) == {"GET", "HEAD"}


def test_head_answers_as_get_does_but_for_the_body(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    shelf.items = [b'{"id":"1"}']
    got, head = (http.request(method, url + AUDIT_LOG, headers=KEY) for method in ("GET", "HEAD"))
    assert (head.status, head.data) == (200, b"")
    assert head.headers["content-length"] == str(len(got.data))


def test_a_body_that_comes_with_a_refused_request_does_not_disturb_the_next_one(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as link:
        link.sendall(b"POST /account/api/v1/audit-log HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        link.sendall(b"GET /account/api/v1/nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with link.makefile("rb") as stream:
            answers = stream.read()
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"405", b"404"]


def test_items_come_out_as_the_bytes_that_went_in(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    shelf.items = [
        b'{"id": "1",  "n": 1.50E+2, "z":"\\u0000\\ud800", "a":[]}',
        '{"名":"証明書"}'.encode(),
        b"null",
        b"{ }",
    ]
    answer = http.request("GET", url + AUDIT_LOG, headers=KEY)
    assert answer.data == b'{"total":4,"offset":0,"limit":20,"items":[' + b",".join(shelf.items) + b"]}"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=30), max_size=8), st.tuples(st.integers(0, 10), st.integers(0, 10)))
def test_a_page_is_the_slice_asked_for_whatever_the_items_hold(
    http: urllib3.PoolManager, url: str, shelf: Any, items: list[bytes], window: tuple[int, int]
) -> None:
    shelf.items = items
    offset, limit = window
    answer = http.request("GET", f"{url}{AUDIT_LOG}?offset={offset}&limit={limit}", headers=KEY)
    page = b",".join(items[offset : offset + limit])
    assert answer.data == b'{"total":%d,"offset":%d,"limit":%d,"items":[%s]}' % (len(items), offset, limit, page)


def test_a_limit_above_1000_is_answered_as_1000(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    shelf.items = [b"%d" % n for n in range(1500)]
    page = http.request("GET", url + AUDIT_LOG, headers=KEY, fields={"limit": "5000"}).json()
    assert (page["total"], page["limit"], len(page["items"])) == (1500, 1000, 1000)


def test_all_eleven_parameters_reach_the_backend(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    asked = Query(
        user_name="Zoë +&=%",
        action="LOGIN",
        resource_types=("USER", "APIKEY"),
        resource_id="r",
        status="FAILURE",
        account_id="a",
        from_=dt.date(2026, 1, 1),
        to=dt.date(2026, 3, 31),
        sort=Sort("description", "desc"),
        offset=3,
        limit=7,
    )
    assert len(asked.to_params()) == 11
    http.request("GET", url + AUDIT_LOG, headers=KEY, fields=asked.to_params())
    assert shelf.asked == [asked]


def test_unknown_and_empty_parameters_are_as_if_absent(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    answer = http.request("GET", url + AUDIT_LOG + "?unknown=x&from=&limit=&From=no-date&x-api-key=k", headers=KEY)
    assert answer.status == 200
    assert shelf.asked == [Query()]


def test_a_parameter_given_twice_counts_as_given_last(http: urllib3.PoolManager, url: str, shelf: Any) -> None:
    answer = http.request("GET", url + AUDIT_LOG + "?limit=abc&limit=3&action=LOGIN&action=LOGOUT", headers=KEY)
    assert answer.status == 200
    assert shelf.asked == [Query(action="LOGOUT", limit=3)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("a%2Fb", "a/b"), ("Zo%C3%AB", "Zoë"), ("%2e%2e", ".."), ("a+b", "a+b"), ("50%25", "50%"), ("%00", "\0")],
)
def test_an_id_may_hold_any_character_if_it_is_escaped(url: str, shelf: Any, written: str, meant: str) -> None:
    shelf.users, shelf.accounts = {meant: b'{"id":"u"}'}, {meant: b'{"id":"a"}'}
    host, port = url.removeprefix("http://").split(":")
    for path, body in (("user", b'{"id":"u"}'), ("account", b'{"id":"a"}')):
        # a socket, since every client has its own ideas of what to escape
        with socket.create_connection((host, int(port)), timeout=5) as link:
            line = f"GET /account/api/v1/{path}/{written} HTTP/1.1\r\n"
            link.sendall(line.encode() + b"Host: x\r\nx-api-key: shelf-key\r\nConnection: close\r\n\r\n")
            with link.makefile("rb") as stream:
                assert stream.read().partition(b"\r\n\r\n")[2] == body


def test_each_answer_says_when_it_was_made(http: urllib3.PoolManager, shelf: Any) -> None:
    now = dt.datetime(2026, 4, 1, 12, 30, 59, 999999, dt.UTC)
    with listening(make_app(shelf, lambda: now)) as url:
        for path in (AUDIT_LOG, "/nowhere", "/openapi.json"):
            dates = http.request("GET", url + path, headers=KEY).headers.getlist("date")
            assert [parsedate_to_datetime(d) for d in dates] == [now.replace(microsecond=0)]


def test_a_defect_behind_the_app_is_500_in_json_and_its_traceback_stays_in_the_log(
    http: urllib3.PoolManager, shelf: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(make_app(shelf)) as url:
        answer = http.request("GET", url + AUDIT_LOG, headers=KEY, fields={"user_name": "defect"})
    assert error_of(answer) == (500, "internal_error", "Internal error.")
    assert answer.headers["connection"] == "close"
    assert "LookupError: defect" in caplog.text


def test_the_key_is_in_no_log_even_at_the_lowest_level(
    http: urllib3.PoolManager, shelf: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    caplog.set_level(1, logger="uvicorn")
    with listening(make_app(shelf)) as url:
        for name in ("", "defect"):
            http.request("GET", url + AUDIT_LOG, headers=KEY, fields={"user_name": name})
        http.request("GET", url + AUDIT_LOG, headers={"x-api-key": "shelf-key-wrong"})
    told = caplog.text + "".join(capfd.readouterr())
    assert "LookupError" in told
    assert "shelf-key" not in told


@pytest.mark.parametrize(("host", "port"), [("no-such-host.invalid", 0), ("192.0.2.1", 0)])
def test_an_address_that_is_not_this_machines_is_an_error(shelf: Any, host: str, port: int) -> None:
    with pytest.raises(MunimentError, match=f"cannot listen on {host}, port {port}: "):
        listening(make_app(shelf), host, port).__enter__()


def test_small_answers_over_one_connection_do_not_wait_for_acknowledgements(
    http: urllib3.PoolManager, url: str
) -> None:
    begun = time.monotonic()
    for _ in range(50):
        http.request("GET", url + AUDIT_LOG, headers=KEY)
    assert time.monotonic() - begun < 50 * 0.02  # with Nagle's algorithm each takes 0.04


def test_an_address_that_is_taken_is_an_error_that_says_so(shelf: Any) -> None:
    with (
        listening(make_app(shelf)) as url,
        pytest.raises(MunimentError, match=r"cannot listen on 127\.0\.0\.1, port \d+"),
    ):
        listening(make_app(shelf), port=int(url.rsplit(":", 1)[1])).__enter__()


def test_a_server_ends_promptly_though_connections_are_kept_alive(http: urllib3.PoolManager, shelf: Any) -> None:
    with listening(make_app(shelf)) as url:
        http.request("GET", url + AUDIT_LOG, headers=KEY)
        begun = dt.datetime.now(dt.UTC)
    assert dt.datetime.now(dt.UTC) - begun < dt.timedelta(seconds=2)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        http.request("GET", url + AUDIT_LOG, headers=KEY)


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1"])
def test_the_url_reaches_the_server_whatever_name_it_listens_on(
    http: urllib3.PoolManager, shelf: Any, host: str
) -> None:
    with listening(make_app(shelf), host) as url:
        assert http.request("GET", url + AUDIT_LOG, headers=KEY).status == 200
