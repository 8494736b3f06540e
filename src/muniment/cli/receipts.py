"""`muniment receipts`: what each run asked, what came, and how it reconciles."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from muniment.cli.options import archive_option, config_option, json_option
from muniment.cli.output import console, number, print_json, sign, table

if TYPE_CHECKING:
    from muniment.archive.reading import Archive

__all__ = ["receipts"]


@click.command(
    epilog="""\b
Examples:
  muniment receipts
  muniment receipts --run 20260401T061204Z-4f2a91c7 --json
"""
)
@archive_option
@click.option("--run", help="Only this run.")
@config_option
@json_option
def receipts(archive: Path, run: str | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Show the sealed account of each run, oldest first."""
    from muniment.cli.opening import open_archive  # noqa: PLC0415 - start-up

    listed = sorted(_receipts(open_archive(archive), run), key=lambda told: int(told["leaf"]))
    if as_json:
        print_json(listed)
    else:
        _show(listed)


def _receipts(archive: "Archive", run: str | None) -> Iterator[dict[str, Any]]:
    for index, leaf in archive.record():
        if leaf.kind == "receipt":
            told = msgspec.json.decode(leaf.payload)
            if run in (None, told["run"]):
                yield {"leaf": index, **told}


def _show(listed: list[dict[str, Any]]) -> None:
    shown = table("leaf", "run", "phase", "asked for", "requests", "windows", "complete", right=("leaf", "requests", "windows"))
    for told in listed:
        period = f"{told['from'] or 'first entry'} to {told['to'] or 'today'}"
        state = {True: f"{sign('complete')} complete", False: f"{sign('gap')} not complete", None: ""}[told["complete"]]
        shown.add_row(
            str(told["leaf"]), told["run"], told["phase"], period, number(told["requests"]), str(len(told["windows"])), state
        )
    console().print(shown if listed else "No receipts: nothing was collected yet.")
