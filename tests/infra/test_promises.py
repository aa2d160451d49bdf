"""What docs/security.md and docs/deploy.md promise of a deployment is what would be deployed."""

import re
from typing import Any

import pytest

from tests.docs.pages import page, rows, section
from tests.support.rights import rights
from tests.support.templates import (
    MAIN,
    PLAINEST,
    SNAPSHOTS,
    Resource,
    all_of,
    chosen,
    one_of,
    shown,
    site,
    token,
)

SECURITY = page("docs/security.md")
DEPLOYING = page("docs/deploy.md")
UPDATING = page("docs/updating.md")
KEPT = {row[0]: row[2] for row in rows(section(SECURITY, "## What is kept, and for how long"))}
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"

every_choice = pytest.mark.parametrize("resources", SNAPSHOTS.values(), ids=SNAPSHOTS.keys())


def test_the_rights_are_those_of_the_page() -> None:
    """Who has which role, on what and when: the page's table is that of the snapshots, and has all of it."""
    assert rows(section(SECURITY, "## Rights")) == rights()


def properties(resources: list[Resource], kind: str) -> Any:
    return one_of(resources, kind)["properties"]


def lifecycle(resources: list[Resource]) -> dict[str, Any]:
    """What each rule of the lifecycle deletes, by its name."""
    policy = properties(resources, f"{STORAGE}/managementPolicies")["policy"]
    return {rule["name"]: rule["definition"]["actions"] for rule in policy["rules"]}


def only_days(cell: str) -> int:
    [days] = re.findall(r"\d+", cell)
    return int(days)


def test_data_is_kept_as_long_as_the_page_says() -> None:
    """Runs, old versions, what was deleted, logs and secrets go when their days are over, not before."""
    days = only_days(KEPT["versions of everything else"])
    assert days == only_days(KEPT["deleted blobs, versions and containers"])
    blobs = properties(PLAINEST, f"{STORAGE}/blobServices")
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert blobs[policy] == {"enabled": True, "days": days}
    assert blobs["isVersioningEnabled"] is True
    for choice, runs_kept, audit_kept in (("plainest", 365, 730), ("everything", 90, 400)):
        assert lifecycle(SNAPSHOTS[choice]) == {
            "forget-old-runs": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": runs_kept}}},
            "forget-old-audit": {
                "baseBlob": {"delete": {"daysAfterModificationGreaterThan": audit_kept}},
                "version": {"delete": {"daysAfterCreationGreaterThan": audit_kept}},
            },
            "forget-old-versions": {"version": {"delete": {"daysAfterCreationGreaterThan": days}}},
        }
    assert "365 by default" in KEPT["records and refused rows' places"]
    assert "730 by default" in KEPT["the audit: who changed what"]
    logs = properties(PLAINEST, "Microsoft.OperationalInsights/workspaces")
    assert logs["retentionInDays"] == only_days(KEPT["logs, metrics, traces"])
    vault = properties(PLAINEST, VAULT)
    assert vault["softDeleteRetentionInDays"] == int(re.findall(r"\d+", KEPT["secrets, after deletion"])[0])
    assert vault["enableSoftDelete"] is vault["enablePurgeProtection"] is True


