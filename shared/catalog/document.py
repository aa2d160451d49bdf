"""What every document has in common: it is checked as a whole, and strictly.

A message says what is expected and where (an RFC 6901 pointer), never what the document says instead:
that could be a key pasted into the wrong place.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from shared.errors import InvalidDocument, Problem

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
LIST_ID_PATTERN = r"^[0-9A-Za-z]{1,32}$"
SECRET_NAME_PATTERN = r"^[0-9A-Za-z-]{1,127}$"  # noqa: S105 - how Key Vault names a secret, not one

type Place = tuple[str | int, ...]

# Tags of unions: pydantic puts them into an error's place, where a pointer has no use for them.
AS_TEXT, AS_OBJECT, AS_LIST = "<text>", "<object>", "<list>"


def tag(value: Any) -> str:
    """Which branch of a union a value is meant for."""
    match value:
        case dict() | BaseModel():
            return AS_OBJECT
        case list() | tuple():
            return AS_LIST
    return AS_TEXT


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _exactly_one(value: Any) -> Any:
    """Python takes true and 1.0 for 1 too."""
    if type(value) is not int:
        raise ValueError("must be 1")
    return value


Version = Annotated[Literal[1], BeforeValidator(_exactly_one)]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
Text = Annotated[str, AfterValidator(_not_blank), Field(min_length=1)]


class Document(BaseModel):
    """Strict: a member that is unknown or of another type is a mistake that would otherwise go unseen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, serialize_by_alias=True, strict=True
    )

    @classmethod
    def parse(cls, name: str, content: bytes) -> Self:
        """Reads the JSON of the document called `name`. Raises InvalidDocument with every problem."""
        content = content.removeprefix(b"\xef\xbb\xbf")  # some editors' sign of UTF-8
        problems: list[Problem] = []
        try:
            document = cls.model_validate_json(content)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            problems = [Problem(_pointer(item["loc"]), _message(item)) for item in details]
            if details[0]["type"] == "json_invalid":
                raise InvalidDocument(name, problems) from None
        members = json.loads(content, object_pairs_hook=_Members, parse_int=str)
        problems += _doubled(members)
        problems += (Problem(_pointer(place), message) for place, message in cls.conflicts(members))
        if problems:
            raise InvalidDocument(name, problems)
        return document

    @classmethod
    def conflicts(cls, members: Any) -> Iterator[tuple[Place, str]]:  # noqa: ARG003 - a document may have none
        """What is wrong between members that each may be right: where, and what is expected there.

        Told from the JSON as it is, since pydantic looks at a whole only when all its parts are right.
        """
        return iter(())


class _Members(dict[str, Any]):
    """A JSON object that knows which of its members are given more than once; the last one counts."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.doubled = [name for name in self if names.count(name) > 1]


def _doubled(value: Any, place: Place = ()) -> Iterator[Problem]:
    if isinstance(value, _Members):
        yield from (Problem(_pointer((*place, name)), "is given more than once") for name in value.doubled)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _doubled(item, (*place, key))


def _pointer(place: Place) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "".join(f"/{part}" for part in parts if part not in (AS_TEXT, AS_OBJECT, AS_LIST))


_PATTERNS = {
    ID_PATTERN: "must be 1 to 63 of a-z, 0-9 and -, the first not a -",
    LIST_ID_PATTERN: "must be the id of a Klaviyo list: letters and digits, such as Y6nRLr",
    SECRET_NAME_PATTERN: "must be the name of a secret: 1 to 127 of A-Z, a-z, 0-9 and -",
}
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_too_short": "must not be blank",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "model_type": "must be an object",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "datetime_type": "must be a date and time as text, such as 2026-11-23T20:00:00Z",
    "datetime_parsing": "must be a date and time such as 2026-11-23T20:00:00Z",
    "datetime_from_date_parsing": "must be a date and time such as 2026-11-23T20:00:00Z",
    "timezone_aware": "needs an offset or a Z behind its time, as in 2026-11-23T20:00:00Z",
}


def _message(item: ErrorDetails) -> str:
    context = item.get("ctx", {})
    match item["type"]:
        case "json_invalid":
            return f"is not JSON: {context['error']}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "string_pattern_mismatch":
            return _PATTERNS[context["pattern"]]
        case kind:
            return _MESSAGES.get(kind) or item["msg"].removeprefix("Value error, ")
