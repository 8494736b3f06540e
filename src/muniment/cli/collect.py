"""`muniment collect`: everything the source has and the archive lacks."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.options import archive_option, config_option, day_options, json_option, source_options, today
from muniment.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from muniment.cli.account import Accounts
    from muniment.cli.signals import Noted
    from muniment.cli.sources import Source
    from muniment.collect.goal import Goal

__all__ = ["collect"]


@click.command(
    epilog="""\b
Examples:
  muniment collect                      everything, from the first entry on
  muniment collect --from 2026-01-01 --to 2026-03-31
  muniment collect --recheck sample     read some closed days again

The key comes from MUNIMENT_API_KEY or --api-key-file, never from an argument. Exit codes: 0 complete, 3 the source
could not be read, 4 entries are lacking, 11 findings wait for an answer.
"""
)
@archive_option
@source_options
@day_options
@click.option("--recheck", type=click.Choice(["sample", "full"]), help="Read closed days again, some or all.")
@click.option("--confirm", is_flag=True, help="Read every day of several pages twice, with other page borders.")
@click.option("--accept-scope", is_flag=True, help="Accept that this key sees less than the last one.")
@config_option
@json_option
@click.pass_context
def collect(ctx: click.Context, /, *, archive: Path, as_json: bool, verbose: int, **options: Any) -> None:
    """Collect what the archive lacks of the source, and seal it.

    A missing archive is made first. An interrupted run seals what it has read, and the next one goes on.
    """
    from muniment.cli.memory import share_memory_among_threads  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json  # noqa: PLC0415 - start-up
    from muniment.cli.signals import noted_signals  # noqa: PLC0415 - start-up
    from muniment.cli.sources import find_sources  # noqa: PLC0415 - start-up

    share_memory_among_threads()
    with noted_signals(as_json=as_json) as noted:
        wanted = [(source, _goal(options, source.from_)) for source in find_sources(ctx, options)]
        told = _collect(archive, wanted, noted, verbose)
        if as_json:
            print_json(told.document())
    ctx.exit(told.exit_code)


def _collect(archive: Path, wanted: "Sequence[tuple[Source, Goal]]", noted: "Noted", verbose: int) -> "Accounts":
    """Collect one source after the other, and say what became of each."""
    from muniment.cli.account import Accounts  # noqa: PLC0415 - start-up
    from muniment.cli.collecting import collect_once  # noqa: PLC0415 - start-up
    from muniment.cli.output import say  # noqa: PLC0415 - start-up

    accounts = []
    for source, goal in wanted:
        if len(wanted) > 1:
            say(f"{source.name}:")
        account = collect_once(archive, source, goal, noted, quiet=verbose > 0)
        account.tell(verbose=verbose > 1)
        accounts.append(account)
    return Accounts(accounts)


def _goal(options: dict[str, Any], default_from: dt.date | None) -> "Goal":
    from muniment.collect.goal import Goal  # noqa: PLC0415 - start-up

    first, last = options["from_"] or default_from, options["to"]
    if first is not None and first > today():
        raise BadInput(f"--from {first} lies in the future")
    if first is not None and last is not None and first > last:
        raise BadInput(f"--from {first} lies after --to {last}")
    return Goal(first, last, options["recheck"], confirm=options["confirm"], accept_scope=options["accept_scope"])
