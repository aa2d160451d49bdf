"""Checks the subscription, the group and the region."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from cli.doctor.deployment.azure import Azure, Missing, Shape
from cli.doctor.deployment.place import Place
from cli.doctor.deployment.resources import look
from shared.administration.checkup import fixes
from shared.administration.checkup.finding import Finding

# For what infra/ deploys; Flex Consumption needs Microsoft.App, whose absence only shows later.
NEEDED = ("Web", "App", "Storage", "KeyVault", "ManagedIdentity", "Insights", "OperationalInsights")
# For what some of its options deploy.
OPTIONAL = ("EventGrid", "Network", "Logic")
_USES = "EventGrid is for events of refreshes, Network for a private network, Logic for cards in Teams"
# Azure refuses tokens if it is larger.
MOST_SKEW = timedelta(seconds=60)


class _Subscription(Shape):
    state: str


class _Provider(Shape):
    registration_state: str


class _Group(Shape):
    location: str


class _Region(Shape):
    name: str


def check_subscription(azure: Azure, place: Place) -> Iterator[Finding]:
    """Checks the providers, the group, and that its region offers Flex Consumption."""
    yield look("subscription", partial(_subscription, azure, place))
    yield look("providers", partial(_providers, azure, place, NEEDED, optional=False))
    yield look("providers of options", partial(_providers, azure, place, OPTIONAL, optional=True))
    if place.group is None:
        return
    yield look("resource group", partial(_group, azure, place))
    yield look("region", partial(_region, azure, place))


def check_clock(azure: Azure, now: datetime) -> Iterator[Finding]:
    """Compares this machine's clock with the last response's."""
    if azure.answered_at is not None:
        skew = abs(now - azure.answered_at)
        fix = fixes.CLOCK if skew > MOST_SKEW else ""
        yield Finding("clock", f"differs from Azure's by {skew.total_seconds():.0f} s", fix)


def _subscription(azure: Azure, place: Place) -> Finding:
    """https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states"""
    path = f"/subscriptions/{place.subscription}"
    state = azure.read(_Subscription, path, api_version="2022-12-01").state
    fix = "" if state == "Enabled" else "Ask its billing owner to enable it."
    return Finding("subscription", f"{place.subscription} is {state.lower()}", fix)


def _providers(azure: Azure, place: Place, names: tuple[str, ...], *, optional: bool) -> Finding:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types"""
    path = f"/subscriptions/{place.subscription}/providers/Microsoft."
    states = {
        f"Microsoft.{name}": azure.read(_Provider, path + name, api_version="2021-04-01").registration_state
        for name in names
    }
    missing = [name for name, state in states.items() if state != "Registered"]
    name = "providers of options" if optional else "providers"
    if not missing:
        return Finding(name, f"registered: {', '.join(states)}")
    commands = [
        f"az provider register --subscription {place.subscription} --namespace {each} --wait"
        for each in missing
    ]
    use = f"; {_USES}" if optional else ""
    fix = f"Register what you need: {'; '.join(commands)}" if optional else "; ".join(commands)
    return Finding(name, f"not registered: {', '.join(missing)}{use}", fix, warning=optional)


def _location(azure: Azure, place: Place) -> str:
    path = f"/subscriptions/{place.subscription}/resourcegroups/{place.group}"
    return azure.read(_Group, path, api_version="2021-04-01").location


def _group(azure: Azure, place: Place) -> Finding:
    try:
        return Finding("resource group", f"{place.group} is in {_location(azure, place)}")
    except Missing:
        fix = f"az group create --name {place.group} --location {place.location or 'REGION'}"
        return Finding("resource group", f"{place.group} does not exist", fix)


def _region(azure: Azure, place: Place) -> Finding:
    """https://learn.microsoft.com/rest/api/appservice/list-geo-regions; regions have their long names."""
    region = place.location or _location(azure, place)
    path = f"/subscriptions/{place.subscription}/providers/Microsoft.Web/geoRegions"
    offered = azure.pages(_Region, path, api_version="2025-03-01", sku="FlexConsumption")
    if any(_plain(each.name) == _plain(region) for each in offered):
        return Finding("region", f"{region} offers Flex Consumption")
    fix = "Choose another region: az functionapp list-flexconsumption-locations --output table"
    return Finding("region", f"{region} does not offer Flex Consumption", fix)


def _plain(region: str) -> str:
    return region.replace(" ", "").lower()
