"""The templates: names, what is forgotten, how the runtime is chosen, what azd hands over."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from shared import state
from shared.adapters.queue import POISON
from tests.support.templates import (
    INFRA,
    MAIN,
    PLAINEST,
    ROOT,
    SNAPSHOTS,
    Resource,
    all_of,
    app_settings,
    chosen,
    one_of,
    shown,
    site,
    token,
)

# What Azure takes as the name of each type, by its rules for names. A guid is one wherever it is asked for.
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NAMES = {
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][\w-]{2,127}",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.KeyVault/vaults": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Insights/components": r"[^%&?/\\]{0,259}[^%&?/\\. ]",
    "Microsoft.Insights/actionGroups": r"[^:<>+/&%?@|\\]{0,259}[^:<>+/&%?@|\\. ]",
    "Microsoft.Insights/scheduledQueryRules": r"[^*<>%{}&:?/#@|\\]{0,259}[^*<>%{}&:?/#@|\\. ]",
    "Microsoft.Insights/workbooks": GUID,
    "Microsoft.Logic/workflows": r"[A-Za-z0-9._()-]{1,80}",
    "Microsoft.EventGrid/systemTopics": r"[A-Za-z0-9-]{3,50}",
    **dict.fromkeys(
        (
            "Microsoft.Network/publicIPAddresses",
            "Microsoft.Network/natGateways",
            "Microsoft.Network/virtualNetworks",
            "Microsoft.Network/privateEndpoints",
        ),
        r"[A-Za-z0-9](?:[\w.-]{0,62}\w)?",
    ),
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    "Microsoft.Web/sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
}
# A right's name is a guid of what it is; a private zone's is Azure's own.
NOT_OURS_TO_NAME = ("Microsoft.Authorization/roleAssignments", "Microsoft.Network/privateDnsZones")
STORAGE = "Microsoft.Storage/storageAccounts"
# What uniqueString makes.
TOKENS = st.from_regex(r"[a-z2-7]{13}", fullmatch=True)

every_choice = pytest.mark.parametrize("resources", SNAPSHOTS.values(), ids=SNAPSHOTS.keys())


def test_parameters_and_outputs_are_described() -> None:
    """Whoever deploys can read what each parameter and output is."""
    for name, declared in (MAIN["parameters"] | MAIN["outputs"]).items():
        assert len(declared["metadata"]["description"]) > 15, name


@hypothesis.given(TOKENS)
def test_every_name_is_one_that_azure_takes(made: str) -> None:
    """Whatever the environment is called: names hold a token of it, and never its name."""
    for resources in SNAPSHOTS.values():
        for each in resources:
            kind, name = each["type"], each["name"]
            if kind.count("/") == 1 and kind not in NOT_OURS_TO_NAME:
                assert re.fullmatch(NAMES[kind], name.replace(token(resources), made)), name
                assert token(resources) in name or re.fullmatch(GUID, name), name


@pytest.mark.parametrize("choice", SNAPSHOTS)
def test_an_environment_s_name_fits_wherever_it_stands(choice: str) -> None:
    """A tag's value has 256 characters at most; no environment's name has more than azd allows."""
    parameter = MAIN["parameters"]["environmentName"]
    assert (parameter["minLength"], parameter["maxLength"]) == (1, 64)
    environment = {"everything": "staging"}.get(choice, "production")
    for each in SNAPSHOTS[choice]:
        told = json.dumps(each)
        where = [json.dumps(each.get("tags", {})), each.get("properties", {}).get("displayName", "")]
        assert told.count(environment) == sum(text.count(environment) for text in where), each["id"]


def test_two_environments_in_one_group_do_not_collide() -> None:
    """They share no resource of their group, nor a right that one of them assigns."""
    one, other = ({each["id"] for each in SNAPSHOTS[choice]} for choice in ("own-vault", "everything"))
    shared = one & other
    # Both have the same administrator of the same vault: assigned twice, it is one right.
    assert [
        each.rpartition("/providers/Microsoft.Authorization/")[0].rpartition("/")[2] for each in shared
    ] == ["my-vault"]


def nested(template: Any) -> Iterator[Any]:
    """The deployments inside a template, at any depth."""
    resources = template["resources"]
    for each in resources.values() if isinstance(resources, dict) else resources:
        if each["type"] == "Microsoft.Resources/deployments":
            yield each
            yield from nested(each["properties"]["template"])


def test_two_deployments_at_once_do_not_meet() -> None:
    """Azure refuses a deployment while another one of its name is running in the group."""
    names = [each["name"] for each in nested(MAIN)]
    assert len(names) == len(set(names)) > 5
    for name in names:
        # What a module names, it names by the token too.
        assert "variables('token')" in name or "parameters('name')" in name, name


@every_choice
def test_the_state_and_the_package_lie_in_containers_that_are_made(resources: list[Resource]) -> None:
    """The app and its deployments are sent to private containers of the storage account."""
    account = f"<st{token(resources)}.primaryEndpoints.blob>"
    containers = [each["name"] for each in all_of(resources, f"{STORAGE}/blobServices/containers")]
    assert app_settings(resources)["STATE_URL"] == f"{account}state"
    package = site(resources)["functionAppConfig"]["deployment"]["storage"]
    assert shown(package["value"]) == f"{account}deployment"
    assert package["authentication"]["type"] == "UserAssignedIdentity"
    assert [name.rpartition("/")[2] for name in containers] == ["deployment", "state"]


def test_what_has_failed_lies_where_the_timer_counts_it() -> None:
    """The second queue has the name that the Functions host gives it."""
    queues = [each["name"] for each in all_of(PLAINEST, f"{STORAGE}/queueServices/queues")]
    assert [name.rpartition("/")[2] for name in queues] == ["work", f"work{POISON}"]


DOCUMENTS = ["state/connections/klaviyo-eu.json", "state/exports/vip.json"]
LEFT_BY_RUNS = [f"state/{name('vip.1')}" for name in (state.record, state.rejected, state.cancel)]


REMEMBERED = [f"state/{name}" for name in (state.head("vip"), "locks/account-1", state.work("AbC123"))]


def forgets(name: str) -> Callable[[str], bool]:
    """Whether a rule of the lifecycle matches a blob, by its container and name."""
    policy = one_of(PLAINEST, f"{STORAGE}/managementPolicies")["properties"]["policy"]
    [rule] = [rule for rule in policy["rules"] if rule["name"] == name]
    prefixes = tuple(rule["definition"]["filters"]["prefixMatch"])
    return lambda blob: blob.startswith(prefixes)


def test_only_runs_are_forgotten() -> None:
    """What the lifecycle deletes by age is what a closed run leaves, not what is configured or remembered."""
    is_forgotten = forgets("forget-old-runs")
    assert all(map(is_forgotten, LEFT_BY_RUNS))
    assert not any(map(is_forgotten, [*DOCUMENTS, *REMEMBERED]))


def test_old_versions_of_documents_stay() -> None:
    """A version's age counts from its own writing: a document that lay long would lose its last good one.

    What is rewritten all the time, by runs and by the host, keeps none for ever.
    """
    is_forgotten = forgets("forget-old-versions")
    assert not any(map(is_forgotten, DOCUMENTS))
    rewritten = [f"state/{state.head('vip')}", "state/locks/account-1", "deployment/released-package.zip"]
    rewritten += [
        f"state/{name}" for name in (state.work("AbC123"), state.work_lock("AbC123"), state.REFRESHED)
    ]
    rewritten += ["azure-webjobs-hosts/timers/app/schedule/status", "azure-webjobs-secrets/app/host.json"]
    assert all(map(is_forgotten, rewritten + LEFT_BY_RUNS))


@every_choice
def test_nobody_signs_in_with_a_shared_key(resources: list[Resource]) -> None:
    """The host uses the identity, and no template reads a key."""
    assert app_settings(resources)["AzureWebJobsStorage__credential"] == "managedidentity"
    for secret in ("listKeys", "AccountKey", "SharedAccessSignature", "listAccountSas"):
        assert secret not in json.dumps(MAIN)


def test_flex_consumption_gets_its_runtime_from_its_own_section() -> None:
    """FUNCTIONS_WORKER_RUNTIME is refused there; Python is the version that the project is built for."""
    assert "FUNCTIONS_WORKER_RUNTIME" not in app_settings(PLAINEST)
    version = (ROOT / ".python-version").read_text().strip()
    assert site(PLAINEST)["functionAppConfig"]["runtime"] == {"name": "python", "version": version}


def given_by_azd() -> dict[str, str]:
    """What main.parameters.json says of each parameter, such as `${EXPORTS_PAUSED=false}`."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    return {name: parameter["value"] for name, parameter in given.items()}


