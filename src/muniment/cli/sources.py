"""The source a command is about: its name, address and key, from flags, environment and `[[source]]`."""

import os
import threading
from pathlib import Path
from typing import Any

import click

from muniment.cli.config import SOURCES
from muniment.cli.options import read_key
from muniment.errors import BadInput
from muniment.source.client import Client
from muniment.source.settings import read_settings

__all__ = ["open_client", "source_name"]

_MANAGER = "account-manager"


def open_client(ctx: click.Context, options: dict[str, Any], stop: threading.Event) -> tuple[str, Client]:
    """The name of the source that is asked for, and a client for it.

    Raises:
        BadInput: No address, no key, one of them malformed, or a name that no `[[source]]` has.
    """
    table = _table(ctx, options.get("source"))
    settings = read_settings(
        _told(ctx, options, table, "url") or _no_url(),
        _key(ctx, options, table),
        os.environ,
        max_rate=_told(ctx, options, table, "max_rate"),
        client_cert=_path(_told(ctx, options, table, "client_cert")),
        client_key=_path(_told(ctx, options, table, "client_key")),
    )
    client = Client(settings, stop=stop)
    return options.get("source") or table.get("name") or source_name(client), client


def source_name(client: Client) -> str:
    """The name of a source that was given none, such as ``account-manager@one.digicert.com``."""
    return f"{_MANAGER}@{client.settings.url.partition('://')[2].partition('/')[0]}"


def _table(ctx: click.Context, name: str | None) -> dict[str, Any]:
    """The `[[source]]` of this name; the only one there is, where none is named and no address is given."""
    tables: list[dict[str, Any]] = ctx.meta.get(SOURCES, [])
    if name is not None:
        return next((table for table in tables if table.get("name") == name), {})
    return tables[0] if len(tables) == 1 else {}


def _told(ctx: click.Context, options: dict[str, Any], table: dict[str, Any], name: str) -> Any:
    """Flag and environment before the source's table, that before the file's defaults."""
    given = ctx.get_parameter_source(name) in (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    return options.get(name) if given or name not in table else table[name]


def _key(ctx: click.Context, options: dict[str, Any], table: dict[str, Any]) -> str:
    if options.get("api_key_file") is None and "MUNIMENT_API_KEY" not in os.environ and "api_key_env" in table:
        key = os.environ.get(table["api_key_env"])
        if key is None:
            raise BadInput(f"the environment has no {table['api_key_env']}, which the source's api_key_env names")
        return key
    return read_key(_path(_told(ctx, options, table, "api_key_file")))


def _path(value: str | Path | None) -> Path | None:
    return None if value is None else Path(value)


def _no_url() -> str:
    raise BadInput("there is no address of the source", hint="Set MUNIMENT_URL, or give --url https://one.digicert.com.")
