"""With network=private, storage and vault are reached from the app's own network, and from nowhere else."""

import ipaddress
import re
from typing import Any

import pytest

from tests.docs.pages import page, rows, section
from tests.support.templates import (
    MAIN,
    PLAINEST,
    SNAPSHOTS,
    Resource,
    all_of,
    chosen,
    one_of,
    site,
    token,
)

NETWORK = "Microsoft.Network"
ENDPOINT = f"{NETWORK}/privateEndpoints"
ZONE = f"{NETWORK}/privateDnsZones"
PRIVATE = {
    choice: resources
    for choice, resources in SNAPSHOTS.items()
    if chosen(choice).get("network") == "'private'"
}
# As environment() has it in Azure's public cloud. What the CLI can't know it leaves as an expression.
SUFFIXES = {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"}
# Azure's own names of the zones: https://learn.microsoft.com/azure/private-link/private-endpoint-dns
ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "vault": "privatelink.vaultcore.azure.net",
}

every_private = pytest.mark.parametrize("choice", PRIVATE)


def zone(expression: str) -> str:
    """The name of the zone in an expression, in Azure's public cloud."""
    [kind] = {
        kind for kind in ZONES if kind in expression or (kind == "vault" and "keyvaultDns" in expression)
    }
    text = re.search(r"format\('(privatelink[\w.]*)\{0\}', (.*)\)", expression)
    assert text is not None, expression
    suffix = text[2]
    for name, value in SUFFIXES.items():
        suffix = suffix.replace(f"environment().suffixes.{name}", f"'{value}'")
    if replaced := re.match(r"replace\('(.*?)', '(.*?)', '(.*?)'\)", suffix):
        suffix = f"'{replaced[1].replace(replaced[2], replaced[3])}'"
    found = re.match(r"'(.*?)'", suffix)
    assert found is not None, expression
    assert text[1] + found[1] == ZONES[kind]
    return kind


def endpoints(resources: list[Resource]) -> dict[tuple[str, str], Resource]:
    """The private endpoints, by the name of what they lead to and the kind of it."""
    found = {}
    for each in all_of(resources, ENDPOINT):
        [connection] = each["properties"]["privateLinkServiceConnections"]
        properties = connection["properties"]
        [kind] = properties["groupIds"]
        found[properties["privateLinkServiceId"].rpartition("/")[2], kind] = each
    return found


def subnets(resources: list[Resource]) -> dict[str, Any]:
    network = one_of(resources, f"{NETWORK}/virtualNetworks")
    return {
        f"{network['id']}/subnets/{each['name']}": each["properties"]
        for each in network["properties"]["subnets"]
    }


@every_private
def test_all_that_the_app_keeps_and_reads_has_an_endpoint(choice: str) -> None:
    """State, segments, keys, and the queues where there are any; also of a vault that exists."""
    parameters, resources = chosen(choice), PRIVATE[choice]
    mine = f"st{token(resources)}"
    vault = parameters.get("keyVaultName", f"'kv-{token(resources)}'").strip("'")
    wanted = {(mine, "blob"), ("mysegments", "blob"), (vault, "vault")}
    if parameters.get("workers") != "'timer'":
        wanted.add((mine, "queue"))
    found = endpoints(resources)
    assert set(found) == wanted
    in_subnet = {each["properties"]["subnet"]["id"].rpartition("/")[2] for each in found.values()}
    assert in_subnet == {"endpoints"}


@every_private
def test_a_name_leads_to_its_endpoint(choice: str) -> None:
    """Each kind has its zone, the network asks it, and each endpoint writes its record there."""
    resources = PRIVATE[choice]
    kinds = {kind for _, kind in endpoints(resources)}
    assert {zone(each["name"]) for each in all_of(resources, ZONE)} == kinds
    links = all_of(resources, f"{ZONE}/virtualNetworkLinks")
    assert {zone(each["name"].replace("format('{0}/{1}', ", "")) for each in links} == kinds
    network = one_of(resources, f"{NETWORK}/virtualNetworks")["id"]
    for link in links:
        assert link["properties"] == {
            "virtualNetwork": {"id": network},
            "registrationEnabled": False,
            "resolutionPolicy": "NxDomainRedirect",
        }
    groups = {
        each["name"]: each["properties"] for each in all_of(resources, f"{ENDPOINT}/privateDnsZoneGroups")
    }
    for (_, kind), endpoint in endpoints(resources).items():
        [config] = groups.pop(f"{endpoint['name']}/default")["privateDnsZoneConfigs"]
        assert zone(config["properties"]["privateDnsZoneId"]) == kind
    assert not groups


