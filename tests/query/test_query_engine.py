"""The engine fetches nothing and reads no file but its own."""

from pathlib import Path

import duckdb
import pytest

from muniment.query.engine import connect


@pytest.mark.parametrize(
    "attempt", ["SELECT * FROM read_text('/etc/hostname')", "INSTALL httpfs", "ATTACH '{}' AS other", "SET threads = 1"]
)
def test_nothing_leads_out_of_it(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "some.duckdb"
    with connect(path) as db:
        db.execute("CREATE TABLE said AS SELECT 1 AS one")
        with pytest.raises(duckdb.Error):
            db.execute(attempt.format(tmp_path / "other.duckdb"))
    for _ in range(2):  # connections to one file in one process share their settings
        held = connect(path, read_only=True)
        assert held.execute("SELECT one FROM said").fetchall() == [(1,)]
