"""`muniment findings` and `muniment dispose`: what was found, and an analyst's sealed answer."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option
from muniment.errors import BadInput

if TYPE_CHECKING:
    from rich.text import Text

    from muniment.archive.reading import Archive
    from muniment.collect.record import Disposition, Finding
    from muniment.collect.standing import Standing

__all__ = ["dispose", "findings"]


@click.command(
    epilog="""\b
Examples:
  muniment findings
  muniment findings --all --json
"""
)
@archive_option
@click.option("--all", "every", is_flag=True, help="Those with an answer too, and the answers.")
@config_option
@json_option
def findings(archive: Path, *, every: bool, as_json: bool, verbose: int) -> None:  # noqa: ARG001 - main reads verbose
    """List what was found and not answered yet."""
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, show  # noqa: PLC0415 - start-up
    from muniment.cli.shapes import finding_documents  # noqa: PLC0415 - start-up

    opened, standing = open_standing(archive)
    listed = finding_documents(standing.findings if every else standing.open_findings())
    if every:
        listed = [told | _answer(opened, standing, told["finding"]) for told in listed]
    if as_json:
        print_json(listed)
    else:
        show(*_lines(listed, every=every))


def _answer(archive: "Archive", standing: "Standing", finding: int) -> dict[str, Any]:
    """The disposition of a finding: its own, else the one that stands for all of its kind."""
    import msgspec  # noqa: PLC0415 - start-up

    from muniment.archive.leaf import parse_leaf  # noqa: PLC0415 - start-up
    from muniment.collect.record import Disposition  # noqa: PLC0415 - start-up

    index = standing.dispositions.get(finding)
    if index is None and finding not in standing.open_findings():
        index = standing.standing_kinds[standing.findings[finding].kind]
    if index is None:
        return {"disposition": None}
    leaf = parse_leaf(archive.leaf(index))
    said = msgspec.json.decode(leaf.payload, type=Disposition)
    return {"disposition": {"leaf": index, "reason": said.reason, "by": said.by, "at": leaf.observed_at}}


def _lines(listed: list[dict[str, Any]], *, every: bool) -> "Iterator[str | Text]":
    from muniment.cli.listing import Column, listing  # noqa: PLC0415 - start-up
    from muniment.cli.wording import cell, counted  # noqa: PLC0415 - start-up

    if not listed:
        yield "No findings." if every else "No findings without an answer."
        return
    columns = [Column("finding", right=True), Column("kind"), Column("what", 30, wraps=True)]
    rows = [[str(told["finding"]), cell(told["kind"]), cell(told["what"] + _answered(told))] for told in listed]
    yield from listing(columns, rows)
    yield counted(len(listed), "finding") + (
        "" if every else " without an answer: `muniment dispose FINDING` gives one"
    )


def _answered(told: Mapping[str, Any]) -> str:
    answer = told.get("disposition")
    return f" [answered by {answer['by']}: {answer['reason']}]" if answer else ""


@click.command(
    epilog="""\b
Examples:
  muniment dispose 4711 --by "Jane Doe" --reason "renamed, ticket SEC-12"
  muniment dispose --standing retention --by "Jane Doe" \\
    --reason "the source keeps 90 days"
"""
)
@click.argument("finding", required=False)
@archive_option
@click.option("--reason", required=True, help="Why it is as it should be, or what was done.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--standing", metavar="KIND", help="Answer all future findings of this kind instead of one.")
@config_option
@json_option
def dispose(finding: str | None, archive: Path, *, as_json: bool, verbose: int, **said: Any) -> None:  # noqa: ARG001 - main reads verbose
    """Answer a finding; the answer is sealed beside it.

    FINDING is the number of its leaf, as `muniment findings` shows it.
    """
    from muniment.archive.writer import Writer  # noqa: PLC0415 - start-up
    from muniment.cli.opening import open_standing  # noqa: PLC0415 - start-up
    from muniment.cli.output import print_json, say  # noqa: PLC0415 - start-up
    from muniment.collect.instants import rfc3339, utc_now  # noqa: PLC0415 - start-up
    from muniment.collect.record import encode  # noqa: PLC0415 - start-up

    opened, known = open_standing(archive)
    answer = _disposition(finding, known.findings, **said)
    with Writer(opened, home_folder()) as writer, writer.transaction() as transaction:
        leaf = transaction.add_record("disposition", encode(answer), rfc3339(utc_now()))
    say(f"Sealed as leaf {leaf}.")
    if as_json:
        print_json(
            {"finding": answer.finding, "leaf": leaf} | ({"standing": answer.standing} if answer.standing else {})
        )


def _disposition(
    finding: str | None, known: "Mapping[int, Finding]", *, reason: str, by: str, standing: str | None
) -> "Disposition":
    from muniment.collect.record import POPULATION_KINDS, Disposition  # noqa: PLC0415 - start-up

    if (finding is None) == (standing is None):
        raise BadInput("name one finding, or a kind with --standing")
    if not reason.strip() or not by.strip():
        raise BadInput("an answer needs a reason, and a name of who gives it", hint="Give --reason and --by.")
    kinds = sorted(POPULATION_KINDS | {"alert"})
    if standing is not None and standing not in kinds:
        raise BadInput(f"there are no findings of kind {standing}", hint=f"The kinds are {', '.join(kinds)}.")
    return Disposition(reason=reason, by=by, finding=_index(finding, known), standing=standing)


def _index(finding: str | None, known: "Mapping[int, Finding]") -> int | None:
    if finding is None:
        return None
    index = next((index for index in known if str(index) == finding), None)
    if index is None:
        raise BadInput(f"there is no finding {finding}", hint="`muniment findings --all` lists them.")
    return index
