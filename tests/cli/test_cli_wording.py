"""How things are written for people: properties that hold for any text and any width."""

import datetime as dt
import io
import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from muniment.cli.listing import Column, listing, wrapped
from muniment.cli.output import adapt
from muniment.cli.progress import ProgressLine
from muniment.cli.wording import cell, counted, cut, instant, number, period, printable, short, sign
from muniment.collect.goal import Progress

TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@given(TEXTS)
@example("\u202eevil\u2066")
@example("\x1b[2J")
def test_what_is_printable_moves_nothing_and_hides_nothing(text: str) -> None:
    shown = printable(text)
    assert not UNSAFE.search(shown)
    for c in text:
        if not UNSAFE.match(c):
            assert c in shown


@given(TEXTS)
def test_a_cell_is_one_line_without_tabs(text: str) -> None:
    shown = cell(text)
    assert not UNSAFE.search(shown)
    assert "\n" not in shown
    assert "\t" not in shown


@given(TEXTS.map(cell), st.integers(8, 40))
@example("株式会社" * 10, 9)
@example("e\u0301" * 40, 8)
def test_what_is_cut_fits_and_keeps_both_ends(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cell_len(shown) <= width
    if cell_len(text) <= width:
        assert shown == text
    else:
        head, _, tail = shown.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@given(TEXTS.map(cell), st.integers(8, 40))
def test_what_is_wrapped_fits_and_loses_no_character(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


CELLS = st.text("ab株é ", min_size=1, max_size=50)
COLUMNS = [Column("name", 12), Column("count", right=True), Column("id", 9)]


@given(st.lists(st.tuples(CELLS, st.integers(0, 10**6).map(str), CELLS), max_size=8), st.integers(40, 120))
def test_a_list_fits_the_terminal_and_its_columns_are_aligned(rows: list[tuple[str, str, str]], width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        lines = [line.plain for line in listing(COLUMNS, rows)]
    assert len(lines) == 2 + len(rows)
    assert max(map(cell_len, lines)) <= width
    for line, (_, count, _) in zip(lines[2:], rows, strict=True):
        place = cell_len(line.split(f" {count}  ")[0]) if f" {count}  " in line else None
        assert place is None or place + 1 + len(count) <= cell_len(lines[1])


def test_numbers_have_thin_spaces_and_nothing_is_a_dash() -> None:
    assert number(1234567) == "1\u202f234\u202f567"
    assert number(0) == "0"
    assert number(None) == "\N{EN DASH}"


def test_things_are_counted_as_one_says_it() -> None:
    assert [counted(n, what) for n, what in ((1, "gap"), (2, "gap"), (0, "entry"), (1, "day"), (3, "leaf"))] == [
        "1 gap",
        "2 gaps",
        "0 entries",
        "1 day",
        "3 leaves",
    ]
    assert counted(7, "day") == "7 days"


def test_moments_days_and_ids_are_written_in_one_way() -> None:
    assert instant("2026-03-02T23:56:45.123Z") == "2026-03-02 23:56:45 Z"
    assert instant(dt.datetime(2026, 3, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))) == "2026-03-01 23:00:00 Z"
    assert instant(None) == "\N{EN DASH}"
    assert period(dt.date(2026, 3, 1), dt.date(2026, 3, 2)) == "2026-03-01 to 2026-03-02"
    assert period(dt.date(2026, 3, 1), dt.date(2026, 3, 1)) == "2026-03-01"
    assert period(None, dt.date(2026, 3, 1)) == "… to 2026-03-01"
    assert short("78e51061-0000-4000-8000-0000d57b") == "78e51061…d57b"
    assert short("4711") == "4711"


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def written(to: io.TextIOWrapper, text: str) -> bytes:
    to.write(text)
    to.flush()
    raw = to.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({"LC_ALL": "C"}, rb"OK ... \u682a"),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, rb"OK ... \u682a"),
        ({"LANG": "C"}, rb"OK ... \u682a"),
        ({"LC_ALL": "", "LC_CTYPE": "C", "LANG": "en_US.UTF-8"}, rb"OK ... \u682a"),
        ({"LC_ALL": "C.UTF-8"}, "✓ … 株".encode()),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "C"}, "✓ … 株".encode()),
        ({}, "✓ … 株".encode()),
    ],
)
def test_output_is_ascii_where_the_locale_says_c(environ: dict[str, str], shown: bytes) -> None:
    out = stream("utf-8")
    adapt([out], environ)
    assert written(out, "✓ … 株") == shown


def test_a_stream_of_few_characters_never_fails() -> None:
    out = stream("latin-1")
    adapt([out], {})
    assert written(out, "é ✓ 株 😀 \udcff") == b"\xe9 OK \\u682a \\U0001f600 \\udcff"


def test_signs_are_words_where_there_is_only_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream("ascii"))
    assert [sign(state) for state in ("complete", "gap", "open", "never")] == ["OK", "XX", "..", "--"]
    assert number(1234) == "1 234"
    assert cut("a" * 30, 9) == "aaa...aaa"
    assert printable("é") == r"\u00e9"


# -- progress


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(*steps: tuple[float, Progress], width: int = 80) -> list[str]:
    """What a terminal shows after each step, at these seconds."""
    clock, out, seen = Seconds(), io.StringIO(), []
    line = ProgressLine(out, width, clock)
    for seconds, progress in steps:
        clock.now = 100.0 + seconds
        line.tell(progress)
        seen.append(out.getvalue().rpartition("\x1b[K")[2])
    line.clear()
    assert out.getvalue().endswith("\r\x1b[K"), "the terminal is left as it was"
    return seen


def test_progress_names_window_rate_and_time_left() -> None:
    lines = told(
        (0, Progress("reading", "2026-03-01", 0, 10_000)),
        (10, Progress("reading", "2026-03-02", 2_000, 10_000)),
        (100, Progress("reading", "2026-03-09", 4_000, 100_000_000)),
        (100.1, Progress("reading", "2026-03-10", 9_000, 10_000)),
    )
    assert lines[0] == "reading 2026-03-01"
    assert lines[1] == "reading 2026-03-02  2\u202f000 entries  200/s  40 s left"
    assert lines[2].endswith("694 h 25 min left")
    assert lines[3] == lines[2], "not more often than a person can read"


def test_what_is_read_before_does_not_count_for_the_rate_of_the_next_step() -> None:
    lines = told(
        (0, Progress("reading", "2026-03-01", 0, 100)),
        (5, Progress("resolving users and accounts", "0 of 40", 100, 100)),
        (9, Progress("resolving users and accounts", "20 of 40", 100, 100)),
    )
    assert lines[1:] == ["resolving users and accounts 0 of 40", "resolving users and accounts 20 of 40"]


@given(TEXTS, TEXTS, st.integers(20, 200))
def test_progress_is_one_line_whatever_the_window_is_called(doing: str, window: str, width: int) -> None:
    (line,) = told((0, Progress(doing, window, 10, 100)), width=width)
    assert "\n" not in line
    assert "\x1b" not in line
    assert cell_len(line) < width


def test_every_sign_of_ours_has_a_name() -> None:
    assert all(unicodedata.name(sign(state)) for state in ("complete", "gap", "open", "never"))
