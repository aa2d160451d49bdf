"""A 413, Klaviyo's own or a proxy's: the batch is split until each part is small enough."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from sandbox.klaviyo import Fault
from sandbox.people import People
from sandbox.serving import serving
from shared.klaviyo import KlaviyoApi
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.world import World


@contextmanager
def proxy(target: str, most: int) -> Iterator[str]:
    """The URL of a proxy that takes bodies of at most `most` bytes, and refuses others with a page."""
    with httpx.Client(base_url=target, timeout=60) as client:

        async def answer(request: HttpRequest) -> Response:
            content = await request.body()
            if len(content) > most:
                return Response("<html>413 Request Entity Too Large</html>", 413)
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            url = f"{request.url.path}?{request.url.query}"
            passed = client.request(request.method, url, headers=headers, content=content)
            return Response(passed.content, passed.status_code)

        with serving(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])) as url:
            yield url


def run_behind(world: World, most: int) -> RunRecord:
    with proxy(world.services.settings.klaviyo_url, most) as url:
        services = replace(world.services, klaviyo=KlaviyoApi(url, world.clock))
        with services:
            return run(services, "vip", Request("command", "tester"), world.deadline())


@pytest.mark.parametrize("most", [1_048_576, 150_000], ids=["1 MiB", "150 KB"])
def test_a_proxys_own_limit_costs_no_row(world: World, most: int) -> None:
    """Bodies far below Klaviyo's limit are split too, as small as a proxy can ask for."""
    world.segment(People(10_000))

    record = run_behind(world, most)

    assert (record.status, record.counts.imported) == ("successful", 10_000)
    assert len(record.jobs) >= 4
    assert world.members() == People(10_000).expected.emails


def test_klaviyos_own_413_splits_the_batch(world: World) -> None:
    """Whoever is in a body that Klaviyo finds too large goes in two smaller ones."""
    world.segment(People(600))
    world.stand_in.faults.add([Fault("error", method="POST", nth=nth, status=413) for nth in (1, 2)])

    record = world.run()

    assert (record.status, record.counts.imported) == ("successful", 600)
    assert sorted(job.profiles for job in record.jobs) == [150, 150, 300]


def test_a_profile_that_is_too_large_for_klaviyo_is_refused_alone(world: World) -> None:
    """A 413 of Klaviyo's for one profile refuses that row, with its place, and no other."""
    world.segment(People(4))
    faults = [Fault("error", method="POST", nth=nth, status=413) for nth in (1, 2, 3)]
    world.stand_in.faults.add(faults)

    record = world.run()

    assert (record.counts.imported, record.counts.rejected) == (3, 1)
    assert record.rejected_by_reason == {"batch_refused": 1}
