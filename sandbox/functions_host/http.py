"""HTTP triggers: from a request to its function, and from its return value to a response."""

import asyncio
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.functions_host import engine
from sandbox.functions_host.invocations import Invocations
from sandbox.functions_host.routes import Route, decoded

BODY_LIMIT = 100 * 1024 * 1024


class TooLarge(Exception):
    """The body is too large for a function."""


class HttpTriggers:
    """The ASGI app of the functions' own routes; if several match, the first one responds, and the
    most specific routes come first.

    `limit` is how many seconds a request waits for its function: 230 in Azure, from the load balancer
    (https://learn.microsoft.com/azure/azure-functions/functions-scale).
    """

    def __init__(self, routes: Sequence[Route], invocations: Invocations, key: str, limit: float) -> None:
        self.routes = routes
        self._invocations = invocations
        self._key = key
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if not is_own_host(request.headers.get("host", "")):
            # A page of another site whose name resolves to this machine.
            return PlainTextResponse("This host serves 127.0.0.1 and localhost only.", 421)
        path = decoded(request.scope["raw_path"])
        found = [(route, params) for route in self.routes if (params := route.match(path)) is not None]
        if not found:
            return Response(status_code=404)
        allowed = [(route, params) for route, params in found if route.allows(request.method)]
        if not allowed:
            methods = sorted({method for route, _ in found for method in route.methods})
            return Response(status_code=405, headers={"Allow": ", ".join(methods)})
        route, params = allowed[0]
        if route.needs_key and not has_key(request, self._key):
            return Response(status_code=401)
        try:
            body = await read_body(request, BODY_LIMIT)
        except TooLarge:
            return Response(status_code=413)
        datum = _datum(request, params, body)
        return await self._wait(self._invocations.start(route.function, datum, f"HTTP {request.method}"))

    async def _wait(self, invocation: "asyncio.Task[engine.Outcome]") -> Response:
        try:
            await asyncio.wait({invocation}, timeout=self._limit)
        except asyncio.CancelledError:
            # The server is stopping and does not wait; the caller still needs a response.
            return PlainTextResponse("The host is stopping.", 503)
        if not invocation.done():
            return PlainTextResponse("504.0 GatewayTimeout: the function continues.", 504)
        outcome = invocation.result()
        return _response(outcome.answer) if outcome.succeeded else Response(status_code=500)


def is_own_host(host: str) -> bool:
    """Whether a Host header names this machine as its users do."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]*$", host) else host
    return name.lower() in ("127.0.0.1", "localhost", "[::1]")


def has_key(request: Request, key: str) -> bool:
    """Whether the request carries the key, in the header `x-functions-key` or as `?code=`."""
    given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
    return hmac.compare_digest(given.encode(), key.encode())


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLarge, before reading if the length is declared."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def _datum(request: Request, params: dict[str, str], body: bytes) -> Any:
    """The request as the real host passes it on: repeated names joined by commas, blank queries removed."""
    url = request.url.replace(path=request.scope["raw_path"].decode("ascii"))
    return engine.http_request(
        method=request.method,
        url=str(url),
        headers=_joined(
            # Only Azure's own sign-in may set these.
            (name, value)
            for name, value in request.headers.items()
            if not name.lower().startswith("x-ms-")
        ),
        query={name: value for name, value in _joined(request.query_params.multi_items()).items() if value},
        params=params,
        body=body,
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(answer: Any) -> Response:
    """A returned text becomes a plain-text 200; an HttpResponse keeps its status, headers, cookies, bytes."""
    if answer.type == "string":
        return PlainTextResponse(answer.value)
    parts = answer.value
    response = Response(
        parts["body"].value,
        int(parts["status_code"].value),
        {name: header.value for name, header in parts["headers"].items()},
    )
    for cookie in parts["cookies"] or ():
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response
