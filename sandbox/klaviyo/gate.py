"""The checks of every request: key, revision, media types, scopes, rate limit and body."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from sandbox.klaviyo.accounts import Account
from sandbox.klaviyo.endpoints import Endpoint
from sandbox.klaviyo.endpoints.lists import COUNT
from sandbox.klaviyo.errors import ApiError, Problem, invalid, invalid_parameter, throttled, unknown_path
from sandbox.klaviyo.imports import MAX_BODY
from sandbox.klaviyo.limits import Windows
from sandbox.klaviyo.responses import MEDIA_TYPE
from sandbox.klaviyo.stand_in import StandIn

SCHEME, BEARER = "Klaviyo-API-Key ", "Bearer "
# Without it, a retired revision is treated as a newer one: reported by a third party, unconfirmed by Klaviyo.
OPT_OUT = "x-klaviyo-revision-fall-forward-opt-out"
MAX_URL = 8192  # bytes; Klaviyo's own limit is unconfirmed
REVISION = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](\.[a-z0-9]+)?")


def check_url(path: bytes, query: bytes) -> None:
    """Raises ApiError (414) if the URL is too long."""
    if len(path) + 1 + len(query) > MAX_URL:
        raise ApiError(414, [Problem("The URI is too long.", code="error")])


def admit(stand_in: StandIn, endpoint: Endpoint, headers: Mapping[str, str]) -> tuple[Account, str]:
    """The account of the key or token, and the name of its limits: its OAuth app, or blank for the limits
    that all keys share. Raises ApiError if the headers or scopes are not valid."""
    account, scopes, limits = _authenticate(stand_in, headers.get("authorization", ""))
    if not REVISION.fullmatch(headers.get("revision", "")):
        raise invalid_parameter("A revision header of the form YYYY-MM-DD is required.", "revision")
    if headers["revision"] < endpoint.first_revision:
        raise unknown_path(endpoint.method, endpoint.path)
    if headers["revision"] < stand_in.first_revision and headers.get(OPT_OUT) == "1":
        raise ApiError(410, [Problem("This revision is retired.", parameter="revision", code="error")])
    if not {MEDIA_TYPE, "*/*"} & set(re.split(r"[,;]\s*", headers.get("accept", ""))):
        raise ApiError(406, [Problem("Could not satisfy the request Accept header.", code="error")])
    if endpoint.method != "GET":
        content_type = headers.get("content-type", "").partition(";")[0]
        # Whether Klaviyo accepts a compressed body is unconfirmed: a client that sends one fails here.
        if content_type != MEDIA_TYPE or "content-encoding" in headers:
            raise ApiError(
                415, [Problem(f"Unsupported media type {content_type!r} in request.", code="error")]
            )
    missing = [scope for scope in endpoint.scopes if scope not in scopes]
    if missing:
        detail = f"Your API key is missing required scopes: {', '.join(missing)}"
        raise ApiError(403, [Problem(detail, "/data/", code="permission_denied")])
    return account, limits


def count_request(
    stand_in: StandIn,
    account: Account,
    endpoint: Endpoint,
    query: Mapping[str, str],
    now: float,
    limits: str,
) -> dict[str, str]:
    """Counts the request in its windows and returns the `RateLimit-*` headers; raises ApiError (429)."""
    if not stand_in.limits:
        return {}
    name, tier = (f"{endpoint.name} {COUNT}", "XS") if COUNT in query else (endpoint.name, endpoint.tier)
    windows = account.windows.setdefault(
        f"{limits} {name}".strip(), Windows(account.tiers.get(endpoint.name, tier))
    )
    wait = windows.take(now)
    if wait:
        raise throttled(wait)
    return windows.headers(now)


def read_body(endpoint: Endpoint, body: bytes) -> Any:
    """The parsed body of a request that has one; raises ApiError (413, 400)."""
    if endpoint.method == "GET":
        return None
    if len(body) > MAX_BODY:
        raise ApiError(413, [Problem("The payload exceeds the maximum size of 5 MB.", code="error")])
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("The payload provided in the request is not valid JSON.") from None


def _authenticate(stand_in: StandIn, authorization: str) -> tuple[Account, frozenset[str], str]:
    if authorization.startswith(BEARER):
        grant = stand_in.oauth.grant_of(authorization.removeprefix(BEARER))
        if grant is not None:
            return stand_in.accounts[grant.account], grant.scopes, grant.client
    elif not authorization.startswith(SCHEME):
        detail = "Missing or invalid authorization scheme. Please use Klaviyo-API-Key."
        raise ApiError(401, [Problem(detail, "/data/", code="not_authenticated")])
    key = authorization.removeprefix(SCHEME)
    for account in stand_in.accounts.values():
        if key in account.keys:
            return account, account.keys[key], ""
    raise ApiError(
        401, [Problem("Incorrect authentication credentials.", "/data/", code="authentication_failed")]
    )
