"""Live Metrics, in the installed telemetry library, signs in as the identity that the templates name.

azure-monitor-opentelemetry-exporter 1.0.0b53 did not, and logged a 401 each second:
https://github.com/Azure/azure-sdk-for-python/issues/48251.
"""

import os
import subprocess
import sys
from pathlib import Path
from queue import Queue

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.support.identity import running_identity
from tests.support.templates import PLAINEST, app_settings, token
from tests.support.tls import serving_tls

CLIENT = "00000000-0000-0000-0000-0000000000cc"
SETTINGS = app_settings(PLAINEST)
# What the worker does where PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY is true.
WORKER = """
import sys
from azure_functions_runtime.otel import initialize_azure_monitor
initialize_azure_monitor()
sys.stdin.read()
"""


def test_live_metrics_signs_in(tmp_path: Path) -> None:
    """With the two settings of the templates, its first request has the identity's token."""
    asked: Queue[tuple[str, str]] = Queue()

    async def answer(request: Request) -> JSONResponse:
        asked.put((request.url.path, request.headers.get("authorization", "")))
        return JSONResponse({})

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with serving_tls(app, tmp_path) as (url, authority), running_identity(CLIENT, "made-token") as identity:
        setting = SETTINGS["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]
        environment = identity | {
            "PATH": os.defpath,
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": setting.replace(
                f"<id-{token(PLAINEST)}.clientId>", CLIENT
            ),
            "APPLICATIONINSIGHTS_CONNECTION_STRING": (
                f"InstrumentationKey={CLIENT};IngestionEndpoint={url}/;LiveEndpoint={url}/"
            ),
            "REQUESTS_CA_BUNDLE": str(authority),
            # Nothing beyond this machine is asked.
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "azure_app_service",
        }
        with subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as worker:
            try:
                paths = iter(lambda: asked.get(timeout=60), None)
                signed = next(signed for path, signed in paths if "QuickPulse" in path)
            finally:
                worker.kill()
    assert signed == "Bearer made-token"
