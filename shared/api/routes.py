"""Routes as data: their methods with inputs and rights; and how a request is answered."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from shared.adapters.clock import Deadline
from shared.adapters.http import HttpCall, add_route, new_blueprint
from shared.administration.rights import Action, Forbidden, Person, check_role
from shared.api.callers import AUTH, OPERATOR, caller_of
from shared.api.problems import BadRequest, guarded
from shared.api.replies import Reply, problem_reply
from shared.services import Services, process_services
from shared.settings import Auth, SignIn

SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request and its caller."""

    http: HttpCall
    by: Person

    @property
    def here(self) -> str:
        """The address of the request, without its query, which may contain a function key."""
        return self.http.url.partition("?")[0]

    def route(self, name: str) -> str:
        """A parameter of the address's path."""
        return self.http.route[name]

    def header(self, name: str) -> str:
        """A header by its name in lower case; blank if it is missing."""
        return self.http.headers.get(name, "")


def deadline_of(services: Services) -> Deadline:
    """How long a call may work unless the caller sets another time."""
    return Deadline(services.clock, services.settings.http_time_budget)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a route.

    `action` is the right that the caller needs; None: anybody may call it, as for the health. `body` is the
    type of the request's body, `answers` has the statuses of success with their meanings, and `problems` the
    statuses of failure in addition to those of every operation. A conditional operation needs If-Match; one
    with a version returns it as ETag. `shows` is the type of a successful answer, or of each item of a
    `page`.
    """

    handler: Callable[[Call], Reply]
    action: Action | None
    summary: str
    answers: Mapping[int, str]
    body: Any = None
    problems: tuple[int, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)
    is_conditional: bool = False
    has_version: bool = False
    shows: Any = None
    page: str = ""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """A route below /api: `name` is its function's, `path` has parameters in braces."""

    name: str
    path: str
    operations: Mapping[str, Operation]

    @property
    def is_open(self) -> bool:
        """Whether anybody may call the route."""
        return all(operation.action is None for operation in self.operations.values())


def blueprint_of(routes: Iterable[Route], auth: Auth = AUTH) -> Any:
    """The Functions blueprint of these routes. If people sign in, no route needs a function key."""
    blueprint = new_blueprint()
    for route in routes:
        needs_key = auth is Auth.KEY and not route.is_open
        add_route(blueprint, route.name, f"api/{route.path}", partial(answer, route), needs_key=needs_key)
    return blueprint


def answer(route: Route, http: HttpCall, auth: Auth = AUTH) -> Reply:
    """The reply of the operation for the request's method, or the problem for its error.

    Rights are checked first, before the request is read. HEAD is like GET, but returns only headers.
    """
    return guarded(lambda: _answer(route, http, auth), frozenset(re.findall(r"{(\w+)}", route.path)))


def _answer(route: Route, http: HttpCall, auth: Auth) -> Reply:
    by = None if route.is_open else caller_of(http.headers, auth, SignIn.from_environment())
    operation = route.operations.get("GET" if http.method == "HEAD" else http.method)
    if operation is None:
        head = ("HEAD",) if "GET" in route.operations else ()
        methods = ", ".join((*route.operations, *head))
        detail = f"This route supports {methods}."
        return problem_reply(405, "method_not_allowed", detail, {"allow": methods})
    if by is None or operation.action is None:
        return operation.handler(Call(http, by or OPERATOR))
    if auth is not Auth.KEY and http.method not in SAFE:
        check_origin(http, auth)
        _check_json(http)
    check_role(by, operation.action)
    return operation.handler(Call(http, by))


def check_origin(http: HttpCall, auth: Auth) -> None:
    """A page of another site must not act for a signed-in person. Browsers send the origin of the page.

    Raises Forbidden.
    """
    site, origin = http.headers.get("sec-fetch-site", ""), http.headers.get("origin", "")
    own = _own_origin(http, auth)
    if site not in ("", "same-origin", "none") or (origin and origin != own):
        raise Forbidden("A page of another site sent this request.", code="cross_site")


def _check_json(http: HttpCall) -> None:
    """Raises BadRequest if the body could be from a form of any site."""
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if http.body and kind != "application/json" and not kind.endswith("+json"):
        raise BadRequest("The body must be JSON (application/json).", status=415, code="not_json")


def _own_origin(http: HttpCall, auth: Auth) -> str | None:
    if auth is Auth.LOCAL:
        return f"http://{http.headers.get('host', '')}"
    url = process_services().settings.public_url
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if url else None
