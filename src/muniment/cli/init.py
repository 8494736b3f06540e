"""`muniment init`: a new archive, and the key that signs it."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.cli.output import print_json, say

__all__ = ["init", "tell_new_archive"]


@click.command(
    epilog="""\b
Example:
  muniment init --archive audit-2026 --origin audit.example.com/digicert
"""
)
@archive_option
@click.option("--origin", help="Name of the log, without spaces or +; recommended: a host name and a path of yours.")
@config_option
@json_option
def init(archive: Path, origin: str | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads it
    """Make a new archive and its signing key."""
    from muniment.archive.founding import initialise  # noqa: PLC0415 - start-up
    from muniment.collect.instants import utc_now  # noqa: PLC0415 - start-up

    made = initialise(archive, home_folder(), origin, now=utc_now())
    key_file = home_folder().key_file(made.verifier)
    tell_new_archive(archive, made.verifier.vkey, key_file)
    if as_json:
        print_json(
            {"archive": str(archive), "origin": made.origin, "vkey": made.verifier.vkey, "key_file": str(key_file)}
        )


def tell_new_archive(archive: Path, vkey: str, key_file: Path) -> None:
    """Say what was made, and what to do with the key's two halves."""
    say(f"New archive in {archive}")
    say(f"  signing key  {key_file}")
    say("               back it up where only you can read it: without it the archive cannot be continued as it is")
    say(f"  vkey         {vkey}")
    say("               give this line to your auditor now, by a way of its own: it proves later what you signed")
