"""Runs an ASGI app on loopback, in a thread, during a `with` block."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import override

import uvicorn
from starlette.types import ASGIApp

# For open requests when the block ends.
GRACE_SECONDS = 5
PAUSE_SECONDS = 0.002


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serves `app` on 127.0.0.1 and yields its URL; port 0 uses a free one.

    Raises OSError if the port is in use.
    """
    # Without IPPROTO_TCP, asyncio keeps Nagle's algorithm: each response waits 40 ms for the client's ACK.
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
    """Stops immediately: uvicorn's own server notices after up to 0.1 s, and then waits another 0.1 s."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        self.ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()

    def serve_on(self, listener: socket.socket) -> None:
        """Serves until another thread calls `stop`; sets `ready` once it serves, or fails to."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self.serve(sockets=[listener]))
        finally:
            self.ready.set()

    def stop(self) -> None:
        self.should_exit = True  # for a server that is still starting
        with suppress(RuntimeError):  # it has already ended
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