def test_azd_can_set_every_parameter() -> None:
    """What somebody chose, a pause above all, would else be undone by the next `azd provision`."""
    assert set(given_by_azd()) == set(MAIN["parameters"])


def test_azd_leaves_defaults_as_they_are() -> None:
    """A variable that is not set means the template's default; blank stands for blank."""
    for name, parameter in MAIN["parameters"].items():
        if "defaultValue" in parameter and name != "location":
            default = str(parameter["defaultValue"])
            if isinstance(parameter["defaultValue"], bool):
                default = default.lower()
            elif parameter.get("type") == "bool":
                default = ""  # worked out by the template; azd does not hand over what is no bool
            elif parameter["defaultValue"] == {}:
                default = ""  # azd leaves an object out whose variable is not set
            given = re.fullmatch(r"\$\{\w+=?(.*)\}", given_by_azd()[name])
            assert given is not None
            assert given[1] == default, name


def test_what_azd_is_told_is_documented() -> None:
    """Each variable of main.parameters.json stands in docs/deploy.md, but for those that azd itself sets."""
    used = set(re.findall(r"\$\{(\w+)\}", (INFRA / "main.parameters.json").read_text()))
    own = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID"}
    told = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/deploy.md").read_text()))
    assert used - own <= told
    assert own <= used


