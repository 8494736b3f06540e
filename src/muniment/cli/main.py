"""The rim: commands loaded by name, errors turned into words, documents and exit codes."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from muniment.errors import BadInput, MunimentError
from muniment.version import __version__

__all__ = ["main"]

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
    "recover": "recover",
    "key": "key",
    "sandbox": "sandbox",
    "demo": "demo",
    "completion": "completion",
}
"""Command to module, in the order that people meet them; the module's attribute of the command's name is the command."""

_EPILOG = """\b
Start here:
  muniment demo                                    see it work, without a key
  export MUNIMENT_URL=https://one.digicert.com     your host
  export MUNIMENT_API_KEY=…                        a token that may read the audit log
  muniment collect                                 everything, from the first entry on
  muniment verify muniment-archive                 is it unchanged?
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


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; see `muniment.errors` for the codes."""
    words = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run one command; its exit code. Errors are told on stderr, and with ``--json`` on stdout as the one document."""
    try:
        return int(muniment.main(words, prog_name="muniment", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.ctx.get_help() if asked.ctx else asked.format_message(), err=True)
        return BadInput.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return 128 + signal.SIGINT
    except click.ClickException as error:
        return _tell(BadInput(error.format_message(), hint=_usage_hint(error)), words)
    except MunimentError as error:
        return _tell(error, words)
    except BrokenPipeError:
        # whoever read our output has gone; Python would complain once more when it flushes stdout at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _usage_hint(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f"See `{ctx.command_path} --help`." if ctx else BadInput.hint


def _tell(error: MunimentError, words: list[str]) -> int:
    from muniment.cli.output import print_error  # noqa: PLC0415 - not needed where all goes well

    print_error(error, as_json="--json" in words, verbose="-vv" in words)
    return error.exit_code
