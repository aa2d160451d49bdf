"""Runs the host in the foreground until it is stopped."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from sandbox.functions_host.errors import HostError
from sandbox.functions_host.host import FunctionsHost
from sandbox.functions_host.settings import load_local_settings
from sandbox.serving import serving


def serve(folder: Path, port: int, function_key: str, announce: Callable[[str], None]) -> None:
    """Serves a folder's function app on loopback until Ctrl-C or SIGTERM; call it in the main thread.

    `announce` receives the lines for the user: first the URL, then each function. A function that still runs
    seconds after the signal dies with the process, exit code 0, as in Azure.
    Raises HostError or InvalidDocument before it serves.
    """
    load_local_settings(folder, os.environ)
    host = FunctionsHost(folder, function_key=function_key)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        for stop in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, stop, signal.signal(stop, signal.default_int_handler))
        try:
            url = stack.enter_context(serving(host.app, port=port))
        except OSError as error:
            raise HostError(
                f"Port {port} can't be used: {error.strerror}. Choose another one with --port."
            ) from None
        announce(f"Serving {folder} at {url}")
        for route in host.routes:
            methods = ",".join(sorted(route.methods)) or "any method"
            announce(f"  {route.function.name}: {methods} {url}/{route.template}")
        for name, timer in host.timers.items():
            if name not in host.disabled:
                announce(f"  {name}: timer {timer.schedule.expression} (UTC)")
        for name, queue in host.queues.items():
            announce(f"  {name}: queue {queue.name}")
        for name in host.disabled:
            announce(f"  {name}: disabled by AzureWebJobs.{name}.Disabled")
        threading.Event().wait()
    if host.left_running:
        announce(f"Stopped while running: {', '.join(host.left_running)}")
        sys.stdout.flush()
        os._exit(0)  # Python would wait for the function's thread to end.