def test_what_a_deployment_puts_out_is_documented() -> None:
    """The outputs that docs/deploy.md uses are those of main.bicep, all of them."""
    deploying = (ROOT / "docs/deploy.md").read_text()
    for output in MAIN["outputs"]:
        assert f"`{output}`" in deploying, output


def test_outputs_become_environment_variables() -> None:
    """What docs/deploy.md pipes az's outputs into makes lines for a shell, however az spells the names."""
    [script] = re.findall(r"python -c '(.*)'\)\"$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    outputs = {"statE_URL": {"type": "String", "value": "https://example.org/state"}}
    command = [sys.executable, "-c", script]
    made = subprocess.check_output(command, input=json.dumps(outputs), text=True)
    assert made == "export STATE_URL=https://example.org/state\n"


def test_the_identity_is_found_by_the_app_s_name() -> None:
    """Both names end in the same token: another app's identity in the group is not taken for it."""
    deploying = (ROOT / "docs/updating.md").read_text()
    assert '--name "id-${FUNCTION_APP_NAME#func-}"' in deploying
    assert one_of(PLAINEST, "Microsoft.Web/sites")["name"] == f"func-{token(PLAINEST)}"


CLIENT_ID = "00000000-0000-0000-0000-0000000000c1"
SIGN_IN = "Microsoft.Web/sites/config"
ASSERTION = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"


def test_the_sign_in_is_that_of_the_registration() -> None:
    """Of this tenant, for tokens of this app, without a secret; nothing but the health is open without it."""
    for choice in ("entra", "everything"):
        config = one_of(SNAPSHOTS[choice], SIGN_IN)
        assert config["name"].rpartition("/")[2] == "authsettingsV2"
        properties = config["properties"]
        assert properties["platform"]["enabled"] is True
        assert properties["globalValidation"] == {
            "requireAuthentication": True,
            "unauthenticatedClientAction": "RedirectToLoginPage",
            "redirectToProvider": "azureactivedirectory",
            "excludedPaths": ["/api/health"],
        }
        assert list(properties["identityProviders"]) == ["azureActiveDirectory"]
        entra = properties["identityProviders"]["azureActiveDirectory"]
        issuer = "<environment().authentication.loginEndpoint><tenant().tenantId>/v2.0"
        assert shown(entra["registration"].pop("openIdIssuer")) == issuer
        assert entra["registration"] == {"clientId": CLIENT_ID, "clientSecretSettingName": ASSERTION}
        assert entra["validation"] == {"allowedAudiences": [f"api://{CLIENT_ID}", CLIENT_ID]}
        assert properties["login"] == {"tokenStore": {"enabled": False}}
        settings = app_settings(SNAPSHOTS[choice])
        assert settings[ASSERTION] == settings["AZURE_CLIENT_ID"]


def test_without_a_registration_there_is_no_sign_in() -> None:
    """With a function key nothing of it; where the portal sets it up, only whose tokens the app takes."""
    for choice, resources in SNAPSHOTS.items():
        settings = app_settings(resources)
        has_registration = "signInClientId" in chosen(choice)
        assert len(all_of(resources, SIGN_IN)) == (ASSERTION in settings) == has_registration
        tenants = "WEBSITE_AUTH_AAD_ALLOWED_TENANTS" in settings
        assert tenants == (settings["AUTH"] == "entra"), choice
    assert {"entra", "entra-portal"} < SNAPSHOTS.keys()
