"""The description of the API: complete, kept, and true of what the app answers in the local host."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox.people import People
from sandbox.sample import example_documents
from shared import state
from shared.api.openapi import described
from shared.runs.record import RunRecord
from tests.administration.conftest import ROUTES, VERA, Api
from tests.support.host import SERVE, running_host
from tests.support.world import MONDAY, SEGMENT, World, a_world, environment_of

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
SCHEMA = schemathesis.openapi.from_dict(described(ROUTES))
OPERATIONS: list[Any] = [each.ok() for each in SCHEMA.get_all_operations() if isinstance(each, Ok)]
WHAT_IS_CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Ids that are there, so that not every answer is 404.
RUN = "vip.20260824T143300Z-0000"
KNOWN = {"connection": "sandbox", "export": "vip", "segment": SEGMENT, "run": RUN}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("openapi"), clock=time.time, limits=False) as world:
        world.segment(People(20))
        yield world


@pytest.fixture(scope="module")
def host(world: World) -> Iterator[httpx.Client]:
    """The app in the local Functions host, for an administrator who has signed in."""
    environment = environment_of(world) | {"HTTP_TIME_BUDGET": "1"}
    with running_host(environment, (*SERVE, "--as", "administrator")) as client:
        yield client


def test_the_kept_description_is_the_codes() -> None:
    """`python -m admin_trigger docs/openapi.json` writes it."""
    assert json.loads(KEPT.read_text()) == described(ROUTES)


def test_every_route_is_described(api: Api) -> None:
    """And everybody who may call any may read it."""
    shown = api("GET", "/api/openapi.json", by=VERA).json

    assert shown == described(ROUTES)
    assert shown["openapi"] == "3.1.0"
    assert set(shown["paths"]) == {f"/api/{route.path}" for route in ROUTES}


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.label for each in OPERATIONS])
def test_the_app_answers_as_described(host: httpx.Client, world: World, operation: Any) -> None:
    """Whatever is sent: a status, a media type and a shape that the description has, and never a bug."""
    for name in example_documents():
        world.document(name)
    record = RunRecord(
        id=RUN,
        export="vip",
        trigger="schedule",
        requested_by="timer",
        status="failed",
        phase="closed",
        created_at=MONDAY,
    )
    world.services.state.write(state.record(record.id), record.content())

    @settings(
        max_examples=12,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        derandomize=True,
        database=None,
    )
    @for_all(operation.as_strategy(), st.booleans())
    def check(case: Any, is_known: bool) -> None:
        if is_known:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = KNOWN[name]
        response = case.call(base_url=str(host.base_url))
        is_the_hosts = response.headers.get("content-type") != ["application/problem+json"]
        if not (response.status_code == 404 and is_the_hosts):  # no route is at such an address
            case.validate_response(response, checks=WHAT_IS_CHECKED)

    check()
