"""Query parameters: page size and cursor, sort, sparse fields, filters."""

import ast
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from sandbox.klaviyo.errors import ApiError, invalid_parameter

FILTER = re.compile(r"(any|equals)\(([a-z_]+),\s*(.+)\)", re.DOTALL)
type Params = Mapping[str, str]


class Numbered(Protocol):
    """Whatever is listed in pages: its number never changes and orders it."""

    @property
    def number(self) -> int: ...


def read_page[T: Numbered](
    items: Iterable[T], params: Params, *, default: int = 20, maximum: int = 100, descending: bool = False
) -> tuple[list[T], str | None]:
    """One page in the order of numbers, and the cursor of the next page, None on the last one."""
    size = _page_size(params, default, maximum)
    after = _cursor(params)
    sign = -1 if descending else 1
    left = [item for item in items if after is None or sign * item.number > sign * after]
    left.sort(key=lambda item: sign * item.number)
    page = left[:size]
    if len(left) <= size:
        return page, None
    return page, urlsafe_b64encode(f"next::id::{page[-1].number}".encode()).decode()


def read_sort(params: Params, field: str) -> bool:
    """Whether to sort by `field` descending (`-field`); ascending is the default."""
    sort = params.get("sort", field)
    if sort not in (field, f"-{field}"):
        raise invalid_parameter(f"{sort} is not a valid sort.", "sort")
    return sort.startswith("-")


def read_fields(params: Params, name: str, allowed: Collection[str]) -> Collection[str]:
    """A comma-separated parameter such as `fields[profile]`, all of `allowed` where it is missing."""
    if name not in params:
        return allowed
    fields = params[name].split(",")
    for field in fields:
        if field.partition(".")[0] not in allowed and field != "id":
            raise invalid_parameter(f"'{field}' is not a valid field.", name)
    return fields


def read_filter(params: Params, *allowed: str, values: Collection[str] = ()) -> tuple[str, list[str]] | None:
    """`any(field,["a","b"])` or `equals(field,"a")` as the field and its values; None without a filter.

    `allowed` are the fields, `values` the only values there are, if they are counted.
    """
    if "filter" not in params:
        return None
    written = FILTER.fullmatch(params["filter"])
    if written is None or written[2] not in allowed:
        raise _invalid_filter()
    operator, field, text = written.groups()
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise _invalid_filter() from None
    asked = value if operator == "any" else [value]
    if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
        raise _invalid_filter()
    if values and not set(asked) <= set(values):
        raise _invalid_filter()
    return field, asked


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
        return int(urlsafe_b64decode(params["page[cursor]"]).removeprefix(b"next::id::"))
    except ValueError:
        raise invalid_parameter("Invalid cursor provided.", "page[cursor]") from None
