"""The stand-in Klaviyo's rate limits, with a clock that the test moves."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import SCOPES, StandIn
from sandbox.klaviyo.limits import Windows
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client, people

COUNT = f"/api/lists/{LIST}?additional-fields[list]=profile_count"
POST_JOB = f"POST {JOBS}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def allowed(client: httpx.Client, path: str) -> int:
    """How many GETs go through before one is throttled."""
    for count in range(1000):
        if client.get(path).status_code == 429:
            return count
    raise AssertionError("never throttled")


@pytest.mark.parametrize(
    ("tier", "burst", "steady"),
    [("XS", 1, 15), ("S", 3, 60), ("M", 10, 150), ("L", 75, 750), ("XL", 350, 3500)],
)
def test_a_burst_and_a_minute_are_limited(clock: Clock, tier: str, burst: int, steady: int) -> None:
    """Each second lets a burst through, and a minute no more than the steady limit."""
    windows = Windows(tier)
    let_in = []
    for _ in range(60):
        count = 0
        while windows.take(clock.now) == 0:
            count += 1
        let_in.append(count)
        clock.now += 1
    assert max(let_in) == burst
    assert sum(let_in) == steady
    assert windows.take(clock.now) == 0


def test_a_full_minute_waits_for_the_next_one(clock: Clock) -> None:
    """The longest of the full windows sets the wait."""
    windows = Windows("XS")
    for _ in range(15):
        assert windows.take(clock.now) == 0
        assert windows.take(clock.now) == (1 if clock.now % 60 < 14 else 46)
        clock.now += 1
    assert windows.take(clock.now) == 45


def test_a_day_has_its_own_quota(clock: Clock) -> None:
    """150 lists a day: then the wait is hours."""
    windows = Windows("M/day")
    for _ in range(150):
        assert windows.take(clock.now) == 0
        clock.now += 1
    assert windows.take(clock.now) == 86_400 - 150


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", JOBS, "10, 10;w=1, 150;w=60"),
        ("GET", JOBS, "10, 10;w=1, 150;w=60"),
        ("GET", f"{JOBS}/x", "10, 10;w=1, 150;w=60"),
        ("GET", f"{JOBS}/x/import-errors", "10, 10;w=1, 150;w=60"),
        ("GET", "/api/lists", "75, 75;w=1, 750;w=60"),
        ("POST", "/api/lists", "10, 10;w=1, 150;w=60, 150;w=86400"),
        ("GET", f"/api/lists/{LIST}", "75, 75;w=1, 750;w=60"),
        ("GET", COUNT, "1, 1;w=1, 15;w=60"),
        ("GET", f"/api/lists/{LIST}/profiles", "75, 75;w=1, 750;w=60"),
        ("GET", f"/api/lists/{LIST}/relationships/profiles", "75, 75;w=1, 750;w=60"),
        ("POST", f"/api/lists/{LIST}/relationships/profiles", "10, 10;w=1, 150;w=60"),
        ("DELETE", f"/api/lists/{LIST}/relationships/profiles", "10, 10;w=1, 150;w=60"),
        ("GET", "/api/profiles", "75, 75;w=1, 750;w=60"),
        ("GET", "/api/accounts", "1, 1;w=1, 15;w=60"),
        ("GET", f"{JOBS}/x/relationships/profiles", "10, 10;w=1, 150;w=60"),
        ("GET", f"/api/lists/{LIST}/flow-triggers", "3, 3;w=1, 60;w=60"),
        ("POST", "/api/profile-subscription-bulk-create-jobs", "75, 75;w=1, 750;w=60"),
        ("POST", "/api/data-privacy-deletion-jobs", "3, 3;w=1, 60;w=60"),
        ("GET", "/api/billing-usage", "10, 10;w=1, 150;w=60"),
    ],
)
def test_each_endpoint_has_its_tier(client: httpx.Client, method: str, path: str, limit: str) -> None:
    """Every response except a 429 shows the windows, even an error; the limit is a composite, not an
    integer."""
    assert client.request(method, path).headers["RateLimit-Limit"] == limit


def test_an_answer_tells_what_is_left(client: httpx.Client, clock: Clock) -> None:
    """Remaining and reset are the burst window's; a refused request counts too."""
    for remaining in ("9", "8"):
        headers = client.get(JOBS).headers
        assert (headers["RateLimit-Remaining"], headers["RateLimit-Reset"]) == (remaining, "1")
    clock.now += 1
    assert client.get(f"{JOBS}?page[size]=0").headers["RateLimit-Remaining"] == "9"


def test_a_429_tells_only_when_to_come_back(client: httpx.Client, clock: Clock) -> None:
    """Whole seconds in Retry-After, no RateLimit header, code throttled; it counts for nothing."""
    clock.now += 0.25
    assert allowed(client, JOBS) == 10
    response = client.get(JOBS)
    assert response.headers["Retry-After"] == "1"
    assert not [name for name in response.headers if name.startswith("ratelimit")]
    [error] = response.json()["errors"]
    assert (error["status"], error["code"]) == (429, "throttled")
    assert error["detail"] == "Request was throttled. Expected available in 1 second."
    clock.now += 0.75
    assert allowed(client, JOBS) == 10


def test_each_endpoint_has_its_own_windows(client: httpx.Client) -> None:
    """Posting jobs does not use up reading them, nor a list's count the list."""
    assert allowed(client, JOBS) == 10
    assert client.post(JOBS, json=import_body(*people(1))).status_code == 202
    assert allowed(client, COUNT) == 1
    assert client.get(f"/api/lists/{LIST}").status_code == 200


def test_keys_of_one_account_share_its_windows(stand_in: StandIn, client: httpx.Client) -> None:
    """A second key of the account is throttled with the first, another account is not."""
    stand_in.add_account("SNDBOX", "Sandbox", keys={"pk_sandbox": SCOPES, "pk_second": SCOPES})
    stand_in.add_account("Other1", "Other", keys={"pk_other": SCOPES})
    assert allowed(client, JOBS) == 10
    for key, status in (("pk_second", 429), ("pk_other", 200)):
        response = client.get(JOBS, headers={"Authorization": f"Klaviyo-API-Key {key}"})
        assert response.status_code == status


def test_an_account_can_have_another_tier(stand_in: StandIn, client: httpx.Client) -> None:
    """A script gives an endpoint of an account the windows of any tier."""
    stand_in.add_account("SNDBOX", "Sandbox", keys={"pk_sandbox": SCOPES}, tiers={POST_JOB: "XS"})
    statuses = [client.post(JOBS, json=import_body(*people(1), list_id=None)).status_code for _ in range(2)]
    assert statuses == [202, 429]


def test_limits_can_be_switched_off(stand_in: StandIn, client: httpx.Client) -> None:
    """For tests about something else: no 429 and no RateLimit headers."""
    stand_in.limits = False
    responses = [client.get("/api/accounts") for _ in range(3)]
    assert [response.status_code for response in responses] == [200] * 3
    assert "RateLimit-Limit" not in responses[0].headers
