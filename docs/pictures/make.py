"""Draws the pictures of docs/completeness.md and of the README: `python docs/pictures/make.py`.

Standard library only, and the same bytes every time: a test compares what is committed with what this draws. Each
picture brings its own paper, so that it can be read on a light and on a dark page; where the reader's system is dark,
it is too. State is said by a sign and a word, never by colour alone.
"""  # noqa: INP001 - a program beside the pages, no package

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Final

__all__ = ["PICTURES", "draw"]

WIDTH: Final = 760
LEFT: Final = 190
CELL: Final = 42
GAP: Final = 8
TALL: Final = 30

_LIGHT: Final = {
    "ink": "#1B1F24",
    "grey": "#57606A",
    "rule": "#D8DEE4",
    "paper": "#FFFFFF",
    "accent": "#0B4F8A",
    "tint": "#E3EEF8",
    "lost": "#CF222E",
    "good": "#1A7F37",
    "warn": "#9A6700",
}
_DARK: Final = {
    "ink": "#E6EAEE",
    "grey": "#9AA4AE",
    "rule": "#3A424B",
    "paper": "#14181D",
    "accent": "#7DB8EE",
    "tint": "#17324B",
    "lost": "#FF7B72",
    "good": "#56D364",
    "warn": "#E3B341",
}


def _rules(colours: dict[str, str]) -> str:
    filled = "".join(f".{name}{{fill:{colour}}}" for name, colour in colours.items())
    return (
        f"{filled}.frame{{fill:{colours['paper']};stroke:{colours['rule']}}}"
        f".cell{{fill:{colours['paper']};stroke:{colours['grey']}}}"
        f".read{{fill:{colours['tint']};stroke:{colours['accent']};stroke-width:1.5}}"
        f".gone{{fill:none;stroke:{colours['lost']};stroke-width:1.5;stroke-dasharray:4 3}}"
        f".line{{fill:none;stroke:{colours['accent']};stroke-width:1.5}}"
        f".hair{{fill:none;stroke:{colours['rule']}}}"
        f".wall{{fill:none;stroke:{colours['lost']};stroke-width:3}}"
    )


_STYLE: Final = (
    "text{font-family:'IBM Plex Sans','Segoe UI',system-ui,'Helvetica Neue',Arial,sans-serif;font-size:14px}"
    ".head{font-size:15px;font-weight:600}.small{font-size:13px}"
    ".code{font-family:'IBM Plex Mono',ui-monospace,'DejaVu Sans Mono',Menlo,monospace;font-size:13px}"
    f"{_rules(_LIGHT)}@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}"
)


class Sheet:
    """One picture: shapes and words on paper.

    Args:
        title: What it shows, for whoever cannot see it.
        height: In pixels, where no verdict ends it; all pictures are equally wide.
    """

    def __init__(self, title: str, height: int = 0) -> None:
        self._title = title
        self._height = height
        self._parts: list[str] = []

    def words(self, x: float, y: float, text: str, look: str = "ink", anchor: str = "start") -> None:
        """A line of text; `look` names classes."""
        where = f'x="{x:g}" y="{y:g}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
        self._parts.append(f'<text {where} class="{look}">{escape(text, quote=False)}</text>')

    def box(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """A box."""
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" class="{look}"/>')

    def line(self, *points: tuple[float, float], look: str = "line") -> None:
        """A line through points."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(f'<polyline points="{way}" class="{look}"/>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight arrow, down or to the right."""
        self.line((x1, y1), (x2, y2))
        down = y2 > y1
        head = [(-4, -7), (4, -7)] if down else [(-7, -4), (-7, 4)]
        self.line((x2 + head[0][0], y2 + head[0][1]), (x2, y2), (x2 + head[1][0], y2 + head[1][1]))

    def cells(self, y: float, names: str, read: str = "", gone: str = "") -> None:
        """A list of entries, one letter each, in the order of the source; those that were read are shaded."""
        for place, name in enumerate(names.split()):
            look = "gone" if name in gone else "read" if name in read else "cell"
            self.box(_x(place), y, CELL, TALL, look)
            self.words(_x(place) + CELL / 2, y + 20, name, "lost" if look == "gone" else "ink", "middle")

    def page(self, y: float, first: int, end: int, label: str) -> None:
        """A bracket under entries [first, end)."""
        left, right = _x(first), _x(end - 1) + CELL
        self.line((left, y), (left, y + 5), (right, y + 5), (right, y))
        self.words((left + right) / 2, y + 20, label, "accent small", "middle")

    def mark(self, y: float, place: int, text: str, look: str) -> None:
        """A word under one entry."""
        self.words(_x(place) + CELL / 2, y, text, f"{look} small", "middle")

    def caption(self, y: float, text: str, note: str = "") -> None:
        """A word in the left margin, and a smaller one under it."""
        self.words(24, y, text, "ink")
        if note:
            self.words(24, y + 18, note, "grey small")

    def verdict(self, y: float, *lines: tuple[str, str]) -> None:
        """What comes of it, under a rule: lines of (look, text)."""
        self.line((24, y), (WIDTH - 24, y), look="hair")
        for number, (look, text) in enumerate(lines):
            indent = 17 if text.startswith(" ") else 0  # a line that goes on
            self.words(24 + indent, y + 26 + 21 * number, text.strip(), look)
        self._height = int(y) + 26 + 21 * len(lines)

    def svg(self) -> str:
        """The file's text."""
        size = f'width="{WIDTH}" height="{self._height}" viewBox="0 0 {WIDTH} {self._height}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t">',
                f'<title id="t">{escape(self._title, quote=False)}</title>',
                f"<style>{_STYLE}</style>",
                f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{self._height - 1}" rx="6" class="frame"/>',
                *self._parts,
                "</svg>\n",
            ]
        )


