"""Query parameters: page size and cursor, sort, sparse fields and filters."""

import ast
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol

from sandbox.klaviyo.errors import ApiError, invalid_parameter

MAX_VALUES = 100  # of `any`; Klaviyo's own limit is unconfirmed
FILTER = re.compile(r"([a-z-]+)\(([a-z_]+),\s*(.+)\)", re.DOTALL)
COMPARISONS = ("greater-than", "greater-or-equal", "less-than", "less-or-equal")
CURSOR = re.compile(rb"next::id::([0-9]{1,18})")
type Params = Mapping[str, str]
type Start[T] = Callable[[int | None], Iterable[tuple[int, T]]]
"""The items after a number, each with its own number; all items if it is None."""


class Numbered(Protocol):
    """An item of a paged listing; its number never changes and sorts it."""

    @property
    def number(self) -> int: ...


class Filter(NamedTuple):
    """`any` or `equals` with its values."""

    field: str
    values: list[str]


class Comparison(NamedTuple):
    """`greater-than` or similar, with a time (epoch s)."""

    operator: str
    moment: float


def read_page[T](
    start: Start[T], params: Params, *, default: int = 20, maximum: int = 100
) -> tuple[list[T], str | None]:
    """One page, and the cursor of the next one, None on the last page."""
    size = _page_size(params, default, maximum)
    found = list(islice(start(_cursor(params)), size + 1))
    page = [item for _, item in found[:size]]
    if len(found) <= size:
        return page, None
    return page, urlsafe_b64encode(f"next::id::{found[size - 1][0]}".encode()).decode()


def in_order[T: Numbered](items: Iterable[T], *, descending: bool = False) -> Start[T]:
    """Items sorted by number."""
    sign = -1 if descending else 1

    def start(after: int | None) -> Iterable[tuple[int, T]]:
        left = [item for item in items if after is None or sign * item.number > sign * after]
        return ((item.number, item) for item in sorted(left, key=lambda item: sign * item.number))

    return start


def read_sort(params: Params, field: str) -> bool:
    """Whether to sort by `field` descending (`-field`); ascending is the default."""
    sort = params.get("sort", field)
    if sort not in (field, f"-{field}"):
        raise invalid_parameter(f"{sort} is not a valid sort.", "sort")
    return sort.startswith("-")


def read_fields(params: Params, name: str, allowed: Collection[str]) -> Collection[str]:
    """A comma-separated parameter such as `fields[profile]`; all of `allowed` if it is missing."""
    if name not in params:
        return allowed
    fields = params[name].split(",")
    for field in fields:
        if field.partition(".")[0] not in allowed and field != "id":
            raise invalid_parameter(f"'{field}' is not a valid field.", name)
    return fields


def read_filter(params: Params, *fields: str, values: Collection[str] = ()) -> Filter | None:
    """`any(field,["a","b"])` or `equals(field,"a")`; None without a filter.

    `values` are the only allowed values, if given.
    """
    if "filter" not in params:
        return None
    operator, field, text = _split_filter(params["filter"])
    if operator not in ("any", "equals") or field not in fields:
        raise _invalid_filter()
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise _invalid_filter() from None
    asked = value if operator == "any" else [value]
    if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
        raise _invalid_filter()
    if not 0 < len(asked) <= MAX_VALUES or (values and not set(asked) <= set(values)):
        raise _invalid_filter()
    return Filter(field, asked)


def read_comparison(params: Params, field: str) -> Comparison | None:
    """`greater-than(field,2026-10-15T12:00:00Z)` or similar; None if another field is filtered."""
    if "filter" not in params:
        return None
    operator, named, text = _split_filter(params["filter"])
    if named != field:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid_filter() from None
    if operator not in COMPARISONS or moment.tzinfo is None:
        raise _invalid_filter()
    return Comparison(operator, moment.timestamp())


def _split_filter(written: str) -> tuple[str, str, str]:
    parts = FILTER.fullmatch(written)
    if parts is None:
        raise _invalid_filter()
    return parts[1], parts[2], parts[3]


def _invalid_filter() -> ApiError:
    return invalid_parameter("Invalid filter provided.", "filter")


def _page_size(params: Params, default: int, maximum: int) -> int:
    written = params.get("page[size]", str(default))
    if not written.isdecimal() or not 1 <= int(written) <= maximum:
        raise invalid_parameter(f"Page size must be an integer between 1 and {maximum}.", "page[size]")
    return int(written)


def _cursor(params: Params) -> int | None:
    if "page[cursor]" not in params:
        return None
    try:
        written = CURSOR.fullmatch(urlsafe_b64decode(params["page[cursor]"]))
    except ValueError:
        written = None
    if written is None:
        raise invalid_parameter("Invalid cursor provided.", "page[cursor]")
    return int(written[1])
