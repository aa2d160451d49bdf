"""A stand-in `az` on the PATH, before a small Microsoft Graph with the real one's rules.

What is made is unknown for `lag` look-ups; lists come one item a page; an enabled app role can't be changed
or taken away; what is there already is refused with the real one's words.
https://learn.microsoft.com/graph/api/resources/application
"""

import json
import socketserver
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any, override
from urllib.parse import parse_qs, urlsplit

TENANT = "00000000-0000-4000-8000-000000000001"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000002"
ADA, EVE, FACTORY = (f"00000000-0000-4000-8000-0000000000a{number}" for number in range(3))
IDENTITY = "00000000-0000-4000-8000-0000000000b1"
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
HOST = "func-made.azurewebsites.net"
# Bash, since it starts faster than Python. It sends a line for each argument, none of which has a line feed,
# and gets the code, a line for stdout, and the rest for stderr.
PROGRAM = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\n' "$@" '' >&3
for part in code out; do IFS= read -r "$part" <&3; done
IFS= read -r -d '' err <&3
[ -z "$out" ] || printf '%s\\n' "$out"
printf '%s' "$err" >&2
exit "$code"
"""

type Json = dict[str, Any]


class Refusal(Exception):
    """An answer with an error, as az prints it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"ERROR: {reason}({json.dumps({'error': {'code': 'made', 'message': message}})})")


