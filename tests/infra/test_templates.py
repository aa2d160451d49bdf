"""The Bicep templates: what can be known of them without a compiler."""

import json
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from tree_sitter import Node

from shared import state
from shared.adapters.queue import POISON
from tests.support.bicep import (
    INFRA,
    MAIN,
    ROOT,
    TEMPLATES,
    app_settings,
    body,
    declared,
    members,
    modules,
    names,
    text,
    walk,
)

# Microsoft's built-in roles, by the names that the templates give them.
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}
# Bicep's own functions, as far as the templates call them.
FUNCTIONS = {"empty", "guid", "items", "loadTextContent", "union", "uniqueString"}
FUNCTIONS |= {"resourceGroup", "subscription", "subscriptionResourceId"}


every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())


@every_template
def test_a_template_is_bicep(template: Node) -> None:
    """The parser finds nothing that it can't read and nothing missing."""
    assert [text(node) for node in walk(template) if node.is_error or node.is_missing] == []


@every_template
def test_parameters_and_outputs_are_described(template: Node) -> None:
    """Whoever deploys can read what each parameter and output is."""
    for name, node in declared(template, "parameter", "output").items():
        assert node.prev_sibling is not None, name
        assert text(node.prev_sibling).startswith("@description("), name


@every_template
def test_names_are_declared_and_declarations_used(template: Node) -> None:
    """An expression refers to what its template declares or to Bicep's functions; no parameter is idle."""
    known = set(declared(template, "parameter", "variable", "resource", "module"))
    loops = {text(node.named_children[0]) for node in walk(template) if node.type == "for_statement"}
    used = set(names(template))
    assert used - known - loops - FUNCTIONS == set()
    assert set(declared(template, "parameter", "variable")) - used == set()


def test_modules_get_the_parameters_they_declare() -> None:
    """Each module is a file of infra/ and gets exactly the parameters that it declares."""
    used = modules(MAIN)
    assert {file for file, _ in used.values()} == set(TEMPLATES) - {"main.bicep"}
    for file, passed in used.values():
        assert set(passed) == set(declared(TEMPLATES[file], "parameter")), file


def test_outputs_of_modules_exist() -> None:
    """Whatever main.bicep takes out of a module is an output of it."""
    taken = re.findall(r"(\w+)\.outputs\.(\w+)", text(MAIN))
    assert taken
    for module, output in taken:
        assert output in declared(TEMPLATES[modules(MAIN)[module][0]], "output"), f"{module}.{output}"


@every_template
def test_roles_are_the_ones_named(template: Node) -> None:
    """Every id in a template is that of the role by whose name it goes."""
    guid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    ids = {name: text(node.named_children[1]) for name, node in declared(template, "variable").items()}
    ids = {name: value for name, value in ids.items() if guid.fullmatch(value)}
    assert ids == {name: ROLES[name] for name in ids}
    assert len(guid.findall(text(template))) == len(ids)


@every_template
def test_an_assignment_grants_the_role_it_is_named_by(template: Node) -> None:
    """The name of a role assignment is made of the scope, principal and role that it grants."""
    for name, node in declared(template, "resource").items():
        if "roleAssignments" not in text(node.named_children[1]):
            continue
        granted = body(node)
        scope, properties = text(granted["scope"]), members(granted["properties"])
        role = list(names(properties["roleDefinitionId"]))[-1]
        assert text(granted["name"]) == f"guid({scope}.id, {text(properties['principalId'])}, {role})", name


def test_the_state_and_the_package_lie_in_containers_that_are_made() -> None:
    """The addresses that storage.bicep gives out end in the names of its own private containers."""
    storage = TEMPLATES["storage.bicep"]
    containers = {
        name: body(node)
        for name, node in declared(storage, "resource").items()
        if "/containers@" in text(node.named_children[1])
    }
    assert {text(container["name"]) for container in containers.values()} == {"deployment", "state"}
    for output in ("deploymentUrl", "stateUrl"):
        address = text(declared(storage, "output")[output].named_children[-1])
        assert (
            address.removeprefix("${account.properties.primaryEndpoints.blob}${").removesuffix(".name}")
            in containers
        )


