"""`muniment demo`: the main job from end to end, on a sandbox, in one folder."""

from itertools import count
from pathlib import Path
from typing import Final

import click

from muniment.cli.options import json_option
from muniment.errors import BadInput

__all__ = ["demo"]

_FOLDER: Final = "muniment-demo"


@click.command(
    epilog="""\b
Example:
  muniment demo --out /tmp/demo

Everything it makes lies in that folder, keys and caches too. Reports and packages are not part of it yet.
"""
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=f"A folder that is empty or not there; default ./{_FOLDER}, or with a number where that is taken.",
)
@json_option
def demo(out: Path | None, *, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """Show the main job on a DigiCert ONE that lives here.

    No key and no network are needed. It collects, looks, collects what was logged late, verifies, and verifies a copy
    that somebody has changed.
    """
    from muniment.cli.demonstration import demonstrate  # noqa: PLC0415 - start-up

    demonstrate(_fresh(Path(_FOLDER)) if out is None else _demand_fresh(out), as_json=as_json)


def _fresh(wanted: Path) -> Path:
    """The folder, or the first of its name with a number, that holds nothing yet."""
    numbered = (wanted.with_name(f"{wanted.name}-{number}") for number in count(2))
    return wanted if _holds_nothing(wanted) else next(folder for folder in numbered if _holds_nothing(folder))


def _demand_fresh(out: Path) -> Path:
    if not _holds_nothing(out):
        raise BadInput(f"--out {out} is not an empty folder", hint="Name one that is empty or not there.")
    return out


def _holds_nothing(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