@every_choice
def test_no_way_in_is_left_open(resources: list[Resource]) -> None:
    """TLS 1.2 at least, everywhere; no FTP, no basic publishing, no shared key, nothing public."""
    app = site(resources)
    assert app["httpsOnly"] is True
    config = app["siteConfig"]
    assert (config["minTlsVersion"], config["scmMinTlsVersion"]) == ("1.2", "1.2")
    assert config["ftpsState"] == "Disabled"
    publishing = all_of(resources, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {each["name"].rpartition("/")[2]: each["properties"] for each in publishing} == {
        channel: {"allow": False} for channel in ("ftp", "scm")
    }
    account = properties(resources, STORAGE)
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["supportsHttpsTrafficOnly"] is True
    for way in ("allowSharedKeyAccess", "allowBlobPublicAccess", "allowCrossTenantReplication"):
        assert account[way] is False, way
    containers = all_of(resources, f"{STORAGE}/blobServices/containers")
    assert {each["name"].rpartition("/")[2] for each in containers} == {"deployment", "state"}
    assert all(each["properties"]["publicAccess"] == "None" for each in containers)
    assert all(vault["properties"]["enableRbacAuthorization"] for vault in all_of(resources, VAULT))
    assert properties(resources, "Microsoft.Insights/components")["DisableLocalAuth"] is True


@pytest.mark.parametrize(
    ("choice", "memory", "instances"), [("plainest", 2048, 40), ("everything", 4096, 100)]
)
def test_the_app_runs_on_what_the_page_says(choice: str, memory: int, instances: int) -> None:
    """Flex Consumption, four calls at once an instance, memory and instances as chosen, rolling updates."""
    assert "on Flex Consumption" in DEPLOYING
    assert "four concurrent HTTP calls" in DEPLOYING
    assert "With `RollingUpdate`, which the" in UPDATING
    resources = SNAPSHOTS[choice]
    plan = one_of(resources, "Microsoft.Web/serverfarms")
    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    config = site(resources)["functionAppConfig"]
    assert config["scaleAndConcurrency"] == {
        "instanceMemoryMB": memory,
        "maximumInstanceCount": instances,
        "triggers": {"http": {"perInstanceConcurrency": 4}},
    }
    assert config["siteUpdateStrategy"] == {"type": "RollingUpdate"}


def test_a_parameter_takes_what_the_page_allows() -> None:
    """Runs are kept for 30 days at least, since heads name them; memory has three sizes."""
    parameters = MAIN["parameters"]
    assert "730 by default, at least 90" in DEPLOYING
    assert parameters["auditKeptDays"]["minValue"] == 90
    assert "365 by default, at least 30" in DEPLOYING
    assert parameters["runsKeptDays"]["minValue"] == 30
    assert "memory of an instance: 512, 2048 (default) or 4096" in DEPLOYING
    assert parameters["instanceMemoryMB"]["allowedValues"] == [512, 2048, 4096]
    assert "`queue` (default) hands it to workers" in DEPLOYING
    assert parameters["workers"]["allowedValues"] == ["timer", "queue"]
    assert parameters["workers"]["defaultValue"] == "queue"


def test_a_choice_reaches_what_it_is_for() -> None:
    """Nobody's choice is lost: where, and how often the state is copied."""
    assert set(chosen("everything")) == set(MAIN["parameters"])
    resources = SNAPSHOTS["everything"]
    assert one_of(PLAINEST, STORAGE)["sku"] == {"name": "Standard_GRS"}
    assert one_of(resources, STORAGE)["sku"] == {"name": "Standard_ZRS"}
    locations = {shown(each["location"]) for each in resources if "location" in each}
    assert locations == {"northeurope", "global", "<mysegments.location>"}
    tagged = [each["tags"]["azd-env-name"] for each in resources if "tags" in each]
    assert len(tagged) > 15
    assert set(tagged) == {"staging"}


def test_a_vault_is_made_where_none_is_named() -> None:
    """And only there: one that holds keys already is not touched."""
    made = {choice: [vault["name"] for vault in all_of(each, VAULT)] for choice, each in SNAPSHOTS.items()}
    assert made == {
        choice: [] if "keyVaultName" in chosen(choice) else [f"kv-{token(each)}"]
        for choice, each in SNAPSHOTS.items()
    }


def test_without_workers_there_is_no_queue() -> None:
    """Neither the two queues nor a right on them; all else is the same."""
    gone = {each["id"] for each in PLAINEST} - {each["id"] for each in SNAPSHOTS["timer"]}
    assert len(gone) == 5
    assert all("/queueServices/" in each for each in gone)
    assert {each["id"] for each in SNAPSHOTS["timer"]} < {each["id"] for each in PLAINEST}
