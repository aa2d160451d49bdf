"""An installation for each test of the runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.world import World, a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, keep_attributes=True) as world:
        yield world
