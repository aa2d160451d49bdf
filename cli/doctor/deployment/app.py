"""The deployed app, and the roles of its identity."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydantic import Field

from cli.doctor.deployment.azure import Azure, Shape, Unseen
from cli.doctor.deployment.place import Place
from cli.doctor.deployment.resources import STORAGE, VAULT, find_resource, look, unseen_finding
from cli.doctor.deployment.roles import (
    BLOB_OWNER,
    BLOB_READER,
    QUEUE_CONTRIBUTOR,
    SECRETS_USER,
    Role,
    role_finding,
)
from shared.administration.checkup.finding import Finding


class _Identity(Shape):
    principal_id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")


class _Identities(Shape):
    user_assigned_identities: dict[str, _Identity] = Field(default_factory=dict)


class _SiteProperties(Shape):
    state: str = "unknown"


class _Site(Shape):
    location: str
    identity: _Identities | None = None
    properties: _SiteProperties


def check_app(azure: Azure, place: Place, now: datetime) -> Iterator[Finding]:
    """Checks that it runs, and has the roles that infra/ gives it; docs/security.md lists them."""
    name = f"app {place.app}"
    group = f"/subscriptions/{place.subscription}/resourceGroups/{place.group}"
    path = f"{group}/providers/Microsoft.Web/sites/{place.app}"
    try:
        site = azure.read(_Site, path, api_version="2025-03-01")
    except Unseen as unseen:
        yield unseen_finding(name, unseen)
        return
    identities = list(site.identity.user_assigned_identities.values()) if site.identity else []
    if len(identities) != 1:
        fix = "Deploy infra/ again, which assigns one."
        yield Finding(name, f"has {len(identities)} user-assigned identities, but needs one", fix)
        return
    start = f"az functionapp start --name {place.app} --resource-group {place.group}"
    is_running = site.properties.state == "Running"
    yield Finding(name, f"{site.properties.state}, in {site.location}", "" if is_running else start)
    for want in _wanted(place):
        yield look(
            want.name, partial(_role, azure, place.subscription, want, identities[0].principal_id, now)
        )


@dataclass(frozen=True)
class _Wanted:
    """A role on a resource or a part of it. `what` describes the resource; its name is None if not given."""

    what: str
    role: Role
    kind: str
    resource: str | None
    part: str = ""

    @property
    def name(self) -> str:
        return f"app on {self.resource or self.what}{self.part and f'/{self.part.rpartition("/")[2]}'}"


def _wanted(place: Place) -> Iterator[_Wanted]:
    segments, container = "the segments' container", f"/blobServices/default/containers/{place.container}"
    if place.container is None:
        yield _Wanted(segments, BLOB_READER, STORAGE, None)
    else:
        yield _Wanted(segments, BLOB_READER, STORAGE, place.segments, container)
    yield _Wanted("the state's account", BLOB_OWNER, STORAGE, place.state)
    yield _Wanted("the vault", SECRETS_USER, VAULT, place.vault)
    for queue in (place.queue, f"{place.queue}-poison") if place.queue else ():
        part = f"/queueServices/default/queues/{queue}"
        yield _Wanted("the queues' account", QUEUE_CONTRIBUTOR, STORAGE, place.state, part)


def _role(azure: Azure, subscription: str, want: _Wanted, principal: str, now: datetime) -> Finding:
    if want.resource is None:
        raise Unseen("its name was not given", "Set the outputs of the deployment as environment variables.")
    scope = find_resource(azure, subscription, want.kind, want.resource).id + want.part
    return role_finding(azure, want.name, principal, want.role, scope, now)
