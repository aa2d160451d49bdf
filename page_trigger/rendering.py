"""Renders a template as a page: escaped, with headers that protect it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from page_trigger import words
from page_trigger.assets import assets
from page_trigger.codes import remedy_of
from shared.administration.connections import ConnectionInUse
from shared.administration.rights import Action, has_role_for
from shared.api import Reply
from shared.errors import ExportError, InvalidDocument, InvalidSettings
from shared.klaviyo.oauth import authorize_page
from shared.services import process_services
from shared.text import shown

if TYPE_CHECKING:
    from jinja2 import Environment

    from page_trigger.visits import Visit

# Characters of a name on a page; titles and messages can be longer.
LONGEST_NAME = 80
LONGEST_TEXT = 2_000


def render(visit: "Visit", template: str, *, status: int = 200, **values: Any) -> Reply:
    """The page of this template."""
    may = {action.name.lower() for action in Action if has_role_for(visit.by, action)}
    page = _environment().get_template(template)
    body = page.render(
        by=visit.by, may=may, token=visit.token, here=urlsplit(visit.http.url).path, **values
    ).encode(errors="replace")
    return Reply(status, body, "text/html", headers())


def render_problem(visit: "Visit", error: Exception, status: int, *, removable: bool = False) -> Reply:
    """The page that shows an error and its fix; with `removable`, the document can be removed there."""
    known = error if isinstance(error, ExportError) else None
    code = known.code if known else "internal_error"
    return render(
        visit,
        "problem.html",
        status=status,
        title=words.title_of(status),
        code=code,
        message=known.message if known else "An unexpected error happened. Nothing is lost.",
        remedy=remedy_of(code),
        problems=error.problems if isinstance(error, InvalidDocument) else (),
        used_by=error.exports if isinstance(error, ConnectionInUse) else (),
        signs_in=status == 401,
        removable=removable,
    )


def see(path: str, **query: str) -> Reply:
    """Redirects the browser after a form, so that reloading does not repeat it."""
    place = quote(path) + (f"?{urlencode(query)}" if query else "")
    return Reply(303, b"", "text/plain", {"location": place, "cache-control": "no-store"})


def headers() -> Mapping[str, str]:
    """Headers that forbid storing or framing a page, and loading from or sending to other places."""
    elsewhere = ["https://login.microsoftonline.com"]
    with suppress(InvalidSettings):  # the page shows the problem
        sign_in = urlsplit(authorize_page(process_services().settings.klaviyo_url))
        elsewhere.append(f"{sign_in.scheme}://{sign_in.netloc}")
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "form-action": " ".join(["'self'", *elsewhere]),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "cache-control": "no-store",
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
    }


@cache
def _environment() -> "Environment":
    """Loads Jinja2 at the first page, so an app that only exports does not load it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    def visible(value: Any) -> Any:
        """Shows control and bidi characters of an outside text as codes."""
        if isinstance(value, str) and not isinstance(value, Markup):
            return shown(value, LONGEST_TEXT)
        return value

    def exact(value: str) -> Markup:
        """A value that a form returns unchanged."""
        # A browser reads references to the controls beyond ASCII as other characters.
        parts = (
            each if each.isprintable() or "\x80" <= each <= "\x9f" else f"&#{ord(each)};"
            for each in escape(value)
        )
        return Markup("".join(parts))  # noqa: S704 - each part is escaped

    def when(moment: datetime | None) -> Markup:
        """A time, which the script shows in the reader's zone."""
        if moment is None:
            return Markup("&ndash;")
        moment = moment.astimezone(UTC)
        text = f"{moment:%Y-%m-%d %H:%M} UTC"
        return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", text)

    environment = Environment(
        loader=PackageLoader("page_trigger"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": lambda text: shown(text, LONGEST_NAME),
        "number": lambda number: f"{number:,}",
        "percent": words.percent,
        "exact": exact,
        "when": when,
        "lasting": words.lasting,
        "status": words.status,
        "kind": words.kind,
        "trigger": words.trigger,
        "count_name": words.count_name,
        "field": words.field_of,
        "markdown": words.as_html,
    }
    environment.globals |= {
        "asset": lambda name: f"/assets/{assets()[name].name}",
        "list_page": words.list_page,
        "remedy_of": remedy_of,
    }
    return environment
