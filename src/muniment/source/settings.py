"""What a client must be told: where the source is, the key, and how long to wait."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from muniment.errors import BadInput

__all__ = ["Settings", "check_key", "check_url", "read_key_file", "read_settings"]

DEFAULT_TIMEOUT_S: Final = 30.0
DEFAULT_RETRY_S: Final = 30.0
DEFAULT_CONNECTIONS: Final = 16
TIMEOUT_VARIABLE: Final = "MUNIMENT_TIMEOUT_S"
RETRY_VARIABLE: Final = "MUNIMENT_RETRY_S"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_LINE_BREAK = re.compile(r"[\r\n]")
_MAX_KEY_BYTES = 8192
_KEY_HINT = "Put the key, and nothing else, into MUNIMENT_API_KEY or a file that --api-key-file names."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach one source; checked when made, and never showing its key.

    Attributes:
        url: ``http`` or ``https``, host, port where it is not the usual one, and a path prefix if there is one.
        api_key: Goes into the header ``x-api-key`` and nowhere else.
        timeout_s: One answer in total, from looking up the name to the last byte.
        retry_s: Trying one request again altogether, what ``Retry-After`` asks for aside.
        max_rate: Requests a second that are never exceeded; None sets no limit.
        connections: Requests under way at once, at most.
        client_cert: PEM file of a client certificate, for hosts that begin with ``clientauth.``.
        client_key: PEM file of its private key, where that is not in the same file.
    """

    url: str
    api_key: str = field(repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    retry_s: float = DEFAULT_RETRY_S
    max_rate: float | None = None
    connections: int = DEFAULT_CONNECTIONS
    client_cert: Path | None = None
    client_key: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", check_url(self.url))
        object.__setattr__(self, "api_key", check_key(self.api_key))
        _expect(0 < self.timeout_s < math.inf, f"a time-out of {self.timeout_s} s is no time to wait")
        _expect(0 <= self.retry_s < math.inf, f"{self.retry_s} s is no time to try again")
        _expect(
            self.max_rate is None or 0 < self.max_rate < math.inf, f"a rate of {self.max_rate} lets nothing through"
        )
        _expect(self.connections >= 1, f"{self.connections} connections let nothing through")
        _expect(self.client_cert is not None or self.client_key is None, "a client key needs its client certificate")


def read_settings(
    url: str,
    api_key: str,
    environ: Mapping[str, str],
    *,
    max_rate: float | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
) -> Settings:
    """Settings whose times come from MUNIMENT_TIMEOUT_S and MUNIMENT_RETRY_S, where those are set.

    Raises:
        BadInput: One of them cannot be used.
    """
    return Settings(
        url=url,
        api_key=api_key,
        timeout_s=_read_seconds(environ, TIMEOUT_VARIABLE, DEFAULT_TIMEOUT_S),
        retry_s=_read_seconds(environ, RETRY_VARIABLE, DEFAULT_RETRY_S),
        max_rate=max_rate,
        client_cert=client_cert,
        client_key=client_key,
    )


def check_url(url: str) -> str:
    """The URL in one spelling: lower-case host, no default port, no slash at the end.

    Raises:
        BadInput: It is not ``http(s)://host[:port][/prefix]``. What it says shows no user and no password.
    """
    _expect(not _NOT_IN_URL.search(url), "the URL holds a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise BadInput(f"the URL has a bad host or port: {_without_user(url)}") from error
    shown = _without_user(url)
    _expect(parts.scheme in _DEFAULT_PORTS, f"the URL must begin with https:// or http://: {shown}")
    _expect("@" not in parts.netloc, f"the URL must not hold a user or a password: {shown}")
    _expect(_HOST.fullmatch(host) is not None, f"the URL names no host: {shown}")
    _expect(port != 0 and not parts.netloc.endswith(":"), f"the URL has a bad port: {shown}")
    _expect("?" not in url and "#" not in url, f"the URL must end with its path, without ? or #: {shown}")
    netloc = f"[{host}]" if ":" in host else host
    if port not in (None, _DEFAULT_PORTS[parts.scheme]):
        netloc += f":{port}"
    return f"{parts.scheme}://{netloc}{quote(parts.path.rstrip('/'), safe='/%:@!$&()*+,;=~-._')}"


def check_key(text: str) -> str:
    """The key without the line break that a file ends with.

    Raises:
        BadInput: It is empty, of several lines, or holds what no header may; the key is never shown.
    """
    key = text.removesuffix("\n").removesuffix("\r")
    _expect(key != "", "the API key is empty", hint=_KEY_HINT)
    _expect(not _LINE_BREAK.search(key), "the API key has several lines", hint=_KEY_HINT)
    _expect(key.isascii() and key.isprintable(), "the API key holds characters other than plain ASCII", hint=_KEY_HINT)
    _expect(key == key.strip(), "the API key begins or ends with a space", hint=_KEY_HINT)
    return key


def read_key_file(path: Path) -> str:
    """The key that a file holds.

    Raises:
        BadInput: The file cannot be read, or holds no key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        raise BadInput(f"the key file {path} cannot be read: {error.strerror}", hint=_KEY_HINT) from error
    _expect(len(data) <= _MAX_KEY_BYTES, f"the key file {path} is too large to hold a key", hint=_KEY_HINT)
    # latin-1 never fails, and what is not ASCII is refused by the check
    return check_key(data.decode("latin-1"))


def _read_seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    """A number of seconds from the environment.

    Raises:
        BadInput: The variable holds something else.
    """
    text = environ.get(variable, "").strip()
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    _expect(0 <= seconds < math.inf, f"{variable} must be a number of seconds, not {text[:40]!r}")
    return seconds


def _without_user(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}" if slashes else url.rpartition("@")[2]


def _expect(holds: bool, otherwise: str, *, hint: str | None = None) -> None:
    if not holds:
        raise BadInput(otherwise, hint=hint)
