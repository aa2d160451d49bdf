"""The base of all documents: each is checked as a whole, and strictly.

A message says what is expected and where (an RFC 6901 pointer), but never shows the value that is there:
it could be a key pasted into the wrong place.
"""

import json
from collections import Counter, deque
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from shared.catalog.suggestions import closest_member
from shared.errors import MOST_PROBLEMS, InvalidDocument, Problem
from shared.text import shown

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
LIST_ID_PATTERN = r"^[0-9A-Za-z]{1,32}$"
SECRET_NAME_PATTERN = r"^[0-9A-Za-z-]{1,127}$"  # noqa: S105 - how Key Vault names a secret, not one

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors' sign of UTF-8
# Bytes of a document: about a hundred times the size of the largest real ones.
LONGEST_DOCUMENT = 1_048_576
# Characters in a problem's pointer, and of each name in it.
LONGEST_POINTER, LONGEST_NAME = 400, 100

type Place = tuple[str | int, ...]
type _Linked = tuple[_Linked | None, str | int]

# Tags of unions. Pydantic puts them into an error's place; pointers leave them out.
AS_TEXT, AS_OBJECT, AS_LIST = "<text>", "<object>", "<list>"


def tag(value: Any) -> str:
    """The branch of a union that a value belongs to."""
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
    """To Python, true and 1.0 equal 1, too."""
    if type(value) is not int:
        raise ValueError("must be 1")
    return value


Version = Annotated[Literal[1], BeforeValidator(_exactly_one)]
Id = Annotated[str, Field(pattern=ID_PATTERN)]
Text = Annotated[str, AfterValidator(_not_blank), Field(min_length=1)]


class Document(BaseModel):
    """Strict: a member that is unknown or of the wrong type is a mistake that would otherwise go unseen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, serialize_by_alias=True, strict=True
    )

    @classmethod
    def parse(cls, name: str, content: bytes) -> Self:
        """Reads the JSON of the document called `name`. Raises InvalidDocument with the first 20 problems."""
        if len(content) > LONGEST_DOCUMENT:
            raise InvalidDocument(name, [Problem("", f"must have {LONGEST_DOCUMENT:,} bytes at most")])
        content = content.removeprefix(BYTE_ORDER_MARK)
        found: list[tuple[Place, str]] = []
        try:
            document = cls.model_validate_json(content)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            found = [(item["loc"], _message(cls, item)) for item in details]
            if details[0]["type"] == "json_invalid":
                raise _invalid(name, found) from None
        # Not too deep for Python: pydantic refuses more than 200 levels.
        members = json.loads(content, object_pairs_hook=_Members, parse_int=str)
        found += _doubled(members)
        found += cls.conflicts(members)
        if found:
            raise _invalid(name, found)
        return document

    @classmethod
    def conflicts(cls, members: Any) -> Iterator[tuple[Place, str]]:  # noqa: ARG003 - a document may have none
        """Conflicts between members that are valid by themselves: the place, and what is expected there.

        Works on the raw JSON, since pydantic checks a whole only when all its parts are valid.
        """
        return iter(())


def read_members(name: str, content: bytes) -> dict[str, Any]:
    """The members of a JSON object, unchecked.

    Raises InvalidDocument if it is not an object, is too long or too deep, or has a member twice.
    """
    if len(content) > LONGEST_DOCUMENT:
        raise InvalidDocument(name, [Problem("", f"must have {LONGEST_DOCUMENT:,} bytes at most")])
    try:
        members = json.loads(content.removeprefix(BYTE_ORDER_MARK), object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        raise InvalidDocument(name, [Problem("", "is not JSON")]) from None
    if not isinstance(members, dict):
        raise InvalidDocument(name, [Problem("", "must be an object")])
    if found := list(_doubled(members)):
        raise _invalid(name, found)
    return members


class _Members(dict[str, Any]):
    """A JSON object that knows which of its members are given more than once; the last one counts."""

    __slots__ = ("doubled",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubled: list[str] = []
        if len(self) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            self.doubled = [name for name, count in counts.items() if count > 1]


def _doubled(document: Any) -> Iterator[tuple[Place, str]]:
    """Members that are given more than once. Each place links to the one above, so none is copied."""
    left: deque[tuple[Any, _Linked | None]] = deque([(document, None)] if isinstance(document, dict) else ())
    while left:
        value, above = left.popleft()
        if isinstance(value, _Members):
            for name in value.doubled:
                yield _place((above, name)), "is given more than once"
        items = value.items() if isinstance(value, dict) else enumerate(value)
        left.extend((item, (above, key)) for key, item in items if isinstance(item, dict | list))


def _place(last: _Linked) -> Place:
    place: list[str | int] = []
    link: _Linked | None = last
    while link is not None:
        link, part = link
        place.append(part)
    return tuple(reversed(place))


def _invalid(name: str, found: list[tuple[Place, str]]) -> InvalidDocument:
    first = [Problem(_pointer(place), message) for place, message in found[:MOST_PROBLEMS]]
    return InvalidDocument(name, first, more=len(found) - len(first))


def _pointer(place: Place) -> str:
    """The RFC 6901 pointer; long names are shortened."""
    names = [shown(str(part), LONGEST_NAME) for part in place if part not in (AS_TEXT, AS_OBJECT, AS_LIST)]
    pointer = "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)
    return shown(pointer, LONGEST_POINTER)


_PATTERNS = {
    ID_PATTERN: "must be 1 to 63 of a-z, 0-9 and -, and must not begin with -",
    LIST_ID_PATTERN: "must be the id of a Klaviyo list: letters and digits, such as Y6nRLr",
    SECRET_NAME_PATTERN: "must be the name of a secret: 1 to 127 of A-Z, a-z, 0-9 and -",
}
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text, in double quotes",
    "string_too_short": "must not be blank",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "model_type": "must be an object",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "datetime_type": "must be a date and time as text, such as 2026-11-23T20:00:00Z",
    "datetime_parsing": "must be a date and time such as 2026-11-23T20:00:00Z",
    "datetime_from_date_parsing": "must be a date and time such as 2026-11-23T20:00:00Z",
    "timezone_aware": "needs an offset or a Z after its time, as in 2026-11-23T20:00:00Z",
}


def _message(kind: type[Document], item: ErrorDetails) -> str:
    context = item.get("ctx", {})
    match item["type"]:
        case "extra_forbidden" if close := closest_member(kind, item["loc"]):
            return f"is not known here; did you mean {close}?"
        case "json_invalid":
            return f"is not JSON: {context['error']}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "less_than_equal":
            return f"must be {context['le']} or less"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "string_pattern_mismatch":
            return _PATTERNS[context["pattern"]]
        case code:
            return _MESSAGES.get(code) or item["msg"].removeprefix("Value error, ")
