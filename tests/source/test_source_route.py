"""Certificates are checked, proxies are used as the environment says, and neither lets a question hang."""

import contextlib
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from tests.source.conftest import Authority, ClientMaker
from tests.source.rawserver import KEY, OK, RawServer, Request, answers, raw_server, response, says

from muniment.errors import BadInput, Oversized, SourceError, Stopped, Unreachable
from muniment.source.client import Client
from muniment.source.route import choose_proxy
from muniment.source.settings import Settings

JSON = b'{"ok": true}'
ONE = "https://one.digicert.com/x"


# --- certificates


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_that_the_environment_names_is_believed(
    make_client: ClientMaker, authority: Authority, variable: str
) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        client = make_client(server.url, environ={variable: str(authority.ca)})
        assert [client.get("/x").body for _ in range(3)] == [JSON] * 3
    assert server.connections == 1


def test_a_certificate_that_nobody_vouches_for_ends_it_at_once(make_client: ClientMaker, authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        client = make_client(server.url)
        with pytest.raises(SourceError, match="its certificate is not trusted") as caught:
            client.get("/x")
    assert "SSL_CERT_FILE" in caught.value.hint
    assert (client.requests, server.requests) == (1, [])


def test_a_certificate_for_another_host_is_refused(make_client: ClientMaker, authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        client = make_client(f"https://localhost:{server.port}", environ={"SSL_CERT_FILE": str(authority.ca)})
        with pytest.raises(SourceError, match="its certificate is not trusted"):
            client.get("/x")
    assert server.requests == []


def test_a_server_that_speaks_plainly_where_https_is_asked_for_is_unreachable(make_client: ClientMaker) -> None:
    with raw_server(OK) as server:
        client = make_client(server.url.replace("http:", "https:"), retry_s=0.2)
        with pytest.raises(Unreachable, match="no encrypted connection"):
            client.get("/x")


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_an_authorities_file_that_holds_none_is_bad_input(
    make_client: ClientMaker, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput, match="no certificates of authorities can be read from"):
        make_client("https://127.0.0.1:1", environ={"SSL_CERT_FILE": str(file)})


def test_a_client_certificate_is_shown_to_a_host_that_asks(authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context(ask_client=True)) as server:
        environ = {"SSL_CERT_FILE": str(authority.ca)}
        with Client(Settings(url=server.url, api_key=KEY, client_cert=authority.client), environ=environ) as client:
            assert client.get("/x").body == JSON
        with (
            Client(Settings(url=server.url, api_key=KEY, retry_s=0), environ=environ) as client,
            pytest.raises(Unreachable),
        ):
            client.get("/x")


def test_a_client_key_that_cannot_be_used_is_bad_input(authority: Authority, tmp_path: Path) -> None:
    for client_key in (locked_key(tmp_path), tmp_path / "missing.pem", authority.server):
        settings = Settings(url="https://127.0.0.1:1", api_key=KEY, client_cert=authority.client, client_key=client_key)
        with pytest.raises(BadInput, match="cannot be used with the key"):
            Client(settings, environ={})


def locked_key(folder: Path) -> Path:
    file = folder / "locked.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")))
    return file


def test_nobody_is_asked_for_the_password_of_a_client_key(authority: Authority, tmp_path: Path) -> None:
    program = f"""
import fcntl, pathlib, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # OpenSSL asks at the terminal, whatever stdin is
from muniment.source.route import trust
trust({{}}, pathlib.Path({str(authority.client)!r}), pathlib.Path({str(locked_key(tmp_path))!r}))
"""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=False, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True, timeout=30,
        )  # fmt: skip
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 100)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"cannot be used with the key" in done.stderr


def test_an_encrypted_source_that_drips_is_left_when_the_time_is_over(
    make_client: ClientMaker, authority: Authority
) -> None:
    drops = [bytes([byte]) for byte in response(200, b" " * 100)]
    with raw_server(says(*drops, every_s=0.03), tls=authority.server_context()) as server:
        client = make_client(server.url, environ={"SSL_CERT_FILE": str(authority.ca)}, timeout_s=0.4, retry_s=0)
        started = time.monotonic()
        with pytest.raises(Oversized):
            client.get("/x")
        assert 0.35 < time.monotonic() - started < 1.5


