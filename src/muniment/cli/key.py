"""`muniment key change`: another signing key, announced by a leaf that both keys signed."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option

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
    """Make a new signing key, and announce it in a leaf that both keys sign."""
    from muniment.archive.recovery import change_key  # noqa: PLC0415 - start-up
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.init import tell_key  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, say  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import b64  # noqa: PLC0415 - start-up

    opened = open_archive(archive)
    with Writer(opened, home_folder()) as writer:
        done = change_key(writer)
    key_file = str(done.key_file)
    say(f"From leaf {done.leaf} on a new key signs the archive, and the old one vouches for it.")
    tell_key(done.vkey, done.key_file)
    if as_json:
        document = {"tree_size": opened.size, "root": b64(opened.root), "vkey": done.vkey, "key_file": key_file}
        print_json(document | {"leaf": done.leaf})
