"""Clients for raw servers, and certificates that nobody else trusts."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.source.rawserver import KEY

from muniment.source.client import Client
from muniment.source.settings import Settings

ClientMaker = Callable[..., Client]


@pytest.fixture
def make_client() -> Iterator[ClientMaker]:
    """Makes clients of a URL that give up soon and wait little; the environment names no proxy."""
    with ExitStack() as stack:

        def make(
            url: str, *, timeout_s: float = 5, retry_s: float = 5, max_rate: float | None = None, **options: Any
        ) -> Client:
            settings = Settings(url=url, api_key=KEY, timeout_s=timeout_s, retry_s=retry_s, max_rate=max_rate)
            options = {"environ": {}, "jitter": lambda: 0.02, **options}
            return stack.enter_context(Client(settings, **options))

        yield make


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own, and what it signed."""

    ca: Path
    server: Path
    client: Path

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    ca_key = ec.generate_private_key(ec.SECP256R1())
    made = Authority(folder / "ca.pem", folder / "server.pem", folder / "client.pem")
    made.ca.write_bytes(_certificate("ca", ca_key, ca_key).public_bytes(Encoding.PEM))
    for path in (made.server, made.client):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(pem + _certificate(path.stem, key, ca_key).public_bytes(Encoding.PEM))
    return made


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    is_ca = key is ca_key
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        subject_name=x509.Name.from_rfc4514_string(f"CN={name}"),
        issuer_name=x509.Name.from_rfc4514_string("CN=ca"),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - dt.timedelta(days=1),
        not_valid_after=now + dt.timedelta(days=1),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
    )
    return builder.add_extension(alternative, critical=False).sign(ca_key, hashes.SHA256())
