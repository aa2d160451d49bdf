"""The first profiles of an export as they would be sent, for people who may see them; never stored."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from shared.catalog import Export
from shared.profiles import Selection
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.steps.rows import check, profiles_of
from shared.runs.views.compared import compare
from shared.services import Services
from shared.text import shown

ROWS = 5
# Characters of a value.
LONGEST = 200
MASK = "•••"


def sample(services: Services, export: Export, *, masked: bool) -> list[dict[str, str]]:
    """The first five profiles, by names of attributes; if masked, only the first character of each value.

    Raises NotFound and InvalidSegment as a run would.
    """
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id="", segments=segments)
    check(services, plan)
    compared = compare(services, plan, lambda *_: None, full=True, is_trial=False)
    selection = Selection(lambda _: None, erased=compared.erased)
    profiles = islice(profiles_of(services, plan, selection, compared.digests), ROWS)
    return [dict(_values(orjson.loads(profile.payload)["attributes"], masked)) for profile in profiles]


def _values(attributes: dict[str, Any], masked: bool, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if isinstance(value, dict):
            yield from _values(value, masked, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            yield f"{prefix}{name}", f"{text[:1]}{MASK}" if masked else shown(text, LONGEST)