def test_a_handshake_that_never_ends_is_left_when_the_time_is_over(make_client: ClientMaker) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = make_client(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3, retry_s=0)
        started = time.monotonic()
        with pytest.raises(Unreachable):
            client.get("/x")
        assert 0.25 < time.monotonic() - started < 1.5


def test_being_told_to_stop_ends_the_wait_for_an_encrypted_answer(
    make_client: ClientMaker, authority: Authority
) -> None:
    stop = threading.Event()
    with raw_server(says(response(200, JSON, length=50)), tls=authority.server_context()) as server:
        client = make_client(server.url, environ={"SSL_CERT_FILE": str(authority.ca)}, stop=stop, timeout_s=60)
        timer = threading.Timer(0.15, stop.set)
        timer.start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            client.get("/x")
        assert time.monotonic() - started < 1.5
        timer.join()


# --- proxies


@dataclass
class ProxyServer:
    """Forwards what it is asked for, or answers in its own name, and remembers who was asked for."""

    login: str | None = None
    delay_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request, sock: socket.socket) -> bool:
        self.asked.append(f"{request.method} {request.target}")
        if self.login and request.headers.get("proxy-authorization") != self.login:
            sock.sendall(response(407))
            return False
        if request.method == "CONNECT":
            self._connect(request, sock)
            return False
        sock.sendall(response(200, b'"by proxy"'))
        return True

    def _connect(self, request: Request, sock: socket.socket) -> None:
        host, _, port = request.target.rpartition(":")
        with contextlib.closing(socket.create_connection((host, int(port)))) as beyond:
            for byte in b"HTTP/1.1 200 Connected\r\n\r\n":
                time.sleep(self.delay_s)
                sock.sendall(bytes([byte]))
            back = threading.Thread(target=pump, args=(beyond, sock), daemon=True)
            back.start()
            pump(sock, beyond)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy() -> ProxyServer:
    return ProxyServer()


@pytest.fixture
def proxy_server(proxy: ProxyServer) -> Iterator[RawServer]:
    with raw_server(proxy) as server:
        yield server


def test_a_plain_question_is_handed_to_the_proxy(
    make_client: ClientMaker, proxy: ProxyServer, proxy_server: RawServer
) -> None:
    client = make_client("http://one.invalid/prefix", environ={"HTTP_PROXY": proxy_server.url})
    assert client.get("/x", {"limit": "1"}).body == b'"by proxy"'
    assert proxy.asked == ["GET http://one.invalid/prefix/x?limit=1"]
    assert proxy_server.requests[0].headers["host"] == "one.invalid"


def test_an_encrypted_question_goes_through_the_proxy_unread(
    make_client: ClientMaker, authority: Authority, proxy: ProxyServer, proxy_server: RawServer
) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        environ = {"https_proxy": proxy_server.url, "SSL_CERT_FILE": str(authority.ca)}
        client = make_client(server.url, environ=environ)
        assert [client.get("/x").body for _ in range(2)] == [JSON] * 2
        client.close()
        assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port}"]
        assert KEY.encode() not in proxy_server.requests[0].raw
        assert server.requests[0].headers["x-api-key"] == KEY


def test_a_slow_proxy_and_a_slow_handshake_are_borne(
    make_client: ClientMaker, authority: Authority, proxy: ProxyServer, proxy_server: RawServer
) -> None:
    proxy.delay_s = 0.002
    with raw_server(OK, tls=authority.server_context()) as server:
        server.handshake_delay_s = 0.8
        environ = {"https_proxy": proxy_server.url, "SSL_CERT_FILE": str(authority.ca)}
        client = make_client(server.url, environ=environ, retry_s=0)
        assert client.get("/x").body == JSON
        client.close()


