"""The encryption on the way to a source, looked at without asking it anything."""

import contextlib
import datetime as dt
import http.client
import ssl
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from muniment.source.deadline import answer_within
from muniment.source.route import open_route
from muniment.source.settings import Settings

__all__ = ["Handshake", "shake_hands"]


class Handshake(NamedTuple):
    """What was agreed on.

    Args:
        version: Of TLS, such as ``TLSv1.3``.
        issuer: Who vouches for the source, as its certificate says.
        ends_at: When that certificate ends, UTC; None where it does not say.
    """

    version: str
    issuer: str
    ends_at: dt.datetime | None


def shake_hands(
    settings: Settings, environ: Mapping[str, str], timeout_s: float, stop: threading.Event | None = None
) -> Handshake | None:
    """Connect, and hang up; no request goes out.

    Args:
        settings: Where.
        environ: Where proxies and certificates of authorities are named.
        timeout_s: For all of it.
        stop: Once set, it ends soon.

    Returns:
        What was agreed on; None where there was no connection, which a request says better.

    Raises:
        BadInput: A proxy or certificate that is named cannot be used.
        Stopped: `stop` was set.
    """
    if urlsplit(settings.url).scheme != "https":
        return None
    pool: Any = open_route(settings, environ).pool
    try:
        with answer_within(timeout_s, stop):
            connection = pool._get_conn(timeout=timeout_s)  # noqa: SLF001 - urllib3 gives no connection without a request
            with contextlib.closing(connection):
                if pool.proxy is not None:
                    pool._prepare_proxy(connection)  # noqa: SLF001 - see above
                else:
                    connection.connect()
                return _read(connection.sock)
    except (HTTPError, OSError, http.client.HTTPException):
        return None
    finally:
        pool.close()


def _read(sock: ssl.SSLSocket) -> Handshake:
    certificate: dict[str, Any] = sock.getpeercert() or {}
    issuer = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    ends = certificate.get("notAfter")
    ends_at = None if ends is None else dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), dt.UTC)
    name = issuer.get("organizationName") or issuer.get("commonName") or "somebody unnamed"
    return Handshake(sock.version() or "TLS", str(name), ends_at)
