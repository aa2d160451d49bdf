"""From a template to a page: escaped, with the headers that keep it to itself."""

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

# Characters of a name on a page; titles and messages have room for more.
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
    """The page that says what went wrong, and what to do; where the document itself is, it can be removed."""
    known = error if isinstance(error, ExportError) else None
    code = known.code if known else "internal_error"
    return render(
        visit,
        "problem.html",
        status=status,
        title=words.title_of(status),
        code=code,
        message=known.message if known else "Something unexpected went wrong; nothing is lost.",
        remedy=remedy_of(code),
        problems=error.problems if isinstance(error, InvalidDocument) else (),
        used_by=error.exports if isinstance(error, ConnectionInUse) else (),
        signs_in=status == 401,
        removable=removable,
    )


def see(path: str, **query: str) -> Reply:
    """Sends the browser on, after a form has done its work: loading again does nothing twice."""
    place = quote(path) + (f"?{urlencode(query)}" if query else "")
    return Reply(303, b"", "text/plain", {"location": place, "cache-control": "no-store"})


def headers() -> Mapping[str, str]:
    """What keeps a page from being kept, framed, or made to load or send anything elsewhere."""
    elsewhere = ["https://login.microsoftonline.com"]
    with suppress(InvalidSettings):  # the page says what is wrong with them
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
    """Jinja2 is loaded when somebody asks for the first page: an app that only exports does without."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    def visible(value: Any) -> Any:
        """A control or bidi character of a text from outside is shown as its code."""
        if isinstance(value, str) and not isinstance(value, Markup):
            return shown(value, LONGEST_TEXT)
        return value

    def exact(value: str) -> Markup:
        """A value that comes back with a form exactly as it is."""
        # A browser takes references to the controls beyond ASCII for other characters.
        parts = (
            each if each.isprintable() or "\x80" <= each <= "\x9f" else f"&#{ord(each)};"
            for each in escape(value)
        )
        return Markup("".join(parts))  # noqa: S704 - each part is escaped

    def when(moment: datetime | None) -> Markup:
        """A time, which the script writes in the reader's zone."""
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
