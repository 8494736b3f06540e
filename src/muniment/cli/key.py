"""`muniment key change`: another signing key, announced by a leaf that both keys signed."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.cli.output import print_json, say

__all__ = ["key"]


@click.group()
def key() -> None:
    """Change the archive's signing key."""


@key.command(
    epilog="""\b
Example:
  muniment key change
"""
)
@archive_option
@config_option
@json_option
def change(archive: Path, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Make a new signing key and announce it in a leaf that both keys signed."""
    from muniment.archive.recovery import change_key  # noqa: PLC0415 - start-up
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import b64  # noqa: PLC0415 - start-up

    opened = open_archive(archive)
    with Writer(opened, home_folder()) as writer:
        done = change_key(writer)
    say(f"The archive is signed with {done.key_file} from leaf {done.leaf} on: back it up.")
    say(f"Give the new vkey to your auditor:\n  {done.vkey}")
    if as_json:
        print_json(
            {
                "tree_size": opened.size,
                "root": b64(opened.root),
                "vkey": done.vkey,
                "key_file": str(done.key_file),
                "leaf": done.leaf,
            }
        )
