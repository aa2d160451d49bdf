"""`doctor --deployment`: the findings about Azure, before and after the first deployment, and about
resources that can't be read."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from click.testing import CliRunner

from cli.doctor.deployment import Place, azure, examine_deployment
from cli.doctor.deployment.azure import MOST_BYTES, Azure
from cli.doctor.deployment.subscription import NEEDED
from cli.main import main
from shared.adapters.clock import Deadline, SystemClock
from shared.administration.checkup.finding import Finding
from shared.settings import Settings
from tests.support.host import COMMAND
from tests.support.identity import running_identity
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
    TOKEN,
    TOPICS,
    VAULT,
    Assignment,
    Subscription,
    permissions,
    running_azure,
)

PLACE = Place(
    subscription=SUBSCRIPTION,
    group="exports",
    segments="mysegments",
    segments_group="crm",
    container="exports",
    state="stmade",
    queue="work",
    vault="kv-made",
    vault_group="exports",
    app="func-made",
)
BEFORE = Place(subscription=SUBSCRIPTION, group="exports", segments="mysegments", container="exports")
# What the app needs, where nobody has told the names.
UNTOLD = {"app on the segments' container", "app on the state's account", "app on the vault"}
IDENTITY = "44444444-4444-4444-8444-444444444444"


@pytest.fixture
def made() -> Subscription:
    return Subscription()


def found(made: Subscription, place: Place = PLACE, seconds: float = 60) -> dict[str, Finding]:
    """All findings, by name; asserts that every request only reads."""
    clock = SystemClock()
    deadline = Deadline(clock, seconds)
    with running_azure(made) as url, Azure(url, lambda: TOKEN, deadline, "a reader") as api:
        findings = list(examine_deployment(place, clock, api, api))
    assert {method for method, _ in made.asked} == {"GET"}
    by_name = {finding.name: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


def wrong(made: Subscription, place: Place = PLACE) -> dict[str, Finding]:
    return {name: finding for name, finding in found(made, place).items() if finding.fix}


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


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "secret-of-azure"}}


@pytest.mark.parametrize(
    ("status", "body", "said", "fix"),
    [
        (401, error("ExpiredAuthenticationToken"), "401 ExpiredAuthenticationToken", "az login"),
        (403, error("AuthorizationFailed"), "403 AuthorizationFailed", "Ask a reader to run this"),
        (404, error("ResourceNotFound"), "404 ResourceNotFound", "Check the names"),
        (429, error("TooManyRequests"), "429 TooManyRequests", "Try again in 17 seconds"),
        (400, error("InvalidApiVersionParameter"), "400 InvalidApiVersionParameter", "report it"),
        (503, b"<html>busy</html>", "Azure is unavailable (503)", "Try again later"),
        (302, b"", "refused the request (302)", "report it"),
        (200, b"<html>a proxy</html>", "not Azure's", "no proxy"),
        (200, b'{"unexpected": 1}', "not Azure's", "no proxy"),
        (403, error("a code with blanks"), "read it (403)", "Ask a reader"),
    ],
)
def test_what_can_not_be_seen_is_never_ok(
    made: Subscription, status: int, body: Any, said: str, fix: str
) -> None:
    """A warning has the cause and who can read it, but nothing of the response except its code."""
    made.refused["/"] = (status, body)
    made.headers = {"retry-after": "17"}

    findings = found(made)

    seen = [name for name, finding in findings.items() if not finding.fix]
    assert seen == ["clock"]
    del findings["clock"]
    if status == 404:
        assert not findings.pop("resource group").warning
    assert {finding.warning for finding in findings.values()} == {True}
    assert said in findings["providers"].message
    assert fix in findings["providers"].fix
    assert "secret-of-azure" not in str(findings)


@pytest.mark.parametrize("date", ["yesterday", "Fri, 27 Nov 2026 20:00:00 -0000"])
def test_an_answer_without_a_time(made: Subscription, date: str) -> None:
    """Then the clock is not spoken of."""
    made.refused["/"], made.headers = (503, b""), {"date": date}
    assert "clock" not in found(made)


def test_a_clock_that_is_wrong(made: Subscription) -> None:
    """Each response has Azure's own time."""
    made.refused["/"], made.headers = (503, b""), {"date": "Fri, 27 Nov 2020 20:00:00 GMT"}
    assert "time server" in found(made)["clock"].fix


