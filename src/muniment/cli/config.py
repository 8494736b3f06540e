"""`muniment.toml`: defaults for every command, and the sources by name.

Precedence: flag, environment, this file, default. A relative path is relative to the file.
"""

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from muniment.errors import BadInput, MunimentError

__all__ = ["SOURCES", "SourceTable", "load_config"]

SOURCES: Final = "muniment.sources"
"""Where a context's `meta` keeps the `[[source]]` tables."""

_FILE: Final = Path("muniment.toml")
_REPORT: Final = "framework every zone formats out source account_id"
_TABLES: Final[Mapping[str, frozenset[str]]] = {
    "source": frozenset(
        [
            "name",
            "manager",
            "url",
            "api_key_file",
            "api_key_env",
            "from",
            "account_id",
            "max_rate",
            "client_cert",
            "client_key",
            "adapter",
        ]
    ),
    "watch": frozenset(["interval_s", "rules", "zone", "quiet_after_s"]),
    "notify": frozenset(["url", "level", "secret_file"]),
    "report": frozenset(_REPORT.split()),
    "pack": frozenset(f"{_REPORT} sample seed tsa sign_ssh sign_cms".split()),
    "serve": frozenset(["host", "port"]),
}
_MANY: Final = frozenset({"source", "notify", "report", "pack"})
_PATHS: Final = frozenset({"api_key_file", "client_cert", "client_key", "adapter"})
_HEADER: Final = re.compile(r"\s*\[{1,2}\s*([\w-]+)\s*\]{1,2}")


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One `[[source]]` of a settings file.

    Args:
        where: File and line, for what is said about it.
        values: Key to value; paths are relative to the working folder.
    """

    where: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        """What it is called."""
        name: str | None = self.values.get("name")
        return name


def load_config(ctx: click.Context, named: Path | None) -> None:
    """Read the file into the context's defaults; none is needed unless one is named.

    Raises:
        BadInput: Missing though named, broken, with an unknown key or a wrong value; names file, line, key and the
            nearest right one.
    """
    text = _read(named)
    if text is None:
        return
    file = _SettingsFile(named or _FILE, text)
    ctx.meta[SOURCES] = file.sources()
    ctx.default_map = file.defaults(ctx)


def _read(named: Path | None) -> str | None:
    path = named or _FILE
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if named is None:
            return None
        raise BadInput(f"{path}: there is no such file", hint="Name a settings file that exists.") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from error


class _SettingsFile:
    """A settings file that could be read.

    Args:
        path: As it is named in what is said about it.
        text: Its content.

    Raises:
        BadInput: It is no TOML.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        try:
            self._settings = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"{path}: {error}", hint="See https://toml.io for how such a file is written.") from error

    def sources(self) -> list[SourceTable]:
        """The `[[source]]` tables; the keys of all tables are checked on the way."""
        for name in self._settings.keys() & _TABLES.keys():
            for number, table in enumerate(self._tables(name)):
                for key in table:
                    self._demand_known(key, _TABLES[name], name, number)
        found = [self._source(number, table) for number, table in enumerate(self._tables("source"))]
        names = [source.name for source in found if source.name is not None]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise BadInput(
                f"{self._path}: two of its [[source]] are named {twice}", hint="Give each a name of its own."
            )
        return found

    def defaults(self, ctx: click.Context) -> dict[str, Any]:
        """What the keys at the top give to the parameters of a command."""
        known = {key for command in _commands(ctx) for key in _options(command)}
        for key in self._settings.keys() - _TABLES.keys():
            self._demand_known(key, known | _TABLES.keys())
        ours = _options(ctx.command)
        given = (
            (ours[key], key, value) for key, value in self._settings.items() if key in ours.keys() - _TABLES.keys()
        )
        return {option.name or "": self._converted(ctx, option, key, value) for option, key, value in given}

    def _tables(self, name: str) -> list[dict[str, Any]]:
        written = self._settings.get(name, [])
        tables = written if isinstance(written, list) else [written]
        is_right = all(isinstance(table, dict) for table in tables)
        if not is_right or (name in self._settings and isinstance(written, list) != (name in _MANY)):
            raise BadInput(f"{self._at(name)}: {name} is a table", hint=f"Begin it with a line {_header(name)}.")
        return tables

    def _source(self, number: int, table: dict[str, Any]) -> SourceTable:
        for key, value in table.items():
            demand, words = _KINDS.get(key, (_is_text, "a text in quotes"))
            if not demand(value):
                raise BadInput(f"{self._at(key, 'source', number)}: {key} must be {words}")
        where = self._at("", "source", number)
        return SourceTable(where, {k: self._located(v) if k in _PATHS else v for k, v in table.items()})

    def _converted(self, ctx: click.Context, option: click.Option, key: str, value: Any) -> Any:
        if isinstance(option.type, click.Path) and isinstance(value, str):
            value = self._located(value)
        try:
            return option.type_cast_value(ctx, value)
        except (click.BadParameter, MunimentError, TypeError, ValueError) as error:
            raise BadInput(f"{self._at(key)}: {key} is not what --{key.replace('_', '-')} takes: {error}") from error

    def _located(self, path: str) -> str:
        return str(self._path.parent / Path(path).expanduser())

    def _demand_known(self, key: str, known: Collection[str], table: str = "", number: int = 0) -> None:
        if key not in known:
            self._refuse(key, known, table, number)

    def _refuse(self, key: str, known: Collection[str], table: str, number: int) -> NoReturn:
        near = difflib.get_close_matches(key, known, 1)
        elsewhere = [name for name, keys in _TABLES.items() if key in keys]
        if elsewhere:
            hint = f"It belongs into {' or '.join(_header(name) for name in elsewhere)}."
        elif near:
            hint = f"Did you mean `{near[0]}`?"
        else:
            hint = f"Known here: {', '.join(sorted(known))}."
        within = f" in [{table}]" if table else ""
        raise BadInput(f"{self._at(key, table, number)}: unknown key `{key}`{within}", hint=hint)

    def _at(self, key: str, table: str = "", number: int = 0) -> str:
        return f"{self._path}, line {self._line(key, table, number)}"

    def _line(self, key: str, table: str, number: int) -> int:
        """The line of a key within the table of a name with this number, else of the table, else the first."""
        pattern = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""")
        begins = 1
        for line, inside, found in self._walk(table, number):
            if inside and key and pattern.match(found):
                return line
            if inside and (header := _HEADER.match(found)) and header[1] == table:
                begins = line
            if not table and (header := _HEADER.match(found)) and header[1] == key:
                return line
        return begins

    def _walk(self, table: str, number: int) -> Iterator[tuple[int, bool, str]]:
        """Line number, whether it lies in the table of this name and number, and the line."""
        within, seen = "", -1
        for line, found in enumerate(self._lines, 1):
            if header := _HEADER.match(found):
                within = header[1]
                seen += within == table
            yield line, within == table and (not table or seen == number), found


def _header(table: str) -> str:
    return f"[[{table}]]" if table in _MANY else f"[{table}]"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_day(value: object) -> bool:
    return type(value) is dt.date or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None)


_KINDS: Final = {"max_rate": (_is_number, "a number"), "from": (_is_day, "a day, YYYY-MM-DD")}
"""Key of a `[[source]]` to what its value must be; every other one is a text."""


def _commands(ctx: click.Context) -> Iterator[click.Command]:
    """Every command, those below other commands too."""
    waiting = [ctx.find_root().command, ctx.command]
    while waiting:
        command = waiting.pop()
        yield command
        if isinstance(command, click.Group):
            inner = (command.get_command(ctx, name) for name in command.list_commands(ctx))
            waiting += [each for each in inner if each is not None]


def _options(command: click.Command) -> dict[str, click.Option]:
    """Key in the file to option of the command."""
    return {
        name.removeprefix("--").replace("-", "_"): option
        for option in command.params
        if isinstance(option, click.Option) and option.expose_value
        for name in option.opts
        if name.startswith("--")
    }
