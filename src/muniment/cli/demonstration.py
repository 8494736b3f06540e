"""The demo as a story: each step is a command as a user would type it, run by the code that it names."""

import io
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from muniment.archive.reading import Archive
from muniment.cli.main import run
from muniment.cli.options import today
from muniment.cli.output import print_json
from muniment.cli.wording import number
from muniment.errors import MunimentError, NotEvidence
from muniment.sandbox.keys import KEYS
from muniment.sandbox.server import Box, serve
from muniment.sandbox.world import World

__all__ = ["demonstrate"]

_SEED: Final = 7
_DAYS: Final = 90
_ENTRIES: Final = 6_000
_LATE: Final = 6
_WIDTH: Final = 80
_ARCHIVE: Final = "muniment-archive"
_COPY: Final = "changed-copy"
_ENVIRONMENT: Final = "environment.sh"
_KEY: Final = KEYS["AM_VIEW_ONLY"]


def demonstrate(out: Path, *, as_json: bool) -> None:
    """Make the folder and tell the story in it.

    Args:
        out: A folder that is empty or not there.
        as_json: Whether stdout gets one document; the story goes to stderr then.

    Raises:
        MunimentError: A step did not end as it should.
    """
    out.mkdir(parents=True, exist_ok=True)
    stage = sys.stderr if as_json else sys.stdout
    with serve(World(_SEED, _DAYS, _ENTRIES, today())) as box, redirect_stdout(stage), redirect_stderr(stage):
        story = _Story(box, out)
        with _surroundings(out.resolve(), box):
            story.tell()
    if as_json:
        print_json({"archive": str(out / _ARCHIVE), "report": None, "package": None, **story.figures})


