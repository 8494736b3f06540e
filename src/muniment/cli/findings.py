"""`muniment findings` and `muniment dispose`: what was found, and an analyst's sealed answer."""

from pathlib import Path

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.cli.output import console, print_json, printable, say, table
from muniment.errors import BadInput

__all__ = ["dispose", "findings"]


@click.command(
    epilog="""\b
Examples:
  muniment findings
  muniment findings --all --json
"""
)
@archive_option
@click.option("--all", "every", is_flag=True, help="Those with a disposition too.")
@config_option
@json_option
def findings(archive: Path, *, every: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """List what was found; those without a disposition unless --all."""
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import finding_documents  # noqa: PLC0415 - start-up

    _, standing = open_standing(archive)
    listed = finding_documents(standing.findings if every else standing.open_findings())
    if as_json:
        print_json(listed)
        return
    shown = table("finding", "kind", "what", right=("finding",))
    for told in listed:
        shown.add_row(str(told["finding"]), told["kind"], printable(told["what"]))
    console().print(shown if listed else "No findings without a disposition.")


@click.command(
    epilog="""\b
Examples:
  muniment dispose 4711 --reason "renamed at the source, ticket SEC-12" --by "Jane Doe"
  muniment dispose --standing retention --reason "the source keeps 90 days" --by "Jane Doe"
"""
)
@click.argument("finding", required=False)
@archive_option
@click.option("--reason", required=True, help="Why it is as it should be, or what was done.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--standing", metavar="KIND", help="Answer all future findings of this kind instead of one.")
@config_option
@json_option
def dispose(
    finding: str | None,
    archive: Path,
    reason: str,
    by: str,
    standing: str | None,
    *,
    as_json: bool,
    verbose: int,  # noqa: ARG001 - main reads it
) -> None:
    """Answer FINDING (the number of its leaf); the answer is sealed beside it."""
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.collect.instants import rfc3339, utc_now  # noqa: PLC0415 - start-up
    from muniment.collect.record import Disposition, encode  # noqa: PLC0415 - start-up

    if (finding is None) == (standing is None):
        raise BadInput("name one finding, or a kind with --standing")
    opened, known = open_standing(archive)
    index = _index(finding, known.findings) if finding is not None else None
    answer = Disposition(reason=reason, by=by, finding=index, standing=standing)
    with Writer(opened, home_folder()) as writer, writer.transaction() as transaction:
        leaf = transaction.add_record("disposition", encode(answer), rfc3339(utc_now()))
    say(f"Sealed as leaf {leaf}.")
    if as_json:
        print_json({"finding": index, "leaf": leaf} | ({"standing": standing} if standing else {}))


def _index(finding: str, known: object) -> int:
    if not finding.isdecimal() or not isinstance(known, dict) or int(finding) not in known:
        raise BadInput(f"there is no finding {finding}", hint="`muniment findings --all` lists them.")
    return int(finding)
