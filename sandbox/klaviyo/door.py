"""The outermost layer: carries out the script's faults and logs every request but those to `/sandbox`."""

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.klaviyo.endpoints import endpoint_name
from sandbox.klaviyo.errors import ApiError, Problem
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.responses import MEDIA_TYPE, error_response, json_response
from sandbox.klaviyo.stand_in import LoggedRequest, StandIn

CLOUDFLARE = (
    "<html><head><title>Just a moment...</title></head><body><center>cloudflare</center></body></html>"
)
EMPTY_ID = {"data": {"type": "profile-bulk-import-job", "id": "", "attributes": {"status": "queued"}}}


class Mishaps:
    """An ASGI middleware around the stand-in."""

    def __init__(self, app: ASGIApp, stand_in: StandIn) -> None:
        self._app = app
        self._stand_in = stand_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        size, status, retry_after = 0, 0, None

        async def counting_receive() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            return message

        async def watching_send(message: Message) -> None:
            nonlocal status, retry_after
            if message["type"] == "http.response.start":
                status = message["status"]
                waits = [value for name, value in message["headers"] if name == b"retry-after"]
                retry_after = int(waits[0]) if waits else None
            await send(message)

        try:
            fault = self._stand_in.faults.strike(method, path)
            if fault is None:
                await self._app(scope, counting_receive, watching_send)
            elif fault.kind in ("cut", "cut_after"):
                if fault.kind == "cut_after":
                    await self._app(scope, counting_receive, _swallow)
                await _cut(send)
            else:
                await self._strike(fault, scope, counting_receive, watching_send)
        finally:
            self._stand_in.requests.append(
                LoggedRequest(
                    self._stand_in.clock(),
                    method,
                    path,
                    endpoint_name(method, path),
                    status,
                    size,
                    retry_after,
                )
            )

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
            return
        await _drain(receive)
        if fault.kind == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            await _scripted_answer(fault)(scope, receive, send)


def _scripted_answer(fault: Fault) -> Response:
    match fault.kind:
        case "html":
            return Response(CLOUDFLARE, fault.status, media_type="text/html")
        case "redirect":
            return Response(status_code=302, headers={"Location": fault.location})
        case "garbage":
            return Response('{"data": [', 200, media_type=MEDIA_TYPE)
        case "empty_id":
            return json_response(EMPTY_ID, 202)
    throttled = fault.status == 429
    problem = Problem(
        "Request was throttled." if throttled else "An error occurred.",
        code="throttled" if throttled else "error",
    )
    answer = error_response(ApiError(fault.status, [problem], retry_after=fault.retry_after))
    if fault.bare:
        del answer.headers["content-type"]
    return answer


async def _drain(receive: Receive) -> None:
    """Reads the request to its end, so that a client that is still sending it hears the answer."""
    while (await receive()).get("more_body"):
        pass


async def _cut(send: Send) -> None:
    """Promises a body and sends none: the server then closes the connection, a protocol error to a client."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _swallow(message: Message) -> None:
    pass
