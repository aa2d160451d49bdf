"""The Bicep templates as syntax trees: what can be known of them without a compiler."""

from collections.abc import Iterator
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
BICEP = Language(tree_sitter_bicep.language())

TEMPLATES = {
    path.name: Parser(BICEP).parse(path.read_bytes()).root_node for path in sorted(INFRA.glob("*.bicep"))
}
MAIN = TEMPLATES["main.bicep"]


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


def body(declaration: Node) -> dict[str, Node]:
    """The members of a resource or module, whether it stands alone, in a loop or behind an `if`."""
    return members(next(node for node in walk(declaration) if node.type == "object"))


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
    return {
        name: (text(module.named_children[1]), members(body(module)["params"]))
        for name, module in declared(template, "module").items()
    }


def app_settings() -> dict[str, str]:
    """The settings that main.bicep gives the app, as expressions."""
    return {name: text(value) for name, value in members(modules(MAIN)["app"][1]["settings"]).items()}


def alert_rules() -> dict[str, dict[str, Node]]:
    """The alert rules, by name."""
    array = declared(TEMPLATES["alerts.bicep"], "variable")["rules"]
    found = [members(node) for node in walk(array) if node.type == "object"]
    return {text(rule["name"]): rule for rule in found}


ALERT_RULES = alert_rules()
