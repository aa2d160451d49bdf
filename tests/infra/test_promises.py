"""What docs/security.md and docs/deploy.md promise of a deployment stands in its templates."""

import re

import pytest

from tests.docs.pages import page, rows, section
from tests.support.bicep import MAIN, TEMPLATES, body, declared, members, modules, text, walk

SECURITY = page("docs/security.md")
DEPLOYING = page("docs/deploy.md")
KEPT = {row[0]: row[2] for row in rows(section(SECURITY, "## What is kept, and for how long"))}
# What a right is given on, as the page names it: file and resource.
SCOPES = {
    "its own storage account": ("storage.bicep", "account"),
    "the segments' container": ("segments.bicep", "container"),
    "the vault": ("keys.bicep", "vault"),
    "Application Insights": ("monitoring.bicep", "insights"),
    "the container `state`": ("storage.bicep", "stateContainer"),
    "the queue `work`": ("storage.bicep", "workQueue"),
    "the queue `work-poison`": ("storage.bicep", "poisonQueue"),
}
WHO = {"the app": "principalId", "`administratorId`": "administratorId"}


def granted() -> set[tuple[str, str, str, str]]:
    """File, scope, principal and role of every role assignment."""
    found = set()
    for file, template in TEMPLATES.items():
        for resource in declared(template, "resource").values():
            if "roleAssignments" in text(resource.named_children[1]):
                scope = text(body(resource)["scope"])
                properties = members(body(resource)["properties"])
                role = re.findall(r", (\w+)\)", text(properties["roleDefinitionId"]))[0]
                found.add((file, scope, text(properties["principalId"]), role.lower()))
    return found


def test_the_rights_are_those_of_the_page() -> None:
    """Who has which role, on what and on no more than that; no other right is given."""
    promised = {
        (*SCOPES[re.split("[:,]", on)[0]], WHO[who], role.replace(" ", "").lower())
        for who, role, on in rows(section(SECURITY, "## Rights"))
    }
    assert granted() == promised


def only_days(cell: str) -> int:
    [days] = re.findall(r"\d+", cell)
    return int(days)


def test_data_is_kept_as_long_as_the_page_says() -> None:
    """Runs, old versions, what was deleted, logs and secrets go when their days are over, not before."""
    storage = TEMPLATES["storage.bicep"]
    days = int(text(declared(storage, "variable")["daysKept"].named_children[1]))
    assert days == only_days(KEPT["versions of everything else"])
    assert days == only_days(KEPT["deleted blobs, versions and containers"])
    blobs = members(body(declared(storage, "resource")["blobs"])["properties"])
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert text(blobs[policy]) == "{ enabled: true, days: daysKept }"
    assert text(blobs["isVersioningEnabled"]) == "true"
    assert "version: { delete: { daysAfterCreationGreaterThan: daysKept } }" in text(storage)
    assert "baseBlob: { delete: { daysAfterModificationGreaterThan: runsKeptDays } }" in text(storage)
    default = text(declared(MAIN, "parameter")["runsKeptDays"].named_children[-1])
    assert f"{default} by default" in KEPT["records and refused rows' places"]
    assert f"retentionInDays: {only_days(KEPT['logs, metrics, traces'])}\n" in text(
        TEMPLATES["monitoring.bicep"]
    )
    secrets = re.findall(r"\d+", KEPT["secrets, after deletion"])[0]
    vault = members(body(declared(TEMPLATES["vault.bicep"], "resource")["vault"])["properties"])
    assert text(vault["softDeleteRetentionInDays"]) == secrets
    assert text(vault["enableSoftDelete"]) == text(vault["enablePurgeProtection"]) == "true"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("app.bicep", "httpsOnly: true"),
        ("app.bicep", "minTlsVersion: '1.2'"),
        ("app.bicep", "scmMinTlsVersion: '1.2'"),
        ("app.bicep", "ftpsState: 'Disabled'"),
        ("app.bicep", "properties: { allow: false }"),
        ("app.bicep", "for channel in ['ftp', 'scm']: {"),
        ("storage.bicep", "minimumTlsVersion: 'TLS1_2'"),
        ("storage.bicep", "supportsHttpsTrafficOnly: true"),
        ("storage.bicep", "allowSharedKeyAccess: false"),
        ("storage.bicep", "allowBlobPublicAccess: false"),
        ("storage.bicep", "allowCrossTenantReplication: false"),
        ("vault.bicep", "enableRbacAuthorization: true"),
    ],
)
def test_no_way_in_is_left_open(template: str, line: str) -> None:
    """TLS 1.2 at least, everywhere; no FTP, no basic publishing, no shared key, nothing public."""
    assert text(TEMPLATES["storage.bicep"]).count("properties: { publicAccess: 'None' }") == 2
    lines = [found.strip().removeprefix("- ") for found in text(TEMPLATES[template]).splitlines()]
    assert lines.count(line) == 1


