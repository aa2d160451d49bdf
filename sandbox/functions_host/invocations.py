"""The functions that are running."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sandbox.functions_host import engine
from sandbox.functions_host.engine import Function, Outcome

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_log = logging.getLogger(__name__)


class Invocations:
    """Runs functions, each in its own task, which a disconnected caller does not cancel.

    `timeout` is host.json's functionTimeout in seconds. A function that takes longer is logged, and its
    name kept in `timed_out`; the real host would restart the worker.
    """

    def __init__(self, timeout: float | None) -> None:
        self.timed_out: set[str] = set()
        self._timeout = timeout
        self._running: dict[asyncio.Task[Outcome], str] = {}

    def start(
        self, function: Function, datum: Any, reason: str, metadata: Mapping[str, Any] = _NOTHING
    ) -> asyncio.Task[Outcome]:
        """Runs a function; logs the reason, but not the data."""
        task = asyncio.create_task(self._run(function, datum, reason, metadata))
        self._running[task] = function.name
        task.add_done_callback(self._running.pop)
        return task

    async def _run(self, function: Function, datum: Any, reason: str, metadata: Mapping[str, Any]) -> Outcome:
        invocation, started = str(uuid.uuid4()), time.monotonic()
        _log.info("Executing %s (%s, id %s)", function.name, reason, invocation)
        watch = None
        if self._timeout is not None:
            loop = asyncio.get_running_loop()
            watch = loop.call_later(self._timeout, self._overdue, function.name, invocation)
        try:
            outcome = await engine.invoke(function, invocation, datum, metadata)
        finally:
            if watch is not None:
                watch.cancel()
        word = "succeeded" if outcome.succeeded else "failed"
        _log.info(
            "Executed %s (%s, id %s, %.3f s)", function.name, word, invocation, time.monotonic() - started
        )
        return outcome

    def _overdue(self, name: str, invocation: str) -> None:
        self.timed_out.add(name)
        _log.error("Function timeout: %s (id %s). Azure would restart its worker now.", name, invocation)

    async def drain(self, seconds: float) -> list[str]:
        """Waits for running functions, and returns the names of those that do not end in time."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        return sorted(self._running.values())
