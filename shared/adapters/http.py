"""An HTTP trigger's request, as the rest of the project sees it, and its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import azure.functions as func


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request: names of headers are in lower case; `route` has the parameters of the path."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    route: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, request: func.HttpRequest) -> "HttpCall":
        return cls(
            method=request.method or "",
            url=request.url,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.params),
            route=dict(request.route_params),
            body=request.get_body(),
        )


class Answer(Protocol):
    """An answer: status, body, its media type, and further headers."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def media_type(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def new_blueprint() -> func.Blueprint:
    return func.Blueprint()


def add_route(
    blueprint: func.Blueprint, name: str, path: str, answer: Callable[[HttpCall], Answer], *, needs_key: bool
) -> None:
    """Registers a function for all methods of its route.

    For a method without a function, Azure would answer with an empty 404.
    """
    level = func.AuthLevel.FUNCTION if needs_key else func.AuthLevel.ANONYMOUS

    @blueprint.function_name(name)
    @blueprint.route(path, auth_level=level)
    def function(req: func.HttpRequest) -> func.HttpResponse:
        made = answer(HttpCall.of(req))
        return func.HttpResponse(
            made.body, status_code=made.status, mimetype=made.media_type, headers=dict(made.headers)
        )
