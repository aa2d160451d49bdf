"""A stand-in for Azure Resource Manager and Microsoft Graph, on loopback, with their documented answers.

It knows resources by their paths, filters lists as their references say, and pages them. It refuses what they
refuse: no token, no version, a method that writes.

https://learn.microsoft.com/rest/api/azure/ has the form of a request, of lists and of errors.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.serving import serving

TOKEN = "made-token"
A_PAGE = 2
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PRINCIPAL = "22222222-2222-4222-8222-222222222222"
CUSTOMER_INSIGHTS = "33333333-3333-4333-8333-333333333333"
ROOT = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{ROOT}/resourceGroups/exports"
SEGMENTS = f"{ROOT}/resourceGroups/crm/providers/Microsoft.Storage/storageAccounts/mysegments"
STATE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stmade"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-made"
APP = f"{GROUP}/providers/Microsoft.Web/sites/func-made"
CONTAINER = f"{SEGMENTS}/blobServices/default/containers/exports"
TOPICS = f"{ROOT}/providers/Microsoft.EventGrid/systemTopics"
REGIONS = f"{ROOT}/providers/Microsoft.Web/geoRegions"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
QUEUE_CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
LONG_AGO = "2026-01-01T00:00:00.0000000Z"
OWNER = {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}
PROVIDERS = ("Web", "App", "Storage", "KeyVault", "ManagedIdentity", "Insights", "OperationalInsights")


def permissions(group: str) -> str:
    """https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group"""
    return f"{ROOT}/resourceGroups/{group}/providers/Microsoft.Authorization/permissions"


def queue(name: str) -> str:
    return f"{STATE}/queueServices/default/queues/{name}"


@dataclass
class Assignment:
    principal: str
    role: str
    scope: str
    created: str = LONG_AGO

    def shown(self) -> dict[str, Any]:
        """https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope"""
        definition = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/{self.role}"
        properties = {"roleDefinitionId": definition, "principalId": self.principal, "scope": self.scope}
        return {"properties": properties | {"principalType": "ServicePrincipal", "createdOn": self.created}}


def an_account(resource_id: str) -> dict[str, Any]:
    rules = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": []}
    properties = {"isHnsEnabled": True, "publicNetworkAccess": "Enabled", "networkAcls": rules}
    return {"id": resource_id, "location": "westeurope", "properties": properties}


@dataclass
class Subscription:
    """A deployment in which nothing is wrong; tests change what they are about.

    `things` are resources by their paths, and `lists` what is listed. `refused` has answers that come in the
    place of what begins with a path: a status and a body. `slow` are seconds before an answer, `trickle`
    between its bytes. `asked` are the requests, as method and path.
    """

    things: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    assignments: list[Assignment] = field(default_factory=list)
    refused: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    slow: float = 0
    trickle: float = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = (*PROVIDERS, "EventGrid", "Network", "Logic")
        self.things = {
            ROOT: {"subscriptionId": SUBSCRIPTION, "state": "Enabled"},
            GROUP: {"id": GROUP, "location": "westeurope"},
            SEGMENTS: an_account(SEGMENTS),
            f"{SEGMENTS}/blobServices/default": {"properties": {"deleteRetentionPolicy": {"enabled": False}}},
            CONTAINER: {"id": CONTAINER, "name": "exports", "properties": {"publicAccess": "None"}},
            STATE: an_account(STATE),
            VAULT: {
                "id": VAULT,
                "properties": {"enableRbacAuthorization": True, "publicNetworkAccess": "Enabled"},
            },
            APP: {
                "location": "West Europe",
                "identity": {
                    "type": "UserAssigned",
                    "userAssignedIdentities": {
                        f"{GROUP}/id-made": {"principalId": PRINCIPAL, "clientId": "x"}
                    },
                },
                "properties": {"state": "Running"},
            },
            "/v1.0/servicePrincipals(appId='0bfc4568-a4ba-4c58-bd3e-5d3e76bd7fff')": {
                "id": CUSTOMER_INSIGHTS
            },
        } | {f"{ROOT}/providers/Microsoft.{name}": {"registrationState": "Registered"} for name in names}
        regions = ("Central US", "North Europe", "Sweden Central", "West Europe")
        self.lists = {REGIONS: [{"name": region} for region in regions], TOPICS: []}
        self.lists |= {permissions(group): [OWNER] for group in ("exports", "crm")}
        self.assignments = [
            Assignment(CUSTOMER_INSIGHTS, BLOB_CONTRIBUTOR, SEGMENTS),
            Assignment(PRINCIPAL, BLOB_READER, CONTAINER),
            Assignment(PRINCIPAL, BLOB_OWNER, STATE),
            Assignment(PRINCIPAL, SECRETS_USER, VAULT),
            Assignment(PRINCIPAL, QUEUE_CONTRIBUTOR, queue("work")),
            Assignment(PRINCIPAL, QUEUE_CONTRIBUTOR, queue("work-poison")),
        ]

    async def answer(self, request: Request) -> Response:
        self.asked.append((request.method, request.url.path))
        await asyncio.sleep(self.slow)
        made = self._answer(request)
        if not self.trickle:
            return made
        return StreamingResponse(self._trickling(bytes(made.body)), status_code=made.status_code)

    async def _trickling(self, content: bytes) -> AsyncIterator[bytes]:
        for byte in content:
            await asyncio.sleep(self.trickle)
            yield bytes([byte])

    def _answer(self, request: Request) -> Response:
        path = request.url.path
        for start, (status, body) in self.refused.items():
            if path.lower().startswith(start.lower()):
                content = body if isinstance(body, bytes) else JSONResponse(body).body
                return Response(content, status_code=status, headers=self.headers)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _refusal(401, "AuthenticationFailed")
        if request.method != "GET":
            return _refusal(405, "MethodNotAllowed")
        if not path.startswith("/v1.0/") and "api-version" not in request.query_params:
            return _refusal(400, "MissingApiVersionParameter")
        known = {name.lower(): thing for name, thing in self.things.items()}
        if path.lower() in known:
            return JSONResponse(known[path.lower()])
        listed = self._listed(path, request.query_params.get("$filter", ""))
        if listed is None:
            return _refusal(404, "ResourceNotFound")
        return _page(request, listed)

    def _listed(self, path: str, wanted: str) -> list[Any] | None:
        if path == f"{ROOT}/resources":
            kind, name = re.fullmatch(r"resourceType eq '(.+)' and name eq '(.+)'", wanted).groups()  # type: ignore[union-attr]
            end = f"/providers/{kind}/{name}"
            return [{"id": each} for each in self.things if each.endswith(end)]
        scope, found, _ = path.partition("/providers/Microsoft.Authorization/roleAssignments")
        if found:
            [principal] = re.fullmatch(r"principalId eq '(.+)'", wanted).groups()  # type: ignore[union-attr]
            return [
                each.shown()
                for each in self.assignments
                if each.principal == principal
                and (each.scope.startswith(scope) or scope.startswith(each.scope))
            ]
        return self.lists.get(path)


def _refusal(status: int, code: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": "made: " + code}}, status_code=status)


def _page(request: Request, listed: list[Any]) -> Response:
    start = int(request.query_params.get("$skiptoken", "0"))
    page: dict[str, Any] = {"value": listed[start : start + A_PAGE]}
    if start + A_PAGE < len(listed):
        query = {name: values[0] for name, values in parse_qs(request.url.query).items()}
        following = urlencode(query | {"$skiptoken": str(start + A_PAGE)})
        page["nextLink"] = str(request.url.replace(query=following))
    return JSONResponse(page)


@contextmanager
def running_azure(subscription: Subscription) -> Iterator[str]:
    """Serves both APIs at one address."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    route = Route("/{path:path}", subscription.answer, methods=methods)
    with serving(Starlette(routes=[route])) as url:
        yield url
