"""`muniment receipts`: what each run asked, what came, and how it reconciles."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muniment.cli.options import archive_option, config_option, json_option
from muniment.errors import BadInput

if TYPE_CHECKING:
    from muniment.cli.runs import Sealed

__all__ = ["receipts"]


@click.command(
    epilog="""\b
Examples:
  muniment receipts
  muniment receipts --run 20260401T061204Z-4f2a91c7
  muniment receipts --json | jq '.[].windows[].url'
"""
)
@archive_option
@click.option("--run", metavar="ID", help="Only this run, with every window, address and total.")
@config_option
@json_option
def receipts(archive: Path, run: str | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Show the sealed account of each run, oldest first."""
    from muniment.cli.output import print_json, show  # noqa: PLC0415 - start-up
    from muniment.cli.runs import fold, run_details, run_lines  # noqa: PLC0415 - start-up

    told = _sealed(archive, run)
    if as_json:
        print_json([each.document() for each in told])
    elif not told:
        show("No receipts: nothing was collected yet.")
    else:
        show(*(line for account in fold(told) for line in (run_details if run else run_lines)(account)))


def _sealed(archive: Path, run: str | None) -> "list[Sealed]":
    """All receipts, or those of a run, oldest first.

    Raises:
        BadInput: There is no such run.
    """
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up
    from muniment.cli.runs import Sealed  # noqa: PLC0415 - start-up

    record = open_archive(archive).record()
    told = [Sealed.read(index, leaf.payload) for index, leaf in record if leaf.kind == "receipt"]
    chosen = [each for each in reversed(told) if run in (None, each.receipt.run)]
    if run is not None and not chosen:
        raise BadInput(f"there is no run {run}", hint="`muniment receipts` lists them.")
    return chosen