def test_a_proxy_that_drips_is_left_when_the_time_is_over(
    make_client: ClientMaker, authority: Authority, proxy: ProxyServer, proxy_server: RawServer
) -> None:
    proxy.delay_s = 0.1
    with raw_server(OK, tls=authority.server_context()) as server:
        client = make_client(server.url, environ={"https_proxy": proxy_server.url}, timeout_s=0.4, retry_s=0)
        started = time.monotonic()
        with pytest.raises(Unreachable):
            client.get("/x")
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_given_the_one_in_its_url(
    make_client: ClientMaker, authority: Authority, proxy: ProxyServer, proxy_server: RawServer, scheme: str
) -> None:
    proxy.login = "Basic bWU6cEBzcw=="  # me:p@ss
    tls = authority.server_context() if scheme == "https" else None
    with raw_server(OK, tls=tls) as server:
        named = proxy_server.url.replace("://", "://me:p%40ss@")
        client = make_client(server.url, environ={"ALL_PROXY": named, "SSL_CERT_FILE": str(authority.ca)})
        assert client.get("/x").status == 200
        client.close()
        client = make_client(server.url, environ={"ALL_PROXY": proxy_server.url, "SSL_CERT_FILE": str(authority.ca)})
        with pytest.raises(SourceError) as caught:
            client.get("/x")
        assert caught.value.status == 407
        assert client.requests == 1
        assert server.requests == [] or "proxy-authorization" not in server.requests[0].headers


def test_a_proxy_that_is_down_is_named_as_the_reason(make_client: ClientMaker) -> None:
    client = make_client(ONE, environ={"HTTPS_PROXY": "127.0.0.1:1"}, retry_s=0)
    with pytest.raises(Unreachable, match=r"the connection was refused \(at the proxy\)"):
        client.get("/x")


def test_a_proxy_that_cannot_reach_the_source_says_so(make_client: ClientMaker) -> None:
    with raw_server(answers(502)) as server:
        client = make_client(ONE, environ={"HTTPS_PROXY": server.url}, retry_s=0)
        with pytest.raises(Unreachable, match="the proxy answered 502 instead of connecting"):
            client.get("/x")


@pytest.mark.parametrize(
    ("url", "environ", "chosen"),
    [
        (ONE, {}, None),
        (ONE, {"HTTPS_PROXY": ""}, None),
        (ONE, {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        (ONE, {"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        (ONE, {"HTTPS_PROXY": "https://p"}, "https://p:443"),
        (ONE, {"HTTPS_PROXY": "http://[::1]:3128"}, "http://[::1]:3128"),
        (ONE, {"HTTPS_PROXY": "http://upper", "https_proxy": "http://lower"}, "http://lower:80"),
        (ONE, {"HTTP_PROXY": "http://p"}, None),
        (ONE, {"ALL_PROXY": "http://p"}, "http://p:80"),
        ("http://one", {"HTTP_PROXY": "http://p"}, "http://p:80"),
        ("http://one", {"HTTP_PROXY": "http://p", "REQUEST_METHOD": "GET"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "one.digicert.com"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "other, .digicert.com"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "DigiCert.com"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "*.digicert.com"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "*"}, None),
        (ONE, {"ALL_PROXY": "http://p", "NO_PROXY": "cert.com,one.digicert.com.evil"}, "http://p:80"),
        ("http://10.1.2.3", {"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3:81", {"ALL_PROXY": "http://p", "no_proxy": "10.1.2.3:81"}, None),
        ("http://10.1.2.3:82", {"ALL_PROXY": "http://p", "no_proxy": "10.1.2.3:81"}, "http://p:80"),
        ("http://[::1]:82", {"ALL_PROXY": "http://p", "NO_PROXY": "::1"}, None),
    ],
)
def test_the_environment_names_the_proxy(url: str, environ: dict[str, str], chosen: str | None) -> None:
    proxy = choose_proxy(url, environ)
    assert (proxy and proxy.url) == chosen


@pytest.mark.parametrize("named", ["socks5://me:hunter2@p:1080", "http://me:hunter2@", "http://me:hunter2@p:x"])
def test_a_proxy_of_another_kind_is_bad_input_and_its_password_not_shown(named: str) -> None:
    with pytest.raises(BadInput) as caught:
        choose_proxy(ONE, {"HTTPS_PROXY": named})
    assert "hunter2" not in caught.value.message


def test_a_proxys_password_is_in_no_repr() -> None:
    assert "hunter2" not in repr(choose_proxy(ONE, {"HTTPS_PROXY": "http://me:hunter2@p"}))
