"""A Klaviyo that does what it is asked, and then lies about it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.serving import serving

DROPPED = ("content-length", "transfer-encoding", "connection", "date", "server")


@contextmanager
def lying(target: str, lie: Callable[[Request, Any], Any]) -> Iterator[str]:
    """The URL of a server that passes everything on to `target`; `lie` changes the answers' documents."""
    with httpx.Client(base_url=target, timeout=60) as client:

        async def answer(request: Request) -> Response:
            url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            headers = {k: v for k, v in request.headers.items() if k not in ("host", *DROPPED)}
            told = client.request(request.method, url, headers=headers, content=await request.body())
            kept = {k: v for k, v in told.headers.items() if k.lower() not in DROPPED}
            return Response(json.dumps(lie(request, told.json())), told.status_code, kept)

        with serving(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])) as url:
            yield url
