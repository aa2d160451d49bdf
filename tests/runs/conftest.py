"""An installation for each test of the runs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.azurite import Azurite
from tests.support.world import World, a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, keep_attributes=True) as world:
        yield world


@pytest.fixture(params=["folder", "azurite"])
def shared_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An installation that other processes work in too, on each kind of store."""
    urls = {}
    if request.param == "azurite":
        azurite: Azurite = request.getfixturevalue("azurite")
        urls = {"segments_url": azurite.container(), "state_url": azurite.container()}
    with a_world(tmp_path, **urls, clock=time.time, limits=False) as world:
        yield world
