"""Who may do what, on what: the role assignments of all snapshots, as the table in docs/security.md."""

import re
from collections.abc import Callable

from tests.support.templates import SNAPSHOTS, Resource, all_of, chosen, shown, token

ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
}
# From the end of an id to the page's words; <st> is the app's own storage account.
SCOPES = {
    "storageAccounts/<st>": "its own storage account",
    "storageAccounts/<st>/blobServices/default/containers/state": "the container `state`",
    "storageAccounts/<st>/queueServices/default/queues/work": "the queue `work`",
    "storageAccounts/<st>/queueServices/default/queues/work-poison": "the queue `work-poison`",
    "storageAccounts/mysegments/blobServices/default/containers/exports": "the segments' container",
    "vaults/<kv>": "the vault",
    "vaults/my-vault": "the vault",
    "components/<appi>": "Application Insights",
}


def _writes_secrets(parameters: dict[str, str]) -> bool:
    """As main.bicep has it by default: with a sign-in and a vault of its own."""
    default = parameters.get("auth") == "'entra'" and "keyVaultName" not in parameters
    return parameters.get("appWritesSecrets", str(default).lower()) == "true"


ADMINISTRATOR = "00000000-0000-0000-0000-0000000000aa"
WHEN: dict[str, Callable[[dict[str, str]], bool]] = {
    "always": lambda _: True,
    "`workers` is `queue`": lambda parameters: parameters.get("workers", "'queue'") == "'queue'",
    "`appWritesSecrets` is false": lambda parameters: not _writes_secrets(parameters),
    "`appWritesSecrets` is true": lambda parameters: _writes_secrets(parameters),
    "`refreshEvents` is `eventGrid`": lambda parameters: parameters.get("refreshEvents") == "'eventGrid'",
    "`administratorId` is set": lambda parameters: "administratorId" in parameters,
}


def rights() -> list[list[str]]:
    """Who, which role, on what, and when: each right of each snapshot once."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for choice, resources in SNAPSHOTS.items():
        for assignment in all_of(resources, "Microsoft.Authorization/roleAssignments"):
            found.setdefault(right(assignment, token(resources)), set()).add(choice)
    return [[*granted, when(choices)] for granted, choices in sorted(found.items(), key=_order)]


def right(assignment: Resource, ending: str) -> tuple[str, str, str]:
    """Principal, role and scope of an assignment, in the page's words."""
    properties = assignment["properties"]
    [scope] = re.findall(
        r"^(?:\[extensionResourceId\('|)/subscriptions/[^']*?/providers/[^/']+/([^']+?)(?:/providers/|',)",
        assignment["id"],
    )
    scope = re.sub(rf"/(\w+?)-?{ending}", r"/<\1>", scope)
    principal = shown(properties["principalId"])
    principals = {
        f"<id-{ending}.principalId>": "the app",
        f"<evgt-{ending}.identity.principalId>": "Event Grid's topic",
        ADMINISTRATOR: "`administratorId`",
    }
    who = principals[principal]
    return who, ROLES[properties["roleDefinitionId"].rpartition("/")[2]], SCOPES[scope]


def when(choices: set[str]) -> str:
    """What is common to exactly these choices."""
    [words] = [
        words for words, holds in WHEN.items() if {c for c in SNAPSHOTS if holds(chosen(c))} == choices
    ]
    return words


def _order(item: tuple[tuple[str, str, str], set[str]]) -> tuple[bool, tuple[str, str, str]]:
    (who, role, scope), _ = item
    return who != "the app", (who, role, scope)
