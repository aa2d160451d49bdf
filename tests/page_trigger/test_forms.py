"""The fields of a form, and the document that they make."""

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_trigger.export_fields import MOST_SEGMENTS, Fields, Property, properties_of
from page_trigger.export_members import members_of
from page_trigger.forms import LONGEST_FORM, MOST_FIELDS, Form
from sandbox.sample import example_documents
from shared.api import BadRequest
from shared.catalog import Export
from shared.errors import InvalidDocument

EXAMPLE = example_documents()["exports/vip.json"]
FULL: dict[str, Any] = {
    **EXAMPLE,
    "display_name": "VIPs",
    "attributes": {
        "first_name": "FirstName",
        "phone_number": {"column": "Telephone", "region": "US"},
        "location.city": "City",
        "properties": ["Gender", {"column": "CreatedOn", "name": "Customer since"}],
    },
    "only_if": {"column": "Newsletter consent", "in": ["True", "yes"]},
    "consent": {"subscribe": "email", "consented_at": "CreatedOn"},
    "schedule": {"active": False, "when": {"cron": "0 6 * * 1-5", "timezone": "Europe/Paris"}},
    "sync": {
        "mode": "mirror",
        "changed_only": False,
        "max_removal_share": 0.125,
        "strangers": "remove",
        "clear_blanks": True,
        "full_every_days": 30,
    },
    "limits": {"max_profiles": 2_000_000},
    "alerts": {"rejected_share": 0.05, "grew_by": 1.5, "fell_by": 0.5},
}


def parsed(members: dict[str, Any]) -> Export:
    return Export.parse("exports/vip.json", json.dumps(members).encode())


ODD: list[dict[str, Any]] = [
    EXAMPLE,
    FULL,
    EXAMPLE | {"attributes": {"properties": ["A = B", {"column": "A", "name": "C"}]}},
    EXAMPLE | {"attributes": {"properties": ["Gender", {"column": "Gender", "name": "Sex"}]}},
    EXAMPLE
    | {"attributes": {"properties": [" padded ", "\x85odd\u2028", "City"], "first_name": " FirstName"}},
    EXAMPLE | {"only_if": {"column": "Gender", "in": ["", "x", "two\nlines"]}},
    EXAMPLE | {"only_if": {"column": "Gender", "equals": " a "}},
    EXAMPLE | {"match": {"email": " EMail "}},
    EXAMPLE | {"sync": {"mode": "mirror", "max_removal_share": 1 / 3}},
    EXAMPLE | {"alerts": {"grew_by": 20_000.5, "fell_by": 1e-7}},
]


def as_sent(fields: Fields) -> Form:
    """The form as the page shows it and a browser sends it back: texts trimmed, boxes in another order."""
    given: dict[str, list[str]] = {
        name: [value]
        for name, value in asdict(fields).items()
        if isinstance(value, str) and name not in ("id", "new_list")
    }
    given |= {name: ["on"] for name, value in asdict(fields).items() if value is True}
    given |= {f"attribute.{name}": [column] for name, column in fields.attributes.items()}
    columns = sorted({each.column for each in fields.properties[::2]}, reverse=True)
    given["property"] = [each.value for each in fields.boxes(columns)]
    given["more_properties"] = ["\r\n".join(each.text for each in fields.other_properties(columns))]
    given["segment"] = list(fields.segments)
    return Form.of(urlencode(given, doseq=True).encode())


@pytest.mark.parametrize("document", ODD)
def test_a_form_that_nobody_changed_changes_nothing(document: dict[str, Any]) -> None:
    """Every member is unchanged, whatever a form does to its text."""
    export = parsed(document)
    sent = Fields.of(as_sent(Fields.of_export(export, "1")), properties_of(export))
    assert members_of(sent, export) == export.model_dump(mode="json", exclude_unset=True)


@given(st.lists(st.builds(Property, st.text(min_size=1), st.text(max_size=3)), max_size=6))
def test_every_property_keeps_its_column(properties: list[Property]) -> None:
    """One whose name holds the sign between a column and a name, too."""
    boxes = [each.value for each in properties]
    assert Fields.of(Form({"property": boxes})).properties == tuple(dict.fromkeys(properties))


def test_what_somebody_changed_is_changed_and_the_rest_kept() -> None:
    """A typed property that reads like a known one does not change it."""
    export = parsed(ODD[2])
    form = as_sent(Fields.of_export(export))
    form.fields["more_properties"] = ["A = B\r\nX = Y"]  # type: ignore[index]
    form.fields["property"] = []  # type: ignore[index]
    made = members_of(Fields.of(form, properties_of(export)), export)
    assert made["attributes"]["properties"] == ["A = B", {"column": "X", "name": "Y"}]
    assert {name: made[name] for name in made if name != "attributes"} == {
        name: value
        for name, value in export.model_dump(mode="json", exclude_unset=True).items()
        if name != "attributes"
    }


