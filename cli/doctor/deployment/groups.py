"""Whether what exists already lies in the resource group in which a deployment looks for it."""

from dataclasses import dataclass

from cli.doctor.deployment.azure import Azure, Missing, Shape, Unseen
from cli.doctor.deployment.resources import Resource, Unlisted, unseen_finding
from shared.administration.checkup.finding import Finding


@dataclass(frozen=True)
class GroupSetting:
    """What tells a deployment the group: with azd, with the templates alone, and this command."""

    variable: str
    parameter: str
    option: str


def group_finding(resource: Resource, expected: str, setting: GroupSetting) -> Finding:
    """Names of groups are equal in any case."""
    name = f"group of {resource.name}"
    if resource.group.lower() == expected.lower():
        return Finding(name, f"is {resource.group}, where the deployment looks for it")
    fix = (
        f"azd env set {setting.variable} {resource.group}; without azd, deploy with the parameter "
        f"{setting.parameter}={resource.group}, and give this command {setting.option} {resource.group}"
    )
    return Finding(name, f"is {resource.group}, but the deployment looks for it in {expected}", fix)


def unlisted_finding(azure: Azure, name: str, unlisted: Unlisted, path: str | None, version: str) -> Finding:
    """Of what no list shows: wrong where it is not at the path either, at which a deployment looks for it."""
    if path is None:
        return unseen_finding(name, unlisted)
    try:
        azure.read(Shape, path, api_version=version)
    except Missing:
        group = path.split("/")[4]
        message = f"is not in {group}, where the deployment looks for it, nor elsewhere that you may see"
        fix = (
            "Check its name and its group. If it is in another subscription, deploy to that one: "
            "the templates reach no other."
        )
        return Finding(name, message, fix)
    except Unseen as unseen:
        return unseen_finding(name, unseen)
    return unseen_finding(name, unlisted)
