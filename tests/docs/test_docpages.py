"""The comparison is strict where it matters: what may vary may, what may not is noticed."""

from pathlib import Path

import pytest
from tests.docs.docpages import Reader, agrees, read_blocks

COMPLETE = "Complete: 2 003 of 2 003 entries of 2026-01-01 to 2026-11-24 archived, 2 003 new, in 0.7 s\n"


@pytest.mark.parametrize(
    "printed",
    [
        COMPLETE.replace("2026-11-24", "2031-05-06"),
        COMPLETE.replace("0.7 s", "12.3 s"),
        COMPLETE.replace("archived, ", "archived,   "),
    ],
)
def test_the_day_of_the_run_its_length_and_widths_of_columns_may_vary(printed: str) -> None:
    assert agrees(COMPLETE, printed)


@pytest.mark.parametrize(
    "printed",
    [
        COMPLETE.replace("2 003 of", "2 002 of"),
        COMPLETE.replace("2026-01-01", "2026-01-02"),
        COMPLETE.replace("Complete", "Not complete"),
        COMPLETE + "  ✗ gap 2026-01-02\n",
        "",
    ],
)
def test_a_count_a_day_of_the_sandbox_a_word_or_a_line_may_not(printed: str) -> None:
    assert not agrees(COMPLETE, printed)


def test_an_ellipsis_stands_for_any_lines_and_for_nothing_else() -> None:
    assert agrees("a\n…\nz\n", "a\nb\nc\nz\n")
    assert agrees("a\n…\nz\n", "a\nz\n")
    assert agrees("a\n…\n", "a\nb\n")
    assert agrees("…\nz\n", "a\nz\n")
    assert not agrees("a\n…\nz\n", "a\nb\n")
    assert not agrees("a\n…\nz\n", "b\nz\n")


def test_ids_and_times_of_entries_are_compared_and_those_of_the_run_are_not() -> None:
    assert not agrees("2026-03-02T23:56:45Z LOGIN", "2026-03-02T23:56:46Z LOGIN")
    assert agrees("at 2026-11-24T22:57:26.613Z", "at 2027-01-01T00:00:00Z")
    assert not agrees("78e51061-4b96-4a2e-9061-14741be4234e", "78e51061-4b96-4a2e-9061-14741be4234f")


BARE = {"PATH": "/usr/bin:/bin"}

PAGE = """
```sh
export GREETING=hello
cd / && echo $GREETING
```

```text
hello
```

```sh exit=3
pwd; exit 3
```

```python
import os
print(os.environ["GREETING"], "from python")
```

```text
hello from python
```

```sh not-run (it would delete everything)
rm -rf /
```
"""


def test_a_page_is_one_terminal_and_one_python(tmp_path: Path) -> None:
    with Reader(tmp_path, BARE) as reader:
        printed = [(outcome.printed, outcome.said and outcome.said.text) for outcome in reader.follow(PAGE)]
    assert printed == [("hello\n", "hello\n"), ("/\n", None), ("hello from python\n", "hello from python\n")]


def test_a_block_that_ends_otherwise_than_the_page_says_is_an_error(tmp_path: Path) -> None:
    with (
        Reader(tmp_path, BARE) as reader,
        pytest.raises(AssertionError, match="line 3 ended with 1"),
    ):
        list(reader.follow("\n```sh\nfalse\n```\n"))


def test_text_that_follows_no_block_is_prose() -> None:
    blocks = read_blocks("```sh\ntrue\n```\n\nWords between.\n\n```text\nnot its output\n```\n")
    assert [block.follows for block in blocks] == [False, False]


STEPS = """\
✓  1 files       pass    14 files verified, 5 superseded
✓  2 checkpoint  pass    acme.example/audit, 1494 leaves, in the one way it can
                         be written
✓ 12 signature   pass    signed by acme.example/audit+6f7d1cda, a key of
                         MUNIMENT_HOME
"""


def test_how_many_files_a_verdict_counts_may_vary_and_what_it_says_of_them_may_not() -> None:
    more_commits = STEPS.replace("14 files verified, 5 superseded", "9 files verified").replace("6f7d1cda", "0a1b2c3d")
    assert agrees(
        STEPS,
        more_commits.replace("1494 leaves, in the one way it can\n" + 25 * " ", "10494 leaves, in the one way it can "),
    )
    assert not agrees(STEPS, STEPS.replace("✓ 12", "✗ 12"))
    assert not agrees(STEPS, STEPS.replace("pass    signed", "skipped signed"))
