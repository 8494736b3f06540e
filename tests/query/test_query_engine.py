"""The engine fetches nothing, reads no file but its own, and says nothing by itself."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from muniment.query.engine import connect, cursor_of


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "INSTALL httpfs",
        "ATTACH '{}' AS other",
        "SET enable_external_access = true",
    ],
)
def test_nothing_leads_out_of_it(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "some.duckdb"
    with connect(path) as db:
        db.execute("CREATE TABLE said AS SELECT 1 AS one")
        with pytest.raises(duckdb.Error):
            cursor_of(db).execute(attempt.format(tmp_path / "other.duckdb"))
    for _ in range(2):  # connections of one process to one file share what they are
        held = connect(path, read_only=True)
        assert held.execute("SELECT one FROM said").fetchall() == [(1,)]


def test_a_long_question_draws_no_progress_bar() -> None:
    program = (
        "from muniment.query.engine import connect, cursor_of\n"
        "for db in (connect(), cursor_of(connect())):\n"
        "    print(db.execute(\"SELECT current_setting('enable_progress_bar')\").fetchall())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[(False,)]\n" * 2, "")
