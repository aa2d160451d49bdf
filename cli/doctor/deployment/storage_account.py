"""A storage account, and whether the app can reach it."""

from collections.abc import Iterator

from cli.doctor.deployment.azure import Azure, Shape, Unseen
from cli.doctor.deployment.network import Reach, reach_finding
from cli.doctor.deployment.resources import STORAGE, Resource, find_resource, unseen_finding
from shared.administration.checkup.finding import Finding

VERSION = "2025-01-01"


class Properties(Reach):
    is_hns_enabled: bool = False


class _Account(Shape):
    properties: Properties


def read_account(azure: Azure, subscription: str, name: str) -> tuple[Resource, Properties]:
    """Raises Unseen."""
    account = find_resource(azure, subscription, STORAGE, name)
    return account, azure.read(_Account, account.id, api_version=VERSION).properties


def network_of(account: Resource, properties: Properties) -> Finding:
    opening = (
        f"az storage account update --name {account.name} --resource-group {account.group} "
        "--public-network-access Enabled --default-action Allow"
    )
    return reach_finding(f"network of {account.name}", properties, opening)


def check_state_account(azure: Azure, subscription: str, name: str) -> Iterator[Finding]:
    """The account with the app's state."""
    try:
        yield network_of(*read_account(azure, subscription, name))
    except Unseen as unseen:
        yield unseen_finding(f"state account {name}", unseen)
