"""When a service is unavailable or set up wrongly, nothing is lost, and the caller learns it."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from shared.adapters.storage.store import Store
from tests.http.problems import problem
from tests.support.azurite import Azurite
from tests.support.host import running_host
from tests.support.wire import Wire, wire_to
from tests.support.world import World, environment_of


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The URL of a storage emulator that can't be reached: its port is in use, but nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/devstoreaccount1/state"


@pytest.fixture
def host_without_vault(world: World) -> Iterator[httpx.Client]:
    """A host whose vault can't be reached either."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        vault = f"https://127.0.0.1:{taken.getsockname()[1]}"
        with running_host(environment_of(world) | {"KEY_VAULT_URL": vault, "HTTP_TIME_BUDGET": "5"}) as host:
            yield host


@pytest.fixture
def wire(azurite: Azurite) -> Iterator[Wire]:
    """A wire to Azurite, in front of a state."""
    with wire_to(azurite.url) as wire:
        yield wire


@pytest.fixture
def far_host(world: World, wire: Wire, container_url: str) -> Iterator[httpx.Client]:
    """A host whose state is at the other end of the wire."""
    state_url = f"{wire.url}{urlsplit(container_url).path}"
    with running_host(environment_of(world) | {"STATE_URL": state_url}) as host:
        yield host


def test_without_the_vault_the_run_stays_open(
    host_without_vault: httpx.Client, new_export: Callable[..., str]
) -> None:
    """503 has the run's URL and when to come back: it is opened once, and waits for the vault."""
    host = host_without_vault
    address = f"/api/exports/{new_export()}/runs"

    answers = [host.post(address), host.post(address)]

    for answer in answers:
        problem(answer, 503, "vault_unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    location = answers[0].headers["location"]
    assert answers[1].headers["location"] == location
    seen = host.get(location)
    assert seen.status_code == 202
    assert seen.json()["status"] == "queued"
    assert seen.json()["progress"]["waiting_for"] == "vault_unavailable"
    assert seen.json()["progress"]["not_before"] is not None
    assert [run["id"] for run in host.get(address).json()["runs"]] == [seen.json()["id"]]
    assert host.post(f"{location}/cancel").json()["status"] == "canceled"


def test_without_its_state_the_app_is_not_well(world: World, nowhere: str) -> None:
    """503 with Retry-After, also from health, without the place of the state."""
    requests = [("GET", "health"), ("POST", "exports/vip/runs"), ("GET", "runs/vip.20260824T143300Z-0000")]
    with (
        running_host(environment_of(world) | {"STATE_URL": nowhere}) as host,
        ThreadPoolExecutor(len(requests)) as pool,
    ):
        well, *others = pool.map(lambda request: host.request(request[0], f"/api/{request[1]}"), requests)

    assert "devstoreaccount1" not in str(problem(well, 503, "storage_unavailable"))
    for answer in others:
        problem(answer, 503, "storage_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_state_that_can_only_be_read_is_not_well(wire: Wire, far_host: httpx.Client) -> None:
    """No run can work without its checkpoints: 503, after one write, however many ask at once."""
    wire.pass_on(1)  # the listing
    wire.answer(403, {"x-ms-error-code": "AuthorizationPermissionMismatch"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(far_host.get, ["/api/health"] * 8))

    for answer in answers:
        problem(answer, 503, "denied")
    assert [method for method, _ in wire.requests] == ["GET", "PUT"]


def test_a_state_that_can_be_written_is_well_and_is_left_as_it_was(
    wire: Wire, far_host: httpx.Client, blob_store: Store
) -> None:
    """One listing, one write, one delete and one read of the last tick serve all callers for a while."""
    answers = [far_host.get("/api/health") for _ in range(3)]

    assert [answer.json() for answer in answers] == [{"status": "ok", "last_tick": None}] * 3
    assert [method for method, _ in wire.requests] == ["GET", "PUT", "DELETE", "HEAD"]
    assert list(blob_store.list()) == []


def test_health_does_not_wait_for_a_state_that_hangs(wire: Wire, far_host: httpx.Client) -> None:
    """503 within seconds for all concurrent callers, while storage itself retries."""
    for _ in range(9):
        wire.fall_silent()
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(far_host.get, ["/api/health"] * 4))

    assert time.monotonic() - began < 9
    for answer in answers:
        problem(answer, 503, "storage_unavailable")


def test_settings_that_are_wrong_are_named_to_who_has_the_key(world: World) -> None:
    """500 with the setting's name for callers with a key, 503 without it for all others."""
    with running_host(environment_of(world) | {"HTTP_TIME_BUDGET": "a while"}) as host:
        answer = host.post("/api/exports/vip/runs")
        well = host.get("/api/health", headers={"x-functions-key": ""})

    assert "HTTP_TIME_BUDGET" in problem(answer, 500, "invalid_settings")["detail"]
    assert "HTTP_TIME_BUDGET" not in problem(well, 503, "invalid_settings")["detail"]