@pytest.mark.parametrize(
    "resource_id", ["/subscriptions/x", "mysegments", f"{SEGMENTS}; rm -r", f"{SEGMENTS}?a=b"]
)
def test_an_id_that_is_none(made: Subscription, resource_id: str) -> None:
    """A response's text is used in an address or a command only if it is a resource's id."""
    made.refused[f"{ROOT}/resources"] = (200, {"value": [{"id": resource_id}]})
    findings = wrong(made)
    assert findings["segments account mysegments"].message.endswith("not Azure's")
    assert all(finding.warning for finding in findings.values())


def test_one_thing_that_can_not_be_seen_hides_no_other(made: Subscription) -> None:
    """Someone who may not read the vault still sees the rest."""
    made.refused[VAULT] = (403, error("AuthorizationFailed"))
    assert wrong(made).keys() == {"vault kv-made", "app on kv-made"}


def test_an_account_that_is_not_shown(made: Subscription) -> None:
    """Azure omits from a list what the caller may not read."""
    del made.things[SEGMENTS]
    findings = wrong(made, replace(PLACE, segments_group=None))
    assert findings.keys() == {"segments account mysegments", "app on mysegments/exports"}
    assert all(finding.warning and "Reader" in finding.fix for finding in findings.values())


@pytest.mark.parametrize(
    ("path", "name"), [(SEGMENTS, "segments account mysegments"), (VAULT, "vault kv-made")]
)
def test_what_is_not_where_a_deployment_looks(made: Subscription, path: str, name: str) -> None:
    """Neither a list nor its group has it: maybe it is in another subscription. A warning where that can't
    be seen."""
    del made.things[path]
    finding = wrong(made)[name]
    assert not finding.warning
    assert "another subscription" in finding.fix

    made.refused[path] = (403, error("AuthorizationFailed"))
    assert wrong(made)[name].warning
    made.refused = {path: (200, {}), f"{ROOT}/resources": (200, {"value": []})}
    assert wrong(made)[name].warning


@pytest.mark.parametrize(
    ("changes", "name", "fixes"),
    [
        (
            {"segments_group": "exports"},
            "group of mysegments",
            ("azd env set SEGMENTS_RESOURCE_GROUP crm;", "segmentsResourceGroupName=crm,"),
        ),
        (
            {"vault_group": "crm"},
            "group of kv-made",
            ("azd env set KEY_VAULT_RESOURCE_GROUP exports;", "keyVaultResourceGroupName=exports,"),
        ),
    ],
)
def test_what_lies_in_another_group(
    made: Subscription, changes: dict[str, str], name: str, fixes: tuple[str, ...]
) -> None:
    """Azure would refuse the deployment; the fix names the setting. Group names are case-insensitive."""
    findings = wrong(made, replace(PLACE, **changes))
    assert findings.keys() == {name}
    assert not findings[name].warning
    assert all(fix in findings[name].fix for fix in fixes)
    assert wrong(made, replace(PLACE, segments_group="CRM", vault_group="Exports")) == {}


def test_a_container_that_is_not_there(made: Subscription) -> None:
    """This holds before and after the deployment; an unreadable container is not called missing."""
    del made.things[CONTAINER]
    findings = wrong(made)
    assert findings.keys() == {"container exports"}
    assert not findings["container exports"].warning
    assert findings["container exports"].fix.endswith(
        "az storage container-rm create --storage-account mysegments --resource-group crm --name exports"
    )
    assert wrong(made, BEFORE).keys() == {"container exports", "app"}

    made.refused[CONTAINER] = (403, error("AuthorizationFailed"))
    assert wrong(made)["container exports"].warning


