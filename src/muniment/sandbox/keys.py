"""The sandbox's four keys: constants, since they protect nothing, and one per role."""

from collections.abc import Mapping
from typing import Final

from muniment.errors import Forbidden, Unauthorized

__all__ = ["KEYS", "NO_ROLE", "admit"]

NO_ROLE: Final = "none"
KEYS: Final[Mapping[str, str]] = {
    "AM_ACCOUNT_ADMIN": "sandbox-account-admin",
    "AM_VIEW_ONLY": "sandbox-view-only",
    "AM_USER_MANAGER": "sandbox-user-manager",
    NO_ROLE: "sandbox-no-role",
}
"""Role to key. Each role may make all three calls; the key without one is valid and may make none."""


def admit(key: str | None) -> None:
    """Let the holder of a key with a role pass.

    Raises:
        Unauthorized: No key, or none of the four.
        Forbidden: The key without a role.
    """
    if key not in KEYS.values():
        raise Unauthorized("The API key is missing or not known.")
    if key == KEYS[NO_ROLE]:
        raise Forbidden("The API key has no role that allows this.")