def _x(place: float) -> float:
    return LEFT + place * (CELL + GAP)


def _bar(sheet: Sheet, y: float, spans: Sequence[tuple[float, float, str, str]]) -> None:
    """Spans (from, to, look, label) of a population, as shares of the width that is left of the caption."""
    wide = WIDTH - LEFT - 24
    for start, end, look, label in spans:
        sheet.box(LEFT + start * wide, y, (end - start) * wide, TALL, look)
        sheet.words(LEFT + (start + end) / 2 * wide, y + 20, label, "lost" if look == "gone" else "ink", "middle")


def silent_cap() -> Sheet:
    """A loop that goes on from what it asked for."""
    sheet = Sheet(
        "A page holds 1000 entries whatever was asked for; a loop that adds 5000 to its offset stops too soon"
    )
    sheet.words(24, 34, "The silent cap: 5 000 asked for, 1 000 given, and no error", "ink head")
    sheet.caption(78, "A naive loop", "adds what it asked for")
    _bar(sheet, 60, [(0, 0.4, "read", "1 000 entries read"), (0.4, 1, "gone", "✗ 1 500 never asked for")])
    sheet.words(LEFT, 110, "limit=5000&offset=0", "code accent")
    sheet.words(WIDTH - 24, 110, "next offset 5000 ≥ total 2500: done", "code grey", "end")
    sheet.caption(158, "Muniment", "adds what it received")
    _bar(
        sheet,
        140,
        [(0, 0.4, "read", "1 000"), (0.4, 0.8, "read", "999 + the seam"), (0.8, 1, "read", "501 + seam")],
    )
    for share, label in ((0, "offset=0"), (0.4, "offset=999"), (0.8, "offset=1998")):
        sheet.words(LEFT + share * (WIDTH - LEFT - 24), 190, label, "code accent")
    sheet.verdict(
        206,
        ("good", "✓ Each page begins one row back, to compare the row at the seam. Rows = total = 2 500."),
    )
    return sheet


def growing_head() -> Sheet:
    """Newest first, and something new comes."""
    sheet = Sheet("While a list is read newest first, a new entry at its head pushes every later one down by a place")
    sheet.words(24, 34, "The list grows at its head while it is read, newest first", "ink head")
    sheet.caption(78, "First request", "total 8")
    sheet.cells(58, "H G F E D C B A", read="HGF")
    sheet.page(92, 0, 3, "page 1")
    sheet.caption(160, "Entry I is logged", "total 9")
    sheet.cells(140, "I H G F E D C B A", read="FED", gone="I")
    sheet.page(174, 3, 6, "page 2: offset=3")
    sheet.mark(192, 0, "✗ never read", "lost")
    sheet.mark(210, 3, "twice", "warn")
    sheet.caption(242, "Third request")
    sheet.cells(222, "I H G F E D C B A", read="CBA", gone="I")
    sheet.page(256, 6, 9, "page 3: offset=6")
    sheet.verdict(
        290,
        ("lost", "✗ Nine rows came and the total is nine. F came twice, I is missing, and the count is right."),
        (
            "good",
            "✓ Oldest first: what is new lands behind what was read, and the seam shows any shift.",
        ),
    )
    return sheet


