"""Checks that the app can reach an account or a vault through its firewall."""

from pydantic import Field

from cli.doctor.deployment.azure import Shape
from shared.administration.checkup.finding import Finding


class _Rules(Shape):
    default_action: str = "Allow"


class _State(Shape):
    status: str = ""


class _Connection(Shape):
    private_link_service_connection_state: _State = _State()


class _Endpoint(Shape):
    properties: _Connection = _Connection()


class Reach(Shape):
    """The network access of a storage account or a vault, which have the same members."""

    public_network_access: str | None = None
    network_acls: _Rules | None = None
    private_endpoint_connections: list[_Endpoint] | None = Field(default=None)

    @property
    def is_open(self) -> bool:
        """Whether every address can reach it, before it checks the identity."""
        rules = self.network_acls or _Rules()
        return self.public_network_access in (None, "Enabled") and rules.default_action == "Allow"

    @property
    def endpoints(self) -> int:
        """The number of approved private endpoints, in any network."""
        found = self.private_endpoint_connections or []
        states = [each.properties.private_link_service_connection_state.status for each in found]
        return states.count("Approved")


def reach_finding(name: str, reach: Reach, opening: str) -> Finding:
    """An app on Flex Consumption has no fixed address that a firewall could allow."""
    if reach.is_open:
        return Finding(name, "can be reached; refuses callers without a role")
    if reach.endpoints:
        message = f"closed to the internet, with {reach.endpoints} approved private endpoints"
        return Finding(name, message, "Check that one of them is in the app's network.", warning=True)
    fix = f"Open it ({opening}), or give the app a network with a private endpoint to it."
    return Finding(name, "closed to the internet, and the app has no fixed address to allow", fix)