CONTRIBUTOR = {
    "actions": ["*"],
    "notActions": ["Microsoft.Authorization/*/Write", "Microsoft.Blueprint/*/write"],
}
ASSIGNER = {"actions": ["Microsoft.Authorization/roleAssignments/write", "*/read"], "notActions": []}
DEPLOYMENTS = "Microsoft.Resources/deployments/write"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/write"


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ([], [DEPLOYMENTS, ASSIGNMENTS]),
        ([{"actions": ["*/read"]}], [DEPLOYMENTS, ASSIGNMENTS]),
        ([CONTRIBUTOR], [ASSIGNMENTS]),
        ([ASSIGNER], [DEPLOYMENTS]),
        ([ASSIGNER, CONTRIBUTOR], []),
        ([{"actions": ["microsoft.resources/Deployments/*", "Microsoft.Authorization/*"]}], []),
        ([{"actions": ["Microsoft.Resources/deployments/writes", ASSIGNMENTS]}], [DEPLOYMENTS]),
        ([{"actions": ["*"], "notActions": ["*"]}, ASSIGNER], [DEPLOYMENTS]),
    ],
)
@pytest.mark.parametrize("group", ["exports", "crm"])
def test_the_rights_of_who_deploys(
    made: Subscription, given: list[Any], lacking: list[str], group: str
) -> None:
    """Each group that the templates write to is checked; a role's notActions restrict only that role."""
    made.lists[permissions(group)] = given
    findings = wrong(made)
    assert findings.keys() == ({f"your rights on {group}"} if lacking else set())
    for finding in findings.values():
        assert not finding.warning
        assert finding.message == f"you lack {', '.join(lacking)}"
        assert ("Contributor" in finding.fix) == (DEPLOYMENTS in lacking)
        assert ("Role Based Access Control Administrator" in finding.fix) == (ASSIGNMENTS in lacking)


def test_rights_where_nothing_else_is_seen(made: Subscription) -> None:
    """The rights on the given group are checked even if its account can't be read."""
    made.refused[f"{ROOT}/resources"] = (403, error("AuthorizationFailed"))
    made.lists[permissions("crm")] = []
    assert not wrong(made)["your rights on crm"].warning


def test_an_answer_without_end(made: Subscription) -> None:
    made.refused[VAULT] = (200, b" " * (MOST_BYTES + 1))
    assert "bytes" in wrong(made)["vault kv-made"].message


def test_a_list_without_end(made: Subscription) -> None:
    """The check stops, and does not call the resource missing."""
    made.lists[TOPICS] = [{"name": "t", "properties": {"source": STATE}}] * 100
    [finding] = wrong(made).values()
    assert (finding.name, finding.warning) == ("events of mysegments", True)
    assert sum(path == TOPICS for _, path in made.asked) == azure.MOST_PAGES


def test_a_list_that_goes_on_elsewhere(made: Subscription) -> None:
    """The token goes to no other address."""
    made.refused[TOPICS] = (200, {"value": [], "nextLink": "https://example.org/more?api-version=1"})
    [finding] = wrong(made).values()
    assert "another address" in finding.message


@pytest.mark.parametrize(("slow", "trickle"), [(0.2, 0), (0, 0.05)])
def test_an_azure_that_is_slow(made: Subscription, slow: float, trickle: float) -> None:
    """The whole check ends in time, however many requests are left and however slow a response is."""
    made.slow, made.trickle = slow, trickle
    clock = SystemClock()
    began = clock.monotonic()

    findings = found(made, seconds=1)

    assert clock.monotonic() - began < 10
    assert findings["providers"].warning
    assert "no response" in findings["app func-made"].message


def test_no_azure_at_all() -> None:
    clock = SystemClock()
    deadline = Deadline(clock, 60)
    with Azure("http://127.0.0.1:1", lambda: TOKEN, deadline, "a reader") as api:
        findings = list(examine_deployment(PLACE, clock, api, api))
    assert all(finding.warning and "no response (ConnectError)" in finding.message for finding in findings)


@pytest.fixture
def signed_in(made: Subscription) -> Iterator[dict[str, str]]:
    """The environment of a process in which the real credential signs in, with azd's variables."""
    with running_azure(made) as url, running_identity(IDENTITY, TOKEN) as identity:
        yield {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **identity,
            "URL": url,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_RESOURCE_GROUP": "exports",
            "FUNCTION_APP_NAME": "func-made",
            "SEGMENTS_URL": "https://mysegments.blob.core.windows.net/exports/folder",
            "STATE_URL": "https://stmade.blob.core.windows.net/state",
            "KEY_VAULT_URL": "https://kv-made.vault.azure.net",
            "QUEUE_URL": "https://stmade.queue.core.windows.net/work",
        }