def late_entry() -> Sheet:
    """An entry that arrives with an old timestamp."""
    sheet = Sheet(
        "An entry dated 12 March is logged on 1 April; a collector that goes on from its last timestamp never sees it"
    )
    sheet.words(24, 34, "A late entry lands behind what was read", "ink head")
    wide = WIDTH - LEFT - 24
    at = LEFT + 0.36 * wide
    sheet.caption(78, "Run 1, 31 March", "reads to the end")
    _bar(sheet, 60, [(0, 0.92, "read", "March: 2 000 entries read")])
    sheet.arrow(at, 96, at, 122)
    sheet.words(at + 10, 113, "logged on 1 April, dated 12 March", "accent small")
    sheet.caption(144, "Run 2, 1 April", "goes on from its end")
    _bar(sheet, 126, [(0, 0.92, "cell", "not asked for again"), (0.92, 1, "read", "new")])
    sheet.words(at, 176, "✗ never read, in this run or any later one", "lost small", "middle")
    sheet.line((24, 194), (WIDTH - 24, 194), look="hair")
    sheet.caption(222, "Muniment, run 2", "asks for totals first")
    for y, spans in (
        (204, [(0, 0.92, "read", "archived 2 000, the source says 2 001")]),
        (240, [(0, 0.46, "read", "1 004, not 1 003"), (0.46, 0.92, "cell", "997: as archived")]),
        (276, [(0, 0.23, "cell", "512: as archived"), (0.23, 0.46, "read", "492, not 491")]),
    ):
        _bar(sheet, y, spans)
    sheet.verdict(
        320, ("good", "✓ Halving leads to 12 March in a few requests of one row each; only that day is read again.")
    )
    return sheet


def shuffled_ties() -> Sheet:
    """Equal timestamps whose order is not promised."""
    sheet = Sheet("Entries with equal timestamps change places between requests: one comes twice and one never")
    sheet.words(24, 34, "Equal timestamps: their order is promised nowhere", "ink head")
    for y, cells, read in ((74, "A B C D E F", "ABC"), (164, "A C D B E F", "BEF")):
        sheet.cells(y, cells, read=read, gone="D" if read == "BEF" else "")
        sheet.line((_x(1), y - 8), (_x(4) - GAP, y - 8))
        sheet.words(_x(2.5) - GAP / 2, y - 14, "12:00:00", "code grey", "middle")
    sheet.caption(94, "First request", "B, C and D are equal")
    sheet.page(108, 0, 3, "page 1")
    sheet.caption(184, "Second request", "another order")
    sheet.page(198, 3, 6, "page 2: offset=3")
    sheet.mark(216, 2, "✗ never", "lost")
    sheet.mark(236, 3, "twice", "warn")
    sheet.verdict(
        252,
        ("lost", "✗ Six rows came, the total is six and stood still. B came twice, D never."),
        ("good", "✓ The seam shows it: the row at offset 2 was C a moment ago. So does B, which came on two pages."),
        ("good", "   The window is split until each part fits one answer, where no order matters."),
    )
    return sheet


def one_out_one_in() -> Sheet:
    """A swap that the total does not show."""
    sheet = Sheet("One entry leaves and one arrives in the same moment: the total stands still and an entry is skipped")
    sheet.words(24, 34, "One entry leaves and one arrives in the same moment", "ink head")
    sheet.caption(78, "First request", "total 8")
    sheet.cells(58, "A B C D E F G H", read="ABC")
    sheet.page(92, 0, 3, "page 1")
    sheet.caption(160, "A leaves, I arrives", "total 8")
    sheet.cells(140, "B C D E F G H I", read="EFG", gone="D")
    sheet.page(174, 3, 6, "page 2: offset=3")
    sheet.mark(192, 2, "✗ never", "lost")
    sheet.words(_x(8.2), 160, "… page 3: H I", "grey small")
    sheet.verdict(
        216,
        ("lost", "✗ Eight rows, eight different entries, a total of eight at both ends. D is missing."),
        ("good", "✓ The seam shows it here: the row at offset 2 was C and is D. But where both changes lie"),
        ("good", "   on one side of every seam, a single pass cannot tell: such a day is called complete “by count”,"),
        ("good", "   and is confirmed by a second pass with other seams that must give the same rows."),
    )
    return sheet


