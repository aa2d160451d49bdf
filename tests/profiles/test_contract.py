"""What leaves, as Klaviyo's own package reads it."""

from itertools import combinations

import orjson
import pytest
from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery

from shared.catalog.attributes import Attributes
from shared.klaviyo import PROFILE_FORMAT, ImportBody
from shared.profiles import Mapper, Mapping, Profile, Source
from shared.profiles.values import CONVERTERS
from tests.support.rows import profile_of

NAMES = [field.alias or name for name, field in Attributes.model_fields.items() if name != "properties"]
CELLS = {
    "string": 'Perez\u00a0Centers\n"Suite" 216 \u0001é漢𝄞',
    "int64": "293",
    "double": "-1.5e3",
    "decimal": "12.50",
    "boolean": "True",
    "date": "5/8/1986",
    "time": "2:33 PM",
    "dateTime": "8/24/2026 2:33:00 PM",
    "dateTimeOffset": "2017-03-14T00:00:00+00:00",
    "guid": "ce759201f786d590bf2134bff576c369",
    "json": '{"a": [1, {"b": "c"}]}',
}


def assert_klaviyo_reads_it(profiles: list[Profile]) -> None:
    """Its types are right, and nothing is stray or misplaced: it comes back as it went in."""
    body = orjson.loads(b"".join(ImportBody([profile.payload for profile in profiles], "Y6nRLr")))
    assert ProfileImportJobCreateQuery.model_validate(body).to_dict() == body


@pytest.mark.parametrize("data_type", CELLS)
def test_attributes_of_any_column_are_what_klaviyo_expects(data_type: str) -> None:
    """Alone, in pairs and all together, every attribute from a column of any type."""
    columns = [("EMail", "string"), ("Value", data_type), ("Telephone", "string")]
    row = ["abbie@example.org", CELLS[data_type], "+1 707 555 0142"]
    chosen = [*combinations(NAMES, 1), *combinations(NAMES, 2), tuple(NAMES)]
    mappings = [
        Mapping("EMail", tuple((n, Source("Telephone" if n == "phone_number" else "Value")) for n in names))
        for names in chosen
    ]

    assert_klaviyo_reads_it(
        [profile_of(Mapper(mapping, columns, PROFILE_FORMAT), row) for mapping in mappings]
    )


def test_properties_that_are_cleared_are_what_klaviyo_expects() -> None:
    """Some of them, and all of them: then no property is left in the profile."""
    columns = [("EMail", "string"), *((data_type, data_type) for data_type in CELLS)]
    names = tuple((name, Source(name)) for name in CELLS)
    mapper = Mapper(Mapping("EMail", (), names, clear_blanks=True), columns, PROFILE_FORMAT)
    some = profile_of(mapper, ["abbie@example.org", "", *list(CELLS.values())[1:]])
    none = profile_of(mapper, ["abbie@example.org", *[""] * len(CELLS)])

    assert_klaviyo_reads_it([some, none])
    unset = [orjson.loads(profile.payload)["meta"]["patch_properties"]["unset"] for profile in (some, none)]
    assert unset == [["string"], list(CELLS)]


def test_properties_of_every_type_are_what_klaviyo_expects() -> None:
    """All data types side by side, with values that fit and with such as don't."""
    assert CELLS.keys() == CONVERTERS.keys() | {"string"}
    columns = [("EMail", "string"), *((data_type, data_type) for data_type in CELLS)]
    mapper = Mapper(
        Mapping("EMail", (), tuple((name, Source(name)) for name in CELLS)), columns, PROFILE_FORMAT
    )
    misfits = ["abbie@example.org", *("~" for _ in CELLS)]

    fitting = profile_of(mapper, ["abbie@example.org", *CELLS.values()])
    text = profile_of(mapper, misfits)

    assert_klaviyo_reads_it([fitting, text])
    assert fitting.warnings == ()
    assert set(orjson.loads(text.payload)["attributes"]["properties"].values()) == {"~"}
    assert len(text.warnings) == len(CONVERTERS)
