"""The app in the local Functions host, over folders; each module has one, with a world of its own."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sandbox.people import People
from sandbox.sample import example_documents
from tests.support.host import running_host
from tests.support.world import World, a_world, environment_of

type NewExport = Callable[..., str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world by the machine's clock, whose segment has fifty people."""
    with a_world(tmp_path_factory.mktemp("world"), clock=time.time, limits=False) as world:
        world.segment(People(50))
        yield world


@pytest.fixture(scope="module")
def host(world: World) -> Iterator[httpx.Client]:
    """The app, whose calls take four seconds: it polls Klaviyo once, and the next poll would be too late."""
    with running_host(environment_of(world) | {"HTTP_TIME_BUDGET": "4"}) as client:
        yield client


@pytest.fixture
def new_export(world: World) -> Iterator[NewExport]:
    """Writes a new export like the example's, with these members, and returns its id."""

    def write(**changes: Any) -> str:
        export_id = f"export-{len(list(world.services.state.list('exports/')))}"
        document = example_documents()["exports/vip.json"] | {"id": export_id} | changes
        world.services.state.write(f"exports/{export_id}.json", json.dumps(document).encode())
        return export_id

    yield write
    world.stand_in.faults.clear()
    world.stand_in.plans.clear()
