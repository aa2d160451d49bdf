"""A small segment of one person, and mappings over its columns."""

from collections.abc import Sequence
from typing import Any

import orjson

from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import Mapper, Mapping, Profile, Source

COLUMNS = [
    ("EMail", "string"),
    ("FirstName", "string"),
    ("Telephone", "string"),
    ("City", "string"),
    ("PostCode", "int64"),
    ("RewardPoints", "int64"),
    ("Newsletter consent", "boolean"),
    ("CustomerId", "string"),
]
ABBIE = {
    "EMail": "Abbie.Moss@example.org",
    "FirstName": "Abbie",
    "Telephone": "(707) 555-0142",
    "City": "Fairfield",
    "PostCode": "04107",
    "RewardPoints": "293",
    "Newsletter consent": "True",
    "CustomerId": "ce759201f786d590bf2134bff576c369",
}
MAPPING = Mapping(
    email="EMail",
    attributes=(
        ("phone_number", Source("Telephone", "US")),
        ("external_id", Source("CustomerId")),
        ("first_name", Source("FirstName")),
        ("location.city", Source("City")),
        ("location.zip", Source("PostCode")),
    ),
    properties=(("Points", Source("RewardPoints")),),
)


def cells(**changes: str) -> list[str]:
    """Abbie's row with changes."""
    return list((ABBIE | changes).values())


def map_row(row: Sequence[str], mapping: Mapping = MAPPING) -> Profile:
    return profile_of(Mapper(mapping, COLUMNS, PROFILE_FORMAT), row)


def profile_of(mapper: Mapper, row: Sequence[str]) -> Profile:
    """What the mapper makes of a row, identified first, as in a selection."""
    return mapper.profile(0, 1, row, *mapper.identify(row))


def attributes(profile: Profile) -> dict[str, Any]:
    """What leaves of a profile, but for the envelope that all have."""
    payload: dict[str, Any] = orjson.loads(profile.payload)
    assert payload.keys() == {"type", "attributes"}
    assert payload["type"] == "profile"
    attributes: dict[str, Any] = payload["attributes"]
    return attributes
