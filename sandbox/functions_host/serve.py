"""Runs the host in the foreground until it is stopped."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from sandbox.functions_host.errors import HostError
from sandbox.functions_host.host import FunctionsHost
from sandbox.functions_host.settings import load_local_settings
from sandbox.serving import serving


def functions_at(host: FunctionsHost, url: str) -> Iterator[str]:
    """A line with the host's URL, and one for each function."""
    yield f"Serving {host.folder} at {url}"
    for route in host.routes:
        methods = ",".join(sorted(route.methods)) or "any method"
        yield f"  {route.function.name}: {methods} {url}/{route.template}"
    for name, timer in host.timers.items():
        if name not in host.disabled:
            yield f"  {name}: timer {timer.schedule.expression} (UTC)"
    for name, queue in host.queues.items():
        yield f"  {name}: queue {queue.name}"
    for name in host.disabled:
        yield f"  {name}: disabled by AzureWebJobs.{name}.Disabled"


def serve(
    folder: Path,
    port: int,
    function_key: str,
    announce: Callable[[str], None],
    lines: Callable[[FunctionsHost, str], Iterable[str]] = functions_at,
) -> None:
    """Serves a folder's function app on loopback until Ctrl-C or SIGTERM; call it in the main thread.

    `announce` receives the lines for the user: once it serves, those that `lines` makes from the host and its
    URL. A function that still runs seconds after the signal dies with the process, exit code 0, as in Azure.
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
                f"Port {port} can't be used: {error.strerror}. Choose another port with --port."
            ) from None
        for line in lines(host, url):
            announce(line)
        threading.Event().wait()
    if host.left_running:
        announce(f"Stopped while running: {', '.join(host.left_running)}")
        sys.stdout.flush()
        os._exit(0)  # Python would wait for the function's thread to end.
