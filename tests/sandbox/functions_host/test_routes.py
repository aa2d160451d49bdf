"""The paths that a route template matches, and their parameters."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from sandbox.functions_host import HostError
from sandbox.functions_host.engine import Function
from sandbox.functions_host.http import TooLarge, read_body
from sandbox.functions_host.routes import Route, decoded

GUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def route(template: str, **binding: object) -> Route:
    return Route.of(Function("f", "1", {"type": "httpTrigger", "route": template, **binding}), "api")


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("runs", "/api/runs", {}),
        ("runs", "/API/Runs/", {}),
        ("runs", "/api/runs/1", None),
        ("a.b", "/api/axb", None),
        ("runs/{run}", "/api/runs/v.1", {"run": "v.1"}),
        ("runs/{run}", "/api/runs/", None),
        ("runs/{run}", "/api/runs/1/2", None),
        ("exports/{export}/runs/{run}", "/api/exports/vip/runs/1", {"export": "vip", "run": "1"}),
        ("runs/{n:int}", "/api/runs/-12", {"n": "-12"}),
        ("runs/{n:int}", "/api/runs/12a", None),
        ("runs/{n:int?}", "/api/runs", {}),
        ("runs/{n:alpha}", "/api/runs/abC", {"n": "abC"}),
        ("runs/{n:guid}", f"/api/runs/{GUID}", {"n": GUID}),
        ("runs/{n:guid}", "/api/runs/1", None),
        ("runs/{run?}", "/api/runs", {}),
        ("runs/{run?}", "/api/runs/1", {"run": "1"}),
        ("a/{n:maxlength(0)?}", "/api/a", {}),
        ("a/{n:maxlength(0)?}", "/api/a/b", None),
        ("a/{n:maxlength(2)}", "/api/a/bc", {"n": "bc"}),
        ("a/{n:maxlength(2)}", "/api/a/bcd", None),
        ("files/{*rest}", "/api/files/a/b.csv", {"rest": "a/b.csv"}),
        ("files/{*rest}", "/api/files", {}),
        ("files/{*rest}", "/api/filesystem", None),
    ],
)  # fmt: skip
def test_a_template_takes_its_paths(template: str, path: str, params: dict[str, str] | None) -> None:
    """Texts match in any case, parameters one segment, optional and catch-all ones as much as there is."""
    assert route(template).match(path) == params


def test_a_route_of_no_characters_is_the_root() -> None:
    """Without a prefix, a parameter of no characters matches only the root."""
    root = Route.of(Function("f", "1", {"type": "httpTrigger", "route": "{ignored:maxlength(0)?}"}), "")
    assert root.match("/") == {}
    assert root.match("/a") is None


def test_the_most_specific_route_comes_first() -> None:
    """A text before a constrained parameter, that before any, and the rest of a path last; the shorter of two
    that begin alike first."""
    templates = ["a", "{n:int}", "{n}", "{n}/a", "{n}/{m}", "{*n}"]
    routes = [route(each) for each in reversed(templates)]
    ordered = [
        each.template.removeprefix("api/") for each in sorted(routes, key=lambda each: each.precedence)
    ]
    assert ordered == templates


@pytest.mark.parametrize("template", ["{a}.csv", "{a", "{a:regex}", "{a}/{a}", "{a=1}"])
def test_a_template_beyond_this_host_is_named(template: str) -> None:
    """An unsupported template stops the host at the start, with the function and the route."""
    with pytest.raises(HostError, match="The function f has a route") as error:
        route(template)
    assert template in error.value.message


def test_without_a_route_the_function_s_name_is_it() -> None:
    """A binding without a route answers under the function's name."""
    assert Route.of(Function("f", "1", {"type": "httpTrigger"}), "").template == "f"


def test_methods_and_keys_come_from_the_binding() -> None:
    """No methods means any; GET brings HEAD; only `anonymous` needs no key."""
    assert route("x").allows("PURGE")
    assert route("x", methods=["get"]).allows("HEAD")
    assert not route("x", methods=["POST"]).allows("HEAD")
    assert [route("x", authLevel=level).needs_key for level in ("ANONYMOUS", "FUNCTION", "ADMIN")] == [
        False, True, True,
    ]  # fmt: skip


def test_an_encoded_slash_stays_in_its_segment() -> None:
    """A path is decoded once, and `%2F` never makes a segment."""
    assert decoded(b"/api/a%2Fb%2fc%2520%C3%A9") == "/api/a%2Fb%2fc%20é"


@pytest.mark.parametrize(("chunks", "body"), [([b"ab", b"cd"], b"abcd"), ([b"ab", b"cde"], None)])
def test_a_body_without_a_length_is_counted(chunks: list[bytes], body: bytes | None) -> None:
    """A chunked body is read up to the limit, and not a chunk further."""
    left = list(chunks)

    async def receive() -> Message:
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    request = Request({"type": "http", "headers": []}, receive)
    if body is None:
        with pytest.raises(TooLarge):
            asyncio.run(read_body(request, 4))
    else:
        assert asyncio.run(read_body(request, 4)) == body
