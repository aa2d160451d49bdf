"""Checks that an existing resource is in the resource group in which a deployment looks for it."""

from dataclasses import dataclass

from cli.doctor.deployment.azure import Azure, Missing, Shape, Unseen
from cli.doctor.deployment.resources import Resource, Unlisted, unseen_finding
from shared.administration.checkup.finding import Finding


@dataclass(frozen=True)
class GroupSetting:
    """How to set the group: with azd, with only the templates, and for this command."""

    variable: str
    parameter: str
    option: str


def group_finding(resource: Resource, expected: str, setting: GroupSetting) -> Finding:
    """Compares the names of groups case-insensitively."""
    name = f"group of {resource.name}"
    if resource.group.lower() == expected.lower():
        return Finding(name, f"is {resource.group}, where the deployment looks for it")
    fix = (
        f"azd env set {setting.variable} {resource.group}; without azd, deploy with the parameter "
        f"{setting.parameter}={resource.group}, and run this command with {setting.option} {resource.group}"
    )
    return Finding(name, f"is {resource.group}, but the deployment looks in {expected}", fix)


def unlisted_finding(azure: Azure, name: str, unlisted: Unlisted, path: str | None, version: str) -> Finding:
    """For a resource that no list shows: wrong if it is also missing at the path where a deployment looks."""
    if path is None:
        return unseen_finding(name, unlisted)
    try:
        azure.read(Shape, path, api_version=version)
    except Missing:
        group = path.split("/")[4]
        message = f"is not in {group}, where the deployment looks for it, or in any other group you may read"
        fix = (
            "Check its name and its group. If it is in another subscription, deploy to that one: "
            "the templates can't reach another one."
        )
        return Finding(name, message, fix)
    except Unseen as unseen:
        return unseen_finding(name, unseen)
    return unseen_finding(name, unlisted)
