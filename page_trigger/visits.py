"""Handles a request for a page: the visitor, their rights, forms and errors."""

import hmac
import logging
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from page_trigger.forms import Form
from page_trigger.rendering import render, render_problem
from shared.adapters.http import HttpCall, add_route, new_blueprint
from shared.adapters.telemetry import log_bug
from shared.administration.rights import Action, Forbidden, Person, check_role
from shared.api import BadRequest, Reply
from shared.api.callers import AUTH, OPERATOR, NotSignedIn, caller_of
from shared.api.problems import ASKED_FOR, status_of
from shared.api.routes import check_origin
from shared.errors import ExportError
from shared.settings import Auth, SignIn

logger = logging.getLogger(__name__)

_TOKEN_BYTES = 32
_ASKED_FOR = ASKED_FOR | {"unknown_connection"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page and its visitor; `token` is in all forms of this browser."""

    http: HttpCall
    by: Person
    token: str = ""
    form: Form = field(default_factory=Form)

    def route(self, name: str) -> str:
        """A parameter in the URL's path."""
        return self.http.route.get(name, "")

    def query(self, name: str) -> str:
        """A query parameter of the URL; blank if it is missing."""
        return self.http.query.get(name, "")

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number; None for anything else."""
        text = self.query(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a long list: its number, from 1, and the number of parts; its first index and the total."""

    number: int
    parts: int
    first: int
    total: int


def part_of(visit: Visit, total: int, most: int) -> Part:
    """The part of a list that the URL requests as `page`; a part has at most `most` items."""
    parts = max(1, -(-total // most))
    number = min(max(1, visit.number("page") or 1), parts)
    return Part(number, parts, (number - 1) * most, total)


@dataclass(frozen=True, slots=True)
class Page:
    """A page below the root: `show` returns it, `act` handles its forms.

    The visitor needs the right to `action`; each form checks its own rights.
    """

    name: str
    path: str
    action: Action
    show: Callable[[Visit], Reply]
    act: Callable[[Visit], Reply] | None = None


def blueprint_of(pages: Iterable[Page], asset: Callable[[HttpCall], Reply], auth: Auth = AUTH) -> Any:
    """The Functions blueprint of these pages and their assets. No route takes a function key: a browser has
    none."""
    blueprint = new_blueprint()
    for page in pages:
        add_route(
            blueprint, f"page_{page.name}", page.path, partial(answer, page, auth=auth), needs_key=False
        )
    add_route(blueprint, "page_assets", "assets/{name}", asset, needs_key=False)
    return blueprint


def answer(page: Page, http: HttpCall, auth: Auth = AUTH) -> Reply:
    """The page, or an error page. Checks rights first, before it reads a form."""
    visit = Visit(http, OPERATOR)
    try:
        if auth is Auth.KEY:
            return render(visit, "sign_in_off.html", status=403)
        visit = replace(visit, by=caller_of(http.headers, auth, SignIn.from_environment()))
        given = _token_in(http, auth)
        visit = replace(visit, token=given or secrets.token_urlsafe(_TOKEN_BYTES))
        reply = _answer(page, visit, given, auth)
        return reply if given else _with_cookie(reply, visit.token, auth)
    except NotSignedIn as error:
        return render_problem(visit, error, 401)
    except ExportError as error:
        return _refused(visit, error)
    except Exception as error:
        log_bug(logger, error)
        return render_problem(visit, error, 500)


def _refused(visit: Visit, error: ExportError) -> Reply:
    status = status_of(error, _ASKED_FOR)
    if status >= 500:
        logger.error("%s: %s", error.code, error.message)
    return render_problem(visit, error, status)


def _answer(page: Page, visit: Visit, token: str, auth: Auth) -> Reply:
    check_role(visit.by, page.action)
    if visit.http.method in ("GET", "HEAD"):
        return page.show(visit)
    if visit.http.method != "POST" or page.act is None:
        methods = "GET, HEAD" if page.act is None else "GET, HEAD, POST"
        error = BadRequest(
            f"This page supports the methods {methods}.", status=405, code="method_not_allowed"
        )
        refused = render_problem(visit, error, 405)
        return replace(refused, headers={**refused.headers, "allow": methods})
    check_origin(visit.http, auth)
    form = Form.of(visit.http.body, visit.http.headers.get("content-type", ""))
    if not token or not hmac.compare_digest(form.text("token").encode(), token.encode()):
        raise Forbidden(
            "This form is not from a page that this browser has open. Reload the page.", code="stale_form"
        )
    return page.act(replace(visit, form=form))


def cookie_name(auth: Auth) -> str:
    """With TLS, no other host and no plain connection can set a cookie of this name."""
    return "segment-export" if auth is Auth.LOCAL else "__Host-segment-export"


def _token_in(http: HttpCall, auth: Auth) -> str:
    """The value of our cookie; blank if it is missing or not valid."""
    for pair in http.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie_name(auth) and re.fullmatch(r"[\w-]{1,64}", value, re.ASCII):
            return value
    return ""


def _with_cookie(reply: Reply, token: str, auth: Auth) -> Reply:
    secure = "" if auth is Auth.LOCAL else "; Secure"
    cookie = f"{cookie_name(auth)}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return replace(reply, headers={**reply.headers, "set-cookie": cookie})
