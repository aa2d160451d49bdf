"""`/sandbox/…`: lets other processes inspect and script the stand-in; for loopback only."""

from starlette.routing import Route

from sandbox.klaviyo.control.by_hand import HandRoutes
from sandbox.klaviyo.control.scripts import ScriptRoutes
from sandbox.klaviyo.control.views import ViewRoutes
from sandbox.klaviyo.stand_in import StandIn


def control_routes(stand_in: StandIn) -> list[Route]:
    return [
        *ViewRoutes(stand_in).routes(),
        *ScriptRoutes(stand_in).routes(),
        *HandRoutes(stand_in).routes(),
    ]
