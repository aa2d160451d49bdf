"""What the tests of segments share."""

from pathlib import Path

import pytest

from tests.segments.building import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty folder with a clock of its own."""
    return Shelf(tmp_path / "segments")
