"""Bodies of requests: small, optional JSON objects, checked as strictly as documents."""

from collections.abc import Iterator
from typing import Annotated, Any, override

from pydantic import AfterValidator, PlainValidator

from shared.api.problems import BadRequest
from shared.catalog.document import Document, Place
from shared.errors import InvalidDocument
from shared.runs.removal import ANY_NUMBER

LONGEST_BODY = 65_536
LONGEST_NAME = 200


def is_name(text: str) -> bool:
    """Whether a text is valid as the name of a requester in a record."""
    return 1 <= len(text) <= LONGEST_NAME and text.isprintable()


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"must be 1 to {LONGEST_NAME} printable characters")
    return text


def _removals(value: object) -> int | None:
    match value:
        case bool():
            return ANY_NUMBER if value else None
        case int() if 0 <= value <= ANY_NUMBER:
            return value
    raise ValueError("must be true, false or a whole number of at least 0")


# How many removals the caller confirms: any number (`true`), or at most this many.
type Removals = Annotated[int | None, PlainValidator(_removals)]


class StartAllBody(Document):
    """`requested_by` is the requester of the runs; blank if the body names none."""

    requested_by: Annotated[str, AfterValidator(_name)] = ""


class StartBody(StartAllBody):
    """The requester of the run; whether everybody is to be sent; how many people may be removed; and whether
    the list's members are read first, and people who are not among them are sent again."""

    full: bool = False
    reconcile: bool = False
    readd: bool = False
    confirm_removals: Removals = None

    @override
    @classmethod
    def conflicts(cls, members: Any) -> Iterator[tuple[Place, str]]:
        match members:
            case {"readd": True, **rest} if rest.get("reconcile") is not True:
                yield ("readd",), "needs reconcile"


class PreviewBody(Document):
    """Whether the run would send everybody, and how many people it could remove; and whether the first rows
    are shown: of each value the first character or, with `unmasked`, all of it."""

    full: bool = False
    confirm_removals: Removals = None
    rows: bool = False
    unmasked: bool = False

    @override
    @classmethod
    def conflicts(cls, members: Any) -> Iterator[tuple[Place, str]]:
        match members:
            case {"unmasked": True, **rest} if rest.get("rows") is not True:
                yield ("unmasked",), "needs rows"


class EmptyBody(Document):
    """A body without members."""


def read_body[D: Document](kind: type[D], content: bytes) -> D:
    """Parses a body. Raises BadRequest: 413 if it is over 64 KiB, else 400 with problems and pointers."""
    if len(content) > LONGEST_BODY:
        message = f"The body is longer than {LONGEST_BODY:,} bytes."
        raise BadRequest(message, status=413, code="too_large")
    try:
        return kind.parse("The body", content if content.strip() else b"{}")
    except InvalidDocument as error:
        raise BadRequest(error.message, problems=error.problems) from None
