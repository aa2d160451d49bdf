"""A client of a stand-in Klaviyo; both live by a made clock."""

from collections.abc import Iterator

import pytest

from sandbox.klaviyo import StandIn, app
from sandbox.serving import serving
from shared.adapters.clock import Deadline
from shared.klaviyo import Klaviyo, KlaviyoApi
from tests.support.world import MadeClock


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def stand_in(clock: MadeClock) -> StandIn:
    return StandIn(clock=clock.epoch, keep_attributes=True)


@pytest.fixture
def api(stand_in: StandIn, clock: MadeClock) -> Iterator[KlaviyoApi]:
    with serving(app(stand_in)) as url:
        api = KlaviyoApi(url, clock)
        yield api
        api.close()


@pytest.fixture
def deadline(clock: MadeClock) -> Deadline:
    return Deadline(clock, 3600)


@pytest.fixture
def klaviyo(api: KlaviyoApi, deadline: Deadline) -> Klaviyo:
    return api.sign_in("pk_sandbox", deadline)
