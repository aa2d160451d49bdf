"""JSON:API responses."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.klaviyo.errors import ApiError

MEDIA_TYPE = "application/vnd.api+json"


def json_response(body: dict[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """A 429 has `Retry-After` and, like Klaviyo's, none of the other `headers`."""
    if error.retry_after is not None:
        headers = {"Retry-After": str(error.retry_after)}
    return json_response(error.to_json(), error.status, headers)
