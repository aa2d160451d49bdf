"""Runs an ASGI app on loopback, in a thread, for as long as a `with` block lasts."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import override

import uvicorn
from starlette.types import ASGIApp

# For requests that are being answered when the block ends.
GRACE_SECONDS = 5
PAUSE_SECONDS = 0.002


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serves `app` on 127.0.0.1 and yields its URL; port 0 takes a free one.

    Raises OSError where the port is taken.
    """
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for the client's ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    server = _Server(app)
    thread = threading.Thread(target=server.serve_on, args=(listener,), daemon=True)
    thread.start()
    try:
        server.ready.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        thread.join()
        listener.close()


class _Server(uvicorn.Server):
    """Stops at once: uvicorn's own notices within a tenth of a second, and then waits for another."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        self.ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()

    def serve_on(self, listener: socket.socket) -> None:
        """Serves until `stop` is called in another thread; `ready` is set once it serves, or can't."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self.serve(sockets=[listener]))
        finally:
            self.ready.set()

    def stop(self) -> None:
        self.should_exit = True  # for a server that still starts
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stopped.set)

    @override
    async def main_loop(self) -> None:
        self.ready.set()
        ticks = asyncio.create_task(super().main_loop())
        await self._stopped.wait()
        ticks.cancel()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while state.connections or state.tasks:
                    await asyncio.sleep(PAUSE_SECONDS)
        for task in state.tasks:
            task.cancel()
        await self.lifespan.shutdown()
