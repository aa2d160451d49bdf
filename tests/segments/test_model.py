"""model.json in its variants."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import InvalidSegment
from shared.segments import Column, CsvFormat
from shared.segments.discovery.entity import EPOCH, Entity
from shared.segments.discovery.model import Model
from tests.segments.building import entity, partition


def model(document: object) -> Model:
    return Model.parse("a/model.json", "etag", json.dumps(document).encode())


def only(found: dict[str, Any]) -> Entity:
    return model({"entities": [found]}).entity(found["name"])


def test_a_model_that_follows_the_schema_is_read() -> None:
    """All members of the Common Data Model may be there; the needed ones are read."""
    settings = {"$type": "CsvFormatSettings", "columnHeaders": True, "delimiter": ",", "csvStyle": "x"}
    first = partition("Gold/x_1.csv", settings, name="x_1", refreshTime="2026-08-24T14:33:07.1234567Z")
    second = partition("Gold/x_2.csv", settings, name="x_2", refreshTime="2026-08-24T16:33:07+02:00")
    gold = entity("Gold", [second, first], annotations=[{"name": "c360:PrimaryKey", "value": "CustomerId"}])
    gold |= {"$type": "LocalEntity", "attributes": [{"name": "CustomerId", "dataType": "int64", "x": 1}]}
    document = {"name": "Daily", "version": "1.0", "culture": "de-DE", "modifiedTime": "2026-08-24T15:00:00"}

    assert model(document | {"entities": [gold]}).entity("Gold") == Entity(
        name="Gold",
        columns=(Column("CustomerId", "int64"),),
        locations=("Gold/x_2.csv", "Gold/x_1.csv"),
        refreshed_at=datetime(2026, 8, 24, 14, 33, 7, 123456, tzinfo=UTC),
        modified_at=datetime(2026, 8, 24, 15, tzinfo=UTC),
        csv_format=CsvFormat(True, ","),
    )


def test_names_and_locations_are_enough() -> None:
    """Without anything else a column is unclassified, the file shows its header, and times are unknown."""
    found = only({"name": "Gold", "attributes": [{"name": "a"}], "partitions": [partition("x.csv")]})

    assert found == Entity(
        "Gold", (Column("a", "unclassified"),), ("x.csv",), EPOCH, EPOCH, CsvFormat(None, "")
    )
    assert only({"name": "Gold"}) == Entity("Gold", (), (), EPOCH, EPOCH, CsvFormat(None, ""))


@pytest.mark.parametrize(
    ("settings", "csv_format"),
    [
        ({"columnHeaders": True}, CsvFormat(True, "")),
        ({"columnHeaders": False}, CsvFormat(False, "")),
        ({"columnHeaders": "true"}, CsvFormat(True, "")),
        ({"columnHeaders": " False "}, CsvFormat(False, "")),
        ({"columnHeaders": None}, CsvFormat(None, "")),
        ({"columnHeaders": "sometimes"}, CsvFormat(None, "")),
        ({"hasHeader": True}, CsvFormat(True, "")),
        ({"hasHeader": "false"}, CsvFormat(False, "")),
        ({"columnHeaders": None, "hasHeader": False}, CsvFormat(False, "")),
        ({"columnHeaders": True, "hasHeader": False}, CsvFormat(True, "")),
        ({}, CsvFormat(None, "")),
        (None, CsvFormat(None, "")),
        ("CSV", CsvFormat(None, "")),
        ({"delimiter": ";"}, CsvFormat(None, ";")),
        ({"delimiter": "\t"}, CsvFormat(None, "\t")),
        ({"delimiter": ""}, CsvFormat(None, "")),
    ],
)
def test_a_format_is_written_in_many_ways(settings: object, csv_format: CsvFormat) -> None:
    """`columnHeaders` is a boolean, a string or missing, and `hasHeader` may replace it."""
    assert only(entity("Gold", [partition("x.csv", settings)])).csv_format == csv_format


def test_partitions_that_differ_in_headers_show_their_own() -> None:
    """If only the first file has a header, each file is checked."""
    parts = [partition("1.csv", {"columnHeaders": True}), partition("2.csv", {"columnHeaders": False})]

    assert only(entity("Gold", parts)).csv_format == CsvFormat(None, "")


@pytest.mark.parametrize("time", ["", None, 5, "yesterday", "0001-01-01T00:00:00+14:00"])
def test_an_invalid_time_counts_as_unknown(time: object) -> None:
    """Times order snapshots, and an invalid one stops no export."""
    assert only(entity("Gold", [partition("x.csv", refreshTime=time)])).refreshed_at == EPOCH


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (entity("Gold", attributes="a"), "attributes is not a list of objects"),
        (entity("Gold", attributes=["a"]), "attributes is not a list of objects"),
        (entity("Gold", attributes=[{"name": " "}]), "an attribute has no name"),
        (entity("Gold", attributes=[{}]), "an attribute has no name"),
        (entity("Gold", attributes=[{"name": "a"}, {"name": "a"}]), "several attributes have the same name"),
        (entity("Gold") | {"partitions": 7}, "partitions is not a list of objects"),
        (entity("Gold", [{}]), "the location of a partition must be a URL"),
        (entity("Gold", ["../x.csv"]), "the location of a partition must be a URL"),
        (entity("Gold", ["a%2Fx.csv"]), "the location of a partition must be a URL"),
        (entity("Gold", [partition("x.csv", {"delimiter": "::"})]), "one delimiter, of one character"),
        (entity("Gold", [partition("x.csv", {"delimiter": '"'})]), "one delimiter, of one character"),
        (entity("Gold", [partition("x.csv", {"delimiter": ["a"]})]), "one delimiter, of one character"),
        (
            entity("Gold", [partition("1.csv", {"delimiter": ";"}), partition("2.csv")]),
            "one delimiter, of one character",
        ),
    ],
)
def test_an_invalid_entity_affects_no_other(broken: dict[str, Any], message: str) -> None:
    """It raises an error only when it is asked for, which names it and what is wrong."""
    found = model({"entities": [broken, entity("Silver"), 5, {"no": "name"}]})

    with pytest.raises(InvalidSegment, match=message) as refused:
        found.entity("Gold")
    assert refused.value.code == "invalid_model"
    assert refused.value.message.startswith("a/model.json, entity 'Gold': ")
    assert found.entity("Silver").name == "Silver"
    assert set(found.entities) == {"Gold", "Silver"}


def test_a_location_may_contain_a_key_and_is_not_shown() -> None:
    """A signature in a location's query never shows in an error."""
    with pytest.raises(InvalidSegment) as refused:
        only(entity("Gold", [{"location": "https://acme/segments/../x.csv?sig=canary"}]))

    assert "canary" not in refused.value.message


def test_a_byte_order_mark_is_ignored() -> None:
    """Some writers put one before their JSON."""
    assert Model.parse("model.json", "etag", b'\xef\xbb\xbf{"entities": [{"name": "Gold"}]}').entity("Gold")


def test_two_entities_of_one_name_are_an_error() -> None:
    """It is unknown which of them is meant."""
    with pytest.raises(InvalidSegment, match="several entities have this name"):
        model({"entities": [entity("Gold"), entity("Gold")]}).entity("Gold")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b'{"entities": [', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "has no list of entities"),
        (b"{}", "has no list of entities"),
        (b'{"entities": {"a": 1}}', "has no list of entities"),
    ],
)
def test_a_file_that_is_not_a_model_is_refused(content: bytes, message: str) -> None:
    """The error names the file."""
    with pytest.raises(InvalidSegment, match=f"^a/model.json {message}"):
        Model.parse("a/model.json", "etag", content)
