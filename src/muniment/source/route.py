"""The way to the source: straight or through a proxy, and whose certificates are believed."""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import make_headers

from muniment.errors import BadInput
from muniment.source import deadline
from muniment.source.settings import Settings

__all__ = ["Proxy", "Route", "choose_proxy", "open_route", "trust"]

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


class Proxy(NamedTuple):
    """A proxy without its password, and the headers that hold it."""

    url: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Proxy({self.url})"


class Route(NamedTuple):
    """Connections to the source, and what stands before each path in a request."""

    pool: urllib3.HTTPConnectionPool
    prefix: str


class _Connection(HTTPConnection):
    debuglevel = 0  # else one line of somebody's code makes http.client print every header, the key among them

    def _new_conn(self) -> socket.socket:
        return deadline.connect(self._dns_host, self.port, self.socket_options or ())


class _TlsConnection(HTTPSConnection):
    debuglevel = 0

    def _new_conn(self) -> socket.socket:
        return deadline.connect(self._dns_host, self.port, self.socket_options or ())


def open_route(settings: Settings, environ: Mapping[str, str]) -> Route:
    """Prepare connections to the source; none is opened yet.

    Raises:
        BadInput: A proxy, certificate or key that the environment or the settings name cannot be used.
    """
    url = urlsplit(settings.url)
    options: dict[str, Any] = {"maxsize": settings.connections}
    if url.scheme == "https":
        options["ssl_context"] = trust(environ, settings.client_cert, settings.client_key)
    proxy = choose_proxy(settings.url, environ)
    if proxy is None:
        make = urllib3.HTTPSConnectionPool if url.scheme == "https" else urllib3.HTTPConnectionPool
        pool = make(url.hostname or "", url.port, **options)
    else:
        pool = _manager(proxy, environ, options).connection_from_host(url.hostname, url.port, url.scheme)
    pool.ConnectionCls = _TlsConnection if pool.scheme == "https" else _Connection
    # a proxy that forwards what is not encrypted must be told the whole URL
    return Route(pool, settings.url if proxy and url.scheme == "http" else url.path)


def trust(environ: Mapping[str, str], client_cert: Path | None, client_key: Path | None) -> ssl.SSLContext:
    """A TLS context that believes the named authorities, else those of the system.

    Raises:
        BadInput: A file cannot be read or holds nothing of use.
    """
    named = [environ[name] for name in _CA_VARIABLES if environ.get(name)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = deadline.DeadlineTlsSocket
    for path in named:
        _load_authorities(context, Path(path))
    if not named:
        context.load_default_certs()
    if client_cert is not None:
        _load_own_certificate(context, client_cert, client_key)
    return context


def choose_proxy(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that the environment names for a URL, None where it goes straight.

    The variables are HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; lower case goes first, as everywhere.

    Raises:
        BadInput: It is of a kind that cannot be used.
    """
    parts = urlsplit(url)
    named = _variable(environ, f"{parts.scheme}_proxy") or _variable(environ, "all_proxy")
    if not named or _goes_straight(parts, _variable(environ, "no_proxy")):
        return None
    return _read_proxy(named)


def _variable(environ: Mapping[str, str], name: str) -> str:
    # a web server puts a visitor's header "Proxy" into HTTP_PROXY of the programs that it runs
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in environ else environ.get(name.upper(), "")
    return (environ.get(name) or upper).strip()


def _read_proxy(text: str) -> Proxy:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput("the proxy that the environment names has a bad host or port") from error
    if parts.scheme not in ("http", "https") or not host:
        raise BadInput(f"the environment names a proxy of a kind that cannot be used: {parts.scheme}")
    netloc = f"[{host}]" if ":" in host else host
    return Proxy(f"{parts.scheme}://{netloc}:{port or (443 if parts.scheme == 'https' else 80)}", _proxy_login(parts))


def _proxy_login(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _goes_straight(url: SplitResult, exceptions: str) -> bool:
    host = url.hostname or ""
    return any(_covers(rule.strip().lower(), host, url.port) for rule in exceptions.split(",") if rule.strip())


def _covers(rule: str, host: str, port: int | None) -> bool:
    """Whether one rule of NO_PROXY covers a host: ``*``, a host, a domain and all below it, or a network."""
    if rule in ("*", host, f"{host}:{port}", f"[{host}]"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        domain = rule.removeprefix("*").removeprefix(".")
        return host == domain or host.endswith(f".{domain}")


def _manager(proxy: Proxy, environ: Mapping[str, str], options: dict[str, Any]) -> urllib3.ProxyManager:
    if proxy.url.startswith("https"):
        options = options | {"proxy_ssl_context": trust(environ, None, None)}
    return urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"no certificates of authorities can be read from {path}",
            hint="It is named by SSL_CERT_FILE or REQUESTS_CA_BUNDLE.",
        ) from error


def _load_own_certificate(context: ssl.SSLContext, client_cert: Path, client_key: Path | None) -> None:
    try:
        # without the password OpenSSL would ask the terminal for the one of an encrypted key
        context.load_cert_chain(client_cert, client_key, password="")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"the client certificate {client_cert} cannot be used with the key {client_key or client_cert}",
            hint="Both must be PEM files, the key without a password.",
        ) from error
