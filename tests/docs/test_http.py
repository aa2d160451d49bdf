"""docs/http.md has every route, method and status, and examples that really happen."""

import ast
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from sandbox.people import People
from sandbox.sample import example_documents
from shared.runs.record import RunRecord
from tests.docs.pages import ROOT, blocks, names, page, rows, section
from tests.support.host import running_host
from tests.support.world import a_world, environment_of

HTTP = page("docs/http.md")
RUN_ID = re.compile(r"[a-z0-9-]+\.\d{8}T\d{6}Z-[0-9a-f]{4}")
# Asks each HTTP function of the app, as indexed, for a method that nobody has, and prints what it has.
INDEX = """
import json
import azure.functions as func
import function_app
for function in function_app.app.get_functions():
    trigger = json.loads(function.get_function_json())["bindings"][0]
    if trigger["type"] == "httpTrigger":
        answer = function.get_user_function()(func.HttpRequest("BREW", "http://localhost", body=b""))
        print(trigger["route"], trigger["authLevel"], *answer.headers.get("allow", "").split(", "))
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The app with one export that can run, one that can't, and a timer that does not fire."""
    with a_world(tmp_path_factory.mktemp("world"), clock=time.time, limits=False) as world:
        world.segment(People(100, dirt=True))
        lost = example_documents()["exports/vip.json"] | {"id": "lost", "connection": "gone"}
        world.services.state.write("exports/lost.json", json.dumps(lost).encode())
        with running_host(environment_of(world)) as client:
            del client.headers["x-functions-key"]
            yield client


def test_every_route_and_method_is_there() -> None:
    """The table lists exactly what the app serves."""
    indexed = subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed: dict[str, set[str]] = {}
    for row in rows(HTTP.partition("\n## ")[0]):
        listed.setdefault(names(row[0])[0], set()).update(names(row[1]))
    found = {}
    for line in indexed.stdout.splitlines():
        route, access, *methods = line.split()
        if not route.startswith("api/"):
            continue
        found[f"/{route}"] = set(methods) - {"HEAD"}  # which every one with GET has
        assert access == ("anonymous" if route == "api/health" else "function").upper()
    assert listed == found


def test_every_status_is_there() -> None:
    """Each status that the code can give is explained, besides the host's own for strangers."""
    rooms = ("shared/api", "admin_trigger", "export_trigger")
    paths = [path for room in rooms for path in (ROOT / room).glob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    numbers = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, int)}
    statuses = numbers & {status.value for status in HTTPStatus if status >= 200}
    assert [int(row[0]) for row in rows(section(HTTP, "## Problems"))] == sorted(statuses | {401})


def test_the_examples_happen(host: httpx.Client) -> None:
    """Each request, in order, gets the response below it."""
    real: dict[str, str] = {}
    examples = blocks(HTTP, "http")
    for request, response in zip(examples[::2], examples[1::2], strict=True):
        answer = send(host, RUN_ID.sub(lambda found: real[found[0]], request))
        check(response, answer, real)


def test_the_record_is_whole() -> None:
    """The example of a record has all of its members, and no other."""
    record = json.loads(parts(blocks(HTTP, "http")[1])[2])
    assert json.loads(RunRecord.model_validate(record).model_dump_json()) == record


def parts(message: str) -> tuple[str, dict[str, str], str]:
    """The first line, the headers and the body."""
    head, _, body = message.partition("\n\n")
    first, *lines = head.splitlines()
    return first, dict(line.split(": ", 1) for line in lines), body


def send(host: httpx.Client, request: str) -> httpx.Response:
    first, headers, body = parts(request)
    method, address = first.split()
    return host.request(method, address, headers=headers, content=body)


def check(example: str, answer: httpx.Response, real: dict[str, str]) -> None:
    """The response is like the example, with its own run ids."""
    first, headers, body = parts(example)
    assert first == f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}", answer.text
    if body.startswith("partition,"):
        assert answer.text.strip() == body.strip()
    else:
        compare(json.loads(body), answer.json(), real)
    for name, value in headers.items():
        told = re.sub(r"http://[^/]+", host_of(answer), value)
        assert answer.headers[name] == RUN_ID.sub(lambda found: real[found[0]], told)


def host_of(answer: httpx.Response) -> str:
    return str(answer.request.url.copy_with(path="/", query=None)).rstrip("/")


def compare(example: Any, answer: Any, real: dict[str, str]) -> None:
    """The response has the example's members: equal numbers and codes, any times and ids."""
    match example:
        case dict():
            for name, value in example.items():
                if name in ("id", "location", "last_tick") or name.endswith("_at"):
                    assert isinstance(answer[name], type(value))
                    if RUN_ID.fullmatch(str(value)):
                        real[value] = answer[name]
                else:
                    compare(value, answer[name], real)
        case list():
            for one, other in zip(example, answer, strict=True):
                compare(one, other, real)
        case _:
            assert example == answer
