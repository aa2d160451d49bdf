"""Pacing as a server sees it: windows that begin at an unknown moment, requests that arrive unevenly."""

from collections.abc import Callable, Sequence

import pytest

from sandbox.klaviyo.endpoints import ENDPOINTS as SERVED
from sandbox.klaviyo.endpoints import endpoint_name
from sandbox.klaviyo.limits import Windows
from shared.adapters.clock import Deadline
from shared.klaviyo.imports import JOBS
from shared.klaviyo.limits import ENDPOINTS, Limiter
from tests.support.world import MadeClock

# Seconds that a request may take longer than another one on its way to the server.
JITTER = 0.03
LATE: dict[str, Callable[[int], bool]] = {
    "no request": lambda number: False,
    "the first": lambda number: number == 0,
    "every other burst": lambda number: number // 10 % 2 == 0,
    "every other request": lambda number: number % 2 == 0,
    "every third burst": lambda number: number // 10 % 3 == 0,
}
# But for lists that people make: those are few.
PATHS = {
    "accounts": "GET /api/accounts",
    "list": "GET /api/lists/Y6nRLr",
    "flows": "GET /api/lists/Y6nRLr/flow-triggers",
    "members": "GET /api/lists/Y6nRLr/profiles",
    "remove": "DELETE /api/lists/Y6nRLr/relationships/profiles",
    "profiles": "GET /api/profiles",
    "subscribe": "POST /api/profile-subscription-bulk-create-jobs",
    "erase": "POST /api/data-privacy-deletion-jobs",
    "usage": "GET /api/billing-usage",
    "import": f"POST {JOBS}",
    "jobs": f"GET {JOBS}",
    "job": f"GET {JOBS}/J1",
    "import-errors": f"GET {JOBS}/J1/import-errors",
    "job-profiles": f"GET {JOBS}/J1/relationships/profiles",
}


def tier_of(endpoint: str) -> str:
    """The stand-in's tier of one of our endpoints."""
    if endpoint == "list-count":  # a parameter of another endpoint, with windows of its own
        return "XS"
    name = endpoint_name(*PATHS[endpoint].split())
    (tier,) = [served.tier for served in SERVED if served.name == name]
    return tier


def sent(endpoint: str, count: int) -> list[float]:
    """When the limiter lets so many requests out, in seconds."""
    clock = MadeClock()
    limiter, deadline = Limiter(clock, ENDPOINTS[endpoint]), Deadline(clock, 10_000)
    times = []
    for _ in range(count):
        limiter.wait(deadline)
        times.append(clock.monotonic())
    return times


def refused(arrivals: Sequence[float], tier: str) -> list[float]:
    """The starts of windows that refuse a request; the strictest ones begin when a request arrives."""
    starts = sorted({round(arrival % 60, 6) for arrival in arrivals})
    return [start for start in starts if _refuses(Windows(tier), [a - start + 6_000 for a in arrivals])]


def _refuses(windows: Windows, arrivals: Sequence[float]) -> bool:
    return any(windows.take(round(arrival, 6)) for arrival in sorted(arrivals))


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("endpoint", sorted([*PATHS, "list-count"]))
def test_no_window_of_a_server_overflows(endpoint: str, late: Callable[[int], bool]) -> None:
    """Whenever the server's windows begin and whichever requests arrive late, it refuses none."""
    times = sent(endpoint, ENDPOINTS[endpoint][60] + 80)
    arrivals = [time + JITTER * late(number) for number, time in enumerate(times)]

    assert refused(arrivals, tier_of(endpoint)) == []
