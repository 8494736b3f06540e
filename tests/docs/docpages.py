"""The blocks of a page, run as a reader would run them, and what they print compared with what the page says.

A block's info string says what it is: ``sh`` and ``python`` run; ``sh in-another-terminal`` runs until the page ends;
``sh exit=4`` must end with that code; ``sh not-run …`` is for the reader alone, and the words after it say why.
A ``text`` block right behind one that ran is what it must have printed.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
DOCUMENTED_URL = "http://127.0.0.1:8765"  # where the pages say that `muniment sandbox` is
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BLOCK_TIMEOUT_S = 120


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what else its info string says, its text, and the page's line it begins at."""

    language: str
    words: str
    text: str
    line: int
    follows: bool
    """Whether nothing but empty lines lies between it and the block before."""

    @property
    def is_run(self) -> bool:
        return self.language in ("sh", "python") and "not-run" not in self.words

    @property
    def exit_code(self) -> int:
        found = re.search(r"exit=(\d+)", self.words)
        return int(found[1]) if found else 0


def read_blocks(text: str) -> list[Block]:
    """All blocks of a page, in order."""
    blocks: list[Block] = []
    end = 0
    for found in _BLOCK.finditer(text):
        follows = bool(blocks) and not text[end : found.start()].strip()
        blocks.append(Block(found[1], found[2].strip(), found[3], text.count("\n", 0, found.start(3)) + 1, follows))
        end = found.end()
    return blocks


@dataclass(frozen=True)
class Outcome:
    """A block that ran, what it printed, and the block that says what it should have, if there is one."""

    block: Block
    printed: str
    said: Block | None


class Reader:
    """Somebody who follows a page from top to bottom, in a folder of their own.

    Args:
        folder: Where the page's files go; empty.
        environment: What is set before the first block.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._set_out = dict(environment)
        self._state = folder / ".state"
        self._python: dict[str, Any] = {"__name__": "__main__"}
        self._background = contextlib.ExitStack()
        self._url: str | None = None
        self._work = folder / "work"
        self._work.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._background.close()

    def follow(self, text: str) -> Iterator[Outcome]:
        """Run the blocks of a page, one after the other."""
        blocks = read_blocks(text)
        for block, behind in zip(blocks, [*blocks[1:], None], strict=False):
            if not block.is_run:
                continue
            said = behind if behind is not None and behind.language == "text" and behind.follows else None
            yield Outcome(block, self._run(block), said)

    def _run(self, block: Block) -> str:
        if self._url is not None:
            block = replace(block, text=block.text.replace(DOCUMENTED_URL, self._url))
        if block.language == "python":
            return self._run_python(block)
        if "in-another-terminal" in block.words:
            return self._start(block)
        return self._run_shell(block)

    def _run_shell(self, block: Block) -> str:
        # what a block exports and where it goes to is there for the next one, as in one terminal
        known = f". '{self._state}'" if self._state.exists() else ""
        keep = f"keep() {{ {{ declare -px; printf 'cd %q\\n' \"$PWD\"; }} > '{self._state}'; }}"
        script = f"{known}\n{keep}\ntrap keep EXIT\nset -e\n{block.text}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._work,
            env=self._set_out,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BLOCK_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == block.exit_code, f"line {block.line} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def _start(self, block: Block) -> str:
        command = block.text.strip().replace("muniment sandbox", "exec muniment sandbox --port 0", 1)
        started = subprocess.Popen(
            ["bash", "-c", command], cwd=self._work, env=self._set_out, stdout=subprocess.PIPE, text=True
        )
        self._background.callback(_stop, started)
        assert started.stdout is not None
        ready = started.stdout.readline()
        self._url = json.loads(ready)["url"]
        return ready

    def _run_python(self, block: Block) -> str:
        printed = io.StringIO()
        # as many empty lines before it as the page has, so that a traceback names the page's line
        code = compile("\n" * (block.line - 1) + block.text, "page", "exec")
        before = dict(os.environ)
        os.environ.update(self._exported())
        try:
            with contextlib.chdir(self._work), contextlib.redirect_stdout(printed):
                exec(code, self._python)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return printed.getvalue()

    def _exported(self) -> dict[str, str]:
        """The environment as the last block of shell left it."""
        if not self._state.exists():
            return self._set_out
        told = subprocess.run(
            ["bash", "-c", f". {self._state}; env -0"], env={}, capture_output=True, text=True, check=True
        )
        return dict(pair.split("=", 1) for pair in told.stdout.split("\0") if "=" in pair)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    assert process.stdout is not None
    process.stdout.close()
    process.wait(timeout=10)


def environment_of_a_reader(folder: Path, url: str) -> dict[str, str]:
    """What a reader has set: a home of their own, the command on the path, a terminal that can show the signs."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "MUNIMENT_URL": url,
        "MUNIMENT_API_KEY": "sandbox-view-only",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "no_proxy": "*",
    }