def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    url = environment["URL"]
    apis = ("--resource-manager", url, "--graph", url)
    process = run(
        [COMMAND, "doctor", "--deployment", *apis, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def test_the_command(made: Subscription, signed_in: dict[str, str]) -> None:
    """It uses azd's variables and the real credential; the exit code is 1 if something is wrong."""
    assert command(signed_in)[0] == 0
    made.things[f"{SEGMENTS}/blobServices/default"]["properties"]["deleteRetentionPolicy"]["enabled"] = True

    code, said = command(signed_in)
    coded, document = command(signed_in, "--json")

    assert (code, coded) == (1, 1)
    assert "WRONG soft delete of mysegments: is on" in said
    assert "ok    app on stmade/work-poison" in said
    findings = json.loads(document)["findings"]
    assert [each["name"] for each in findings if each["fix"]] == ["soft delete of mysegments"]


def test_the_groups_of_a_deployment(made: Subscription, signed_in: dict[str, str]) -> None:
    """The deployment's own, unless variables or options name others; nothing where an earlier one's outputs
    name account and vault."""
    named = signed_in | {"SEGMENTS_ACCOUNT": "mysegments", "KEY_VAULT": "kv-made"}
    code, said = command(named)
    assert (code, "WRONG group of mysegments: is crm" in said) == (1, True)
    assert "ok    group of kv-made: is exports" in said

    code, said = command(named | {"SEGMENTS_RESOURCE_GROUP": "crm", "KEY_VAULT_RESOURCE_GROUP": "vaults"})
    assert (code, "ok    group of mysegments: is crm" in said) == (1, True)
    assert "WRONG group of kv-made: is exports" in said

    options = ("--segments-resource-group", "crm", "--key-vault-resource-group", "exports")
    assert command(named, *options)[0] == 0
    assert "group of" not in command(signed_in | {"KEY_VAULT_NAME": "kv-made"})[1]


def test_nobody_is_signed_in(made: Subscription, signed_in: dict[str, str], tmp_path: Path) -> None:
    """Nothing is asked, and nothing is called well: one warning."""
    environment = signed_in | {"IDENTITY_HEADER": "wrong", "PATH": str(tmp_path), "HOME": str(tmp_path)}

    code, said = command(environment)

    assert (code, made.asked) == (0, [])
    assert "warn  sign-in: not checked" in said
    assert "az login" in said
    assert "Check the warnings." in said


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--subscription", "not-a-guid"],
        ["--subscription", SUBSCRIPTION, "--segments-account", "x' or name eq 'y"],
        ["--subscription", SUBSCRIPTION, "--resource-group", "a/b"],
        ["--subscription", SUBSCRIPTION, "--resource-manager", "http://example.org"],
    ],
)
def test_what_can_not_be_a_name(arguments: list[str]) -> None:
    """Exit code 2, and nothing is asked."""
    result = CliRunner(env=dict.fromkeys(("AZURE_SUBSCRIPTION_ID",))).invoke(
        main, ["doctor", "--deployment", *arguments]
    )
    assert result.exit_code == 2, result.output


@pytest.mark.parametrize(
    ("segments_url", "account", "container", "expected"),
    [
        ("https://one.blob.core.windows.net/exports/folder", None, None, ("one", "exports")),
        ("https://one.blob.core.windows.net/exports", "one", None, ("one", "exports")),
        ("https://one.blob.core.windows.net/exports", "other", None, ("other", None)),
        ("https://one.blob.core.windows.net/exports", "other", "theirs", ("other", "theirs")),
        ("file:./data/segments", None, None, (None, None)),
        ("http://127.0.0.1:10000/devstoreaccount1/exports", None, None, (None, None)),
    ],
)
def test_names_out_of_the_settings(
    segments_url: str, account: str | None, container: str | None, expected: tuple[str | None, str | None]
) -> None:
    """An option takes precedence; a folder or an emulator is not in Azure."""
    place = Place.of(
        Settings(segments_url=segments_url),
        SUBSCRIPTION,
        group=None,
        location=None,
        segments=account,
        segments_group=None,
        container=container,
        vault=None,
        vault_group=None,
        app=None,
    )
    assert (place.segments, place.container) == expected
    assert (place.state, place.vault) == (None, None)
