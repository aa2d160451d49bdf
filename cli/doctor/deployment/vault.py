"""The vault with the API keys."""

from collections.abc import Generator

from cli.doctor.deployment.azure import Azure, Shape, Unseen
from cli.doctor.deployment.groups import GroupSetting, group_finding, unlisted_finding
from cli.doctor.deployment.network import Reach, reach_finding
from cli.doctor.deployment.place import Place
from cli.doctor.deployment.resources import VAULT, Unlisted, find_resource, resource_id, unseen_finding
from shared.administration.checkup.finding import Finding

_VERSION = "2026-02-01"
_SETTING = GroupSetting("KEY_VAULT_RESOURCE_GROUP", "keyVaultResourceGroupName", "--key-vault-resource-group")


class _Properties(Reach):
    enable_rbac_authorization: bool | None = None


class _Vault(Shape):
    properties: _Properties


def check_vault(azure: Azure, place: Place, name: str) -> Generator[Finding, None, str | None]:
    """Checks that roles decide who reads its secrets, and that the app can reach it; returns its group."""
    named, group = f"vault {name}", place.vault_group
    try:
        vault = find_resource(azure, place.subscription, VAULT, name)
        properties = azure.read(_Vault, vault.id, api_version=_VERSION).properties
    except Unlisted as unlisted:
        path = group and resource_id(place.subscription, group, VAULT, name)
        yield unlisted_finding(azure, named, unlisted, path, _VERSION)
        return group
    except Unseen as unseen:
        yield unseen_finding(named, unseen)
        return group
    command = f"az keyvault update --name {name} --resource-group {vault.group}"
    if properties.enable_rbac_authorization:
        yield Finding(named, "uses roles (RBAC)")
    else:
        message = "uses access policies, so the app's role has no effect"
        fix = f"If nothing else depends on its policies: {command} --enable-rbac-authorization true"
        yield Finding(named, message, fix)
    if group is not None:
        yield group_finding(vault, group, _SETTING)
    opening = f"{command} --public-network-access Enabled --default-action Allow"
    yield reach_finding(f"network of {name}", properties, opening)
    return vault.group
