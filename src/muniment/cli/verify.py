"""``muniment verify``: is what was sealed still what was sealed? From the files alone, each difference by name."""

import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from muniment.cli.options import config_option, home_folder, json_option
from muniment.cli.output import print_json, printable
from muniment.errors import BadInput, MerkleError, NotEvidence

if TYPE_CHECKING:
    from muniment.evidence.earlier import Noted
    from muniment.evidence.keys import Trusted
    from muniment.evidence.verdict import Check, Problem, Verdict
    from muniment.merkle.note import Verifier

__all__ = ["verify"]

_HELP: Final = """Recompute everything in the archive at PATH, and name each file and leaf that differs.

Nothing is believed that is not computed again: every leaf, hash, column and signature. Nothing is written, and no
network is used. A step that could not be done is called skipped, with the reason; it is never counted as passed.

The key to check signatures with is the one given by --vkey, which should have reached you by another way than the
archive; else the archive's own, where its signing key is in MUNIMENT_HOME.

\b
Examples:
  muniment verify muniment-archive
  muniment verify muniment-archive --vkey audit.vkey --checkpoint noted-in-may
"""
_SHOWN: Final = 40
"""So many problems are shown to a person; the document has all."""
_WIDTH: Final = 80
_MAX_BYTES: Final = 1_000_001
_VKEY_HINT: Final = "`muniment init` prints the vkey; it looks like example.com/audit+1a2b3c4d+AbCd…"
_WHO: Final = {
    "given-key": "the key you gave",
    "home-key": "a key of this machine's MUNIMENT_HOME",
    "enclosed-key": "the key that the archive itself names",
}
_SIGNS: Final = {
    "pass": ("✓", "OK", "green"),
    "fail": ("✗", "XX", "red"),
    "skipped": ("\N{EN DASH}", "--", "yellow"),
}
_NOT_SHOWN: Final = (
    "What this does not show: that the source's API returned everything it had, that a user was who the entry says, "
    "or that a control exists and works. `muniment status --days` says what the source's own totals bear out."
)


@click.command(help=_HELP, short_help="Recompute an archive from its files, and name what differs.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--vkey", "vkeys", multiple=True, metavar="V|FILE", help="A public key to trust, as text or in a file.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint noted earlier, which this tree must extend.",
)
@click.option(
    "--tsa-ca", type=click.Path(path_type=Path), metavar="FILE", help="Roots to check time-stamps with (PEM)."
)
@click.option("--trust-enclosed-key", is_flag=True, help="Take the archive's own word for its key.")
@config_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    *,
    path: Path,
    vkeys: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    tsa_ca: Path | None,
    trust_enclosed_key: bool,
    as_json: bool,
    verbose: int,
) -> None:
    """See `_HELP`."""
    from muniment.evidence.keys import Trusted  # noqa: PLC0415 - start-up

    given = tuple(verifier for vkey in vkeys for verifier in _read_vkeys(vkey))
    noted = tuple(_read_noted(each) for each in checkpoints)
    if tsa_ca is not None:
        _read(tsa_ca, "--tsa-ca")
    verdict = _verify(path, Trusted(given, trust_enclosed_key, home_folder()), noted, has_tsa_ca=tsa_ca is not None)
    if as_json:
        print_json(verdict.document())
    if not as_json or not verdict.ok:
        lines = _in_words(path, verdict, everything=verbose > 0)
        click.echo("\n".join(lines), err=as_json)
    if not verdict.ok:
        ctx.exit(NotEvidence.exit_code)


def _verify(path: Path, trusted: "Trusted", noted: "tuple[Noted, ...]", *, has_tsa_ca: bool) -> "Verdict":
    from muniment.evidence.target import kind_of  # noqa: PLC0415 - start-up

    if kind_of(path) == "package":
        raise BadInput(
            f"{path} is a package, and this version verifies archives only",
            hint="Run the verify.py that lies in the package: it needs Python and nothing else.",
        )
    import pyarrow as pa  # noqa: PLC0415 - start-up

    from muniment.evidence.archive import verify_archive  # noqa: PLC0415 - start-up

    pa.set_memory_pool(pa.system_memory_pool())  # keeps less for itself than the default one
    children = 1 if (os.cpu_count() or 1) > 1 else 0
    progress = _tell if sys.stderr.isatty() else None
    return verify_archive(
        path, trusted=trusted, noted=noted, has_tsa_ca=has_tsa_ca, children=children, progress=progress
    )


