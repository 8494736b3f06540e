"""`muniment entries`: looking at an archive by the API's own filters."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from muniment.cli.options import archive_option, config_option, day_options, json_option
from muniment.cli.output import print_json, say
from muniment.cli.wording import counted
from muniment.errors import BadInput, MunimentError

if TYPE_CHECKING:
    from muniment.cli.entry_forms import Look
    from muniment.model import Query

__all__ = ["entries"]

_FORMATS = ("table", "json", "jsonl", "csv")


@click.command(
    epilog="""\b
Examples:
  muniment entries --action LOGIN_ERROR --sort timestamp:desc
  muniment entries --user-name okafor --from 2026-01-01 --to 2026-03-31 --json
  muniment entries --format jsonl --out entries.jsonl
  muniment entries --status FAILURE --format csv --out failures.csv

table and json show a page: 20 entries, at most 1000, as the API does. jsonl and csv hold all that match unless --limit
is given, in the archive's order unless --sort is. jsonl has the exact bytes that the source sent, one entry a line, and
each content of an entry that was changed; everything else shows an entry as it was first.
"""
)
@archive_option
@click.option("--user-name", help="Part of the user's name; case counts.")
@click.option("--action", help="Exactly this action, such as LOGIN_ERROR.")
@click.option("--resource-types", help="One of these, separated by commas, such as USER,APIKEY.")
@click.option("--resource-id", help="Exactly this resource.")
@click.option("--status", help="SUCCESS or FAILURE.")
@click.option("--account-id", help="Exactly this account.")
@click.option("--source", help="Only entries of this source, where there are several.")
@day_options
@click.option("--sort", help="timestamp, action, status or description; :asc (default) or :desc.")
@click.option("--offset", help="How many to leave out at the beginning; default 0.")
@click.option("--limit", help="How many at most.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default table.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file, in one step, instead of stdout.")
@config_option
@json_option
def entries(archive: Path, *, form: str | None, out: Path | None, as_json: bool, verbose: int, **asked: Any) -> None:  # noqa: ARG001 - main reads verbose
    """Show the entries that match, in one of four forms."""
    query = _query(asked)
    if as_json and out is None and form not in (None, "json"):
        raise BadInput(f"--json prints one document, and --format {form} is none", hint="Leave one of the two out.")
    form = form or ("json" if as_json else "table")
    look = _look(archive, query, asked["source"])
    with _written_to(out) as file:
        shown = _write(look, form, file, whole=asked["limit"] is None)
    if out is not None and as_json:
        print_json({"out": str(out), "format": form, "entries": shown})
    elif out is not None:
        say(f"{counted(shown, 'entry')} in {out}")


def _query(asked: dict[str, Any]) -> "Query":
    from muniment.model import Query  # noqa: PLC0415 - start-up

    first, last = asked["from_"], asked["to"]
    if first is not None and last is not None and first > last:
        raise BadInput(f"--from {first} lies after --to {last}")
    names = ("user_name", "action", "resource_types", "resource_id", "status", "account_id", "sort", "offset", "limit")
    texts = {name: asked[name] for name in names if asked[name] is not None}
    days = {name: day.isoformat() for name, day in (("from", first), ("to", last)) if day is not None}
    return Query.from_params(texts | days)


def _look(path: Path, query: "Query", source: str | None) -> "Look":
    from muniment.cli.entry_forms import Look  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up

    look = Look(*open_standing(path), query, source)
    if source is not None and source not in look.standing.sources:
        known = ", ".join(sorted(look.standing.sources)) or "none yet"
        raise BadInput(f"--source {source}: the archive has no such source", hint=f"It has: {known}.")
    return look


def _write(look: "Look", form: str, file: IO[bytes], *, whole: bool) -> int:
    """Write what is asked for in one form; how many entries that was."""
    from muniment.cli import entry_forms  # noqa: PLC0415 - start-up

    if form == "jsonl":
        return entry_forms.write_lines(look, file, whole=whole)
    if form == "csv":
        return entry_forms.write_csv(look, file, whole=whole)
    if form == "json":
        return entry_forms.write_page(look, file)
    from muniment.cli.entry_table import write_table  # noqa: PLC0415 - start-up

    return write_table(look, None if file is sys.stdout.buffer else file)


@contextlib.contextmanager
def _written_to(out: Path | None) -> Iterator[IO[bytes]]:
    """Stdout, or a file that is there once all of it is written, or is left as it was."""
    if out is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(os.path.realpath(out))
    # a pipe or a device is written to, not replaced
    beside = target.with_name(f".{target.name}.{os.getpid()}") if target.is_file() or not target.exists() else target
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            if beside != target:
                os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        raise _refusal(out, error) from error
    finally:
        if beside != target:
            beside.unlink(missing_ok=True)


def _refusal(out: Path, error: OSError) -> MunimentError:
    message = f"--out {out}: {error.strerror}"
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | PermissionError):
        return BadInput(message, hint="Name a file in a folder that is there and that you may write to.")
    return MunimentError(message, hint="Make room, then run it again; what was in the file before is still there.")
