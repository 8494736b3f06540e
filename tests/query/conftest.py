"""An archive for each test."""

from pathlib import Path

import pytest
from tests.query.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An archive that holds nothing yet."""
    return Site(tmp_path)
