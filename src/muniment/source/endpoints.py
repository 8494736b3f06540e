"""The three paths of the API, and how a request is spelled.

Source: DigiCert, "Audit API activity for compliance reporting", endpoint overview.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from muniment.errors import NotFound

__all__ = ["AUDIT_LOG", "account_path", "spell", "user_path"]

AUDIT_LOG: Final = "/account/api/v1/audit-log"
_USER: Final = "/account/api/v1/user/"
_ACCOUNT: Final = "/account/api/v1/account/"
_NO_SEGMENT: Final = frozenset({"", ".", ".."})


def user_path(user_id: str) -> str:
    """Where a user is asked for.

    Raises:
        NotFound: No path can carry this id.
    """
    return _USER + _segment(user_id, "user")


def account_path(account_id: str) -> str:
    """Where an account is asked for.

    Raises:
        NotFound: No path can carry this id.
    """
    return _ACCOUNT + _segment(account_id, "account")


def spell(path: str, params: Mapping[str, str]) -> str:
    """Path and query of a request, with commas and colons as the tutorial writes them."""
    if not params:
        return path
    return f"{path}?{urlencode(params, safe=',:', quote_via=quote, errors='surrogatepass')}"


def _segment(identifier: str, what: str) -> str:
    if identifier in _NO_SEGMENT:
        # such a path would mean another one
        raise NotFound(f"{identifier!r} can be no {what}'s id")
    return quote(identifier, safe="", errors="surrogatepass")
