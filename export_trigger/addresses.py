"""Reads the URLs of requests, and makes those of replies."""

import re

from shared.api import Call
from shared.catalog import Export
from shared.catalog.document import ID_PATTERN
from shared.errors import NotFound
from shared.services import Services

# A route of runs, case-insensitive, at the end of a URL.
_ROUTE = re.compile(r"/(exports/[^/]*/)?runs(/[^/]*){0,2}$", re.IGNORECASE)


def export_of(call: Call, services: Services) -> Export:
    """The export that the URL names. Raises NotFound, also if its id is not valid, and InvalidDocument."""
    export_id = call.route("export")
    if re.fullmatch(ID_PATTERN, export_id) is None:
        raise NotFound("This export does not exist: its id is not valid.", code="unknown_export")
    return services.catalog.export(export_id)


def location(call: Call, run_id: str) -> str:
    """The absolute URL of a run."""
    return f"{_ROUTE.sub('', call.here)}/runs/{run_id}"
