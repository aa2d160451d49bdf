"""The roles of an identity on a resource."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from cli.doctor.deployment.azure import Azure, Shape
from shared.administration.checkup.finding import Finding

# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting: a change can take this long.
PROPAGATION = timedelta(minutes=10)


@dataclass(frozen=True)
class Role:
    """A required role, with its id and the ids of roles that allow more."""

    name: str
    ids: tuple[str, ...]


_BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
_BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_OWNER = Role("Storage Blob Data Owner", (_BLOB_OWNER,))
BLOB_CONTRIBUTOR = Role("Storage Blob Data Contributor", (_BLOB_CONTRIBUTOR, _BLOB_OWNER))
BLOB_READER = Role(
    "Storage Blob Data Reader", ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", _BLOB_CONTRIBUTOR, _BLOB_OWNER)
)
QUEUE_CONTRIBUTOR = Role("Storage Queue Data Contributor", ("974c5e8b-45b9-4653-ba55-5f855dd0fb88",))
SECRETS_USER = Role(
    "Key Vault Secrets User",
    (
        "4633458b-17de-408a-b874-0445c86b69e6",
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",  # Secrets Officer
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",  # Administrator
    ),
)


class _Properties(Shape):
    role_definition_id: str
    scope: str
    created_on: AwareDatetime | None = None


class _Assignment(Shape):
    properties: _Properties


def role_finding(azure: Azure, name: str, principal: str, role: Role, scope: str, now: datetime) -> Finding:
    """Checks that the identity has the role at the scope or above; it does not see the roles of a group.

    https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
    """
    assignments = azure.pages(
        _Assignment,
        f"{scope}/providers/Microsoft.Authorization/roleAssignments",
        api_version="2022-04-01",
        filter=f"principalId eq '{principal}'",
    )
    given = [
        each.properties
        for each in assignments
        if each.properties.role_definition_id.rpartition("/")[2].lower() in role.ids
        and _is_at_or_above(each.properties.scope, scope)
    ]
    if not given:
        fix = (
            f'az role assignment create --role "{role.name}" --assignee-object-id {principal} '
            f"--assignee-principal-type ServicePrincipal --scope {scope}"
        )
        return Finding(name, f"{role.name} is missing", fix)
    ages = [now - each.created_on for each in given if each.created_on is not None]
    if len(ages) == len(given) and max(ages) < PROPAGATION:
        minutes = max(0, max(ages) // timedelta(minutes=1))
        message = f"{role.name} was assigned {minutes} minutes ago"
        return Finding(name, message, "Wait: a new role can take ten minutes.", warning=True)
    return Finding(name, f"has {role.name}, or more")


def _is_at_or_above(scope: str, target: str) -> bool:
    return f"{target.rstrip('/')}/".lower().startswith(f"{scope.rstrip('/')}/".lower())
