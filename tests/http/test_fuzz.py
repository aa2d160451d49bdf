"""For any request, a caller gets a documented response, and never a 500."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import azure.functions as func
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_trigger import routes
from shared import state
from shared.adapters.http import HttpCall
from shared.api import answer
from shared.runs.record import RunRecord
from shared.services import process_services
from tests.support.world import MONDAY, World, environment_of

RUN = "vip.20260824T143300Z-0000"
ROUTES = {route.path: route for route in routes.ROUTES}
CALLS = [
    ("GET", "exports/{export}/runs"),
    ("POST", "exports/{export}/runs"),
    ("PUT", "exports/{export}/runs"),
    ("POST", "runs"),
    ("BREW", "runs"),
    ("GET", "runs/{run}"),
    ("HEAD", "runs/{run}"),
    ("POST", "runs/{run}/cancel"),
    ("GET", "runs/{run}/rejected"),
    ("GET", "health"),
]
HEADERS = ["Prefer", "Content-Type", "x-functions-key", "x-ms-client-principal-name", "x-ms-anything"]
PREFERENCES = ["respond-async", "wait=0", "wait=1", "wait=-1", "wait=9e9", "handling=strict", '"', ";=,"]
# Longer than any body, deeper than any reader goes, and numbers that Python itself refuses to read.
BODIES = [b"", b"{}", b" " * 70_000, b"[" * 60_000, b'{"a":' * 10_000, b"1" * 5_000, b'{"a":1e999999}']

texts = st.text(max_size=50)
ids = st.sampled_from(["vip", RUN]) | st.sampled_from(["..%2f..", "x" * 10_000]) | texts.filter(bool)
prefers = st.lists(st.sampled_from(PREFERENCES) | texts).map(",".join)
parameters = st.dictionaries(
    st.sampled_from(["limit", "before", "code"]), texts | st.sampled_from(["1", RUN])
)
members = st.sampled_from(["requested_by", "a/b"]) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=3),
    max_leaves=5,
)
bodies = (
    st.just(b"")
    | st.binary()
    | values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(BODIES)
)


def _fuzzed(examples: int) -> settings:
    return settings(derandomize=True, deadline=None, database=None, max_examples=examples)


@pytest.fixture(scope="module", autouse=True)
def _closed_run(world: World) -> None:
    """A run that can be found, so that not every answer is 404."""
    record = RunRecord(
        id=RUN,
        export="vip",
        trigger="schedule",
        requested_by="timer",
        status="failed",
        phase="closed",
        created_at=MONDAY,
    )
    world.services.state.write(state.record(RUN), record.content())


@pytest.fixture(scope="module")
def _in_process(world: World) -> Iterator[None]:
    """The functions in this process, without the host before them."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in environment_of(world).items():
            environment.setenv(name, value)
        yield
        process_services().klaviyo.close()


def _check(status: int, media_type: str, content: bytes, strict: bool) -> None:
    """A document that the contract knows, under its own status."""
    if media_type == "application/problem+json":
        problem = json.loads(content)
        assert problem["status"] == status
        assert status in (400, 404, 405, 409, 413, 422)
        assert problem["code"] != "internal_error"
    elif media_type == "text/csv":
        assert (status, content.partition(b",")[0]) == (200, b"partition")
    else:
        assert media_type == "application/json"
        document: dict[str, Any] = json.loads(content)
        assert status in (200, 202) or (strict and status == 500 and document["status"] == "failed")
        assert document.keys() & {"id", "runs", "status"}


@pytest.mark.usefixtures("_in_process")
@_fuzzed(500)
@given(
    st.sampled_from(CALLS),
    ids,
    st.dictionaries(st.sampled_from(HEADERS), prefers | texts),
    parameters,
    bodies,
)
def test_no_request_is_too_strange_for_a_function(
    call: tuple[str, str], name: str, headers: dict[str, str], query: dict[str, str], body: bytes
) -> None:
    """Any id, header, query and body."""
    method, route = call
    request = func.HttpRequest(
        method,
        f"https://app.example.org/api/{route.format(export=quote(name, ''), run=quote(name, ''))}",
        headers=headers,
        params=query,
        route_params={"export": name, "run": name},
        body=body,
    )

    made = answer(ROUTES[route], HttpCall.of(request))

    strict = "handling=strict" in headers.get("Prefer", "")
    _check(made.status, made.media_type, made.body, strict)


@_fuzzed(100)
@given(
    st.sampled_from(CALLS),
    ids.filter(lambda name: name not in (".", "..") and "\n" not in name),
    st.dictionaries(
        st.sampled_from(HEADERS), st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]))
    ),
    parameters,
    bodies,
)
def test_no_request_is_too_strange_for_the_app(
    host: httpx.Client,
    call: tuple[str, str],
    name: str,
    headers: dict[str, str],
    query: dict[str, str],
    body: bytes,
) -> None:
    """The same through the host, as far as HTTP lets it pass."""
    method, route = call
    address = f"/api/{route.format(export=quote(name, ''), run=quote(name, ''))}"
    answer = host.request(
        method,
        address,
        headers=[(name.encode(), value.strip().encode("latin-1")) for name, value in headers.items()],
        params=query,
        content=body,
    )

    if answer.status_code == 401:
        assert headers["x-functions-key"] != "local"
    elif method != "HEAD":
        _check(answer.status_code, answer.headers["content-type"].partition(";")[0], answer.content, False)
