"""Every page's blocks run from top to bottom, and print what the page says they print."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.docpages import ROOT, Reader, agrees, environment_of_a_reader, printed_anew, read_blocks

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

PAGES = {
    # page: how many of its blocks are for the reader alone
    "README.md": 1,
    "docs/tutorial.md": 0,
    "docs/completeness.md": 0,
    "docs/assumptions.md": 0,
    "docs/library.md": 0,
    "docs/archive-format.md": 0,
}
"""The pages whose blocks run. To print them anew after a change: ``MUNIMENT_PRINT_PAGES=1 pytest tests/docs``."""

PREPARED = {"docs/archive-format.md": "```sh\nmuniment collect\n```\n"}
"""What a page takes for granted in the folder of its reader."""

PRINT = os.environ.get("MUNIMENT_PRINT_PAGES") == "1"


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_and_print_what_it_says(page: str, tmp_path: Path, shared_box: "Box") -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    _needs(*(program for program in ("curl", "jq", "openssl") if f"{program} " in text))
    with Reader(tmp_path, environment_of_a_reader(tmp_path, shared_box.url)) as reader:
        list(reader.follow(PREPARED.get(page, "")))
        outcomes = list(reader.follow(text))
    if PRINT:
        (ROOT / page).write_text(printed_anew(text, outcomes), encoding="utf-8")
        return
    for said, printed in ((outcome.said, outcome.printed) for outcome in outcomes if outcome.said is not None):
        assert agrees(said.text, printed), f"{page}, line {said.line} says\n{said.text}\nbut it is\n{printed}"


@pytest.mark.parametrize(("page", "allowed"), PAGES.items())
def test_blocks_that_are_not_run_are_counted_and_say_why(page: str, allowed: int) -> None:
    blocks = read_blocks((ROOT / page).read_text(encoding="utf-8"))
    for_the_reader = [block for block in blocks if "not-run" in block.words]
    assert len(for_the_reader) == allowed
    assert all(block.words.partition("not-run")[2].strip() for block in for_the_reader)


def test_every_page_with_blocks_of_shell_or_python_is_run() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    with_blocks = {
        str(page.relative_to(ROOT))
        for page in pages
        if any(block.language in ("sh", "python") for block in read_blocks(page.read_text(encoding="utf-8")))
    }
    others = {
        "docs/architecture.md",
        "docs/benchmarks.md",
        "docs/testing.md",
    }  # signatures; figures; commands of the checkout
    assert with_blocks - others <= PAGES.keys()


def _needs(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and "CI" not in os.environ:
        pytest.skip(f"{', '.join(missing)} is not installed on this machine")
