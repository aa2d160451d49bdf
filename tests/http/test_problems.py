"""Every error is a problem document: what is wrong, where, and what to do."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.sample import example_documents
from shared import state
from shared.errors import NotFound
from tests.http.problems import problem
from tests.support.world import World

ROUTES = {
    "exports/vip/runs": {"GET", "POST"},
    "runs": {"GET", "POST"},
    "runs/vip.20260824T143300Z-0000": {"GET"},
    "runs/vip.20260824T143300Z-0000/cancel": {"POST"},
    "runs/vip.20260824T143300Z-0000/rejected": {"GET"},
    "health": {"GET"},
}
IMPOSSIBLE_IDS = [
    "VIP!",
    "-vip",
    "a" * 64,
    "a" * 10_000,
    "%00",
    "..%2f..%2fsecrets",
    "%2e%2e",
    "vip%5C..%5C..",
    "%F0%9F%92%BE",
    "%ED%A0%80",
    "vip.20260824T143300Z-0000%2f..",
]


@pytest.mark.parametrize("unknown", ["nobody", *IMPOSSIBLE_IDS], ids=lambda text: text[:20])
def test_an_export_that_is_not_there(host: httpx.Client, unknown: str) -> None:
    """404, also for an invalid id, which is not repeated at length."""
    for method in ("GET", "POST"):
        answer = host.request(method, f"/api/exports/{unknown}/runs")
        assert len(problem(answer, 404, "unknown_export")["detail"]) < 200


@pytest.mark.parametrize(
    "unknown", ["vip.20260824T143300Z-0000", *IMPOSSIBLE_IDS], ids=lambda text: text[:20]
)
def test_a_run_that_is_not_there(host: httpx.Client, unknown: str) -> None:
    """404 wherever a run is named."""
    for method, rest in (("GET", ""), ("GET", "/rejected"), ("POST", "/cancel")):
        answer = host.request(method, f"/api/runs/{unknown}{rest}")
        assert len(problem(answer, 404, "unknown_run")["detail"]) < 200


@pytest.mark.parametrize("route", ROUTES)
def test_a_method_that_the_route_does_not_have(host: httpx.Client, route: str) -> None:
    """405, with those that it has in Allow."""
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - ROUTES[route]:
        answer = host.request(method, f"/api/{route}")
        problem(answer, 405, "method_not_allowed")
        head = {"HEAD"} if "GET" in ROUTES[route] else set()
        assert set(answer.headers["allow"].split(", ")) == ROUTES[route] | head


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"{", [""]),
        (b"\xff", [""]),
        (b"[]", [""]),
        (b'"requested_by"', [""]),
        (b"null", [""]),
        (b'{"requested_by": 1}', ["/requested_by"]),
        (b'{"requested_by": null}', ["/requested_by"]),
        (b'{"requested_by": ""}', ["/requested_by"]),
        (b'{"requested_by": "a\\nb"}', ["/requested_by"]),
        (json.dumps({"requested_by": "a" * 201}).encode(), ["/requested_by"]),
        (b'{"requested_by": "a", "requested_by": "b"}', ["/requested_by"]),
        (b'{"a/b": 1, "requested_by": [], "~": {}}', ["/a~1b", "/requested_by", "/~0"]),
    ],
)
def test_each_problem_of_a_body_is_pointed_at(
    host: httpx.Client, new_export: Callable[..., str], body: bytes, pointers: list[str]
) -> None:
    """400 with every one of them, and no run is opened."""
    export = new_export()

    answer = host.post(f"/api/exports/{export}/runs", content=body)

    document = problem(answer, 400, "invalid_request")
    assert sorted(found["pointer"] for found in document["problems"]) == pointers
    assert all(found["message"] for found in document["problems"])
    assert host.get(f"/api/exports/{export}/runs").json()["runs"] == []


def test_a_cancel_has_nothing_to_say(host: httpx.Client, new_export: Callable[..., str]) -> None:
    """The body is an empty object or missing: 400 for any member, and the run continues."""
    opened = host.post(f"/api/exports/{new_export()}/runs", headers={"prefer": "respond-async"})
    cancel = f"/api/runs/{opened.json()['id']}/cancel"

    document = problem(host.post(cancel, json={"reason": "x"}), 400, "invalid_request")

    assert document["problems"] == [{"pointer": "/reason", "message": "is not known here"}]
    assert host.get(opened.headers["location"]).status_code == 202
    assert host.post(cancel, json={}).json()["status"] == "canceled"


def test_a_body_that_is_too_long(host: httpx.Client) -> None:
    """413, and its content is not read."""
    for route in ("exports/vip/runs", "runs"):
        problem(host.post(f"/api/{route}", content=b" " * 65_537), 413, "too_large")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (None, "unknown_connection"),
        ({"consent": None}, "invalid_document"),
        ({"consent": {"accepted_by": " ", "accepted_at": "2026-08-24T12:00:00Z"}}, "invalid_document"),
        ({"id": "another"}, "invalid_document"),
    ],
    ids=["gone", "no consent", "nobody's consent", "another id"],
)
def test_a_connection_that_cannot_be_used_opens_no_run(
    world: World,
    host: httpx.Client,
    new_export: Callable[..., str],
    change: dict[str, Any] | None,
    code: str,
) -> None:
    """422 with the problems of its document, and nothing is written."""
    export = new_export(connection="other")
    if change is not None:
        document = example_documents()["connections/sandbox.json"] | {"id": "other"} | change
        document = {name: value for name, value in document.items() if value is not None}
        world.services.state.write("connections/other.json", json.dumps(document).encode())

    problem(host.post(f"/api/exports/{export}/runs"), 422, code)

    with pytest.raises(NotFound):
        world.services.state.stat(state.head(export))


def test_a_broken_export_is_told_member_by_member(host: httpx.Client, new_export: Callable[..., str]) -> None:
    """422 with a pointer to each."""
    export = new_export(list_id="not an id", match={})

    document = problem(host.post(f"/api/exports/{export}/runs"), 422, "invalid_document")

    assert sorted(found["pointer"] for found in document["problems"]) == ["/list_id", "/match/email"]


def test_a_head_that_cannot_be_read_is_named(
    world: World, host: httpx.Client, new_export: Callable[..., str]
) -> None:
    """422 with its name and how to continue, also when showing the export's runs."""
    export = new_export()
    world.services.state.write(state.head(export), b"{")

    for answer in (host.post(f"/api/exports/{export}/runs"), host.get(f"/api/exports/{export}/runs")):
        assert f"heads/{export}.json" in problem(answer, 422, "invalid_document")["detail"]
