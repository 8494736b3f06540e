"""`muniment recover`: say what happened, in a leaf, and go on."""

from pathlib import Path
from typing import Any

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.cli.output import print_json, say

__all__ = ["recover"]


@click.command(
    epilog="""\b
Examples:
  muniment recover --reason "restored from last night's backup after a disk failure"
  muniment recover --lost-key --reason "the machine that held the key burnt"
"""
)
@archive_option
@click.option("--reason", required=True, help="What happened, for whoever verifies the archive later.")
@click.option("--lost-key", is_flag=True, help="The signing key is gone: go on under a new one.")
@config_option
@json_option
def recover(archive: Path, reason: str, *, lost_key: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Go on after a refusal: an older copy was put back, two copies diverged, or the key is lost."""
    from muniment.archive.recovery import recover as go_on  # noqa: PLC0415 - start-up
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import b64  # noqa: PLC0415 - start-up

    opened = open_archive(archive)
    with Writer(opened, home_folder()) as writer:
        done = go_on(writer, reason, lost_key=lost_key)
    say(f"Sealed as leaf {done.leaf}; `verify` will mention it from now on.")
    if lost_key:
        say(f"New key {done.key_file}: back it up. Give the new vkey to your auditor:\n  {done.vkey}")
    if as_json:
        told: dict[str, Any] = {"tree_size": opened.size, "root": b64(opened.root), "leaf": done.leaf}
        print_json(told | ({"vkey": done.vkey, "key_file": str(done.key_file)} if lost_key else {}))