def deep_offset() -> Sheet:
    """Offsets that are refused from some depth on."""
    sheet = Sheet("A source that refuses offsets above 10000 hides the rest of a large day; its parts are small enough")
    sheet.words(24, 34, "Offsets end somewhere: many sources refuse or ignore deep ones", "ink head")
    sheet.caption(78, "One large day", "25 000 entries")
    _bar(sheet, 60, [(0, 0.4, "read", "offsets up to 10 000"), (0.4, 1, "gone", "✗ 15 000 behind the wall")])
    wall = LEFT + 0.4 * (WIDTH - LEFT - 24)
    sheet.line((wall, 52), (wall, 98), look="wall")
    sheet.arrow(LEFT + 120, 112, LEFT + 120, 136)
    sheet.words(LEFT + 136, 130, "split: by day, then resource type, action, status, account", "accent small")
    sheet.caption(168, "Its parts", "each read to its end")
    _bar(
        sheet,
        150,
        [
            (0, 0.36, "read", "USER 8 900"),
            (0.36, 0.64, "read", "APIKEY 7 100"),
            (0.64, 0.88, "read", "ROLE 6 000"),
            (0.88, 1, "read", "… 3 000"),
        ],
    )
    sheet.words(LEFT, 200, "8 900 + 7 100 + 6 000 + 3 000 = 25 000, before and after", "code accent")
    sheet.verdict(
        222,
        ("good", "✓ A split counts only if its parts sum up to the whole, before and after."),
        ("lost", "✗ A part that still cannot be read is a gap, named with what was expected and what came."),
    )
    return sheet


def lying_total() -> Sheet:
    """A total that is not the number of entries."""
    sheet = Sheet(
        "A total that is capped at 10000 agrees with itself; the totals of its parts by status do not sum up to it"
    )
    sheet.words(24, 34, "A total that is not the number of entries", "ink head")
    sheet.caption(78, "What the source says", "no filter")
    _bar(sheet, 60, [(0, 0.826, "read", "total 10 000")])
    sheet.caption(138, "The same, in parts", "by status")
    _bar(sheet, 120, [(0, 0.744, "read", "SUCCESS 9 000"), (0.744, 1, "read", "FAILURE 3 100")])
    wall = LEFT + 0.826 * (WIDTH - LEFT - 24)
    sheet.line((wall, 52), (wall, 98), look="wall")
    sheet.words(LEFT, 178, "9 000 + 3 100 = 12 100 ≠ 10 000", "code accent")
    sheet.verdict(
        204,
        ("lost", "✗ A loop that stops at the total has read 10 000 of 12 100, and agrees with the source."),
        ("good", "✓ Control totals by status after each run, by action and resource type after a first one:"),
        ("good", "   if they do not sum up, and no value outside the lists explains it, the run is not complete"),
        ("good", "   and says by how much."),
    )
    return sheet


def data_flow() -> Sheet:
    """Where data goes."""
    sheet = Sheet("Data flows one way: source, sweep, archive, and from there to query and verification", 330)
    _labelled(sheet, 24, 40, 196, "Source", "DigiCert ONE, or", "muniment sandbox")
    _labelled(sheet, 282, 40, 196, "Sweep", "what to ask next, what an", "answer means; no I/O")
    _labelled(sheet, 540, 40, 196, "Archive", "Parquet segments, tiles,", "one signed checkpoint")
    sheet.arrow(220, 84, 280, 84)
    sheet.words(250, 74, "pages", "accent small", "middle")
    sheet.arrow(478, 84, 538, 84)
    sheet.words(507, 60, "entries,", "accent small", "middle")
    sheet.words(507, 75, "receipt", "accent small", "middle")
    for x, name, first, second in (
        (24, "verify", "recomputes everything", "from the files alone"),
        (282, "query", "the API's own filters, over", "an index that can go"),
        (540, "others' verifiers", "C2SP tiles and checkpoint,", "read by foreign programs"),
    ):
        _labelled(sheet, x, 196, 196, name, first, second)
    sheet.line((638, 128), (638, 162), (122, 162))
    for x in (122, 380, 638):
        sheet.arrow(x, 162, x, 194)
    sheet.words(626, 152, "files", "accent small", "end")
    sheet.words(
        24, 312, "What query keeps is derived: it can be thrown away and made again from the archive.", "grey small"
    )
    return sheet


def _labelled(sheet: Sheet, x: float, y: float, width: float, name: str, *lines: str) -> None:
    sheet.box(x, y, width, 88, "read" if name == "Archive" else "cell")
    sheet.words(x + 14, y + 28, name, "ink head")
    for number, line in enumerate(lines):
        sheet.words(x + 14, y + 52 + 18 * number, line, "grey small")


PICTURES: Final[dict[str, Callable[[], Sheet]]] = {
    "data-flow": data_flow,
    "deep-offset": deep_offset,
    "growing-head": growing_head,
    "late-entry": late_entry,
    "lying-total": lying_total,
    "one-out-one-in": one_out_one_in,
    "shuffled-ties": shuffled_ties,
    "silent-cap": silent_cap,
}
"""File name, without its end, to what draws it."""


def draw() -> dict[str, str]:
    """Every picture: file name to its text."""
    return {f"{name}.svg": make().svg() for name, make in PICTURES.items()}


if __name__ == "__main__":
    for file, text in draw().items():
        Path(__file__).with_name(file).write_text(text, encoding="utf-8", newline="\n")
