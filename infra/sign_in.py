"""Creates or completes the app registration for an environment with auth=entra.

Run it before the deployment, which needs the client id that it prints, and again afterwards, when the app has
an address and an identity. It reads first and adds only missing parts; parts that others added stay.
docs/sign-in.md explains each part.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple

from infra.az import AZURE, AzError, Directory, Json, Refused, run
from infra.registration import AUDIENCE, ROLES, missing, together

# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
EXCHANGE = "api://AzureADTokenExchange"
# The scopes that the platform requests when a person signs in. With required assignment, only an
# administrator can consent to them: https://learn.microsoft.com/entra/identity-platform/howto-restrict-your-app-to-a-set-of-users
SCOPES = ("openid", "profile", "email")
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"

# The app's name in azure.yaml and its tag in app.bicep: another project's environment may have our name.
SERVICE = "export"
ADMINISTRATOR = "Administrator"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class App(NamedTuple):
    """A deployed Functions app: its host name, and the object id of its identity."""

    host: str
    principal_id: str


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Prints the client id; changes and errors go to stderr, line by line."""
    options = _options(arguments)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        sys.stderr.write(f"{line}\n")

    try:
        client_id = prepare(options, Directory(say, sleep))
    except AzError as error:
        sys.stderr.write(f"{error}\n{_what_helps(error)}")
        return 1
    if not lines:
        say("Nothing to change.")
    sys.stdout.write(f"{client_id}\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.sign_in", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environmentName of the deployment")
    parser.add_argument("--resource-group", required=True, help="the group that you deploy to")
    parser.add_argument("--subscription", default="", help="the id of its subscription, which az must use")
    parser.add_argument("--client-id", default="", help="an existing registration, to be completed")
    parser.add_argument("--url", default="", help="the address where people reach the app, as in PUBLIC_URL")
    parser.add_argument(
        "--assign",
        nargs=2,
        action="append",
        default=[],
        metavar=("OBJECT_ID", "ROLE"),
        help=f"give a person, group, application or managed identity a role: {', '.join(ROLES)}",
    )
    options = parser.parse_args(arguments)
    if not options.environment or not options.resource_group:
        parser.error("--environment and --resource-group must not be empty.")
    for object_id, role in options.assign:
        if not _ID.fullmatch(object_id):
            parser.error(f"{object_id} is not an object id. See `az ad user show`, or the managed identity.")
        if role not in ROLES:
            parser.error(f"{role} is not a role. Choose from {', '.join(ROLES)}.")
    if options.client_id and not _ID.fullmatch(options.client_id):
        parser.error("--client-id must be the client id of an app registration.")
    if options.url and not re.fullmatch(r"https://[^\s?#]+", options.url):
        parser.error("--url must be an https URL.")
    return options


def prepare(options: argparse.Namespace, directory: Directory) -> str:
    """Adds what the registration lacks, and returns its client id. Raises AzError."""
    account = run("account", "show")
    subscription = account["id"]
    if options.subscription not in ("", subscription):
        raise AzError(
            f"az uses the subscription {subscription}, but the environment is in {options.subscription}. "
            f"Run az account set --subscription {options.subscription}."
        )
    app = deployed_app(directory, subscription, options.resource_group, options.environment)
    urls = [url for url in (app and f"https://{app.host}", options.url.rstrip("/")) if url]

    registration = _registration(options, subscription, directory)
    steps = list(missing(registration, urls))
    change = together(steps)
    if steps:
        lines = (step.line for step in steps)
        directory.change(f"applications/{registration['id']}", change, *lines)
    client_id = str(registration["appId"])
    principal = _service_principal(client_id, directory)
    if app is None:
        directory.say("The app is not deployed yet. Deploy it with this client id, then run this again.")
    else:
        _trust(app, account["tenantId"], registration["id"], directory)
    roles = {role["value"]: role["id"] for role in (registration | change)["appRoles"]}
    _assign(options.assign, roles, principal, directory, by_a_person=account["user"]["type"] == "user")
    _consent(principal, directory)
    return client_id


def deployed_app(directory: Directory, subscription: str, group: str, environment: str) -> App | None:
    """The app of an environment, by the two tags that infra/ gives it; None before it is deployed.

    Raises AzError if that is ambiguous: an app that the registration trusts can sign people in.
    Source: https://learn.microsoft.com/rest/api/appservice/web-apps/list-by-resource-group
    """
    path = f"subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites"
    try:
        sites = list(directory.pages(f"{AZURE}{path}?api-version=2025-03-01"))
    except Refused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    tags = {"azd-env-name": environment, "azd-service-name": SERVICE}
    ours = [site for site in sites if tags.items() <= (site.get("tags") or {}).items()]
    if not ours:
        return None
    if len(ours) > 1:
        names = " and ".join(site["name"] for site in ours)
        raise AzError(
            f"{names} have the tags azd-env-name={environment} and azd-service-name={SERVICE}. "
            "Remove them from each app that does not belong to this environment."
        )
    [site] = ours
    identities = (site.get("identity") or {}).get("userAssignedIdentities") or {}
    if len(identities) != 1:
        raise AzError(
            f"{site['name']} must have exactly one user-assigned identity. Deploy the templates again."
        )
    [identity] = identities.values()
    return App(site["properties"]["defaultHostName"], identity["principalId"])


def unique_name(subscription: str, group: str, environment: str) -> str:
    """The registration's key in the tenant: it identifies the registration even if the name changes.

    Two runs at the same time create one registration: Microsoft Graph keeps uniqueName unique.
    """
    place = f"{subscription}/{group}/{environment}".lower()
    return f"segment-export-{sha256(place.encode()).hexdigest()[:32]}"


def _registration(options: argparse.Namespace, subscription: str, directory: Directory) -> Json:
    if options.client_id:
        found = directory.find(f"applications(appId='{options.client_id}')")
        if found is None:
            raise AzError(
                f"The tenant has no app registration with the client id {options.client_id}. Leave "
                "out --client-id (SIGN_IN_CLIENT_ID) to create one."
            )
        return found
    key = unique_name(subscription, options.resource_group, options.environment)
    path = f"applications(uniqueName='{key}')"
    found = directory.find(path)
    if found is None:
        body = {"displayName": f"Segment export {options.environment}", "signInAudience": AUDIENCE}
        found = directory.make(path, body, f"created: app registration {body['displayName']}", by_key=True)
    return found or directory.read(path)


def _service_principal(client_id: str, directory: Directory) -> str:
    """The object id of the enterprise application, which admits only assigned people."""
    path = f"servicePrincipals(appId='{client_id}')"
    only_assigned = {"appRoleAssignmentRequired": True}
    found = directory.find(path)
    if found is None:
        body = {"appId": client_id, **only_assigned}
        line = "created: enterprise application, with assignment required"
        found = directory.make("servicePrincipals", body, line) or directory.read(path)
    if not found["appRoleAssignmentRequired"]:
        directory.change(f"servicePrincipals/{found['id']}", only_assigned, "set: assignment is required")
    return str(found["id"])


def _trust(app: App, tenant: str, registration_id: str, directory: Directory) -> None:
    """Lets the app's identity stand in for a secret of the registration."""
    path = f"applications/{registration_id}/federatedIdentityCredentials"
    issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
    wanted = {"issuer": issuer, "subject": app.principal_id, "audiences": [EXCHANGE]}
    if not any(wanted.items() <= credential.items() for credential in directory.all(path)):
        name = f"segment-export-{app.principal_id}"
        directory.make(path, {"name": name, **wanted}, f"added: federated credential {name}")


def _assign(
    wanted: Iterable[tuple[str, str]],
    roles: dict[str, str],
    principal: str,
    directory: Directory,
    *,
    by_a_person: bool,
) -> None:
    """Assigns the roles; if there is no administrator, the person who runs this becomes one."""
    path = f"servicePrincipals/{principal}/appRoleAssignedTo"
    given = {(each["principalId"].lower(), each["appRoleId"]) for each in directory.all(path)}
    todo = [(object_id.lower(), role) for object_id, role in wanted]
    if roles[ADMINISTRATOR] not in {each for _, each in given} | {roles[role] for _, role in todo}:
        if by_a_person:
            todo.append((directory.read("me")["id"].lower(), ADMINISTRATOR))
        else:
            directory.say(
                "There is no administrator yet. Run this again with --assign OBJECT_ID Administrator."
            )
    for object_id, role in todo:
        if (object_id, roles[role]) not in given:
            body = {"principalId": object_id, "resourceId": principal, "appRoleId": roles[role]}
            directory.make(path, body, f"assigned: {object_id} is {role}")


def _consent(principal: str, directory: Directory) -> None:
    """Consents for the tenant to the sign-in scopes, which tell the app who a person is."""
    graph = directory.read(f"servicePrincipals(appId='{MICROSOFT_GRAPH}')")["id"]
    line = f"granted: admin consent to {' '.join(SCOPES)}"
    for grant in directory.all(f"servicePrincipals/{principal}/oauth2PermissionGrants"):
        if grant["consentType"] == "AllPrincipals" and grant["resourceId"] == graph:
            scopes = grant["scope"].split()
            if lacking := [scope for scope in SCOPES if scope not in scopes]:
                change = {"scope": " ".join([*scopes, *lacking])}
                directory.change(f"oauth2PermissionGrants/{grant['id']}", change, line)
            return
    body = {
        "clientId": principal,
        "consentType": "AllPrincipals",
        "resourceId": graph,
        "scope": " ".join(SCOPES),
    }
    directory.make("oauth2PermissionGrants", body, line)


def _what_helps(error: AzError) -> str:
    match error:
        case Refused(status=HTTPStatus.FORBIDDEN):
            return (
                "Ask a Cloud Application Administrator of the tenant, who must be able to read the\n"
                "resource group, to run the same command: it continues here.\n"
            )
        case Refused(status=HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST):
            return "Check the object ids. If they are right, run this again later: it continues here.\n"
        case Refused():
            return "Run this again: it continues here.\n"
    return ""


if __name__ == "__main__":
    sys.exit(main())
