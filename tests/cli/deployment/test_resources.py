"""`doctor --deployment`: the findings about Azure, before and after the first deployment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.doctor.deployment import Place
from cli.doctor.deployment.subscription import NEEDED
from tests.cli.deployment.ground import BEFORE, PLACE, UNTOLD, found, wrong
from tests.support.resource_manager import (
    APP,
    BLOB_CONTRIBUTOR,
    BLOB_OWNER,
    BLOB_READER,
    CONTAINER,
    CUSTOMER_INSIGHTS,
    GROUP,
    PRINCIPAL,
    REGIONS,
    ROOT,
    SECRETS_USER,
    SEGMENTS,
    STATE,
    SUBSCRIPTION,
    TOPICS,
    VAULT,
    Assignment,
    Subscription,
)


def test_nothing_is_wrong(made: Subscription) -> None:
    """The output names everything in Azure that an export depends on."""
    findings = found(made)

    assert [name for name, finding in findings.items() if finding.fix] == []
    assert list(findings) == [
        "subscription",
        "providers",
        "providers of options",
        "resource group",
        "region",
        "clock",
        "segments account mysegments",
        "group of mysegments",
        "container exports",
        "network of mysegments",
        "soft delete of mysegments",
        "Customer Insights on mysegments",
        "events of mysegments",
        "vault kv-made",
        "group of kv-made",
        "network of kv-made",
        "your rights on exports",
        "your rights on crm",
        "network of stmade",
        "app func-made",
        "app on mysegments/exports",
        "app on stmade",
        "app on kv-made",
        "app on stmade/work",
        "app on stmade/work-poison",
    ]


def test_before_anything_is_deployed(made: Subscription) -> None:
    """Only the segments' account and the group are known; the output names what was not given."""
    for path in (APP, VAULT, STATE):
        del made.things[path]

    findings = found(made, BEFORE)

    assert [name for name, finding in findings.items() if finding.fix] == ["app"]
    assert findings["app"].warning
    assert "once it is deployed" in findings["app"].message


def test_nothing_is_told_but_the_subscription(made: Subscription) -> None:
    """A check that did not happen is never ok."""
    findings = found(made, Place(subscription=SUBSCRIPTION))

    unseen = {name for name, finding in findings.items() if finding.warning}
    assert unseen == {"resource group", "segments account", "app"}


def test_soft_delete(made: Subscription) -> None:
    """Customer Insights' export would fail: with the command that turns it off."""
    made.things[f"{SEGMENTS}/blobServices/default"]["properties"]["deleteRetentionPolicy"] = {
        "enabled": True,
        "days": 7,
    }

    [finding] = wrong(made).values()

    assert not finding.warning
    assert finding.fix == (
        "az storage account blob-service-properties update --account-name mysegments --resource-group crm "
        "--enable-delete-retention false"
    )


@pytest.mark.parametrize("provider", NEEDED)
def test_a_provider_that_is_not_registered(made: Subscription, provider: str) -> None:
    made.things[f"{ROOT}/providers/Microsoft.{provider}"] = {"registrationState": "NotRegistered"}

    [finding] = wrong(made).values()

    assert (finding.name, finding.warning) == ("providers", False)
    assert f"--namespace Microsoft.{provider} --wait" in finding.fix


def test_a_provider_that_an_option_needs(made: Subscription) -> None:
    """It is a warning, because the option may not be wanted."""
    made.things[f"{ROOT}/providers/Microsoft.EventGrid"] = {"registrationState": "Unregistered"}

    [finding] = wrong(made).values()

    assert (finding.name, finding.warning) == ("providers of options", True)


def test_a_region_without_flex_consumption(made: Subscription) -> None:
    """The list has long names, and more than one page."""
    assert wrong(made) == {}
    made.lists[REGIONS] = [each for each in made.lists[REGIONS] if each["name"] != "West Europe"]

    [finding] = wrong(made).values()

    assert "list-flexconsumption-locations" in finding.fix
    assert (
        wrong(
            made, Place(SUBSCRIPTION, "exports", "Sweden Central", segments="mysegments", app="func-made")
        ).keys()
        == UNTOLD
    )


def test_a_group_that_is_not_there(made: Subscription) -> None:
    del made.things[GROUP]

    findings = wrong(made, BEFORE)

    assert "az group create --name exports" in findings["resource group"].fix
    assert findings["region"].warning


def test_a_subscription_that_is_off(made: Subscription) -> None:
    made.things[ROOT]["state"] = "Disabled"
    assert wrong(made).keys() == {"subscription"}


def closed(made: Subscription, path: str, **changes: Any) -> None:
    made.things[path]["properties"] |= changes


@pytest.mark.parametrize(
    "changes",
    [{"publicNetworkAccess": "Disabled"}, {"networkAcls": {"defaultAction": "Deny", "ipRules": []}}],
)
@pytest.mark.parametrize("path", [SEGMENTS, STATE, VAULT])
def test_a_firewall_that_lets_no_app_in(made: Subscription, path: str, changes: dict[str, Any]) -> None:
    """With a private endpoint it may be as it should."""
    closed(made, path, **changes)
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == (f"network of {path.rpartition('/')[2]}", False)
    assert "--default-action Allow" in finding.fix

    state = {"privateLinkServiceConnectionState": {"status": "Approved"}}
    closed(made, path, privateEndpointConnections=[{"properties": state}])
    [finding] = wrong(made).values()
    assert finding.warning
    state["privateLinkServiceConnectionState"]["status"] = "Pending"
    assert [each.warning for each in wrong(made).values()] == [False]


