"""Finds resources by their names, and makes findings of what can't be read."""

from collections.abc import Callable

from pydantic import Field

from cli.doctor.deployment.azure import Azure, Shape, Unseen
from shared.administration.checkup.finding import Finding

STORAGE, VAULT = "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
_VERSION = "2021-04-01"
# Its parts are used in addresses and commands.
_ID = r"(?i)^/subscriptions/[a-z0-9-]+/resourceGroups/[\w.()-]+/providers(/[a-z0-9._-]+)+$"


class Resource(Shape):
    """A resource, whose id is a path below Azure Resource Manager's address."""

    id: str = Field(pattern=_ID, max_length=2000)

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    @property
    def group(self) -> str:
        return self.id.split("/")[4]


def resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"


class Unlisted(Unseen):
    """No resource that the caller may read has the name."""


def find_resource(azure: Azure, subscription: str, kind: str, name: str) -> Resource:
    """The resource of this kind and name. Raises Unlisted if the caller can see none.

    https://learn.microsoft.com/rest/api/resources/resources/list: it omits what the caller may not read.
    """
    wanted = f"resourceType eq '{kind}' and name eq '{name}'"
    path = f"/subscriptions/{subscription}/resources"
    for found in azure.pages(Resource, path, api_version=_VERSION, filter=wanted):
        return found
    raise Unlisted(
        "you can see no resource of that name in this subscription",
        "Check the name and the subscription, or ask someone with the role Reader on it to run this.",
    )


def look(name: str, see: Callable[[], Finding]) -> Finding:
    """The finding, or a warning if the resource can't be read."""
    try:
        return see()
    except Unseen as unseen:
        return unseen_finding(name, unseen)


def unseen_finding(name: str, unseen: Unseen) -> Finding:
    return Finding(name, f"not checked: {unseen.why}", unseen.fix, warning=True)
