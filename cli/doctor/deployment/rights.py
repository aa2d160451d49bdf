"""Your rights in the resource groups that a deployment writes to."""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from pydantic import Field

from cli.doctor.deployment.azure import Azure, Shape
from cli.doctor.deployment.resources import look
from shared.administration.checkup.finding import Finding

# The actions that each group needs, and the smallest built-in role with each.
NEEDED = {
    "Microsoft.Resources/deployments/write": "Contributor",
    "Microsoft.Authorization/roleAssignments/write": "Role Based Access Control Administrator",
}


class _Permission(Shape):
    """What one role allows: its actions without its notActions."""

    actions: list[str] = Field(default_factory=list)
    not_actions: list[str] = Field(default_factory=list)

    def allows(self, action: str) -> bool:
        return _names(self.actions, action) and not _names(self.not_actions, action)


def check_rights(azure: Azure, subscription: str, groups: Iterable[str | None]) -> Iterator[Finding]:
    """Checks that you may deploy to each group and assign roles there; None is a group that was not given."""
    known = {group.lower(): group for group in groups if group is not None}
    for group in known.values():
        yield look(f"your rights on {group}", partial(_rights, azure, subscription, group))


def _rights(azure: Azure, subscription: str, group: str) -> Finding:
    """https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group"""
    name = f"your rights on {group}"
    scope = f"/subscriptions/{subscription}/resourceGroups/{group}"
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    given = list(azure.pages(_Permission, path, api_version="2022-04-01"))
    lacking = [action for action in NEEDED if not any(each.allows(action) for each in given)]
    if not lacking:
        return Finding(name, "you may deploy to it and assign roles")
    roles = " and ".join(NEEDED[action] for action in lacking)
    fix = f"Ask one of its owners for {roles}, or Owner, at {scope}, or let someone with them deploy."
    return Finding(name, f"you lack {', '.join(lacking)}", fix)


def _names(patterns: Iterable[str], action: str) -> bool:
    """Whether one of the patterns, in which * is any text, matches the action, case-insensitively."""
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns
    )
