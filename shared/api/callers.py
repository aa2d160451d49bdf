"""Determines the caller: only from the platform's own sign-in, or the local host in this process."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from shared.administration.rights import Forbidden, Person, Role
from shared.errors import PermanentError
from shared.settings import Auth, SignIn, auth_of

# Routes have their level from the first import on, so this setting is fixed for the process, too.
AUTH = auth_of()

OPERATOR = Person("http", Role.OPERATOR)
# Characters of a principal: a person in a few hundred groups has about a tenth of that.
LONGEST_PRINCIPAL = 100_000
LONGEST_NAME = 200

_OBJECT_ID = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_TENANT = ("http://schemas.microsoft.com/identity/claims/tenantid", "tid")
_NAME = ("preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "name")
_APPLICATION = ("appid", "azp")
_ROLE = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
# The strongest role counts.
_ROLES = {role.value: role for role in (Role.ADMINISTRATOR, Role.CONTRIBUTOR, Role.VIEWER)}

_played: Person | None = None


class SignInOff(PermanentError):
    """Nothing proves who is calling: anything in a request could be forged."""

    code = "sign_in_off"


class NotSignedIn(PermanentError):
    code = "not_signed_in"


def play(person: Person | None) -> None:
    """Makes this person the caller of every request, with AUTH=local; only for the local host."""
    global _played
    _played = person


def caller_of(headers: Mapping[str, str], auth: Auth, sign_in: SignIn) -> Person:
    """The caller.

    With a function key, always the operator, regardless of headers. Raises SignInOff if the sign-in that the
    setting names is off; NotSignedIn; Forbidden if the person has no role.
    """
    match auth:
        case Auth.KEY:
            return OPERATOR
        case Auth.LOCAL:
            if _played is None:
                raise SignInOff("AUTH=local is for `segment-export serve --as ROLE` only.")
            return _played
        case Auth.ENTRA:
            return _signed_in(headers, sign_in)


def _signed_in(headers: Mapping[str, str], sign_in: SignIn) -> Person:
    """The caller from the platform's sign-in, whose headers can't be forged while it is on."""
    if not sign_in.is_on:
        raise SignInOff("AUTH=entra, but the platform's sign-in is off: see docs/sign-in.md.")
    header = headers.get("x-ms-client-principal", "")
    if not header:
        raise NotSignedIn("Sign in with Microsoft Entra.")
    principal = _principal(header)
    claims = list(_claims(principal))
    tenant = _first(claims, _TENANT).lower()
    if principal.get("auth_typ") != "aad" or not tenant or tenant not in sign_in.tenants:
        raise SignInOff("The sign-in is not from this app's tenant: see WEBSITE_AUTH_AAD_ALLOWED_TENANTS.")
    role_types = {*_ROLE, *_text(principal.get("role_typ"))}
    given = {value.lower() for kind, value in claims if kind in role_types}
    role = next((role for name, role in _ROLES.items() if name in given), None)
    if role is None:
        raise Forbidden("You have none of the app's roles: Administrator, Contributor, Viewer.")
    object_id = _first(claims, _OBJECT_ID).lower()
    if not object_id:
        raise NotSignedIn("The sign-in does not identify you: it has no object id.")
    name = _first(claims, (*_text(principal.get("name_typ")), *_NAME, *_APPLICATION)) or object_id
    groups = frozenset(value.lower() for kind, value in claims if kind == "groups")
    return Person("".join(filter(str.isprintable, name))[:LONGEST_NAME], role, object_id, groups)


def _principal(header: str) -> dict[str, Any]:
    principal = None
    if len(header) <= LONGEST_PRINCIPAL:
        with suppress(ValueError, RecursionError):
            principal = json.loads(base64.b64decode(header, validate=True))
    if not isinstance(principal, dict):
        raise NotSignedIn("The sign-in can't be read: sign in again.")
    return principal


def _claims(principal: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    claims = principal.get("claims")
    for claim in claims if isinstance(claims, list) else ():
        match claim:
            case {"typ": str(kind), "val": str(value)}:
                yield kind, value


def _first(claims: Iterable[tuple[str, str]], kinds: Iterable[str]) -> str:
    """The value of the first of these kinds that exists; blank if none does."""
    known = dict(reversed(list(claims)))
    return next((known[kind] for kind in kinds if known.get(kind)), "")


def _text(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else ()
