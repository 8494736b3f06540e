"""The rim: commands loaded by name, errors turned into words, documents and exit codes."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from muniment.cli.options import Manner
from muniment.errors import BadInput, MunimentError
from muniment.version import __version__

__all__ = ["COMMANDS", "main", "run"]

COMMANDS: Final = {
    "init": "init",
    "collect": "collect",
    "status": "status",
    "entries": "entries",
    "users": "people",
    "accounts": "people",
    "findings": "findings",
    "dispose": "findings",
    "receipts": "receipts",
    "verify": "verify",
    "doctor": "doctor",
    "recover": "recover",
    "key": "key",
    "sandbox": "sandbox",
    "demo": "demo",
    "completion": "completion",
}
"""Command to module, in the order that people meet them; the command is the module's attribute of its name."""

_EPILOG: Final = """\b
Start here:
  muniment demo                                   see it work, without a key
  export MUNIMENT_URL=https://one.digicert.com    your host
  export MUNIMENT_API_KEY=...                     a token that may read the log
  muniment doctor                                 will that work, and what is this source like?
  muniment collect                                everything, sealed
  muniment verify muniment-archive                is it unchanged?
"""


class _Commands(click.Group):
    """Imports a command's module when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(importlib.import_module(f"muniment.cli.{module}"), cmd_name)
        return command


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="muniment %(version)s")
def muniment() -> None:
    """Collect DigiCert ONE audit logs provably complete, and keep them as evidence that anyone can check."""


class _Interrupted(MunimentError):
    """Ctrl-C."""

    exit_code = 128 + signal.SIGINT
    code = "interrupted"
    hint = "Run it again."


class _Refused(MunimentError):
    """The operating system refused something that no command expected it to."""

    code = "refused"
    hint = "Check that the path is right, and that this user may read and write there."


class _Bug(MunimentError):
    """Nobody thought of this; its traceback is shown."""

    code = "bug"
    hint = "Report it, with the traceback."


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; see `muniment.errors` for the codes."""
    from muniment.cli.output import adapt  # noqa: PLC0415 - an import that may fail belongs behind the others

    adapt([sys.stdout, sys.stderr], os.environ)
    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))


def run(words: list[str]) -> int:
    """Run one command; its exit code. Errors are told on stderr, and with ``--json`` on stdout as the one document."""
    manner = Manner()
    try:
        return int(muniment.main(words, prog_name="muniment", standalone_mode=False, obj=manner) or 0)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.ctx.get_help() if asked.ctx else asked.format_message(), err=True)
        return BadInput.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except Exception as error:  # noqa: BLE001 - the outermost place: a bug is shown, and the document printed all the same
        # an option that click refuses is refused before --json is looked at
        return _tell(_told(error), manner, as_json=manner.as_json or "--json" in words)


def _told(error: Exception) -> MunimentError:
    """What went wrong as one of ours, the other as its cause."""
    match error:
        case MunimentError():
            return error
        case click.Abort():
            return _caused(_Interrupted("interrupted"), error)
        case click.ClickException():
            return _caused(BadInput(_sentence(error), hint=_usage_hint(error)), error)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return _caused(_Refused(f"{where}{error.strerror or error}"), error)
        case _:
            return _caused(_Bug(f"{type(error).__name__}: {error}"), error)


def _caused(told: MunimentError, error: Exception) -> MunimentError:
    told.__cause__ = error
    return told


def _sentence(error: click.ClickException) -> str:
    return " ".join(error.format_message().split()).removesuffix(".")


def _usage_hint(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f"See `{ctx.command_path} --help`." if ctx else BadInput.hint


def _tell(error: MunimentError, manner: Manner, *, as_json: bool) -> int:
    from muniment.cli.output import error_document, print_error, print_json  # noqa: PLC0415 - start-up

    print_error(error, verbose=manner.verbose > 1 or isinstance(error, _Bug))
    if as_json:
        print_json({"error": error_document(error)})
    return error.exit_code
