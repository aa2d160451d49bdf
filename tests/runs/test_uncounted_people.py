"""People of a complete job that Klaviyo counts neither as completed nor as failed."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from sandbox.people import People
from shared.klaviyo import KlaviyoApi
from shared.runs.advance import run
from shared.runs.starting import Request
from tests.support.lying import lying
from tests.support.world import World

PEOPLE = 30


@pytest.mark.parametrize(
    ("completed", "failed", "imported", "unconfirmed"),
    [
        (30, 0, 30, 0),
        (28, 2, 28, 0),
        (20, 0, 20, 10),
        (20, 3, 20, 7),
        (0, 0, 0, 30),
        (0, 30, 0, 0),
        (30, 3, 27, 0),
        (None, 0, 30, 0),
        (None, 3, 27, 0),
    ],
)
def test_people_that_nobody_counts_are_unconfirmed(
    world: World, completed: int | None, failed: int, imported: int, unconfirmed: int
) -> None:
    """Only those whom Klaviyo counts as completed are imported, unless it does not count them at all."""
    world.segment(People(PEOPLE))

    def lie(request: HttpRequest, document: Any) -> Any:
        if request.method == "GET" and request.url.path == "/api/profile-bulk-import-jobs":
            for job in document["data"]:
                job["attributes"] |= {"completed_count": completed, "failed_count": failed}
        return document

    with lying(world.services.settings.klaviyo_url, lie) as url:
        services = replace(world.services, klaviyo=KlaviyoApi(url, world.clock))
        with services:
            record = run(services, "vip", Request("command", "tester"), world.deadline())

    counts = record.counts
    assert (counts.imported, counts.failed, counts.unconfirmed) == (imported, failed, unconfirmed)
    assert counts.sent == PEOPLE
    is_certain = imported == PEOPLE
    assert record.status == ("successful" if is_certain else "completed_with_warnings")
    codes = [warning.code for warning in record.warnings]
    assert codes == (["unconfirmed"] if unconfirmed else [])