def printed_anew(text: str, outcomes: Sequence[Outcome]) -> str:
    """The page with what was printed in place of what it said: as it is if all agrees, else all but elided blocks."""
    said = [(outcome.said, outcome.printed) for outcome in outcomes if outcome.said is not None]
    if all(agrees(block.text, printed) for block, printed in said):
        return text
    lines = text.splitlines(keepends=True)
    for block, printed in reversed(said):
        if "…\n" not in block.text.splitlines(keepends=True) or not agrees(block.text, printed):
            first = block.line - 1
            lines[first : first + block.text.count("\n")] = [_presentable(printed)]
    return "".join(lines)


def _presentable(printed: str) -> str:
    """What a reader would see, where that is not what this machine prints."""
    printed = re.sub(r"/\S*(?=/\.config/muniment/)", "/home/you", printed)
    printed = re.sub(r"\bmuniment/(?!keys/)[\w.-]+(?=/[0-9a-f]{8}\b)", "muniment/your-host", printed)
    printed = re.sub(r"(?<=127\.0\.0\.1:)\d+", DOCUMENTED_URL.rpartition(":")[2], printed)
    return "".join(line.rstrip() + "\n" for line in printed.rstrip("\n").split("\n"))


# -- what may differ between the page and the run

_VARIES = (
    (r"segment/\d+-\d+\.[0-9a-f]{16}\.parquet", "SEGMENT"),
    (r"\b[\w.-]+(?:/[\w.-]+)+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}", "VKEY"),
    (r"(?<=[\w/]\+)[0-9a-f]{8}\b", "KEY-ID"),
    (r"\S*/keys/[0-9a-f]{8}\.key", "KEY-FILE"),
    (r"\bmuniment/[\w.-]+/[0-9a-f]{8}\b", "ORIGIN"),
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{8}\b", "RUN"),
    (r"(?<![\w+/])[A-Za-z0-9+/]{43}=(?![\w+/=])", "HASH"),
    (r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}(?=\.parquet)", "HASH"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"\b\d+ days?\b", "DAYS"),
    (r"\b\d+\.\d+ s\b", "SECONDS s"),
    (r"(?<=tree of )[\d\u202f ]+(?= leaves)", "MANY"),
    (r"[\d\u202f]+(?= (?:leaves|requests|receipts|hash tiles)\b)", "MANY"),
    (r"\b(?:leaf|finding|as leaf|from leaf|leaves) \d[\d\u202f]*", "LEAF"),
    (r'"(?:leaf|receipt|tree_size|requests|retries|clock_skew_s|seconds)": ?-?[\d.]+', "NUMBER"),
)
_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?Z|\+00:00)?)?")
_LAST_DAY = "2026-04-01"  # the sandbox's; later dates say when the page was printed, or when the test runs


_STEP = re.compile(r"^(?:[✓✗\u2013] *\d+ \w+ |VERIFIED: ).*", re.MULTILINE)


def normal(text: str) -> list[str]:
    """A text's lines with everything that varies from run to run under one name, and spaces as one."""
    text = re.sub(r"\n {20,}(?=\S)", " ", text)  # a cell that goes on: where it breaks hangs on how long a number is
    for pattern, name in _VARIES:
        text = re.sub(pattern, name, text)
    text = _STEP.sub(_without_counts, text)
    text = _DATE.sub(lambda found: "NOW" if found[1] > _LAST_DAY and found[1] < "9999" else found[0], text)
    lines = [re.sub(r"─+", "─", " ".join(line.split())) for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _without_counts(step: "re.Match[str]") -> str:
    """A step of a verdict, without how many files and leaves there are: that hangs on how many commits a run made."""
    return re.sub(r", N superseded|s\b", "", re.sub(r"\d[\d\u202f]*", "N", step[0]))


def agrees(said: str, printed: str) -> bool:
    """Whether a page says what was printed; a line ``…`` stands for any number of lines."""
    pattern = "\n".join("\0" if line == "…" else re.escape(line) for line in normal(said))
    pattern = pattern.replace("\0\n", "(?:.*\n)*?").replace("\n\0", "(?:\n.*)*?").replace("\0", "(?:.|\n)*")
    return re.fullmatch(pattern, "\n".join(normal(printed))) is not None
