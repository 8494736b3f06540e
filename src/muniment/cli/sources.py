"""The source a command is about: its name, address and key, from flags, environment and `[[source]]`."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from muniment.cli.config import SOURCES, SourceTable
from muniment.errors import BadInput
from muniment.model.query import parse_date
from muniment.source.settings import Settings, check_url, read_key_file, read_settings

__all__ = ["MANAGER", "Source", "find_sources"]

MANAGER: Final = "account-manager"
_KEY: Final = "MUNIMENT_API_KEY"
_EXPLICIT: Final = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_NO_TABLE: Final = SourceTable("", {})
_LATER: Final = ("account_id", "adapter")


@dataclass(frozen=True, slots=True)
class Source:
    """A source, and how to reach it.

    Args:
        name: Under which its entries are sealed.
        settings: Address, key and pace.
        from_: First day to be collected, where the settings file says so.
    """

    name: str
    settings: Settings
    from_: dt.date | None


def find_sources(
    ctx: click.Context, options: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> list[Source]:
    """The sources that are asked for: the one named or addressed, else every one in the settings file.

    Args:
        ctx: Of the command, whose settings file has been read.
        options: Of `source_options`.
        environ: Where the key may be.

    Raises:
        BadInput: No address, no key, one of them malformed, or a name that belongs to nothing.
    """
    asked = _Asked(ctx, options, environ)
    tables = asked.tables()
    found = [_Lookup(asked, table, among_several=len(tables) > 1).source() for table in tables]
    names = [source.name for source in found]
    if len(set(names)) < len(names):
        raise BadInput("several sources have one name", hint="Give each [[source]] a name of its own.")
    return found


class _Asked:
    """What the command line and the environment say.

    Args:
        ctx: See `find_sources`.
        options: See `find_sources`.
        environ: See `find_sources`.
    """

    def __init__(self, ctx: click.Context, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.options = options
        self.environ = environ
        self._ctx = ctx
        self._tables: list[SourceTable] = ctx.meta.get(SOURCES, [])

    def is_explicit(self, name: str) -> bool:
        """Whether an option was given by flag or environment."""
        return self._ctx.get_parameter_source(name) in _EXPLICIT

    def tables(self) -> list[SourceTable]:
        """The `[[source]]` tables that are meant, one without values where there are none."""
        name = self.options["source"]
        if name is not None:
            return [self._named(name)]
        url = self.options["url"] if self.is_explicit("url") else None
        # a key that belongs to one host is never shown to another
        fitting = [table for table in self._tables if url is None or _same_url(url, table.values.get("url"))]
        return fitting or [_NO_TABLE]

    def _named(self, name: str) -> SourceTable:
        if not name.strip():
            raise BadInput("--source is empty", hint="Name a source, or leave --source out.")
        table = next((table for table in self._tables if table.name == name), None)
        if table is None and self._tables and not self.is_explicit("url"):
            names = ", ".join(table.name or "(one without a name)" for table in self._tables)
            raise BadInput(f"there is no [[source]] named {name}", hint=f"There are: {names}.")
        return table or _NO_TABLE


class _Lookup:
    """Looks at flags and environment first, then at the source's table, then at the file's defaults.

    Args:
        asked: What the command line and the environment say.
        table: The source's.
        among_several: Whether others are collected by the same call: then a key in the environment is only for those
            whose tables name none.
    """

    def __init__(self, asked: _Asked, table: SourceTable, *, among_several: bool) -> None:
        self._asked = asked
        self._options = asked.options
        self._environ = asked.environ
        self._table = table
        self._among_several = among_several

    def source(self) -> Source:
        """The source.

        Raises:
            BadInput: See `find_sources`.
        """
        self._demand_supported()
        settings = read_settings(
            self._value("url") or _no_url(),
            self._key(),
            self._environ,
            max_rate=self._value("max_rate"),
            client_cert=self._path("client_cert"),
            client_key=self._path("client_key"),
        )
        name = self._options["source"] or self._table.name or _default_name(settings.url)
        return Source(name, settings, self._first_day())

    def _value(self, name: str) -> Any:
        if self._asked.is_explicit(name) or name not in self._table.values:
            return self._options[name]
        return self._table.values[name]

    def _path(self, name: str) -> Path | None:
        value = self._value(name)
        return None if value is None else Path(value)

    def _key(self) -> str:
        """The key: a file that a flag names, the environment, the source's table, a file for all sources."""
        file, table = self._options["api_key_file"], self._table.values
        if file is not None and self._asked.is_explicit("api_key_file"):
            return read_key_file(file)
        names_its_own = not table.keys().isdisjoint(("api_key_env", "api_key_file"))
        if (key := self._environ.get(_KEY)) is not None and not (self._among_several and names_its_own):
            return key
        if "api_key_env" in table:
            return self._key_of_environment(table["api_key_env"])
        named = table.get("api_key_file", file)
        if named is None:
            raise BadInput("there is no API key", hint=f"Set {_KEY}, or give --api-key-file FILE.")
        return read_key_file(Path(named))

    def _key_of_environment(self, variable: str) -> str:
        key = self._environ.get(variable)
        if key is None:
            raise BadInput(f"{self._table.where}: the environment has no {variable}, which api_key_env names")
        return key

    def _first_day(self) -> dt.date | None:
        told = self._table.values.get("from")
        return parse_date("from", told) if isinstance(told, str) else told

    def _demand_supported(self) -> None:
        table = self._table
        if table.values.get("manager", MANAGER) != MANAGER:
            raise BadInput(
                f"{table.where}: manager {table.values['manager']} is not one that this version can read",
                hint=f"It reads {MANAGER}.",
            )
        for key in _LATER:
            if key in table.values:
                raise BadInput(f"{table.where}: this version does not heed {key}", hint="Leave it out.")


def _same_url(one: str, other: str | None) -> bool:
    return other is None or check_url(one) == check_url(other)


def _default_name(url: str) -> str:
    """The name of a source that was given none, such as ``account-manager@one.digicert.com``."""
    return f"{MANAGER}@{url.partition('://')[2].partition('/')[0]}"


def _no_url() -> str:
    raise BadInput(
        "there is no address of the source", hint="Set MUNIMENT_URL, or give --url https://one.digicert.com."
    )
