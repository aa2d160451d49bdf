"""`doctor --deployment`: what the person who deploys is allowed to do."""

from typing import Any

import pytest

from tests.cli.deployment.ground import error, wrong
from tests.support.resource_manager import (
    ROOT,
    Subscription,
    permissions,
)

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