def test_what_has_failed_lies_where_the_timer_counts_it() -> None:
    """The second queue has the name that the Functions host gives it, and both are there only for workers."""
    storage = declared(TEMPLATES["storage.bicep"], "resource")
    queues = {
        name: text(body(node)["name"])
        for name, node in storage.items()
        if re.search(r"queueServices/queues@", text(node.named_children[1]))
    }
    assert queues == {"workQueue": "work", "poisonQueue": "${workQueue.name}" + POISON}
    for name in ("queues", *queues, "appUsesWorkQueue", "appUsesPoisonQueue"):
        assert "= if (withQueue) {" in text(storage[name]), name


DOCUMENTS = ["state/connections/klaviyo-eu.json", "state/exports/vip.json"]
LEFT_BY_RUNS = [f"state/{name('vip.1')}" for name in (state.record, state.rejected, state.cancel)]


REMEMBERED = [f"state/{name}" for name in (state.head("vip"), "locks/account-1", state.work("AbC123"))]


def forgets(name: str) -> Callable[[str], bool]:
    """Whether a rule of the lifecycle matches a blob, by its container and name."""
    storage = TEMPLATES["storage.bicep"]
    [rule] = [
        members(node)
        for node in walk(storage)
        if node.type == "object" and text(members(node).get("name", node)) == name
    ]
    filters = members(members(rule["definition"])["filters"])
    prefixes = [text(prefix) for prefix in filters["prefixMatch"].named_children]
    for resource, container in (("stateContainer", "state"), ("deploymentContainer", "deployment")):
        prefixes = [prefix.replace(f"${{{resource}.name}}", container) for prefix in prefixes]
    return lambda blob: blob.startswith(tuple(prefixes))


def test_only_runs_are_forgotten() -> None:
    """What the lifecycle deletes by age is what a closed run leaves, not what is configured or remembered."""
    is_forgotten = forgets("forget-old-runs")
    assert all(map(is_forgotten, LEFT_BY_RUNS))
    assert not any(map(is_forgotten, [*DOCUMENTS, *REMEMBERED]))
    assert text(TEMPLATES["storage.bicep"]).count("baseBlob") == 1


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


def test_nobody_signs_in_with_a_shared_key() -> None:
    """Storage and telemetry refuse keys, the host uses the identity, and no template reads a key."""
    everything = "\n".join(map(text, TEMPLATES.values()))
    assert "allowSharedKeyAccess: false" in everything
    assert "DisableLocalAuth: true" in everything
    assert app_settings()["AzureWebJobsStorage__credential"] == "managedidentity"
    assert not re.search(r"listKeys|AccountKey|SharedAccessSignature|listAccountSas", everything)


def test_flex_consumption_gets_its_runtime_from_its_own_section() -> None:
    """FUNCTIONS_WORKER_RUNTIME is refused there; Python is the version that the project is built for."""
    assert "FUNCTIONS_WORKER_RUNTIME" not in app_settings()
    version = (ROOT / ".python-version").read_text().strip()
    assert f"runtime: {{ name: 'python', version: '{version}' }}" in text(TEMPLATES["app.bicep"])


def given_by_azd() -> dict[str, str]:
    """What main.parameters.json says of each parameter, such as `${EXPORTS_PAUSED=false}`."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    return {name: parameter["value"] for name, parameter in given.items()}


def test_azd_can_set_every_parameter() -> None:
    """What somebody chose, a pause above all, would else be undone by the next `azd provision`."""
    assert set(given_by_azd()) == set(declared(MAIN, "parameter"))


def test_azd_leaves_defaults_as_they_are() -> None:
    """A variable that is not set means the template's default; blank stands for blank."""
    for name, node in declared(MAIN, "parameter").items():
        default = text(node.named_children[-1])
        if len(node.named_children) > 2 and name != "location":
            assert re.fullmatch(r"\$\{\w+=?(.*)\}", given_by_azd()[name])[1] == default, name  # type: ignore[index]


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
    for output in declared(MAIN, "output"):
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
    deploying = (ROOT / "docs/deploy.md").read_text()
    assert '--name "id-${FUNCTION_APP_NAME#func-}"' in deploying
    assert text(body(declared(MAIN, "resource")["identity"])["name"]) == "id-${token}"
    assert text(body(declared(TEMPLATES["app.bicep"], "resource")["site"])["name"]) == "func-${name}"
    assert text(modules(MAIN)["app"][1]["name"]) == "token"
