"""The description of the API, made once per process."""

from functools import cache

import orjson

from shared.api import Call, Reply, Route
from shared.api.openapi import described

_routes: tuple[Route, ...] = ()


def describe(*routes: Route) -> None:
    """Sets the routes; they are described at the first request."""
    global _routes
    _routes = routes


def show(call: Call) -> Reply:  # noqa: ARG001 - the same for all callers
    return Reply(200, _document(), headers={"cache-control": "no-store"})


@cache
def _document() -> bytes:
    return orjson.dumps(described(_routes))
