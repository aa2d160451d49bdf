"""`/oauth/…`: the page on which a person allows or denies an app, and the routes that the app calls."""

import base64
import re
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.klaviyo.accounts import SCOPES
from sandbox.klaviyo.imports import MAX_BODY
from sandbox.klaviyo.oauth import Grant, OAuthError
from sandbox.klaviyo.stand_in import StandIn

PAGE = """\
<!doctype html>
<html lang="en">
<title>Stand-in Klaviyo: sign in</title>
<h1>Allow {client}?</h1>
<p>The app asks for: {scope}.</p>
<form method="post" action="/oauth/authorize">
{hidden}
<label>Account <select name="account">{accounts}</select></label>
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>
</html>
"""
NAMES = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)


class SignInRoutes:
    """The page needs no password: anyone who can reach it is a user of every account."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def routes(self) -> list[Route]:
        return [
            Route("/oauth/authorize", self.show, methods=["GET"]),
            Route("/oauth/authorize", self.decide, methods=["POST"]),
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/oauth/revoke", self.revoke, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        query = dict(request.query_params)
        if problem := self._problem(query):
            return Response(problem, 400, media_type="text/plain")
        hidden = "\n".join(
            f'<input type="hidden" name="{name}" value="{escape(query[name])}">' for name in NAMES
        )
        accounts = "".join(
            f'<option value="{escape(account.id)}">{escape(account.name)}</option>'
            for account in self._stand_in.accounts.values()
        )
        client, scope = escape(query["client_id"]), escape(query["scope"])
        page = PAGE.format(client=client, scope=scope, hidden=hidden, accounts=accounts)
        return Response(page, media_type="text/html")

    async def decide(self, request: Request) -> Response:
        form = await _form(request)
        account = form.get("account", "")
        if (problem := self._problem(form)) or account not in self._stand_in.accounts:
            return Response(problem or "The account does not exist.", 400, media_type="text/plain")
        answer = {"error": "access_denied"}
        if form.get("decision") == "allow":
            grant = Grant(account, form["client_id"], frozenset(form["scope"].split()))
            with self._stand_in.lock:
                code = self._stand_in.oauth.allow(grant, form["code_challenge"], form["redirect_uri"])
            answer = {"code": code}
        query = urlencode(answer | {"state": form["state"]})
        return RedirectResponse(f"{form['redirect_uri']}?{query}", 303)

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        try:
            with self._stand_in.lock:
                return JSONResponse(self._tokens(self._client(request), form))
        except OAuthError as error:
            return JSONResponse({"error": error.code}, error.status)

    async def revoke(self, request: Request) -> Response:
        form = await _form(request)
        try:
            with self._stand_in.lock:
                self._stand_in.oauth.revoke(self._client(request), form.get("token", ""))
        except OAuthError as error:
            return JSONResponse({"error": error.code}, error.status)
        return Response(status_code=200)

    def _tokens(self, client: str, form: Mapping[str, str]) -> dict[str, object]:
        oauth = self._stand_in.oauth
        match form:
            case {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": redirect_uri,
            }:
                return oauth.exchange(client, code, verifier, redirect_uri)
            case {"grant_type": "refresh_token", "refresh_token": refresh_token}:
                return oauth.refresh(client, refresh_token)
        raise OAuthError("invalid_request")

    def _client(self, request: Request) -> str:
        """The app, by HTTP Basic. Raises OAuthError."""
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        try:
            client, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
        except ValueError:
            client = secret = ""
        if scheme != "Basic" or not secret or self._stand_in.oauth.clients.get(client) != secret:
            raise OAuthError("invalid_client", 401)
        return client

    def _problem(self, given: Mapping[str, str]) -> str:
        """The problem of the app's URL; blank if it has none."""
        missing = [name for name in NAMES if not given.get(name)]
        if missing:
            return f"Missing: {', '.join(missing)}."
        if given["client_id"] not in self._stand_in.oauth.clients:
            return "The app does not exist."
        parts = urlsplit(given["redirect_uri"])
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            return "The redirect_uri is not valid."
        if given["response_type"] != "code" or given["code_challenge_method"] != "S256":
            return "Only codes with PKCE S256 are supported."
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}", given["code_challenge"]):
            return "The code_challenge is not a SHA-256."
        return "" if frozenset(given["scope"].split()) <= SCOPES else "A scope is not known."


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; none if the body is too large or not a form."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= MAX_BODY:
            body += chunk
    is_form = request.headers.get("content-type", "") == "application/x-www-form-urlencoded"
    return dict(parse_qsl(body.decode("utf-8", "replace"))) if is_form else {}
