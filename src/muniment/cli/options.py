"""Options that several commands share; each command's file adds its own."""

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from muniment.errors import BadInput

if TYPE_CHECKING:
    from muniment.archive.home import Home

__all__ = [
    "DAY",
    "archive_option",
    "cache_folder",
    "config_option",
    "day_options",
    "home_folder",
    "json_option",
    "read_key",
    "source_options",
    "today",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Day(click.ParamType):
    """A day, written exactly YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:  # noqa: ARG002 - click's signature
        if isinstance(value, dt.date):
            return value
        from muniment.model.query import parse_date  # noqa: PLC0415 - start-up

        return parse_date(param.opts[0].lstrip("-") if param else "date", str(value))


DAY = _Day()


def archive_option(function: F) -> F:
    """``--archive DIR``."""
    return click.option(
        "--archive",
        type=click.Path(path_type=Path),
        envvar="MUNIMENT_ARCHIVE",
        default="muniment-archive",
        show_default="./muniment-archive",
        help="The archive's folder [env: MUNIMENT_ARCHIVE].",
    )(function)


def json_option(function: F) -> F:
    """``--json``, and ``-v`` for more words."""
    function = click.option("-v", "--verbose", count=True, help="Say more; -vv shows how an error came about.")(
        function
    )
    return click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout.")(function)


def config_option(function: F) -> F:
    """``--config FILE``: defaults for all commands, below flags and environment."""

    def load(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
        from muniment.cli.config import load_config  # noqa: PLC0415 - start-up

        load_config(ctx, value)

    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=load,
        help="Settings file; default ./muniment.toml where there is one.",
    )(function)


def day_options(function: F) -> F:
    """``--from`` and ``--to``."""
    function = click.option("--to", "to", type=DAY, help="Last day, inclusive.")(function)
    return click.option("--from", "from_", type=DAY, help="First day, as the source counts days (UTC).")(function)


def source_options(function: F) -> F:
    """Where the source is and how to reach it."""
    for option in (
        click.option("--client-key", type=click.Path(path_type=Path), help="Key of the client certificate (mTLS)."),
        click.option("--client-cert", type=click.Path(path_type=Path), help="Client certificate in PEM (mTLS)."),
        click.option("--max-rate", type=float, help="Never more requests a second than this."),
        click.option("--source", help="Name of the source; default account-manager@HOST."),
        click.option("--api-key-file", type=click.Path(path_type=Path), help="File that holds the API key."),
        click.option("--url", envvar="MUNIMENT_URL", help="Base address, such as https://one.digicert.com."),
    ):
        function = option(function)
    return function


def read_key(api_key_file: Path | None) -> str:
    """The API key, from the file or from ``MUNIMENT_API_KEY``; its form is checked where it is used.

    Raises:
        BadInput: There is neither, or the file cannot be read.
    """
    if api_key_file is not None:
        try:
            return api_key_file.read_bytes().decode("latin-1")
        except OSError as error:
            raise BadInput(f"--api-key-file {api_key_file}: {error.strerror}") from error
    key = os.environ.get("MUNIMENT_API_KEY")
    if key is None:
        raise BadInput("there is no API key", hint="Set MUNIMENT_API_KEY, or give --api-key-file FILE.")
    return key


def home_folder() -> "Home":
    """Where signing keys live: ``MUNIMENT_HOME``, default ``~/.config/muniment``."""
    from muniment.archive.home import Home  # noqa: PLC0415 - start-up

    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Home(Path(os.environ.get("MUNIMENT_HOME") or Path(base) / "muniment"))


def cache_folder() -> Path:
    """Where derived files lie that can be thrown away: ``MUNIMENT_CACHE``, default ``~/.cache/muniment``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MUNIMENT_CACHE") or Path(base) / "muniment")


def today() -> dt.date:
    """Today, UTC."""
    return dt.datetime.now(dt.UTC).date()
