"""Collects DigiCert ONE audit logs provably complete, and keeps them as evidence that anyone can check.

The library is `AccountManager`, the vendor's five steps as five calls, and `Archive`, what was collected. Both are
loaded when first used, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muniment.archive.reading import Archive
    from muniment.source.account_manager import AccountManager

__all__ = ["AccountManager", "Archive"]

_HOMES = {"AccountManager": "muniment.source.account_manager", "Archive": "muniment.archive.reading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
