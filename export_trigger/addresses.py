"""What the address of a request names, and the addresses that go back."""

import re

from shared.api import Call
from shared.catalog import Export
from shared.catalog.document import ID_PATTERN
from shared.errors import NotFound
from shared.services import Services

# A route of runs, in any case, at the end of an address.
_ROUTE = re.compile(r"/(exports/[^/]*/)?runs(/[^/]*){0,2}$", re.IGNORECASE)


def export_of(call: Call, services: Services) -> Export:
    """The export that the address names. Raises NotFound (for what can't be an id too), InvalidDocument."""
    export_id = call.route("export")
    if re.fullmatch(ID_PATTERN, export_id) is None:
        raise NotFound("There is no such export: that can't be the id of one.", code="unknown_export")
    return services.catalog.export(export_id)


def location(call: Call, run_id: str) -> str:
    """Where a run can be looked at, absolute."""
    return f"{_ROUTE.sub('', call.here)}/runs/{run_id}"
