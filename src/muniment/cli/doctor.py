"""`muniment doctor`: will collecting work here, and is this source what we take it for?"""

import itertools
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from muniment.cli.options import archive_option, config_option, home_folder, json_option, source_options
from muniment.cli.wording import is_unicode, printable
from muniment.errors import BadInput, Incomplete, MunimentError, NotEvidence, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.text import Text

    from muniment.cli.sources import Source
    from muniment.doctor.check import Check, Report

__all__ = ["doctor"]

_WIDTH: Final = 80
_NAME: Final = 12
_SIGNS: Final = {
    "pass": ("✓", "OK", "green"),
    "differs": ("≠", "!=", "yellow"),
    "fail": ("✗", "XX", "red"),
    "skipped": ("\N{EN DASH}", "--", "bright_black"),
}
_ERRORS: Final = {kind.exit_code: kind for kind in (BadInput, SourceError, Incomplete, NotEvidence)}
_PARTS: Final = {
    "source": "The way to the source",
    "assumption": "What is taken for granted about it (docs/assumptions.md)",
    "machine": "This machine",
}
_NOT_SHOWN: Final = (
    "What this does not show: that the log holds all that happened, nor that it stays as it was seen now. "
    "Each collection checks again."
)


@click.command(
    epilog="""\b
Examples:
  muniment doctor
  muniment doctor --json | jq '.checks[] | select(.result != "pass")'

Exit codes: 0 nothing stands in the way, 1 something on this machine does, 2 address or key is missing, 3 the source
cannot be read, 4 its totals or days cannot be relied on, so that no collection is called complete, 10 the archive is
damaged.
"""
)
@archive_option
@source_options
@config_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, /, *, archive: Path, as_json: bool, verbose: int, **options: Any) -> None:
    """Say whether collecting will work, and whether the source is what it is taken for.

    Looks at network, key, role and clock, tries each assumption about the audit log on your tenant, then looks at
    archive, signing key and disk. At most 40 requests in less than a minute; nothing is written anywhere.

    Where a query of yours finds nothing, look at period (is it in there?), upper-case and user-name.
    """
    from muniment.cli.output import error_document, print_error, print_json, show  # noqa: PLC0415 - start-up
    from muniment.doctor.visit import visit  # noqa: PLC0415 - start-up

    asked = _source(ctx, options)
    name, settings = ("", asked) if isinstance(asked, BadInput) else (asked.name, asked.settings)
    tell = _teller(quiet=verbose > 0)
    report = visit(settings, archive, home_folder(), source=name, url=options["url"], tell=tell)
    error = _obstacle(report)
    if as_json:
        print_json(report.document() | ({} if error is None else {"error": error_document(error)}))
    else:
        show(*_in_words(report))
    if error is not None:
        print_error(error)
    ctx.exit(report.exit_code)


def _source(ctx: click.Context, options: dict[str, Any]) -> "Source | BadInput":
    """The source, or what is missing to know it."""
    from muniment.cli.sources import find_sources  # noqa: PLC0415 - start-up

    try:
        sources = find_sources(ctx, options)
    except BadInput as error:
        return error
    if len(sources) > 1:
        names = ", ".join(source.name for source in sources)
        return BadInput(f"there are several sources: {names}", hint="Name one of them by --source.")
    return sources[0]


def _obstacle(report: "Report") -> MunimentError | None:
    """What stands in the way, as the error that it is."""
    found = report.obstacle
    if found is None:
        return None
    kind = _ERRORS.get(report.exit_code, MunimentError)
    return kind(f"{found.name}: {found.finding.why}", hint=found.finding.hint)


def _teller(*, quiet: bool) -> "Callable[[str], None]":
    """Tells, on a terminal, what is looked at now, on a line that goes away."""
    if quiet or not sys.stderr.isatty():
        return lambda _: None
    return lambda name: click.echo(f"\r\x1b[K  {name} …" if name != "archive" else "\r\x1b[K", err=True, nl=False)


def _in_words(report: "Report") -> "Iterator[str | Text]":
    from rich.text import Text  # noqa: PLC0415 - start-up

    yield f"Source {printable(report.url or 'unknown')}"
    about = ""
    for number, check in enumerate(_folded(report.checks), 1):
        if check.about != about:
            about = check.about
            yield from ("", Text(_PARTS[about], style="bold"))
        yield from _lines(number, check)
    yield ""
    yield from textwrap.wrap(_sentence(report), _WIDTH)
    yield ""
    yield from textwrap.wrap(_NOT_SHOWN, _WIDTH)


def _folded(checks: "Sequence[Check]") -> "Iterator[Check]":
    """The checks, those as one that were skipped in a row for one reason."""
    for finding, alike in itertools.groupby(checks, key=lambda check: (check.about, check.finding)):
        first, *others = alike
        is_folded = len(others) > 1 and finding[1].result == "skipped"
        yield from [replace(first, name=f"{len(others) + 1} others")] if is_folded else [first, *others]


def _lines(number: int, check: "Check") -> "Iterator[str | Text]":
    from rich.text import Text  # noqa: PLC0415 - start-up

    finding = check.finding
    unicode, ascii_, colour = _SIGNS[finding.result]
    head = f"{unicode if is_unicode() else ascii_} {number:2} {check.name:{_NAME}} {_word(finding.result):8}"
    first, *rest = textwrap.wrap(printable(finding.why), _WIDTH - len(head)) or [""]
    yield Text(head, style=colour).append(first, style="default")
    yield from (" " * len(head) + line for line in rest)
    if finding.result != "pass":
        arrow = "→ " if is_unicode() else "> "
        yield from textwrap.wrap(
            printable(finding.hint),
            _WIDTH,
            initial_indent=" " * len(head) + arrow,
            subsequent_indent=" " * (len(head) + len(arrow)),
        )


def _word(result: str) -> str:
    return result.upper() if result == "fail" else result


def _sentence(report: "Report") -> str:
    results = [check.finding.result for check in report.checks]
    counts = ", ".join(
        f"{results.count(result)} {words}"
        for result, words in (("differs", "differ from what is assumed"), ("skipped", "could not be seen"))
        if result in results
    )
    asked = f"{report.requests} requests, {report.seconds:.1f} s"
    if report.obstacle is not None:
        return f"NOT READY: {report.obstacle.name} stands in the way. {counts or 'Nothing else differs'} ({asked})."
    return f"READY: nothing stands in the way of a complete collection. {counts or 'Nothing differs'} ({asked})."