@every_private
def test_storage_and_vault_are_closed_to_the_internet(choice: str) -> None:
    """Those that the templates make; what exists keeps its own firewall. Event Grid is a trusted service."""
    resources = PRIVATE[choice]
    made = [
        *all_of(resources, "Microsoft.Storage/storageAccounts"),
        *all_of(resources, "Microsoft.KeyVault/vaults"),
    ]
    names = {each["name"] for each in made}
    assert names <= {f"st{token(resources)}", f"kv-{token(resources)}"}
    for each in made:
        assert each["properties"]["publicNetworkAccess"] == "Disabled"
        assert each["properties"]["networkAcls"] == {"bypass": "AzureServices", "defaultAction": "Deny"}


@every_private
def test_the_app_goes_out_through_its_subnet(choice: str) -> None:
    """All of its traffic, by one address; nothing else has a way out."""
    resources = PRIVATE[choice]
    app = site(resources)
    mine = app["virtualNetworkSubnetId"]
    assert app["outboundVnetRouting"] == {"allTraffic": True}
    properties = subnets(resources)
    assert [each["properties"]["serviceName"] for each in properties[mine]["delegations"]] == [
        "Microsoft.App/environments"
    ]
    gateway = one_of(resources, f"{NETWORK}/natGateways")
    address = one_of(resources, f"{NETWORK}/publicIPAddresses")
    assert properties[mine]["natGateway"] == {"id": gateway["id"]}
    assert gateway["properties"]["publicIpAddresses"] == [{"id": address["id"]}]
    assert address["properties"]["publicIPAllocationMethod"] == "Static"
    assert all(each["defaultOutboundAccess"] is False for each in properties.values())
    assert ["natGateway" in each for each in properties.values()].count(True) == 1


@every_private
def test_subnets_lie_side_by_side_in_the_range(choice: str) -> None:
    """Each at least a /27, the least that Flex Consumption takes."""
    resources = PRIVATE[choice]
    [whole] = one_of(resources, f"{NETWORK}/virtualNetworks")["properties"]["addressSpace"]["addressPrefixes"]
    assert whole == chosen(choice).get("networkAddressRange", "'10.20.0.0/24'").strip("'")
    first, second = (ipaddress.ip_network(each["addressPrefix"]) for each in subnets(resources).values())
    assert not first.overlaps(second)
    for each in (first, second):
        assert each.subnet_of(ipaddress.ip_network(whole))  # type: ignore[arg-type]
        assert each.prefixlen <= 27


def test_the_app_is_made_when_it_can_reach_all() -> None:
    """Its subnet comes from the deployment of the network, and so after the endpoints and their names."""
    subnet = MAIN["resources"]["app"]["properties"]["parameters"]["subnetId"]
    assert "reference('privateNetwork')" in subnet
    assert MAIN["resources"]["privateNetwork"]["condition"] == "[variables('isPrivate')]"


def test_the_page_counts_what_costs_by_the_hour() -> None:
    """One gateway, one address; endpoints and zones with a queue, and without one."""
    table = {
        row[0]: row[1]
        for row in rows(section(page("docs/network.md").replace("\u00d7", "x"), "## What it costs"))
    }
    with_queue, without = PRIVATE["everything"], PRIVATE["private"]
    for what, kind in (("NAT gateway", "natGateways"), ("public address", "publicIPAddresses")):
        assert table[what].startswith("720 hours")
        one_of(with_queue, f"{NETWORK}/{kind}")
    counted = [len(all_of(resources, ENDPOINT)) for resources in (with_queue, without)]
    assert table["private endpoints"].startswith("{} x 720 hours, {} x 720 without a queue".format(*counted))
    counted = [len(all_of(resources, ZONE)) for resources in (with_queue, without)]
    assert table["DNS zones"].startswith("{}, or {} without a queue".format(*counted))


def test_without_a_network_nothing_of_one_is_made() -> None:
    """The default: all is reached from the internet, by identity."""
    assert not [each["type"] for each in PLAINEST if each["type"].startswith(NETWORK)]
    assert site(PLAINEST)["virtualNetworkSubnetId"] is site(PLAINEST)["outboundVnetRouting"] is None
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        properties = one_of(PLAINEST, kind)["properties"]
        assert properties["publicNetworkAccess"] == "Enabled"
        assert properties["networkAcls"] == {"bypass": "AzureServices", "defaultAction": "Allow"}
