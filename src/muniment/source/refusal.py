"""What the source says when it refuses, read from every form of error seen."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from muniment.errors import BadRequest, Forbidden, NotFound, SourceError, Unauthorized
from muniment.source.secrecy import printable

__all__ = ["Complaint", "read_complaint", "refusal"]

_CLASSES: dict[int, type[SourceError]] = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound}
_HINTS = {
    405: "Check that the base URL is that of DigiCert ONE itself, not of a page in front of it.",
    407: "Put the proxy's user and password into the URL of HTTPS_PROXY or HTTP_PROXY.",
}
_REDIRECT_HINT = (
    "Give the URL that it points to, if it is the source's own: a key is never sent to another place unasked."
)


class Complaint(NamedTuple):
    """The source's own code and words; either may be empty."""

    code: str
    message: str


def refusal(status: int, body: bytes, location: str | None) -> SourceError:
    """The error for an answer that no further try would change.

    Args:
        status: Its HTTP status, not 2xx.
        body: As much of its body as was read.
        location: Its header `Location`.
    """
    if 300 <= status < 400:
        error = SourceError(f"answered {status}, a redirect to {_target(location)}", hint=_REDIRECT_HINT)
    else:
        complaint = read_complaint(body)
        words = complaint.message or complaint.code or "without saying why"
        error = _CLASSES.get(status, SourceError)(f"answered {status}: {words}", hint=_HINTS.get(status))
        error.vendor_code = complaint.code or None
    error.status = status
    return error


def read_complaint(body: bytes) -> Complaint:
    """Code and message of an error body, in both shapes that the vendor prints and those seen around it.

    Source: DigiCert, "Audit API activity for compliance reporting", common errors:
    ``{"errors":[{code,message}]}``; "Error handling and rate limits": ``{"error":{code,message}}``.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Complaint("", "")
    complaints = list(_complaints(document))
    code = next((c.code for c in complaints if c.code), "")
    return Complaint(code, "; ".join(c.message for c in complaints if c.message))


def _complaints(document: Any) -> Iterator[Complaint]:
    if not isinstance(document, dict):
        return
    errors = document.get("errors", document.get("error", document))
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, dict):
            yield Complaint(
                _text(error, "code", "error"), _text(error, "message", "error_description", "detail", "title")
            )
        elif isinstance(error, str):
            yield Complaint("", printable(error))


def _text(error: dict[str, Any], *names: str) -> str:
    return next((printable(error[name]) for name in names if isinstance(error.get(name), str)), "")


def _target(location: str | None) -> str:
    try:
        parts = urlsplit(location or "")
        host = parts.hostname
    except ValueError:
        return "a place that cannot be read"
    if host:
        return printable(f"{parts.scheme or 'the same scheme'}://{host}")
    return "another path of the same host" if location else "nowhere"
