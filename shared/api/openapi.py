"""An OpenAPI 3.1 document of the API, generated from the routes and their types.

https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from shared.administration.rights import RIGHTS, Role
from shared.api.routes import Operation, Route
from shared.catalog.document import ID_PATTERN

VERSION = "1"
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457): `code` is stable, `detail` explains what to do.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "exports": {
            "type": "array",
            "description": "The exports that use a connection.",
            "items": {"type": "object"},
        },
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
# Problems of every operation: no sign-in, no permission, a bug, something unavailable.
_ALWAYS = (401, 403, 500, 503)
# A body that is not JSON, if people sign in.
_UNSAFE = (415,)
_NAMES = {
    "connection": "The id of a connection.",
    "export": "The id of an export.",
    "run": "The id of a run.",
}


def described(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI document."""
    routes = tuple(routes)
    schemas = _Schemas(routes)
    paths = {f"/api/{route.path}": _path(route, schemas) for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "segment-export",
            "version": VERSION,
            "description": "Export Dynamics 365 Customer Insights segments to Klaviyo lists.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.definitions.items())) | {"Problem": _PROBLEM},
            "securitySchemes": {
                "function_key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "entra": {"type": "http", "scheme": "bearer", "description": "Microsoft Entra (AUTH=entra)."},
            },
        },
    }


class _Schemas:
    """The schemas of all types that the operations name, generated together, so names are unique."""

    def __init__(self, routes: Iterable[Route]) -> None:
        kinds = {
            (str(kind), mode): (kind, mode)
            for route in routes
            for operation in route.operations.values()
            for kind, mode in ((operation.body, "validation"), (operation.shows, "serialization"))
            if kind is not None
        }
        inputs: Any = [(key, mode, TypeAdapter(kind)) for key, (kind, mode) in kinds.items()]
        self._made, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
        self.definitions: dict[str, Any] = definitions.get("$defs", {})

    def is_needed(self, schema: dict[str, Any]) -> bool:
        """Whether a body has any required member."""
        whole = self.definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
        return bool(whole.get("required"))

    def of(self, kind: Any, mode: Any) -> dict[str, Any]:
        return dict(self._made[(str(kind), mode), mode])


def _path(route: Route, schemas: _Schemas) -> dict[str, Any]:
    return {
        method.lower(): _operation(route, method, operation, schemas)
        for method, operation in route.operations.items()
    }


def _operation(route: Route, method: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{method.lower()}_{route.name}",
        "summary": operation.summary,
        "tags": [route.path.partition("/")[0]],
        "parameters": list(_parameters(route, operation)),
        "responses": _responses(method, operation, schemas),
    }
    if operation.body is not None:
        schema = schemas.of(operation.body, "validation")
        described["requestBody"] = {
            "required": schemas.is_needed(schema),
            "content": {"application/json": {"schema": schema}},
        }
    if operation.action is not None:
        described["description"] = f"For {_roles(operation)}."
        described["security"] = [{"function_key": []}, {"entra": []}]
    return described


def _roles(operation: Operation) -> str:
    """Who may call the operation. Operators are the holders of a function key, if nobody signs in."""
    given = RIGHTS[operation.action] if operation.action is not None else {}
    names = [role.value + "s" for role in Role if role in given]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _parameters(route: Route, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        pattern = {"pattern": ID_PATTERN} if name in ("connection", "export") else {}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _NAMES.get(name, "Its name."),
            "schema": {"type": "string"} | pattern,
        }
    for name, text in operation.query.items():
        schema: dict[str, Any] = {"type": "string"}
        if name == "limit":
            schema = {"type": "integer", "minimum": 1, "maximum": 100}
        yield {"name": name, "in": "query", "description": text, "schema": schema}
    for name, text in operation.header.items():
        yield {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
    if operation.is_conditional:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "The ETag that came with the document when you read it.",
            "schema": {"type": "string"},
        }


def _responses(method: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"description": text}
        | _headers(status, operation)
        | (_content(operation, schemas) if status != 303 else {})
        for status, text in operation.answers.items()
    }
    always = _ALWAYS if operation.action is not None else (503,)
    unsafe = _UNSAFE if method != "GET" else ()
    for status in sorted({*operation.problems, *always, *unsafe}):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(model="Problem")}}},
        }
    return responses


def _headers(status: int, operation: Operation) -> dict[str, Any]:
    """The headers with which to find a new resource or an open run."""
    names = {201: ("Location",), 202: ("Location", "Retry-After")}.get(status, ())
    names = (*names, "ETag") if operation.has_version else names
    return {"headers": {name: {"schema": {"type": "string"}} for name in names}} if names else {}


def _content(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    if operation.media_type != "application/json":
        return {"content": {operation.media_type: {"schema": {"type": "string"}}}}
    if operation.shows is None:
        return {}
    schema = schemas.of(operation.shows, "serialization")
    if operation.page:
        schema = {
            "type": "object",
            "required": [operation.page, "next"],
            "properties": {
                operation.page: {"type": "array", "items": schema},
                "next": {"type": ["string", "null"], "description": "The address of the next page."},
                "problems": {
                    "type": "array",
                    "description": "Documents that can't be read, shown to administrators.",
                    "items": {"type": "object"},
                },
            },
        }
    return {"content": {"application/json": {"schema": schema}}}
