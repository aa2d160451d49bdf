"""The local Functions host: one function app, its HTTP routes and its timers, in this process."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as Endpoint

from sandbox.functions_host import engine
from sandbox.functions_host.engine import Function
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.http import HttpTriggers, has_key
from sandbox.functions_host.invocations import Invocations
from sandbox.functions_host.routes import Route
from sandbox.functions_host.settings import HostSettings
from sandbox.functions_host.timers import Timer, schedule_of

NOT_EMULATED = (
    "scaling: one process, no cold start, no limit to one request at a time",
    "the timers' status in storage: a tick missed while the host was down does not fire later",
    "worker restarts: a function that exceeds functionTimeout is logged and continues",
    "retry policies, and the setting AzureWebJobs.<function>.Disabled",
    "triggers and bindings other than HTTP and timers; calling an HTTP function by POST /admin/functions",
    "several keys: one key opens both functions and administration",
    "wrong methods: answered with 405 and Allow; Azure answers most of them with 404",
    "IsPastDue: also set for a tick that a long run delayed; Azure sets it only after a restart",
    "Entra ID (Easy Auth), CORS, TLS, extension bundles, streamed bodies",
)


class FunctionsHost:
    """Hosts the function app of a folder (host.json, function_app.py); serve `app`, an ASGI app.

    One per process: the engine and the imported function app are global. The constructor indexes,
    so call it outside an event loop; the app's lifespan starts the threads and timers and stops them.
    `http_limit` is in seconds. Raises HostError or InvalidDocument.
    """

    def __init__(
        self,
        folder: Path,
        *,
        function_key: str = "local",
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        http_limit: float = 230.0,
    ) -> None:
        if not function_key:
            raise HostError("The function key must not be empty.")
        settings = HostSettings.read(folder)
        self.left_running: list[str] = []
        self._key = function_key
        self._functions = {function.name.lower(): function for function in engine.load(folder)}
        self._invocations = Invocations(settings.function_timeout)
        self.timers = {
            function.name: Timer(
                schedule_of(function, environment),
                self._fire(function),
                clock=clock,
                sleep=asyncio.sleep,
                run_on_startup=bool(function.trigger.get("runOnStartup")),
            )
            for function in self._functions.values()
            if function.trigger["type"] == "timerTrigger"
        }
        self.routes = [
            Route.of(function, settings.route_prefix)
            for function in self._functions.values()
            if function.trigger["type"] == "httpTrigger"
        ]
        self.app = Starlette(
            routes=[
                Endpoint("/admin/host/status", self._status),
                Endpoint("/admin/functions", self._list),
                Endpoint("/admin/functions/{name}", self._call, methods=["POST"]),
                Mount("/", HttpTriggers(self.routes, self._invocations, function_key, http_limit)),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        engine.start_threads()
        timers = [asyncio.create_task(timer.run()) for timer in self.timers.values()]
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()
            self.left_running = await self._invocations.drain(2.0)
            engine.stop_threads()

    def _fire(self, function: Function) -> Callable[[str], Awaitable[object]]:
        async def fire(request: str) -> None:
            # Waits on a set, so that canceling the timer does not cancel its function.
            await asyncio.wait({self._invocations.start(function, engine.json_text(request), "timer")})

        return fire

    async def _status(self, request: Request) -> Response:
        """Running, and the functions that took longer than functionTimeout."""
        return self._answer(request, {"state": "Running", "timedOut": sorted(self._invocations.timed_out)})

    async def _list(self, request: Request) -> Response:
        return self._answer(request, [{"name": function.name} for function in self._functions.values()])

    def _answer(self, request: Request, content: Any) -> Response:
        return JSONResponse(content) if has_key(request, self._key) else Response(status_code=401)

    async def _call(self, request: Request) -> Response:
        """Fires a timer manually, without waiting for a current run and without changing the schedule."""
        if not has_key(request, self._key):
            return Response(status_code=401)
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        timer = self.timers.get(function.name)
        if timer is None:
            return PlainTextResponse("This is an HTTP function: call its route instead.", 400)
        self._invocations.start(function, engine.json_text(timer.request()), "by hand")
        return Response(status_code=202)
