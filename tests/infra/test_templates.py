"""The Bicep templates: what can be known of them without a compiler."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
BICEP = Language(tree_sitter_bicep.language())

# Microsoft's built-in roles, by the names that the templates give them.
ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}
# Bicep's own functions, as far as the templates call them.
FUNCTIONS = {"empty", "guid", "items", "union", "uniqueString"}
FUNCTIONS |= {"resourceGroup", "subscription", "subscriptionResourceId"}


def parsed(path: Path) -> Node:
    return Parser(BICEP).parse(path.read_bytes()).root_node


TEMPLATES = {path.name: parsed(path) for path in sorted(INFRA.glob("*.bicep"))}
MAIN = TEMPLATES["main.bicep"]
every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())


def text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode().strip("'")


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def declared(template: Node, *kinds: str) -> dict[str, Node]:
    """The template's declarations of these kinds, by name."""
    types = {f"{kind}_declaration" for kind in kinds}
    return {text(node.named_children[0]): node for node in template.children if node.type in types}


def members(value: Node) -> dict[str, Node]:
    """The members of an object, by name."""
    pairs = [child.named_children for child in value.named_children if child.type == "object_property"]
    return {text(name): member for name, member in pairs}


def names(node: Node) -> Iterator[str]:
    """The names that an expression, or any other piece of a template, refers to."""
    if node.type == "identifier":
        yield text(node)
    children = node.named_children if node.type != "decorators" else []
    if (
        children
        and children[0].type == "identifier"
        and node.type.endswith(("_declaration", "_property", "for_statement"))
    ):
        children = children[1:]  # what is being named
    for child in children:
        yield from names(child)


def modules(template: Node) -> dict[str, tuple[str, dict[str, Node]]]:
    """The modules that a template uses: the file and the parameters it passes."""
    found = {}
    for name, module in declared(template, "module").items():
        _, file, body = module.named_children
        found[name] = text(file), members(members(body)["params"])
    return found


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
        [body] = [child for child in walk(node) if child.type == "object"][:1]
        granted = members(body)
        scope, properties = text(granted["scope"]), members(granted["properties"])
        role = list(names(properties["roleDefinitionId"]))[-1]
        assert text(granted["name"]) == f"guid({scope}.id, {text(properties['principalId'])}, {role})", name


def test_the_state_and_the_package_lie_in_containers_that_are_made() -> None:
    """The addresses that storage.bicep gives out end in the names of its own private containers."""
    storage = TEMPLATES["storage.bicep"]
    containers = {
        name: members(node.named_children[2])
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


class Recorded(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self[name] = default
        return default


def app_settings() -> dict[str, str]:
    return {name: text(value) for name, value in members(modules(MAIN)["app"][1]["settings"]).items()}


def test_every_setting_is_deployed_or_shown_as_optional() -> None:
    """What the app reads from its environment is set by the templates or shown in the example."""
    asked = Recorded()
    Settings.from_environment(asked)
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert set(asked) <= set(app_settings()) | set(example)
    assert {"SEGMENTS_URL", "STATE_URL", "KEY_VAULT_URL", "EXPORT_SCHEDULE"} <= set(app_settings())


def test_the_timer_has_a_schedule() -> None:
    """`%EXPORT_SCHEDULE%` has no default: the templates give it one, in six fields."""
    assert app_settings()["EXPORT_SCHEDULE"] == "exportSchedule"
    default = text(declared(MAIN, "parameter")["exportSchedule"].named_children[-1])
    assert len(default.split()) == 6


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


def test_the_parameters_file_fits() -> None:
    """main.parameters.json names parameters of main.bicep only, and all that have no default."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    parameters = declared(MAIN, "parameter")
    required = {name for name, node in parameters.items() if len(node.named_children) == 2}
    assert required
    assert required <= set(given) <= set(parameters)
