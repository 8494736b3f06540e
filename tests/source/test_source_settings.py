"""What cannot be used is refused before anything is sent, and no refusal shows a secret."""

from pathlib import Path
from typing import Any

import pytest

from muniment.errors import BadInput
from muniment.source.settings import Settings, check_key, check_url, read_key_file, read_settings

URL = "https://demo.one.digicert.com"
KEY = "key-0123456789abcdef_secret"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (URL, URL),
        ("HTTPS://Demo.One.DigiCert.com/", URL),
        ("https://demo.one.digicert.com:443", URL),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://gate.example/digicert/one/", "https://gate.example/digicert/one"),
        ("https://gate.example/a%20b/ü", "https://gate.example/a%20b/%C3%BC"),
        ("http://[::1]:8443", "http://[::1]:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_url_is_kept_in_one_spelling(given: str, kept: str) -> None:
    assert check_url(given) == kept
    assert check_url(kept) == kept


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "must begin with https://"),
        ("demo.one.digicert.com", "must begin with https://"),
        ("ftp://host", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("https://host:0", "bad port"),
        ("https://host:99999", "bad host or port"),
        ("https://host:http", "bad host or port"),
        ("https://host:", "bad port"),
        ("https://ho st", "holds a space"),
        ("https://host\n", "holds a space, a control character"),
        ("https://host\\@evil", "backslash"),
        ("https://host/?a=1", "without \\? or #"),
        ("https://host/?", "without \\? or #"),
        ("https://host#top", "without \\? or #"),
        ("https://a..b", "bad host or port"),
        ("https://[::1", "bad host or port"),
        ("https://ho$t", "names no host"),
    ],
)
def test_a_url_that_names_no_source_is_bad_input(url: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Settings(url=url, api_key=KEY)


@pytest.mark.parametrize("url", ["https://me:hunter2@host", "https://hunter2@host:x", "ftp://me:hunter2@host"])
def test_a_url_with_a_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_url(url)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("text", [KEY, KEY + "\n", KEY + "\r\n"])
def test_a_key_loses_the_line_break_that_its_file_ends_with(text: str) -> None:
    assert check_key(text) == KEY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n", "empty"),
        (KEY + "\n\n", "several lines"),
        (KEY + "\nx-evil: 1", "several lines"),
        (KEY + "\r\nx", "several lines"),
        ("clé-0123456789", "plain ASCII"),
        (KEY + "\t", "plain ASCII"),
        (KEY + "\x00", "plain ASCII"),
        (" " + KEY, "begins or ends with a space"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        Settings(url=URL, api_key=text)
    assert "0123456789" not in caught.value.message + caught.value.hint


def test_settings_never_show_their_key() -> None:
    settings = Settings(url=URL, api_key=KEY)
    assert KEY not in repr(settings) + str(settings)
    assert URL in repr(settings)


def test_a_key_file_is_read_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY.encode() + b"\r\n")
    assert read_key_file(file) == KEY
    with pytest.raises(BadInput, match=r"missing cannot be read: No such file"):
        read_key_file(tmp_path / "missing")
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_key_file(tmp_path)
    file.write_bytes(b"k" * 9000)
    with pytest.raises(BadInput, match="too large to hold a key"):
        read_key_file(file)
    file.write_bytes(b"\xff\xfe\x00k")
    with pytest.raises(BadInput, match="plain ASCII"):
        read_key_file(file)


def test_times_come_from_the_environment() -> None:
    settings = read_settings(URL, KEY, {"MUNIMENT_TIMEOUT_S": "2.5", "MUNIMENT_RETRY_S": "0"})
    assert (settings.timeout_s, settings.retry_s) == (2.5, 0)
    settings = read_settings(URL, KEY, {"MUNIMENT_TIMEOUT_S": "", "OTHER": "1"})
    assert (settings.timeout_s, settings.retry_s) == (30, 30)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e400", "0x10"])
def test_a_time_that_is_none_is_refused_by_its_variable(text: str) -> None:
    with pytest.raises(BadInput, match="MUNIMENT_RETRY_S must be a number of seconds"):
        read_settings(URL, KEY, {"MUNIMENT_RETRY_S": text})


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"timeout_s": 0.0}, "no time to wait"),
        ({"max_rate": 0.0}, "lets nothing through"),
        ({"max_rate": float("nan")}, "lets nothing through"),
        ({"connections": 0}, "let nothing through"),
        ({"client_key": Path("key.pem")}, "needs its client certificate"),
    ],
)
def test_settings_that_can_never_work_are_refused(option: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Settings(url=URL, api_key=KEY, **option)