@dataclass
class Directory:
    """The tenant, and the resource group `my-group` of a subscription."""

    lag: int = 0
    signed_in: bool = True
    by_a_person: bool = True
    # Collections whose changes are forbidden, such as `oauth2PermissionGrants`.
    forbidden: set[str] = field(default_factory=set)
    # Whether reading is forbidden.
    unreadable: bool = False
    # How many requests come too soon after the ones before.
    too_many: int = 0
    # Lists that do not show yet what was added to them.
    stale: set[str] = field(default_factory=set)
    # After so many writes the caller hears no more of this.
    dies_after: int | None = None
    # Each that was allowed, even if it was refused for what it would write.
    writes: list[str] = field(default_factory=list)
    principals: set[str] = field(default_factory=lambda: {ADA, EVE, FACTORY})
    applications: dict[str, Json] = field(default_factory=dict)
    service_principals: dict[str, Json] = field(default_factory=dict)
    credentials: list[Json] = field(default_factory=list)
    assignments: list[Json] = field(default_factory=list)
    grants: list[Json] = field(default_factory=list)
    sites: list[Json] = field(default_factory=list)
    _unknown: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.service_principals["graph"] = {"id": "graph", "appId": MICROSOFT_GRAPH}

    @property
    def application(self) -> Json:
        """The only registration."""
        [application] = self.applications.values()
        return application

    @property
    def roles(self) -> set[tuple[str, str]]:
        """Who has which role, by its value."""
        names = {role["id"]: role["value"] for role in self.application["appRoles"]}
        return {(each["principalId"], names[each["appRoleId"]]) for each in self.assignments}

    def deploy(self, environment: str = "production", *, identities: int = 1) -> None:
        """What the templates make, beside apps of others, one of them of an environment with our name."""
        given = {f"id-{number}": {"principalId": IDENTITY} for number in range(identities)}
        properties = {"defaultHostName": HOST}
        self.sites = [
            {"name": "other", "properties": {"defaultHostName": "other.azurewebsites.net"}},
            {
                "name": "theirs",
                "tags": {"azd-env-name": environment, "azd-service-name": "shop"},
                "identity": {"userAssignedIdentities": {"id-theirs": {"principalId": EVE}}},
                "properties": {"defaultHostName": "theirs.azurewebsites.net"},
            },
            {
                "name": "func-made",
                "tags": {"azd-env-name": environment, "azd-service-name": "export"},
                "identity": {"userAssignedIdentities": given},
                "properties": properties,
            },
        ]

    def az(self, arguments: list[str]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of az."""
        if not self.signed_in:
            return 1, "", "ERROR: Please run 'az login' to setup account."
        options = dict(pairwise(arguments))
        assert (options["--output"], "--only-show-errors" in arguments) == ("json", True)
        writes = len(self.writes)
        try:
            answer = self._account() if arguments[0] == "account" else self._rest(options, arguments)
        except Refusal as refusal:
            return 1, "", str(refusal)
        if self.dies_after is not None and len(self.writes) > max(writes, self.dies_after - 1):
            return 1, "", ""
        return 0, "" if answer is None else json.dumps(answer), ""

    def _account(self) -> Json:
        kind = "user" if self.by_a_person else "servicePrincipal"
        return {"id": SUBSCRIPTION, "tenantId": TENANT, "user": {"type": kind}}

    def _rest(self, options: dict[str, str], arguments: list[str]) -> Json | None:
        if self.too_many:
            self.too_many -= 1
            raise Refusal("Too Many Requests", "Slow down.")
        method, url = options["--method"], urlsplit(options["--url"])
        if url.netloc == "management.azure.com":
            return self._sites(url.path)
        path = url.path.removeprefix("/v1.0/")
        collections = {path.partition("/")[0].partition("(")[0], path.rpartition("/")[2]}
        if self.unreadable if method == "get" else collections & self.forbidden:
            raise Refusal("Forbidden", "Insufficient privileges to complete the operation.")
        if method == "get":
            return self._get(path, int(parse_qs(url.query).get("page", ["0"])[0]))
        upsert = "Prefer=create-if-missing" in arguments
        self.writes.append(f"{method} {path}")
        return self._write(method, path, json.loads(options["--body"]), upsert)

    def _sites(self, path: str) -> Json:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/my-group/providers/Microsoft.Web/sites"
        if path != group:
            raise Refusal("Not Found", "Resource group could not be found.")
        return {"value": self.sites}

    def _get(self, path: str, page: int) -> Json:
        if path == "me":
            return {"id": ADA}
        head, _, collection = path.partition("/")
        if "(" in head:
            return self._known(head)
        owner = collection.partition("/")[0]
        found = self._known(f"{head}/{owner}")
        lists = {
            "federatedIdentityCredentials": self.credentials,
            "appRoleAssignedTo": self.assignments,
            "oauth2PermissionGrants": self.grants,
        }
        name = collection.rpartition("/")[2]
        mine = (
            [each for each in lists[name] if each["owner"] == found["id"]] if name not in self.stale else []
        )
        answer: Json = {"value": mine[page : page + 1]}
        if mine[page + 1 :]:
            answer["@odata.nextLink"] = f"https://graph.microsoft.com/v1.0/{path}?page={page + 1}"
        return answer

    def _known(self, key: str) -> Json:
        """An object by its id or an alternate key, unless it was made a moment ago."""
        found = self._find(key)
        if found is None or self._is_unknown(found["id"]):
            raise Refusal("Not Found", f"Resource '{key}' does not exist.")
        return found

    def _is_unknown(self, name: str) -> bool:
        left = self._unknown.get(name, 0)
        self._unknown[name] = max(0, left - 1)
        return left > 0

    def _find(self, key: str) -> Json | None:
        kind, _, rest = key.replace("(", "/").partition("/")
        objects = {"applications": self.applications, "servicePrincipals": self.service_principals}[kind]
        name, _, value = rest.rstrip(")").replace("'", "").rpartition("=")
        return next((each for each in objects.values() if each.get(name or "id") == value), None)

    def _new(self, body: Json) -> Json:
        made = {"id": str(uuid.uuid4()), **body}
        self._unknown[made["id"]] = self.lag
        return made

    def _write(self, method: str, path: str, body: Json, upsert: bool) -> Json | None:
        head, _, rest = path.partition("/")
        owner, _, collection = rest.partition("/")
        match method, head, collection:
            case "patch", _, "" if upsert:
                return self._upsert(path, body)
            case "patch", "applications", "":
                self._change_application(self._known(path), body)
                return None
            case "patch", "servicePrincipals", "":
                self._known(path).update(body)
                return None
            case "patch", "oauth2PermissionGrants", "":
                next(each for each in self.grants if each["id"] == owner).update(body)
                return None
            case "post", "servicePrincipals", "":
                return self._make_service_principal(body)
            case "post", "applications", "federatedIdentityCredentials":
                return self._trust(self._known(f"{head}/{owner}")["id"], body)
            case "post", "servicePrincipals", "appRoleAssignedTo":
                return self._assign(self._known(f"{head}/{owner}"), body)
            case "post", "oauth2PermissionGrants", "":
                return self._grant(body)
        raise Refusal("Bad Request", f"Unsupported: {method} {path}")

    def _upsert(self, path: str, body: Json) -> Json | None:
        if found := self._find(path):
            self._change_application(found, body)
            return None
        made = self._new({"appId": str(uuid.uuid4()), "signInAudience": "AzureADandPersonalMicrosoftAccount"})
        self._unknown[f"owner of {made['appId']}"] = self.lag
        made |= {"uniqueName": path.split("'")[1], "appRoles": [], "identifierUris": []}
        made |= {"api": {"requestedAccessTokenVersion": None, "oauth2PermissionScopes": []}}
        made |= {"web": {"redirectUris": [], "implicitGrantSettings": {"enableIdTokenIssuance": False}}}
        self.applications[made["id"]] = made | {"displayName": body["displayName"]} | body
        return self.applications[made["id"]]

    def _change_application(self, application: Json, body: Json) -> None:
        if "appRoles" in body:
            roles = {role["id"]: role for role in body["appRoles"]}
            for role in application["appRoles"]:
                if role["isEnabled"] and roles.get(role["id"]) != role:
                    raise Refusal(
                        "Bad Request", "Property value cannot be deleted or updated unless disabled first."
                    )
            if len({role["value"] for role in body["appRoles"]}) < len(body["appRoles"]):
                raise Refusal("Bad Request", "Property value contains duplicate value.")
            self._unknown[f"roles of {application['appId']}"] = self.lag
        for uri in body.get("identifierUris", []):
            if uri not in application["identifierUris"] and uri != f"api://{application['appId']}":
                raise Refusal("Bad Request", "Values of identifierUris property must use a verified domain.")
        for name, value in body.items():
            application[name] = application[name] | value if isinstance(value, dict) else value

    def _make_service_principal(self, body: Json) -> Json:
        application = self._find(f"applications(appId='{body['appId']}')")
        if application is None or self._is_unknown(f"owner of {body['appId']}"):
            appears = f"The appId '{body['appId']}' of the service principal"
            raise Refusal("Bad Request", f"{appears} does not reference a valid application object.")
        if self._find(f"servicePrincipals(appId='{body['appId']}')"):
            raise Refusal("Conflict", "The service principal cannot be created: its name is already present.")
        made = self._new({"appRoleAssignmentRequired": False} | body)
        self.service_principals[made["id"]] = made
        self.principals.add(made["id"])
        return made

    def _trust(self, owner: str, body: Json) -> Json:
        mine = [each for each in self.credentials if each["owner"] == owner]
        if any(each["name"] == body["name"] for each in mine):
            raise Refusal("Conflict", "FederatedIdentityCredential with this name already exists.")
        assert set(body) == {"name", "issuer", "subject", "audiences"}
        assert len(body["audiences"]) == 1
        assert len(mine) < 20
        made = self._new(body | {"owner": owner})
        self.credentials.append(made)
        return made

    def _assign(self, principal: Json, body: Json) -> Json:
        if body["principalId"] not in self.principals:
            raise Refusal("Not Found", f"Resource '{body['principalId']}' does not exist.")
        application = self._find(f"applications(appId='{principal['appId']}')") or {}
        roles = {role["id"] for role in application["appRoles"] if role["isEnabled"]}
        if body["appRoleId"] not in roles or self._is_unknown(f"roles of {principal['appId']}"):
            raise Refusal("Bad Request", "Permission being assigned was not found on application.")
        made = self._new(body | {"owner": principal["id"]})
        if any(
            each["owner"] == principal["id"] and body.items() <= each.items() for each in self.assignments
        ):
            raise Refusal("Bad Request", "Permission being assigned already exists on the object.")
        self.assignments.append(made)
        return made

    def _grant(self, body: Json) -> Json:
        mine = self._known(f"servicePrincipals/{body['clientId']}")["id"]
        key = {"owner": mine} | {name: body[name] for name in ("consentType", "resourceId")}
        if any(key.items() <= each.items() for each in self.grants):
            raise Refusal("Conflict", "Permission entry already exists.")
        made = self._new(body | {"owner": mine})
        self.grants.append(made)
        return made


@contextmanager
def running_directory(folder: Path) -> Iterator[Directory]:
    """A tenant with nothing of ours, which the `az` in the folder asks."""
    directory = Directory()
    with running_az(folder, directory.az):
        yield directory


@contextmanager
def running_az(folder: Path, az: Callable[[list[str]], tuple[int, str, str]]) -> Iterator[None]:
    """Puts an `az` into a folder, for the PATH, whose exit code, stdout and stderr are the function's."""

    class Handler(socketserver.StreamRequestHandler):
        @override
        def handle(self) -> None:
            arguments = [line.decode().removesuffix("\n") for line in iter(self.rfile.readline, b"\n")]
            code, out, err = az(arguments)
            self.wfile.write(f"{code}\n{out}\n{err}\n".encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        program = folder / "az"
        program.write_text(PROGRAM.format(port=server.server_address[1]))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
