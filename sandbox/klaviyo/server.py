"""The stand-in as an ASGI app: Klaviyo's endpoints, behind faults and a log of requests."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.klaviyo.call import Call
from sandbox.klaviyo.control import control_routes
from sandbox.klaviyo.door import Door
from sandbox.klaviyo.endpoints import ENDPOINTS, Endpoint
from sandbox.klaviyo.errors import ApiError, unknown_path
from sandbox.klaviyo.gate import admit, check_url, count_request, read_body
from sandbox.klaviyo.imports import MAX_BODY
from sandbox.klaviyo.responses import error_response, json_response
from sandbox.klaviyo.signing_in import SignInRoutes
from sandbox.klaviyo.stand_in import StandIn


def app(stand_in: StandIn) -> Starlette:
    """Klaviyo's endpoints with and without a trailing slash, OAuth, and `/sandbox/…` for scripts."""
    routes = [
        Route(path, _route(stand_in, endpoint), methods=[endpoint.method], name=endpoint.name)
        for endpoint in ENDPOINTS
        for path in (endpoint.path, f"{endpoint.path}/")
    ]
    return Starlette(
        routes=[*routes, *SignInRoutes(stand_in).routes(), *control_routes(stand_in)],
        middleware=[Middleware(Door, stand_in=stand_in)],
        exception_handlers={404: _unknown_path, 405: _unknown_path},
    )


def _route(stand_in: StandIn, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        body = await _read(request)
        # In a thread, so that checking 10,000 profiles does not delay other responses.
        return await run_in_threadpool(_answer, stand_in, endpoint, request, body)

    return respond


async def _read(request: Request) -> bytes:
    """The body; of a body that is too large, only enough to notice."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= MAX_BODY:
            body += chunk
    return bytes(body)


def _answer(stand_in: StandIn, endpoint: Endpoint, request: Request, body: bytes) -> Response:
    query = dict(request.query_params)
    headers: dict[str, str] = {}
    with stand_in.lock:
        now = stand_in.clock()
        stand_in.settle()
        try:
            check_url(request.scope["raw_path"], request.scope["query_string"])
            account, limits = admit(stand_in, endpoint, request.headers)
            headers = count_request(stand_in, account, endpoint, query, now, limits)
            base = str(request.base_url).rstrip("/")
            parsed = read_body(endpoint, body)
            answer = endpoint.answer(
                Call(stand_in, account, now, base, request.url.path, request.path_params, query, parsed)
            )
        except ApiError as error:
            return error_response(error, headers)
    if answer is None:
        return Response(status_code=endpoint.status, headers=headers)
    return json_response(answer, endpoint.status, headers)


async def _unknown_path(request: Request, _: Exception) -> Response:
    return error_response(unknown_path(request.method, request.url.path))
