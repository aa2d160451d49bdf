"""The host in the foreground: what it prints, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
DRIVER = """
import sys
from pathlib import Path
from sandbox.functions_host import HostError, serve

try:
    serve(Path(sys.argv[1]), int(sys.argv[2]), "sesame", lambda line: print(line, flush=True))
    print("returned")
except HostError as error:
    print(error.message)
"""
APP = """
import pathlib, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="ping", methods=["GET"])
def ping(req: func.HttpRequest) -> str:
    return "pong"

@app.route(route="hang")
def hang(req: func.HttpRequest) -> str:
    pathlib.Path(__file__).with_name("hanging").touch()
    time.sleep(120)

@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None: ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "local.settings.json").write_text('{"Values": {"SCHEDULE": "0 0 6 * * *"}}')
    (tmp_path / "function_app.py").write_text(APP)
    return tmp_path


@contextmanager
def served(folder: Path, *, port: int = 0, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-W", "error", "-c", DRIVER, str(folder), str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip() for _ in range(count)]


def test_it_announces_what_it_serves(folder: Path) -> None:
    """A person sees the URL, each route and each schedule, which local.settings.json may hold."""
    with served(folder) as process:
        first, *rest = lines(process, 4)
        url = first.rsplit(" ", 1)[-1]
        assert first == f"Serving {folder} at {url}"
        assert rest == [
            f"  ping: GET,HEAD {url}/api/ping",
            f"  hang: any method {url}/api/hang",
            "  tick: timer 0 0 6 * * * (UTC)",
        ]
        assert httpx.get(f"{url}/api/ping").text == "pong"


def test_the_environment_wins(folder: Path) -> None:
    """A variable that is set is not read from local.settings.json."""
    with served(folder, SCHEDULE="0 30 7 * * *") as process:
        assert lines(process, 4)[-1] == "  tick: timer 0 30 7 * * * (UTC)"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(folder: Path, stop: signal.Signals) -> None:
    """Ctrl-C or SIGTERM: the call returns, and the process ends with 0."""
    with served(folder) as process:
        lines(process, 4)
        process.send_signal(stop)
        assert process.wait(10) == 0
        assert lines(process, 1) == ["returned"]


def test_a_function_that_runs_does_not_hold_it_up(
    folder: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """Ten seconds after the signal the host has ended with 0; waiting callers get a 503."""
    with served(folder) as process, ThreadPoolExecutor() as pool:
        url = lines(process, 4)[0].rsplit(" ", 1)[-1]
        waiting = pool.submit(httpx.get, f"{url}/api/hang", timeout=30)
        eventually((folder / "hanging").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert lines(process, 1) == ["Stopped while running: hang"]
        assert waiting.result().status_code == 503


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    """The error names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with served(folder, port=port) as process:
            assert lines(process, 1)[0].startswith(f"Port {port} can't be used: ")
            assert process.wait(10) == 0
