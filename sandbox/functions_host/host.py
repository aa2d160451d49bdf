"""The local Functions host: one function app, its HTTP routes, timers and queues, in this process."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as Endpoint

from sandbox.functions_host import engine
from sandbox.functions_host.engine import Function, Outcome
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.http import BODY_LIMIT, HttpTriggers, TooLarge, has_key, read_body
from sandbox.functions_host.invocations import Invocations
from sandbox.functions_host.routes import Route
from sandbox.functions_host.settings import HostSettings, QueueSettings, is_disabled
from sandbox.functions_host.timers import Timer, schedule_of

if TYPE_CHECKING:
    from sandbox.functions_host.queues import QueueTrigger

NOT_EMULATED = (
    "scaling: one process, no cold start, no limit of one request at a time",
    "the timers' status in storage: a tick missed while the host was down does not fire later",
    "worker restarts: a function that exceeds functionTimeout is logged and continues",
    "retry policies",
    "triggers and bindings other than HTTP, timers and queues (triggers only)",
    "queues: scaling by their length (several instances are several serve processes), dynamic concurrency",
    "queues: connections named without their prefix AzureWebJobs, more than one retry of a storage call",
    "calling an HTTP function with POST /admin/functions",
    "several keys: one key opens both functions and administration",
    "wrong methods: 405 with Allow; Azure responds with 404 to most of them",
    "IsPastDue: also set for a tick that a long run delayed; Azure sets it only after a restart",
    "Entra ID (Easy Auth), CORS, TLS, extension bundles, streamed bodies",
)


class FunctionsHost:
    """Hosts the function app of a folder (host.json, function_app.py); serve `app`, an ASGI app.

    One per process: the engine and the imported function app are global. The constructor indexes, so call it
    outside an event loop; the app's lifespan starts and stops the threads, timers and queues. `http_limit` is
    in seconds, like `queue_lease`, for which a taken message is hidden. The functions in `disabled` run only
    by hand. Raises HostError or InvalidDocument.
    """

    def __init__(
        self,
        folder: Path,
        *,
        function_key: str = "local",
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        http_limit: float = 230.0,
        queue_lease: int = 600,
    ) -> None:
        if not function_key:
            raise HostError("The function key must not be empty.")
        settings = HostSettings.read(folder)
        self.folder = folder
        self.left_running: list[str] = []
        self._key = function_key
        self._functions = {function.name.lower(): function for function in engine.load(folder)}
        self._invocations = Invocations(settings.function_timeout)
        self.disabled = [
            function.name for function in self._functions.values() if is_disabled(function.name, environment)
        ]
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
        self.queues = {
            function.name: self._queue(function, environment, settings.queues, queue_lease)
            for function in self._functions.values()
            if function.trigger["type"] == "queueTrigger" and function.name not in self.disabled
        }
        found = [
            Route.of(function, settings.route_prefix)
            for function in self._functions.values()
            if function.trigger["type"] == "httpTrigger" and function.name not in self.disabled
        ]
        self.routes = sorted(found, key=lambda route: route.precedence)
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
        running = [timer.run() for name, timer in self.timers.items() if name not in self.disabled]
        running += [queue.run() for queue in self.queues.values()]
        triggers = [asyncio.create_task(trigger) for trigger in running]
        try:
            yield
        finally:
            for trigger in triggers:
                trigger.cancel()
            draining = asyncio.create_task(self._invocations.drain(2.0))
            await asyncio.gather(*triggers, return_exceptions=True)
            self.left_running = await draining
            await asyncio.gather(*(queue.end() for queue in self.queues.values()))
            engine.stop_threads()

    def _fire(self, function: Function) -> Callable[[str], Awaitable[object]]:
        async def fire(request: str) -> None:
            # Waits for a set, so that canceling the timer does not cancel its function.
            await asyncio.wait({self._invocations.start(function, engine.json_text(request), "timer")})

        return fire

    def _queue(
        self, function: Function, environment: Mapping[str, str], settings: QueueSettings, lease: int
    ) -> "QueueTrigger":
        # Azure's libraries load slowly: an app without queues does not need them.
        from sandbox.functions_host.queue_storage import queues_of
        from sandbox.functions_host.queues import QueueTrigger

        def fire(text: str, metadata: Mapping[str, Any]) -> asyncio.Task[Outcome]:
            return self._invocations.start(function, engine.text(text), "queue", metadata)

        return QueueTrigger(queues_of(function, environment), fire, settings, lease=lease)

    async def _status(self, request: Request) -> Response:
        """Reports that it runs, and the functions that took longer than functionTimeout."""
        return self._answer(request, {"state": "Running", "timedOut": sorted(self._invocations.timed_out)})

    async def _list(self, request: Request) -> Response:
        return self._answer(request, [{"name": function.name} for function in self._functions.values()])

    def _answer(self, request: Request, content: Any) -> Response:
        return JSONResponse(content) if has_key(request, self._key) else Response(status_code=401)

    async def _call(self, request: Request) -> Response:
        """Fires a timer by hand, without waiting for a current run or changing the schedule.

        Runs a queue function with the body's `input`, which is not in a queue.
        """
        if not has_key(request, self._key):
            return Response(status_code=401)
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        if function.trigger["type"] == "queueTrigger":
            message = await _input(request)
            if message is None:
                return PlainTextResponse('The body must be {"input": "text"}.', 400)
            self._invocations.start(function, engine.text(message), "by hand", _metadata_by_hand())
            return Response(status_code=202)
        timer = self.timers.get(function.name)
        if timer is None:
            return PlainTextResponse("This is an HTTP function. Call its route instead.", 400)
        self._invocations.start(function, engine.json_text(timer.request()), "by hand")
        return Response(status_code=202)


async def _input(request: Request) -> str | None:
    """The text of a body {"input": "text"}; None for any other body."""
    try:
        text = json.loads(await read_body(request, BODY_LIMIT))["input"]
    except (TooLarge, ValueError, LookupError, TypeError):
        return None
    return text if isinstance(text, str) else None


def _metadata_by_hand() -> dict[str, Any]:
    """The metadata for a text that is not in a queue, as the real host makes it."""
    now, never = datetime.now(UTC), datetime.max.replace(tzinfo=UTC)
    return engine.queue_metadata(
        DequeueCount=0, InsertionTime=now, ExpirationTime=never, NextVisibleTime=never
    )
