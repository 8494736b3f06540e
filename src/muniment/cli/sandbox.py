"""``muniment sandbox``: a DigiCert ONE to try things on, served until it is told to stop."""

import datetime as dt
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

import click

from muniment.cli.options import DAY, config_option, json_option, today
from muniment.errors import BadInput
from muniment.sandbox.keys import KEYS

__all__ = ["sandbox"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_HELP: Final = f"""Serve a DigiCert ONE that lives on this machine.

An organisation with its users, accounts, tokens and sign-ins, and its audit log, answering the Account Manager API as
the vendor's tutorial has it. The same --seed, --days, --entries and --end give the same answers, byte for byte.

Prints one line of JSON with its URL and keys when it accepts requests, and serves until Ctrl-C or SIGTERM.

\b
Its keys are constants, since they protect nothing:
{chr(10).join(f"  {role:17} {key}" for role, key in KEYS.items())}

\b
Example:
  muniment sandbox --seed 7 --entries 1200 --days 20 --end 2026-04-01
  curl -H "x-api-key: {KEYS["AM_VIEW_ONLY"]}" \\
    "http://127.0.0.1:8765/account/api/v1/audit-log?sort=timestamp:desc"
"""


@click.command(help=_HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Name or address of this machine to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides what happened, and to whom.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="Days that the log covers.")
@click.option("--entries", type=click.IntRange(0), default=20_000, show_default=True, help="Entries in the log.")
@click.option("--end", type=DAY, show_default="today", help="The first day (UTC) after them.")
@click.option(
    "--live", type=click.FloatRange(0, 10_000), default=0.0, metavar="RATE", help="Entries that arrive each second."
)
@click.option("--fault", "faults", multiple=True, metavar="NAME[=V]", help="Misbehave; `--fault list` lists how.")
@config_option
@json_option
def sandbox(
    *,
    host: str,
    port: int,
    seed: int,
    days: int,
    entries: int,
    end: dt.date | None,
    live: float,
    faults: tuple[str, ...],
    as_json: bool,  # noqa: ARG001 - it speaks in JSON lines either way
    verbose: int,  # noqa: ARG001 - and has no more to say
) -> None:
    """Serve, say where, and stop when asked to."""
    with _until_a_signal():
        from muniment.sandbox.faults.catalogue import list_faults, read_faults  # noqa: PLC0415 - start-up
        from muniment.sandbox.server import serve  # noqa: PLC0415 - start-up
        from muniment.sandbox.world import World  # noqa: PLC0415 - start-up

        if "list" in faults:
            click.echo(list_faults())
            return
        read_faults(faults)  # refused before a large world is made in vain
        world = World(seed, days, entries, _first_day_after(end or today(), days))
        with serve(world, host=host, port=port, live=live, faults=faults) as box:
            click.echo(json.dumps({"url": box.url, "keys": dict(box.keys)}))
            while True:
                time.sleep(3600)


def _first_day_after(end: dt.date, days: int) -> dt.date:
    if end.toordinal() <= days:
        raise BadInput(f"--end {end} leaves no room for {days} days before it")
    return end


class _Stopped(BaseException):
    """A signal asked for the end; no `except Exception` on its way holds it up."""


@contextmanager
def _until_a_signal() -> Iterator[None]:
    """Leave the context on SIGINT or SIGTERM, wherever it is; a second signal does not cut the leaving short."""

    def stop(_number: int, _frame: object) -> NoReturn:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        with suppress(_Stopped):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
