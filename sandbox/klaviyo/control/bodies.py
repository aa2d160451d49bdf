"""Reads bodies and makes responses of the control routes."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

type Handler = Callable[[Request], Awaitable[Response]]


def json_answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def change[T](adapter: TypeAdapter[T], apply: Callable[[Request, T], None]) -> Handler:
    """A handler that reads a body and applies it: 204, 400 for a bad body, 404 for what does not exist."""

    async def handle(request: Request) -> Response:
        try:
            apply(request, adapter.validate_json(await request.body() or b"{}"))
        except KeyError as error:
            return json_answer({"error": str(error)}, 404)
        except (ValidationError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        return Response(status_code=204)

    return handle
