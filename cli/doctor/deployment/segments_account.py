"""The storage account that Customer Insights exports to."""

from collections.abc import Generator
from datetime import datetime
from functools import partial

from cli.doctor.deployment.azure import Azure, Missing, Shape, Unseen
from cli.doctor.deployment.groups import GroupSetting, group_finding, unlisted_finding
from cli.doctor.deployment.place import Place
from cli.doctor.deployment.resources import STORAGE, Resource, Unlisted, look, resource_id, unseen_finding
from cli.doctor.deployment.roles import BLOB_CONTRIBUTOR, role_finding
from cli.doctor.deployment.storage_account import VERSION, network_of, read_account
from shared.administration.checkup.finding import Finding

# Customer Insights' application, the same in every tenant:
# https://learn.microsoft.com/dynamics365/customer-insights/data/connect-service-principal
CUSTOMER_INSIGHTS = "0bfc4568-a4ba-4c58-bd3e-5d3e76bd7fff"
_SETTING = GroupSetting("SEGMENTS_RESOURCE_GROUP", "segmentsResourceGroupName", "--segments-resource-group")


class _Retention(Shape):
    enabled: bool = False


class _BlobServiceProperties(Shape):
    delete_retention_policy: _Retention = _Retention()


class _BlobService(Shape):
    properties: _BlobServiceProperties


class _ServicePrincipal(Shape):
    id: str


class _TopicProperties(Shape):
    source: str = ""


class _Topic(Shape):
    name: str
    properties: _TopicProperties = _TopicProperties()


def check_segments_account(
    azure: Azure, graph: Azure, place: Place, name: str, now: datetime
) -> Generator[Finding, None, str | None]:
    """Checks that Customer Insights can write to it, and the app read from it; returns its group."""
    named, group = f"segments account {name}", place.segments_group
    try:
        account, properties = read_account(azure, place.subscription, name)
    except Unlisted as unlisted:
        path = group and resource_id(place.subscription, group, STORAGE, name)
        yield unlisted_finding(azure, named, unlisted, path, VERSION)
        return group
    except Unseen as unseen:
        yield unseen_finding(named, unseen)
        return group
    namespace = (
        "has a hierarchical namespace" if properties.is_hns_enabled else "has no hierarchical namespace"
    )
    yield Finding(named, namespace)
    if group is not None:
        yield group_finding(account, group, _SETTING)
    if place.container is not None:
        yield look(f"container {place.container}", partial(_container, azure, account, place.container))
    yield network_of(account, properties)
    yield look(f"soft delete of {name}", partial(_soft_delete, azure, account))
    yield look(
        f"Customer Insights on {name}",
        partial(_customer_insights, azure, graph, account, place.container, now),
    )
    yield look(f"events of {name}", partial(_events, azure, place.subscription, account))
    return account.group


def _container(azure: Azure, account: Resource, container: str) -> Finding:
    """https://learn.microsoft.com/rest/api/storagerp/blob-containers/get"""
    name = f"container {container}"
    try:
        azure.read(Shape, f"{account.id}/blobServices/default/containers/{container}", api_version=VERSION)
    except Missing:
        fix = (
            f"Check its name, or create it: az storage container-rm create --storage-account {account.name} "
            f"--resource-group {account.group} --name {container}"
        )
        return Finding(name, f"does not exist in {account.name}", fix)
    return Finding(name, f"exists in {account.name}")


def _soft_delete(azure: Azure, account: Resource) -> Finding:
    """Customer Insights' export to blobs fails if it is on for blobs; for containers, it does not matter."""
    name = f"soft delete of {account.name}"
    service = azure.read(_BlobService, f"{account.id}/blobServices/default", api_version=VERSION).properties
    if not service.delete_retention_policy.enabled:
        return Finding(name, "is off for blobs")
    fix = (
        f"az storage account blob-service-properties update --account-name {account.name} "
        f"--resource-group {account.group} --enable-delete-retention false"
    )
    return Finding(name, "is on for blobs, so Customer Insights' export fails", fix)


def _customer_insights(
    azure: Azure, graph: Azure, account: Resource, container: str | None, now: datetime
) -> Finding:
    """A warning if the role is missing, since Customer Insights can use a key of the account instead."""
    name = f"Customer Insights on {account.name}"
    try:
        path = f"/v1.0/servicePrincipals(appId='{CUSTOMER_INSIGHTS}')"
        principal = graph.read(_ServicePrincipal, path, select="id").id
    except Missing:
        message = "Customer Insights has no service principal in this tenant"
        fix = f"If it runs in this tenant: az ad sp create --id {CUSTOMER_INSIGHTS}"
        return Finding(name, message, fix, warning=True)
    scope = f"{account.id}/blobServices/default/containers/{container}" if container else account.id
    found = role_finding(azure, name, principal, BLOB_CONTRIBUTOR, scope, now)
    return Finding(name, found.message, found.fix, warning=bool(found.fix))


def _events(azure: Azure, subscription: str, account: Resource) -> Finding:
    """https://learn.microsoft.com/azure/event-grid/system-topics: an account has at most one system topic."""
    name = f"events of {account.name}"
    path = f"/subscriptions/{subscription}/providers/Microsoft.EventGrid/systemTopics"
    for topic in azure.pages(_Topic, path, api_version="2025-02-15"):
        if topic.properties.source.lower() == account.id.lower():
            message = f"the account already has the system topic {topic.name}, and can't have another"
            fix = "For events of refreshes, add the subscription to that topic: docs/workers.md."
            return Finding(name, message, fix, warning=True)
    return Finding(name, "the account has no system topic")
