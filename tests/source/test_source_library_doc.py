"""The blocks of docs/library.md run, one after the other, as a reader would run them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from muniment.sandbox.server import Box

DOCUMENT = Path(__file__).parents[2] / "docs" / "library.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_blocks_of_the_library_page_run(
    shared_box: "Box", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUNIMENT_URL", shared_box.url)
    monkeypatch.setenv("MUNIMENT_API_KEY", shared_box.keys["AM_VIEW_ONLY"])
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) >= 9
    names: dict[str, Any] = {}
    for block in blocks:
        line = text.count("\n", 0, block.start(1))
        # as many empty lines before it as the page has, so that a traceback names the page's line
        exec(compile("\n" * line + block[1], str(DOCUMENT), "exec"), names)
        assert capsys.readouterr().out, f"the block at line {line + 1} shows nothing"
    assert sum(names["counts"]) == 1200
    assert sum(names["states"].values()) == sum(names["actions"].values())
    assert shared_box.keys["AM_VIEW_ONLY"] in text
