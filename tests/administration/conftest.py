"""The app's routes, called in this process by people who have signed in; each module has its own world."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from admin_trigger.routes import ROUTES as ADMINISTRATION
from export_trigger.routes import ROUTES as RUNS
from sandbox.people import People
from shared.adapters.http import HttpCall
from shared.administration.rights import Person, Role
from shared.api import Route, answer
from shared.api.callers import play
from shared.settings import Auth
from tests.support.world import World, a_world_of_this_process

ROUTES = (*RUNS, *ADMINISTRATION)
URL = "http://127.0.0.1:7071"
ADA = Person("ada@example.org", Role.ADMINISTRATOR, "00000000-0000-4000-8000-00000000ada0")
CARL = Person("carl@example.org", Role.CONTRIBUTOR, "00000000-0000-4000-8000-00000000ca21")
VERA = Person("vera@example.org", Role.VIEWER, "00000000-0000-4000-8000-00000000be2a")


@dataclass(frozen=True)
class Answered:
    """A response: its status, its JSON (None where there is none) and its headers."""

    status: int
    json: Any
    headers: Mapping[str, str]
    body: bytes


class Api:
    """Calls routes as the Functions host does; `by` is who has signed in, None for a holder of the key."""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Person | None = ADA,
        auth: Auth | None = None,
        **headers: Any,
    ) -> Answered:
        parts = urlsplit(path)
        route, parameters = _found(parts.path)
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"host": "127.0.0.1:7071"} | ({"content-type": "application/json"} if content else {})
        http = HttpCall(
            method,
            URL + path,
            given | {name.replace("_", "-"): value for name, value in headers.items()},
            dict(parse_qsl(parts.query)),
            parameters,
            content,
        )
        play(by)
        try:
            made = answer(route, http, auth or (Auth.KEY if by is None else Auth.LOCAL))
        finally:
            play(None)
        is_json = made.media_type.endswith("json") and made.body
        return Answered(made.status, json.loads(made.body) if is_json else None, made.headers, made.body)


def _found(path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path, and its parameters."""
    given = path.removeprefix("/api/").split("/")
    for route in ROUTES:
        wanted = route.path.split("/")
        if len(wanted) == len(given) and all(
            part.startswith("{") or part == text for part, text in zip(wanted, given, strict=True)
        ):
            pairs = zip(wanted, given, strict=True)
            return route, {part[1:-1]: unquote(text) for part, text in pairs if part.startswith("{")}
    raise LookupError(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world by the machine's clock, whose segment has fifty people; this process's settings are its own."""
    with a_world_of_this_process(tmp_path_factory.mktemp("world")) as world:
        world.segment(People(50))
        yield world


@pytest.fixture
def api(world: World) -> Api:
    return Api()
