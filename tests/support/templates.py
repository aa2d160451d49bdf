"""What Bicep makes of infra/: the compiled template, and what each choice in snapshots/ would deploy."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MAIN: Any = json.loads((INFRA / "main.json").read_text())

type Resource = dict[str, Any]

PARAMETERS = {file.stem: file for file in sorted(INFRA.glob("snapshots/*.bicepparam"))}
_SNAPSHOTS: dict[str, Any] = {
    choice: json.loads(file.with_suffix(".snapshot.json").read_text()) for choice, file in PARAMETERS.items()
}
SNAPSHOTS: dict[str, list[Resource]] = {
    choice: snapshot["predictedResources"] for choice, snapshot in _SNAPSHOTS.items()
}
PLAINEST = SNAPSHOTS["plainest"]

# What only Azure knows: a resource, by its id, and an API version.
_REFERENCE = re.compile(r"reference\('[^']*/([^'/]+)', '[\d-]+'(?:, 'full')?\)")


def chosen(choice: str) -> dict[str, str]:
    """The parameters of a choice, as its file writes them."""
    return dict(re.findall(r"^param (\w+) = (.*)$", PARAMETERS[choice].read_text(), re.MULTILINE))


def outputs(choice: str) -> dict[str, str]:
    """What a deployment puts out, as app_settings shows it."""
    return {name: shown(value) for name, value in _SNAPSHOTS[choice]["outputs"].items()}


def all_of(resources: list[Resource], kind: str) -> list[Resource]:
    """The resources of a type, in order."""
    return [resource for resource in resources if resource["type"] == kind]


def one_of(resources: list[Resource], kind: str) -> Resource:
    """The only resource of a type."""
    [resource] = all_of(resources, kind)
    return resource


def site(resources: list[Resource]) -> Any:
    """The properties of the Functions app."""
    return one_of(resources, "Microsoft.Web/sites")["properties"]


def app_settings(resources: list[Resource]) -> dict[str, str]:
    """The settings of the app; what only Azure knows is in angle brackets, after its resource's name."""
    return {each["name"]: shown(each["value"]) for each in site(resources)["siteConfig"]["appSettings"]}


def shown(value: str) -> str:
    """An expression that is left to Azure, made readable; any other value as it is."""
    if not value.startswith("["):
        return value
    value = _REFERENCE.sub(r"\1", value[1:-1])
    if formatted := re.fullmatch(r"format\('(.*?)', (.*)\)", value):
        return formatted[1].format(*map(_part, formatted[2].split(", ")))
    return _part(value)


def _part(expression: str) -> str:
    return expression.strip("'") if expression.startswith("'") else f"<{expression}>"


def token(resources: list[Resource]) -> str:
    """What the generated names of an environment end in."""
    name: str = one_of(resources, "Microsoft.ManagedIdentity/userAssignedIdentities")["name"]
    return name.removeprefix("id-")


def alert_rules(resources: list[Resource]) -> dict[str, Any]:
    """The properties of each alert, by the name that the runbook has for it."""
    end = f"-{token(resources)}"
    return {
        rule["name"].removeprefix("alert-").removesuffix(end): rule["properties"]
        for rule in all_of(resources, "Microsoft.Insights/scheduledQueryRules")
    }


def query(rule: Any) -> str:
    """The query of an alert."""
    text: str = rule["criteria"]["allOf"][0]["query"]
    return text


def split_by(rule: Any) -> list[str]:
    """The columns by which an alert is split."""
    return [dimension["name"] for dimension in rule["criteria"]["allOf"][0]["dimensions"]]


ALERT_RULES = alert_rules(PLAINEST)
