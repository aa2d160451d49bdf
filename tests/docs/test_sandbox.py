"""docs/sandbox.md has every endpoint of the stand-in, its limits and scopes, and all control routes."""

from starlette.routing import Route

from sandbox.klaviyo import SCOPES, StandIn
from sandbox.klaviyo.control import control_routes
from sandbox.klaviyo.control.scripts import Switches
from sandbox.klaviyo.endpoints import ENDPOINTS
from sandbox.klaviyo.limits import TIERS
from tests.docs.pages import names, page, rows, section

SANDBOX = page("docs/sandbox.md")
UNITS = {1: "s", 60: "min", 86_400: "day"}


def requests(route: Route) -> set[str]:
    return {f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"}}


def test_every_endpoint_has_its_row() -> None:
    """Method, path, windows and scopes, each endpoint once, and all scopes are those of the sandbox's key."""
    listed = {
        names(name)[0]: (rate, names(scopes))
        for name, rate, scopes in rows(section(SANDBOX, "## What it simulates"))
    }
    expected = {
        endpoint.name: (
            " ".join(f"{allowed}/{UNITS[seconds]}" for allowed, seconds in TIERS[endpoint.tier]),
            sorted(endpoint.scopes),
        )
        for endpoint in ENDPOINTS
    }
    assert {name: (rate.partition(",")[0], scopes) for name, (rate, scopes) in listed.items()} == expected
    assert {scope for endpoint in ENDPOINTS for scope in endpoint.scopes} == SCOPES


def test_every_request_of_the_control_has_its_row() -> None:
    """Each once, and each switch."""
    listed = [names(row[0])[0] for row in rows(section(SANDBOX, "## Inspect and script"))]
    served = [request for route in control_routes(StandIn()) for request in requests(route)]
    assert sorted(listed) == sorted(served)
    switches = [
        name for row in rows(section(SANDBOX, "## What Klaviyo does not document")) for name in names(row[2])
    ]
    assert sorted(switches) == sorted(Switches.__dataclass_fields__)