@pytest.mark.parametrize(
    "condition",
    [
        {"equals": "True"},
        {"not_equals": "False"},
        {"in": ["a", "b, c"]},
        {"is_blank": True},
        {"is_blank": False},
    ],
)
def test_each_test_of_a_condition_survives(condition: dict[str, Any]) -> None:
    """Also that a cell is not blank, which is a choice of its own in the form."""
    export = parsed(EXAMPLE | {"only_if": {"column": "Gender", **condition}})
    assert parsed(members_of(Fields.of_export(export)) | {"id": export.id}).only_if == export.only_if


def test_what_a_form_says_becomes_the_fields() -> None:
    """Texts are trimmed, checked boxes count, and blank columns are omitted."""
    form = Form.of(
        b"display_name=+VIPs+&segment=A&segment=B&segment=A&attribute.first_name=FirstName&attribute.title="
        b"&property=%5B%22Gender%22%2C%22%22%5D&more_properties=CreatedOn+%3D+Customer+since%0D%0AGender"
        b"&is_active=on&when=cron&cron=0+6+*+*+*&more_segments=C"
    )
    fields = Fields.of(form)
    assert (fields.display_name, fields.segments, fields.is_active) == ("VIPs", ("A", "B", "C"), True)
    assert fields.attributes == {"first_name": "FirstName"}
    assert fields.properties == (Property("Gender"), Property("CreatedOn", "Customer since"))
    assert not fields.changed_only
    assert members_of(fields)["schedule"] == {
        "active": True,
        "when": {"cron": "0 6 * * *", "timezone": "UTC"},
    }


def test_a_form_takes_so_many_segments() -> None:
    """Each one is looked up."""
    names = [f"S{number}" for number in range(MOST_SEGMENTS + 1)]
    assert len(Fields.of(Form({"segment": names[1:] * 2})).segments) == MOST_SEGMENTS
    with pytest.raises(BadRequest):
        Fields.of(Form({"segment": names}))


@pytest.mark.parametrize("value", ["Gender", "[]", '["a"]', '{"a": 1}', "[1, 2]", "[" * 5_000])
def test_a_box_that_is_none_is_refused(value: str) -> None:
    """Such a value is made up."""
    with pytest.raises(BadRequest):
        Fields.of(Form({"property": [value]}))


@pytest.mark.parametrize(
    ("name", "text", "pointer"),
    [
        ("max_removal_share", "a lot", "/sync/max_removal_share"),
        ("max_removal_share", "1,000", "/sync/max_removal_share"),
        ("full_every_days", "-1", "/sync/full_every_days"),
        ("full_every_days", "1.5", "/sync/full_every_days"),
        ("max_profiles", "1e6", "/limits/max_profiles"),
        ("max_profiles", "2.5", "/limits/max_profiles"),
        ("max_profiles", "10,00", "/limits/max_profiles"),
        ("rejected_share", "5 %", "/alerts/rejected_share"),
    ],
)
def test_a_number_that_is_none_is_named(name: str, text: str, pointer: str) -> None:
    """The problem has a pointer into the document."""
    with pytest.raises(InvalidDocument) as error:
        members_of(Fields.of(Form({name: [text]})))
    assert [problem.pointer for problem in error.value.problems] == [pointer]


@pytest.mark.parametrize(("text", "number"), [("1,000,000", 1_000_000), ("2 000 000", 2_000_000), ("7", 7)])
def test_people_group_digits(text: str, number: int) -> None:
    """With commas or spaces, as they read them on the page."""
    assert members_of(Fields.of(Form({"max_profiles": [text]})))["limits"] == {"max_profiles": number}


def test_a_limit_that_is_taken_out_is_gone() -> None:
    """Then a run has the usual one."""
    export = parsed(FULL)
    form = as_sent(Fields.of_export(export))
    form.fields["max_profiles"] = [""]  # type: ignore[index]
    assert "limits" not in members_of(Fields.of(form, properties_of(export)), export)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"a" * (LONGEST_FORM + 1), "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"", "", 415),
        (b"a=%ff" + b"\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * (MOST_FIELDS + 1)), "application/x-www-form-urlencoded", 400),
    ],
    ids=["too long", "JSON", "nothing", "no text", "too many fields"],
)
def test_what_is_no_form_is_refused(content: bytes, media_type: str, status: int) -> None:
    """A browser or a program can send anything."""
    with pytest.raises(BadRequest) as error:
        Form.of(content, media_type)
    assert error.value.status == status
