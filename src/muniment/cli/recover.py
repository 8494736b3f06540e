"""`muniment recover`: say what happened, in a leaf, and go on."""

from pathlib import Path
from typing import Any

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option

__all__ = ["recover"]


@click.command(
    epilog="""\b
Examples:
  muniment recover --reason "restored from last night's backup"
  muniment recover --lost-key --reason "the machine with the key burnt"
"""
)
@archive_option
@click.option("--reason", required=True, help="What happened, for whoever verifies the archive later.")
@click.option("--lost-key", is_flag=True, help="The signing key is gone: go on under a new one.")
@config_option
@json_option
def recover(archive: Path, reason: str, *, lost_key: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Go on after a refusal, and say why in a leaf.

    For an older copy that was put back, for copies that went different ways, and for a signing key that is lost.
    """
    from muniment.archive.recovery import recover as go_on  # noqa: PLC0415 - start-up
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.init import tell_key  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, say  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import b64  # noqa: PLC0415 - start-up

    opened = open_archive(archive)
    with Writer(opened, home_folder()) as writer:
        done = go_on(writer, reason, lost_key=lost_key)
    say(f"Sealed as leaf {done.leaf}, which `muniment verify` mentions from now on. Collecting can go on.")
    if lost_key:
        say("The archive goes on under a new key; the earlier vkey alone does not verify it any more.")
        tell_key(done.vkey, done.key_file)
    if as_json:
        told: dict[str, Any] = {"tree_size": opened.size, "root": b64(opened.root), "leaf": done.leaf}
        print_json(told | ({"vkey": done.vkey, "key_file": str(done.key_file)} if lost_key else {}))