def _tell(done: int, size: int) -> None:
    """How far it is, on one line that goes away at the end."""
    click.echo(f"\r  {done:,} of {size:,} leaves" if done < size else "\r\x1b[K", err=True, nl=False)


def _read_vkeys(text: str) -> "list[Verifier]":
    """A key, or those in a file, one a line.

    Raises:
        BadInput: It is neither.
    """
    from muniment.merkle.note import Verifier  # noqa: PLC0415 - start-up

    try:
        return [Verifier.parse(text.strip())]
    except MerkleError as error:
        if not Path(text).exists():
            raise BadInput(f"--vkey {text!r} is neither a key nor a file: {error.message}", hint=_VKEY_HINT) from error
    lines = [line.strip() for line in _read(Path(text), "--vkey").decode("utf-8", "replace").splitlines()]
    try:
        keys = [Verifier.parse(line) for line in lines if line and not line.startswith("#")]
    except MerkleError as error:
        raise BadInput(f"--vkey {text}: {error.message}", hint=_VKEY_HINT) from error
    if not keys:
        raise BadInput(f"--vkey {text} holds no key", hint=_VKEY_HINT)
    return keys


def _read_noted(path: Path) -> "Noted":
    from muniment.evidence.earlier import Noted  # noqa: PLC0415 - start-up

    return Noted(str(path), _read(path, "--checkpoint"))


def _read(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except (OSError, ValueError) as error:
        raise BadInput(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from error


def _in_words(path: Path, verdict: "Verdict", *, everything: bool) -> list[str]:
    """The numbered steps, the problems, one sentence, and what it does not show; at most 80 columns wide."""
    lines = [f"Archive {printable(str(path))}", ""]
    for number, check in enumerate(verdict.checks, 1):
        lines += _step(number, check)
    lines += _problems(verdict.problems, len(verdict.problems) if everything else _SHOWN)
    if everything and verdict.not_evidence:
        lines += [
            "",
            "Files that nothing was concluded from:",
            *(f"  {printable(each)}" for each in verdict.not_evidence),
        ]
    return [*lines, "", *_wrapped(_sentence(verdict)), "", *_wrapped(_NOT_SHOWN)]


def _step(number: int, check: "Check") -> list[str]:
    unicode, ascii_, colour = _SIGNS[check.result]
    mark = unicode if "utf" in (sys.stdout.encoding or "").lower() else ascii_
    word = check.result.upper() if check.result == "fail" else check.result
    head = f"{mark} {number:2} {check.check:11} {word:8}"
    first, *rest = textwrap.wrap(printable(check.why), _WIDTH - len(head)) or [""]
    return [click.style(head, fg=colour) + first, *(" " * len(head) + line for line in rest)]


def _problems(problems: "tuple[Problem, ...]", shown: int) -> list[str]:
    lines = [""] if problems else []
    file = ""
    for problem in sorted(problems, key=lambda problem: problem.file)[:shown]:
        if problem.file != file:
            file = problem.file
            lines.append(printable(file))
        leaf = "" if problem.leaf is None else f"leaf {problem.leaf}: "
        lines += textwrap.wrap(
            leaf + printable(problem.what), _WIDTH, initial_indent="    ", subsequent_indent="      "
        )
    if len(problems) > shown:
        lines.append(f"and {len(problems) - shown} more: --json has them all")
    return lines


def _sentence(verdict: "Verdict") -> str:
    if not verdict.ok:
        count = len(verdict.problems)
        return f"NOT VERIFIED: {count} {'problem' if count == 1 else 'problems'}; compare with a backup."
    leaves = "1 leaf is" if verdict.leaves == 1 else f"{verdict.leaves} leaves are"
    if verdict.trust == "none":
        return f"UNCHANGED, BY WHOM UNKNOWN: {leaves} as somebody sealed them; no key that you trust vouches for it."
    return f"VERIFIED: {leaves} as sealed, and signed by {_WHO[verdict.trust]}."


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH)
