"""docs/sign-in.md has the steps of the script and the app, and pipelines that call real routes."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from infra.registration import ROLES
from infra.sign_in import SCOPES, _options
from shared.runs.record import Phase, Status
from tests.docs.pages import blocks, names, page, rows, section

SIGN_IN = page("docs/sign-in.md")
ROUTES = {
    (method, route): {int(status) for status in re.findall(r"\d+", row[3])}
    for row in rows(page("docs/http.md").partition("\n## ")[0])
    for route in names(row[0])
    for method in names(row[1])
}
PIPELINES = {
    heading: blocks(section(SIGN_IN, f"## {heading}"), "json") for heading in ("Data Factory", "Logic Apps")
}


def calls(part: Any) -> Iterator[tuple[str, str, Any]]:
    """Each call of the app in a pipeline: its method, its path, and how it is made."""
    if isinstance(part, dict):
        if "method" in part:
            url = part["url"] if "url" in part else part["uri"]
            text = url["value"] if isinstance(url, dict) else url
            path = re.search(r"azurewebsites\.net(/[\w/]*)", text)
            assert path
            yield part["method"], path[1] + ("{run}" if path[1].endswith("/") else ""), part
        for each in part.values():
            yield from calls(each)
    if isinstance(part, list):
        for each in part:
            yield from calls(each)


@pytest.mark.parametrize("heading", PIPELINES)
def test_a_pipeline_starts_a_run_and_looks_until_it_is_closed(heading: str) -> None:
    """Each example is complete: its routes, headers and record members are the app's."""
    [text] = PIPELINES[heading]
    made = list(calls(json.loads(text)))
    assert [(method, path) for method, path, _ in made] == [
        ("POST", "/api/exports/vip/runs"),
        ("GET", "/api/runs/{run}"),
    ]
    for method, path, _ in made:
        assert (method, path.replace("/vip/", "/{export}/")) in ROUTES
    start = made[0][2]
    assert start["headers"] == {"Content-Type": "application/json", "Prefer": "respond-async"}
    assert all(re.search(r"api://[0-9a-f-]{36}", json.dumps(call["authentication"])) for *_, call in made)
    [phase] = re.findall(r"phase'?\]?, '(\w+)'", text)
    assert phase in get_args(Phase.__value__)
    [statuses] = re.findall(r"createArray\('(\w+)', '(\w+)'\)", text)
    assert set(statuses) < set(get_args(Status.__value__))


def test_the_statuses_are_those_of_the_routes() -> None:
    """Of starting a run, and of looking at it."""
    sentences = re.findall(r"`(GET|POST) (/api/[^`]+)` answers (\d+)[^;]*?(?:or|and) (\d+)", SIGN_IN)
    assert len(sentences) == 2
    for method, route, *statuses in sentences:
        assert set(map(int, statuses)) <= ROUTES[method, route]


def test_what_the_page_says_of_the_script() -> None:
    """Each option, role and scope is there."""
    options = vars(_options(["--environment", "production", "--resource-group", "my-group"]))
    for name in options.keys() - {"subscription"}:
        assert f"--{name.replace('_', '-')}" in SIGN_IN
    for role in ROLES:
        assert f"`{role}`" in SIGN_IN
    assert f"`{' '.join(SCOPES)}`" in SIGN_IN
