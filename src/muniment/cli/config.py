"""`muniment.toml`: defaults for every command, and the sources by name.

Precedence: flag, environment, this file, default. A relative path is relative to the file.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import click

from muniment.errors import BadInput

__all__ = ["SOURCES", "load_config"]

SOURCES: Final = "muniment.sources"
"""Where a context's `meta` keeps the `[[source]]` tables."""

_TABLES: Final[Mapping[str, frozenset[str]]] = {
    "source": frozenset(
        "name manager url api_key_file api_key_env from account_id max_rate client_cert client_key adapter".split()
    ),
    "watch": frozenset("interval_s rules zone quiet_after_s".split()),
    "notify": frozenset("url level secret_file".split()),
    "report": frozenset("framework every zone formats out source account_id".split()),
    "pack": frozenset(
        "framework every zone formats out source account_id sample seed tsa sign_ssh sign_cms".split()
    ),
    "serve": frozenset("host port".split()),
}
_LISTS: Final = frozenset({"source", "notify", "report", "pack"})
_PATHS: Final = frozenset({"archive", "api_key_file", "client_cert", "client_key", "out", "adapter", "secret_file"})


def load_config(ctx: click.Context, file: Path | None) -> None:
    """Read the file into the context's defaults; none is needed unless one is named.

    Raises:
        BadInput: Missing though named, broken, or with an unknown key; names file, line, key and the nearest right one.
    """
    path = file or Path("muniment.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if file is None:
            return
        raise BadInput(f"{path}: there is no such file", hint="Name a settings file that exists.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    settings = _parse(path, text)
    _check(path, text, settings, _option_names(ctx))
    ctx.meta[SOURCES] = [_located(path, table) for table in settings.get("source", [])]
    ctx.default_map = _defaults(ctx, _located(path, settings))


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: {error}", hint="See https://toml.io for how such a file is written.") from error


def _check(path: Path, text: str, settings: Mapping[str, Any], options: Collection[str]) -> None:
    for key, value in settings.items():
        if key not in _TABLES:
            _known(path, text, key, options | _TABLES.keys(), within="")
            continue
        tables = value if isinstance(value, list) else [value]
        if isinstance(value, list) != (key in _LISTS) or not all(isinstance(table, dict) for table in tables):
            form = f"[[{key}]]" if key in _LISTS else f"[{key}]"
            raise BadInput(f"{path}, line {_line(text, key)}: {key} is written as {form}")
        for table in tables:
            for inner in table:
                _known(path, text, inner, _TABLES[key], within=f"[{key}] ")


def _known(path: Path, text: str, key: str, known: Collection[str], *, within: str) -> None:
    if key in known:
        return
    near = difflib.get_close_matches(key, known, 1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(sorted(known))}."
    raise BadInput(f"{path}, line {_line(text, key)}: unknown key {within}`{key}`", hint=hint)


def _line(text: str, key: str) -> int:
    found = re.search(rf"""^[\s\[]*["']?{re.escape(key)}["']?\s*[=\]]""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _option_names(ctx: click.Context) -> frozenset[str]:
    """The long names of every command's options, as keys."""
    group = ctx.find_root().command
    if not isinstance(group, click.Group):
        return frozenset(_names(ctx.command))
    commands = (group.get_command(ctx, name) for name in group.list_commands(ctx))
    return frozenset(name for command in commands if command for name in _names(command))


def _names(command: click.Command) -> dict[str, str]:
    """Key in the file to parameter of the command."""
    return {
        option.lstrip("-").replace("-", "_"): parameter.name or ""
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and parameter.expose_value
    }


def _defaults(ctx: click.Context, settings: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(ctx.command)
    return {names[key]: value for key, value in settings.items() if key in names}


def _located(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with its paths relative to the file."""
    return {key: str(path.parent / value) if key in _PATHS else value for key, value in table.items()}