def test_the_app_runs_on_what_the_page_says() -> None:
    """Flex Consumption, four calls at once an instance, memory and instances as chosen, rolling updates."""
    for promise in ("on Flex Consumption", "four concurrent HTTP calls", "With `RollingUpdate`, which the"):
        assert promise in DEPLOYING
    resources = declared(TEMPLATES["app.bicep"], "resource")
    assert text(body(resources["plan"])["sku"]) == "{ name: 'FC1', tier: 'FlexConsumption' }"
    config = next(
        members(members(node)["functionAppConfig"])
        for node in walk(resources["site"])
        if "functionAppConfig" in members(node)
    )
    scale = {name: text(value) for name, value in members(config["scaleAndConcurrency"]).items()}
    assert scale == {
        "instanceMemoryMB": "instanceMemoryMB",
        "maximumInstanceCount": "maximumInstances",
        "triggers": "{ http: { perInstanceConcurrency: 4 } }",
    }
    assert text(config["siteUpdateStrategy"]) == "{ type: 'RollingUpdate' }"


def test_a_parameter_takes_what_the_page_allows() -> None:
    """Runs are kept for 30 days at least, since heads name them; memory has three sizes."""
    parameters = declared(MAIN, "parameter")
    allowed = {name: text(node.prev_sibling) for name, node in parameters.items() if node.prev_sibling}
    assert "365 by default, at least 30" in DEPLOYING
    assert "@minValue(30)" in allowed["runsKeptDays"]
    assert "memory of an instance: 512, 2048 (default) or 4096" in DEPLOYING
    assert "@allowed([512, 2048, 4096])" in allowed["instanceMemoryMB"]
    assert "`queue` (default) hands it to workers" in DEPLOYING
    assert "@allowed(['timer', 'queue'])" in allowed["workers"]
    assert text(parameters["workers"].named_children[-1]) == "queue"


def test_a_parameter_reaches_the_module_that_it_is_for() -> None:
    """Nobody's choice is lost on its way from main.bicep."""
    passed = {
        (module, name): text(value)
        for module, (_, params) in modules(MAIN).items()
        for name, value in params.items()
    }
    assert passed["storage", "redundancy"] == "storageRedundancy"
    assert passed["storage", "runsKeptDays"] == "runsKeptDays"
    assert passed["alerts", "email"] == "alertEmail"
    assert passed["app", "instanceMemoryMB"] == "instanceMemoryMB"
    assert passed["app", "maximumInstances"] == "maximumInstances"
    for module in ("storage", "keys"):
        assert passed[module, "principalId"] == "identity.properties.principalId"
        assert passed[module, "administratorId"] == "administratorId"


def test_a_vault_is_made_where_none_is_named() -> None:
    """And only there: one that holds keys already is not touched."""
    assert "= if (empty(keyVaultName)) {" in text(declared(MAIN, "module")["vault"])
    name = text(declared(MAIN, "variable")["vaultName"].named_children[1])
    assert name == "empty(keyVaultName) ? 'kv-${token}' : keyVaultName"
