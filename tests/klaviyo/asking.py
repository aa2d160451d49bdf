"""A client of a Klaviyo that has an account and answers everything else as a test wants."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.serving import serving
from shared.adapters.clock import Deadline
from shared.klaviyo import Klaviyo, KlaviyoApi
from tests.support.hostile import ACCOUNT
from tests.support.world import MadeClock


@contextmanager
def asking(content: Callable[[Request], Response]) -> Iterator[tuple[Klaviyo, MadeClock]]:
    """The client, and its clock; `content` answers each request but that for the account."""

    async def answer(request: Request) -> Response:
        await request.body()
        if request.url.path == "/api/accounts":
            return Response(orjson.dumps({"data": [ACCOUNT]}))
        return content(request)

    clock = MadeClock()
    routes = [Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])]
    with serving(Starlette(routes=routes)) as url:
        api = KlaviyoApi(url, clock)
        yield api.sign_in("pk_made", Deadline(clock, 60)), clock
        api.close()
