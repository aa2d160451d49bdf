"""Klaviyo's errors, as JSON:API error objects.

Codes, titles and the pointers `/data/` and `/data` are from recorded responses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

TITLES = {
    "authentication_failed": "Incorrect authentication credentials.",
    "error": "An error occurred.",
    "invalid": "Invalid input.",
    "not_authenticated": "Authentication credentials were not provided.",
    "not_found": "Not found.",
    "permission_denied": "You do not have permission to perform this action.",
    "throttled": "Request was throttled.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a request: its place (pointer or query parameter) and Klaviyo's words."""

    detail: str
    pointer: str = "/data"
    parameter: str | None = None
    code: str = "invalid"

    def to_json(self, status: int) -> dict[str, object]:
        source = {"pointer": self.pointer} if self.parameter is None else {"parameter": self.parameter}
        return {
            "id": str(uuid5(NAMESPACE_URL, f"{self.code} {source} {self.detail}")),
            "status": status,
            "code": self.code,
            "title": TITLES[self.code],
            "detail": self.detail,
            "source": source,
            "links": {},
            "meta": {},
        }


class ApiError(Exception):
    """An error response: its status, problems and `Retry-After`."""

    def __init__(
        self, status: int, problems: Sequence[Problem], *, retry_after: int | str | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.problems = tuple(problems)
        self.retry_after = retry_after

    def to_json(self) -> dict[str, object]:
        return {"errors": [problem.to_json(self.status) for problem in self.problems]}


def invalid(detail: str, pointer: str = "/data") -> ApiError:
    """A 400 that points into the body."""
    return ApiError(400, [Problem(detail, pointer)])


def invalid_parameter(detail: str, parameter: str) -> ApiError:
    """A 400 that names a query parameter or header."""
    return ApiError(400, [Problem(detail, parameter=parameter)])


def not_found(kind: str, identifier: str) -> ApiError:
    return ApiError(
        404, [Problem(f"A {kind} with id {identifier} does not exist.", "/data/", code="not_found")]
    )


def unknown_path(method: str, path: str) -> ApiError:
    return ApiError(404, [Problem(f"{method} {path} is not known here.", "/data/", code="not_found")])


def throttled(seconds: int) -> ApiError:
    detail = f"Request was throttled. Expected available in {seconds} second{'s' if seconds != 1 else ''}."
    return ApiError(429, [Problem(detail, code="throttled")], retry_after=seconds)
