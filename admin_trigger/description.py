"""The description of the API, made once for a process."""

from functools import cache

import orjson

from shared.api import Call, Reply, Route
from shared.api.openapi import described

_routes: tuple[Route, ...] = ()


def describe(*routes: Route) -> None:
    """Tells which routes there are; they are described when somebody asks."""
    global _routes
    _routes = routes


def show(call: Call) -> Reply:  # noqa: ARG001 - everybody gets the same
    return Reply(200, _document(), headers={"cache-control": "no-store"})


@cache
def _document() -> bytes:
    return orjson.dumps(described(_routes))