def test_a_vault_with_access_policies(made: Subscription) -> None:
    """The member may be false, or missing."""
    for value in (False, None):
        closed(made, VAULT, enableRbacAuthorization=value)
        [finding] = wrong(made).values()
        assert "--enable-rbac-authorization true" in finding.fix


@pytest.mark.parametrize(
    ("role", "scope", "name"),
    [
        (BLOB_READER, CONTAINER, "app on mysegments/exports"),
        (BLOB_OWNER, STATE, "app on stmade"),
        (SECRETS_USER, VAULT, "app on kv-made"),
    ],
)
def test_a_role_of_the_app_that_is_missing(made: Subscription, role: str, scope: str, name: str) -> None:
    """Or that it has elsewhere only; with the command. A role on the group, or one that allows more, does."""
    others = [each for each in made.assignments if (each.principal, each.role) != (PRINCIPAL, role)]
    elsewhere = [
        Assignment(PRINCIPAL, role, each) for each in (f"{scope}-other", f"{scope}/below", scope[:-1])
    ]
    made.assignments = [*others, *elsewhere]
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == (name, False)
    assert finding.fix.startswith("az role assignment create --role ")
    assert finding.fix.endswith(
        f"--assignee-object-id {PRINCIPAL} --assignee-principal-type ServicePrincipal --scope {scope}"
    )

    made.assignments = [*others, Assignment(PRINCIPAL, role, ROOT)]
    assert wrong(made) == {}


def test_a_role_that_allows_more(made: Subscription) -> None:
    """An owner of blobs may read them; a reader is not an owner."""
    [reader] = [each for each in made.assignments if each.scope == CONTAINER]
    reader.role = BLOB_CONTRIBUTOR
    assert wrong(made) == {}
    [owner] = [each for each in made.assignments if each.scope == STATE]
    owner.role = BLOB_CONTRIBUTOR
    assert wrong(made).keys() == {"app on stmade"}


@pytest.mark.parametrize(("minutes", "is_new"), [(3, True), (11, False)])
def test_a_role_that_is_new(made: Subscription, minutes: int, *, is_new: bool) -> None:
    """It may not count yet: the only thing to do is to wait."""
    created = datetime.now(UTC) - timedelta(minutes=minutes)
    [owner] = [each for each in made.assignments if each.scope == STATE]
    owner.created = created.isoformat()

    findings = wrong(made)

    assert findings.keys() == ({"app on stmade"} if is_new else set())
    assert all(each.warning and "assigned 3 minutes ago" in each.message for each in findings.values())


def test_customer_insights_without_its_role(made: Subscription) -> None:
    """A warning, since it may use a key of the account. On the container, it has it too."""
    made.assignments = [each for each in made.assignments if each.principal != CUSTOMER_INSIGHTS]
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == ("Customer Insights on mysegments", True)
    assert f"--assignee-object-id {CUSTOMER_INSIGHTS}" in finding.fix

    made.assignments.append(Assignment(CUSTOMER_INSIGHTS, BLOB_CONTRIBUTOR, CONTAINER))
    assert wrong(made) == {}
    assert wrong(made, replace(PLACE, container=None)).keys() == {
        "Customer Insights on mysegments",
        "app on the segments' container",
    }


def test_a_tenant_without_customer_insights(made: Subscription) -> None:
    del made.things["/v1.0/servicePrincipals(appId='0bfc4568-a4ba-4c58-bd3e-5d3e76bd7fff')"]
    [finding] = wrong(made).values()
    assert finding.warning
    assert "az ad sp create" in finding.fix


def test_a_system_topic_that_is_there(made: Subscription) -> None:
    """The account's topic is found, in any spelling and on any page."""
    others = [{"name": f"t{number}", "properties": {"source": f"{STATE}{number}"}} for number in range(4)]
    made.lists[TOPICS] = [*others, {"name": "theirs", "properties": {"source": SEGMENTS.lower()}}]
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == ("events of mysegments", True)
    assert "theirs" in finding.message


def test_an_app_that_is_stopped(made: Subscription) -> None:
    made.things[APP]["properties"]["state"] = "Stopped"
    [finding] = wrong(made).values()
    assert finding.fix == "az functionapp start --name func-made --resource-group exports"


def test_an_app_without_its_identity(made: Subscription) -> None:
    made.things[APP]["identity"] = {"type": "SystemAssigned"}
    assert wrong(made).keys() == {"app func-made"}


def test_names_that_nobody_has_told(made: Subscription) -> None:
    """This includes the names that the app needs."""
    findings = wrong(made, Place(SUBSCRIPTION, "exports", segments="mysegments", app="func-made"))
    assert findings.keys() == UNTOLD
    assert all(finding.warning for finding in findings.values())
