"""The vault with the API keys."""

from collections.abc import Iterator

from cli.doctor.deployment.azure import Azure, Shape, Unseen
from cli.doctor.deployment.network import Reach, reach_finding
from cli.doctor.deployment.resources import VAULT, find_resource, unseen_finding
from shared.administration.checkup.finding import Finding


class _Properties(Reach):
    enable_rbac_authorization: bool | None = None


class _Vault(Shape):
    properties: _Properties


def check_vault(azure: Azure, subscription: str, name: str) -> Iterator[Finding]:
    """Whether roles decide who reads its secrets, and whether the app can reach it."""
    named = f"vault {name}"
    try:
        vault = find_resource(azure, subscription, VAULT, name)
        properties = azure.read(_Vault, vault.id, api_version="2026-02-01").properties
    except Unseen as unseen:
        yield unseen_finding(named, unseen)
        return
    command = f"az keyvault update --name {name} --resource-group {vault.group}"
    if properties.enable_rbac_authorization:
        yield Finding(named, "uses roles (RBAC)")
    else:
        message = "uses access policies, so that the app's role counts for nothing"
        fix = f"If nobody else depends on its policies: {command} --enable-rbac-authorization true"
        yield Finding(named, message, fix)
    opening = f"{command} --public-network-access Enabled --default-action Allow"
    yield reach_finding(f"network of {name}", properties, opening)
