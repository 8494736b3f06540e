"""`muniment init`: a new archive, and the key that signs it."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.cli.output import print_json, say

__all__ = ["init", "tell_key", "tell_new_archive"]


@click.command(
    epilog="""\b
Example:
  muniment init --archive audit-2026 --origin audit.example.com/digicert
"""
)
@archive_option
@click.option("--origin", metavar="NAME", help="Of the log, for ever; best a host name and a path of yours.")
@config_option
@json_option
def init(archive: Path, origin: str | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads it
    """Make a new archive and its signing key."""
    from muniment.archive.founding import initialise  # noqa: PLC0415 - start-up
    from muniment.collect.instants import utc_now  # noqa: PLC0415 - start-up

    home = home_folder()
    made = initialise(archive, home, origin, now=utc_now())
    vkey, key_file = made.verifier.vkey, home.key_file(made.verifier)
    tell_new_archive(archive, vkey, key_file)
    if as_json:
        print_json({"archive": str(archive), "origin": made.origin, "vkey": vkey, "key_file": str(key_file)})


def tell_new_archive(archive: Path, vkey: str, key_file: Path) -> None:
    """Say what was made, and what to do with the key's two halves."""
    say(f"New archive in {archive}")
    tell_key(vkey, key_file)


def tell_key(vkey: str, key_file: Path) -> None:
    """Say where a new key's two halves are, and what to do with each."""
    say(f"  signing key  {key_file}")
    say("    Copy it to a safe place that only you can read: whoever has it can sign for")
    say("    you; without it the archive can only go on under another key.")
    say("  vkey: give this line to your auditor now, by another way than the archive will")
    say("    go; with it they can check later that what they see is what you signed.")
    say(f"  {vkey}")