@contextmanager
def _surroundings(out: Path, box: Box) -> Iterator[None]:
    """Work in the folder, with settings and caches in it, on the sandbox; and as before afterwards."""
    ours = {"MUNIMENT_HOME": str(out / "home"), "MUNIMENT_CACHE": str(out / "cache")}
    lines = ["unset MUNIMENT_ARCHIVE", *(f"export {name}={shlex.quote(value)}" for name, value in ours.items())]
    (out / _ENVIRONMENT).write_text("\n".join(lines) + "\n")
    before = dict(os.environ)
    os.environ.pop("MUNIMENT_ARCHIVE", None)
    os.environ.update(ours, MUNIMENT_URL=box.url, MUNIMENT_API_KEY=_KEY, no_proxy="127.0.0.1")
    try:
        with chdir(out):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Story:
    """Tells the steps in their order.

    Args:
        box: The sandbox.
        out: The folder, as the user calls it.

    Attributes:
        figures: What came of it, for the document.
    """

    def __init__(self, box: Box, out: Path) -> None:
        self.figures: dict[str, Any] = {}
        self._box = box
        self._out = out

    def tell(self) -> None:
        """Run every step, and stop at the first that does not end as it should."""
        self._open()
        first = self._collect_all()
        self._look()
        self._collect_late(first)
        self._verify()
        self._verify_changed_copy()
        self._close()

    def _open(self) -> None:
        _say(f"""Muniment demo. Everything it makes lies in {self._out}, its signing key and its caches
            too; nothing else on this machine is touched, and no network is used. A line that begins with $ is a
            command as you would type it.""")
        _head("1. A DigiCert ONE to try things on")
        _say(f"""An organisation that lives in this process: {number(_ENTRIES)} audit-log entries in the {_DAYS} days
            before today, served by the vendor's own API on {self._box.url}. To have it longer than the demo, in a
            terminal of its own:""")
        _type(f"muniment sandbox --seed {_SEED} --days {_DAYS} --entries {_ENTRIES}")

    def _collect_all(self) -> dict[str, Any]:
        _head("2. Collect everything, and seal it")
        _say("""The archive is made on the way: a transparency log, signed with a key of its own. Users and accounts
            that the entries name are asked for too.""")
        _type(f"cd {shlex.quote(str(self._out))} && . ./{_ENVIRONMENT}")
        _type(f"export MUNIMENT_URL={self._box.url}")
        _type(f"export MUNIMENT_API_KEY={_KEY}")
        told = self._collect()
        self.figures["collected"] = told["archived"]
        return told

    def _look(self) -> None:
        _head("3. What is there, and how sure is that?")
        _say("""The source counts its entries too. A day is complete when the archive agrees with that count, and the
            receipt of the run says how it was found out.""")
        self._run(["status", "--days"])

    def _collect_late(self, first: dict[str, Any]) -> None:
        _head("4. Entries that were logged late")
        ids = set(self._box.log_late(_LATE))
        _say(f"""Now {len(ids)} entries turn up whose dates lie anywhere in those {_DAYS} days. Whoever reads on from
            the newest entry never sees them. Muniment asks for totals, narrows down the days that differ, and reads
            only these:""")
        told = self._collect()
        found = _ids_since(Archive.open(Path(_ARCHIVE)), first["tree_size"])
        if found != ids:
            raise MunimentError(f"{len(ids)} entries were logged late, and {len(found & ids)} of them were found")
        _say(f"""These are exactly the {len(ids)}, and it took {told["requests"]} requests; to read everything had taken
            {first["requests"]}.""")
        self.figures |= {"late": len(ids), "found_late": len(found)}

    def _verify(self) -> None:
        _head("5. Is it still what was sealed?")
        _say("Everything is computed again from the files alone, down to each leaf and signature:")
        self._run(["verify", _ARCHIVE])
        self.figures["verified"] = True

    def _verify_changed_copy(self) -> None:
        _head("6. And if somebody changes something?")
        file = _change_one_byte(shutil.copytree(_ARCHIVE, _COPY))
        _say(f"Here is a copy of the archive in which one byte of one file is another, in {file}:")
        self._run(["verify", _COPY], NotEvidence.exit_code)
        self.figures["change_found"] = True

    def _close(self) -> None:
        _head("What to try next")
        _say("Reports for auditors and packages to hand over are not there yet. On what the demo left behind:")
        _type(f"cd {shlex.quote(str(self._out))} && . ./{_ENVIRONMENT}")
        _type("muniment entries --action LOGIN_ERROR --sort timestamp:desc")
        _type("muniment users")
        _type("muniment receipts")
        _say("And on a DigiCert ONE of your own, in another folder and a new shell:")
        _type("export MUNIMENT_URL=https://one.digicert.com")
        _type("export MUNIMENT_API_KEY=...      # may read the audit log, no more")
        _type("muniment collect")

    def _collect(self) -> dict[str, Any]:
        """Run `muniment collect`, its words shown, its document kept."""
        kept = io.TextIOWrapper(io.BytesIO(), encoding=sys.stdout.encoding)
        _type("muniment collect")
        with redirect_stdout(kept):
            self._demand(run(["collect", "--json"]), 0, "collect")
        told: dict[str, Any] = msgspec.json.decode(kept.buffer.getvalue())
        return told

    def _run(self, words: list[str], expected: int = 0) -> None:
        _type(shlex.join(["muniment", *words]))
        self._demand(run(words), expected, words[0])

    @staticmethod
    def _demand(code: int, expected: int, command: str) -> None:
        if code > 128:
            raise click.Abort
        if code != expected:
            raise MunimentError(
                f"the demo stops here: `muniment {command}` ended with {code}, not {expected}",
                hint="That should not happen: report it, with what was printed above.",
            )


def _say(text: str) -> None:
    click.echo(textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False))


def _head(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}\n")


def _type(command: str) -> None:
    click.echo(f"  $ {command}")


def _ids_since(archive: Archive, size: int) -> set[str]:
    """Ids of the entries sealed since the tree had this size."""
    return {
        row["id"]
        for batch in archive.batches(size, columns=["kind", "id"])
        for row in batch.to_pylist()
        if row["kind"] == "entry"
    }


def _change_one_byte(archive: str) -> str:
    """Change a byte amid the largest segment; its path."""
    largest = max((Path(archive) / "segment").iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    return str(largest.relative_to(archive))
