"""What holds of every page: links lead somewhere, pictures are the ones that are drawn, words are honest."""

import re
import runpy
from pathlib import Path

import pytest
from tests.docs.docpages import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PICTURES = ROOT / "docs" / "pictures"
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@EACH_PAGE
def test_every_link_within_the_project_leads_to_something(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        path, _, anchor = target.partition("#")
        if target.startswith("http"):
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(found), f"{target}: there is no such heading"


def test_the_pictures_are_the_ones_that_are_drawn() -> None:
    drawn = runpy.run_path(str(PICTURES / "make.py"))["draw"]()
    there = {file.name: file.read_text(encoding="utf-8") for file in PICTURES.glob("*.svg")}
    assert there == drawn, "run `python docs/pictures/make.py`"


def test_every_picture_is_shown_and_says_what_it_shows() -> None:
    shown = {
        Path(target).name: words
        for page in PAGES
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+\.svg)\)", prose(page))
    }
    assert shown.keys() == {file.name for file in PICTURES.glob("*.svg")}
    assert all(len(words) > 20 for words in shown.values()), "a picture needs words for whoever cannot see it"
    assert all("<title" in file.read_text(encoding="utf-8") for file in PICTURES.glob("*.svg"))


@EACH_PAGE
def test_no_page_promises_what_cannot_be_known(page: Path) -> None:
    for word in ("compliant", "secure", "100 %", "100%", "tamper-proof", "unbreakable", "guarantee"):
        found = re.search(rf'(?<!["“]){re.escape(word)}(?!\w)', prose(page), re.IGNORECASE)
        assert found is None, f"{word!r} at {found.start() if found else 0}"


@EACH_PAGE
def test_no_page_names_the_machine_it_was_written_on(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(?:tmp|root|work)/|pytest-of|\bmuniment/vm/", text)
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) <= {"8765", "8099"}
