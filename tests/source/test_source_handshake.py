"""The certificate is looked at without asking anything, straight or through a proxy, and nothing is left open."""

import datetime as dt
import threading
import time

import pytest
from tests.source.conftest import Authority
from tests.source.rawserver import KEY, OK, raw_server
from tests.source.test_source_route import ProxyServer

from muniment.errors import Stopped
from muniment.source.handshake import shake_hands
from muniment.source.settings import Settings


def settings(url: str) -> Settings:
    return Settings(url=url, api_key=KEY)


def test_version_issuer_and_end_are_told_and_nothing_is_asked(authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        found = shake_hands(settings(server.url), {"SSL_CERT_FILE": str(authority.ca)}, 2)
    assert found is not None
    assert (found.version, found.issuer) == ("TLSv1.3", "ca")
    assert found.ends_at is not None
    assert dt.timedelta(0) < found.ends_at - dt.datetime.now(dt.UTC) <= dt.timedelta(days=1)
    assert server.requests == []


def test_it_goes_through_the_proxy_that_the_environment_names(authority: Authority) -> None:
    proxy = ProxyServer()
    with raw_server(proxy) as between, raw_server(OK, tls=authority.server_context()) as server:
        environ = {"https_proxy": between.url, "SSL_CERT_FILE": str(authority.ca)}
        found = shake_hands(settings(server.url), environ, 2)
    assert found is not None
    assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port}"]
    assert KEY.encode() not in between.requests[0].raw


@pytest.mark.parametrize("url", ["https://127.0.0.1:9", "https://one.invalid", "http://127.0.0.1:9"])
def test_where_there_is_no_encrypted_connection_there_is_nothing_to_tell(url: str) -> None:
    assert shake_hands(settings(url), {}, 2) is None


def test_a_certificate_that_nobody_vouches_for_is_nothing_to_tell(authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        assert shake_hands(settings(server.url), {}, 2) is None


def test_a_proxy_that_refuses_leaves_nothing_to_tell() -> None:
    with raw_server(ProxyServer(login="Basic none")) as between:
        assert shake_hands(settings("https://127.0.0.1:9"), {"https_proxy": between.url}, 2) is None


def test_it_ends_when_its_time_is_over_or_it_is_told_to(authority: Authority) -> None:
    with raw_server(OK, tls=authority.server_context()) as server:
        server.handshake_delay_s = 3
        began = time.monotonic()
        assert shake_hands(settings(server.url), {"SSL_CERT_FILE": str(authority.ca)}, 0.3) is None
        assert time.monotonic() - began < 2
    stop = threading.Event()
    stop.set()
    with raw_server(OK, tls=authority.server_context()) as server, pytest.raises(Stopped):
        shake_hands(settings(server.url), {"SSL_CERT_FILE": str(authority.ca)}, 2, stop)
