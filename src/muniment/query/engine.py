"""DuckDB, kept on a short lead: it fetches nothing, reads no file but its own, and stays within its memory."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["connect", "cursor_of"]

_MEMORY_MB: Final = 160
_THREADS: Final = 4


def connect(path: Path | None = None, *, read_only: bool = False) -> "DuckDBPyConnection":
    """Open a database.

    Args:
        path: Its file; None for one in memory.
        read_only: Whether it stays as it is.

    Raises:
        duckdb.Error: It is none, is damaged, or cannot be read or made.
    """
    import duckdb  # noqa: PLC0415 - start-up

    opened = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=_settings())
    # not among the settings, where it would forbid to spill; cannot be allowed again while the database is open
    opened.execute("SET enable_external_access = false")
    return _silenced(opened)


def cursor_of(db: "DuckDBPyConnection") -> "DuckDBPyConnection":
    """A connection of its own to the same database, for one thread and one question."""
    return _silenced(db.cursor())


def _silenced(db: "DuckDBPyConnection") -> "DuckDBPyConnection":
    # a progress bar would be drawn on stdout
    return db.execute("SET enable_progress_bar = false")


def _settings() -> dict[str, Any]:
    return {
        "threads": min(os.cpu_count() or 1, _THREADS),
        "memory_limit": f"{_MEMORY_MB}MB",
        # made only when something is too large for the memory, and removed at the end
        "temp_directory": str(Path(tempfile.gettempdir()) / f"muniment-{os.getpid()}"),
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
    }
