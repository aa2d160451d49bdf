"""The outermost layer: executes the script's faults and logs every request except those to `/sandbox`."""

import asyncio
import logging

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


class Door:
    """An ASGI middleware around the stand-in."""

    def __init__(self, app: ASGIApp, stand_in: StandIn) -> None:
        self._app = app
        self._stand_in = stand_in
        logging.getLogger("uvicorn.error").addFilter(_is_not_about_a_cut)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self._stand_in, scope, receive, send)
        fault = self._stand_in.faults.strike(scope["method"], scope["path"])
        try:
            match fault:
                case None:
                    await self._app(scope, exchange.receive, exchange.send)
                case Fault(kind="slow"):
                    await asyncio.sleep(fault.seconds)
                    await self._app(scope, exchange.receive, exchange.send)
                case Fault(kind="cut"):
                    await exchange.cut()
                case Fault(kind="cut_after"):
                    await self._app(scope, exchange.receive, _swallow)
                    await exchange.cut()
                case Fault(kind="hang"):
                    while (await exchange.receive())["type"] != "http.disconnect":
                        pass
                case _:
                    await _drain(exchange.receive)
                    await _scripted_answer(fault)(scope, exchange.receive, exchange.send)
        finally:
            exchange.log(0)


class _Exchange:
    """The two channels of a request; logs it when its response begins, or when it ends without one."""

    def __init__(self, stand_in: StandIn, scope: Scope, receive: Receive, send: Send) -> None:
        self._stand_in = stand_in
        self._arrived = stand_in.clock()
        self._method, self._path = scope["method"], scope["path"]
        self._receive = receive
        self._send = send
        self._size = 0
        self._logged = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            asked = [value for name, value in message["headers"] if name == b"retry-after"]
            waits = [int(value) for value in asked if value.isdigit()]
            self.log(message["status"], waits[0] if waits else None)
        await self._send(message)

    async def cut(self) -> None:
        """Announces a body and sends none, so the server closes the connection: a protocol error."""
        self.log(0)
        await self._send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
        )

    def log(self, status: int, retry_after: int | None = None) -> None:
        if not self._logged:
            self._logged = True
            endpoint = endpoint_name(self._method, self._path)
            now = self._stand_in.clock()
            self._stand_in.requests.append(
                LoggedRequest(
                    self._arrived, now, self._method, self._path, endpoint, status, self._size, retry_after
                )
            )


def _is_not_about_a_cut(record: logging.LogRecord) -> bool:
    """False for the server's log line about a cut that the script requested."""
    return record.msg != "ASGI callable returned without completing response."


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
    """Reads the whole request, so that a client that is still sending it receives the response."""
    while (await receive()).get("more_body"):
        pass


async def _swallow(message: Message) -> None:
    pass
