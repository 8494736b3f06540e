"""Options that several commands share; each command's file adds its own."""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from muniment.errors import BadInput

if TYPE_CHECKING:
    from muniment.archive.home import Home

__all__ = [
    "DAY",
    "Manner",
    "archive_option",
    "cache_folder",
    "config_option",
    "day_options",
    "home_folder",
    "json_option",
    "source_options",
    "today",
]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Manner:
    """How a call wants to be spoken to; known before its options have been found right.

    Attributes:
        as_json: Whether stdout gets one JSON document.
        verbose: How often it asked for more words.
    """

    as_json: bool = False
    verbose: int = 0


class _Day(click.ParamType[dt.date]):
    """A day, written exactly YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:  # noqa: ARG002 - click's signature
        if type(value) is dt.date:  # a settings file has days of its own
            return value
        from muniment.model.query import parse_date  # noqa: PLC0415 - start-up

        return parse_date(param.opts[0].lstrip("-") if param else "date", str(value))


DAY: Final = _Day()


def archive_option(function: F) -> F:
    """``--archive DIR``."""
    return click.option(
        "--archive",
        metavar="DIR",
        type=click.Path(path_type=Path),
        envvar="MUNIMENT_ARCHIVE",
        default="muniment-archive",
        help="The archive's folder; default ./muniment-archive [env: MUNIMENT_ARCHIVE].",
    )(function)


def json_option(function: F) -> F:
    """``--json``, and ``-v`` for more words."""
    function = click.option(
        "-v",
        "--verbose",
        count=True,
        is_eager=True,
        callback=_note_verbose,
        help="Name each request; -vv: and how an error came about.",
    )(function)
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_note_json,
        help="Print exactly one JSON document on stdout.",
    )(function)


def _note_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.ensure_object(Manner).as_json |= value
    return value


def _note_verbose(ctx: click.Context, _: click.Parameter, value: int) -> int:
    manner = ctx.ensure_object(Manner)
    if value > manner.verbose:
        from muniment.cli.logs import show_logs  # noqa: PLC0415 - start-up

        manner.verbose = value
        ctx.with_resource(show_logs())
    return value


def config_option(function: F) -> F:
    """``--config FILE``: defaults for all commands, below flags and environment."""
    return click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_load_config,
        help="Settings; default muniment.toml in the working folder, where there is one.",
    )(function)


def _load_config(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    from muniment.cli.config import load_config  # noqa: PLC0415 - start-up

    load_config(ctx, value)


def day_options(function: F) -> F:
    """``--from`` and ``--to``."""
    function = click.option("--to", "to", type=DAY, help="Last day, inclusive.")(function)
    return click.option("--from", "from_", type=DAY, help="First day, as the source counts days (UTC).")(function)


def source_options(function: F) -> F:
    """Where the source is and how to reach it."""
    file = click.Path(path_type=Path)
    for option in (
        click.option("--client-key", metavar="FILE", type=file, help="Key of the client certificate (mTLS)."),
        click.option("--client-cert", metavar="FILE", type=file, help="Client certificate in PEM (mTLS)."),
        click.option("--max-rate", metavar="R", type=float, help="Never more requests a second than this."),
        click.option(
            "--source", metavar="NAME", help="Of the source, as in muniment.toml; default account-manager@HOST."
        ),
        click.option(
            "--api-key-file", metavar="FILE", type=file, help="Holds the API key, else MUNIMENT_API_KEY does."
        ),
        click.option(
            "--url", metavar="URL", envvar="MUNIMENT_URL", help="Such as https://one.digicert.com [env: MUNIMENT_URL]."
        ),
    ):
        function = option(function)
    return function


def home_folder() -> "Home":
    """Where signing keys live: ``MUNIMENT_HOME``, default ``~/.config/muniment``."""
    from muniment.archive.home import Home  # noqa: PLC0415 - start-up

    return Home(_folder("MUNIMENT_HOME", "XDG_CONFIG_HOME", ".config"))


def cache_folder() -> Path:
    """Where derived files lie that can be thrown away: ``MUNIMENT_CACHE``, default ``~/.cache/muniment``."""
    return _folder("MUNIMENT_CACHE", "XDG_CACHE_HOME", ".cache")


def _folder(ours: str, base: str, default: str) -> Path:
    if named := os.environ.get(ours):
        return Path(named)
    if named := os.environ.get(base):
        return Path(named) / "muniment"
    try:
        return Path.home() / default / "muniment"
    except RuntimeError as error:
        raise BadInput("this user has no home folder", hint=f"Name one with {ours}.") from error


def today() -> dt.date:
    """Today, UTC."""
    return dt.datetime.now(dt.UTC).date()
