"""`muniment status`: what the archive holds, and how sure we are."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, json_option

__all__ = ["status"]


@click.command(
    epilog="""\b
Examples:
  muniment status
  muniment status --days        a calendar: a sign for each day
"""
)
@archive_option
@click.option("--days", is_flag=True, help="Say of each day how it is known to be complete, and when that was checked.")
@config_option
@json_option
def status(archive: Path, *, days: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Say what the archive holds and how sure we are."""
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, show  # noqa: PLC0415 - start-up
    from muniment.cli.summary import describe, status_lines  # noqa: PLC0415 - start-up

    opened, standing = open_standing(archive)
    if as_json:
        print_json(describe(opened, standing, days=days))
    else:
        show(*status_lines(opened, standing, archive, days=days))
