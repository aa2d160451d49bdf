"""The app registration that an environment needs, and what a given one lacks. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from infra.az import Json

# The app's roles (shared/administration/rights.py). The ids are ours: they are the same in every tenant.
ROLES = {
    "Administrator": (
        "e8277a8b-d698-4328-bbf9-cbe862fc5c3f",
        "Does everything, including connections and keys.",
    ),
    "Contributor": (
        "74b491b7-df31-49fe-8dca-f37dd18b81f9",
        "Creates and runs exports over shared connections.",
    ),
    "Viewer": ("2dd5ff5b-bf3a-4334-9f2e-316474f19cd8", "Reads exports and runs."),
}


# The tenant's own accounts; without it, Microsoft Graph creates a registration that anyone can sign in to.
AUDIENCE = "AzureADMyOrg"


class Step(NamedTuple):
    """A missing part of the registration: its description, and the change that adds it."""

    line: str
    change: Json


def missing(registration: Json, urls: Iterable[str]) -> Iterator[Step]:
    """The parts that a registration lacks, for an app at these addresses. Nothing is removed."""
    own, web = f"api://{registration['appId']}", registration.get("web") or {}
    if registration.get("signInAudience") != AUDIENCE:
        yield Step("set: only accounts of this tenant can sign in", {"signInAudience": AUDIENCE})
    if (registration.get("api") or {}).get("requestedAccessTokenVersion") != 2:
        yield Step("set: access tokens have version 2", {"api": {"requestedAccessTokenVersion": 2}})
    if not registration.get("groupMembershipClaims"):
        # For connections shared with a group: only a person's groups that are assigned here.
        yield Step("set: tokens list assigned groups", {"groupMembershipClaims": "ApplicationGroup"})
    identifiers = registration.get("identifierUris") or []
    if own not in identifiers:
        yield Step(f"added: identifier URI {own}", {"identifierUris": [*identifiers, own]})
    roles = registration.get("appRoles") or []
    there = {role["value"] for role in roles}
    if new := [_role(name) for name in ROLES if name not in there]:
        names = ", ".join(role["value"] for role in new)
        yield Step(f"added: app roles {names}", {"appRoles": [*roles, *new]})
    if not (web.get("implicitGrantSettings") or {}).get("enableIdTokenIssuance"):
        settings = {"implicitGrantSettings": {"enableIdTokenIssuance": True}}
        yield Step("set: sign-in returns an ID token", {"web": settings})
    redirects = web.get("redirectUris") or []
    callbacks = [f"{url}/.auth/login/aad/callback" for url in urls]
    if others := [callback for callback in callbacks if callback not in redirects]:
        change = {"web": {"redirectUris": [*redirects, *others]}}
        yield Step(f"added: redirect URIs {', '.join(others)}", change)


def _role(name: str) -> Json:
    role_id, description = ROLES[name]
    return {
        "id": role_id,
        "value": name,
        "displayName": name,
        "description": description,
        "allowedMemberTypes": ["User", "Application"],
        "isEnabled": True,
    }


def together(steps: Iterable[Step]) -> Json:
    """All changes as one: Microsoft Graph keeps members of an object that a change does not name."""
    change: Json = {}
    for step in steps:
        for name, value in step.change.items():
            change[name] = {**change.get(name, {}), **value} if isinstance(value, dict) else value
    return change
