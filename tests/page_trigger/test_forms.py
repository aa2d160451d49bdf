"""What a form sends, and the document that the fields of an export make."""

import json
from typing import Any

import pytest

from page_trigger.export_fields import Fields, members_of
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


@pytest.mark.parametrize("document", [EXAMPLE, FULL], ids=["short", "full"])
def test_a_form_that_nobody_changed_changes_nothing(document: dict[str, Any]) -> None:
    """What the fields show of a document makes the same document."""
    export = parsed(document)
    made = members_of(Fields.of_export(export, "1"), export.model_dump(mode="json", exclude_unset=True))
    assert parsed(made) == export


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
    assert parsed(members_of(Fields.of_export(export, ""), {}) | {"id": export.id}).only_if == export.only_if


def test_what_a_form_says_becomes_the_fields() -> None:
    """Texts are trimmed, boxes count where they are checked, blank columns are left out."""
    form = Form.of(
        b"display_name=+VIPs+&segment=A&segment=B&attribute.first_name=FirstName&attribute.title=&property=Gender"
        b"&more_properties=CreatedOn+%3D+Customer+since%0D%0AGender&is_active=on&when=cron&cron=0+6+*+*+*"
    )
    fields = Fields.of(form)
    assert (fields.display_name, fields.segments, fields.is_active) == ("VIPs", ("A", "B"), True)
    assert fields.attributes == {"first_name": "FirstName"}
    assert fields.properties == ("Gender", "CreatedOn = Customer since")
    assert not fields.changed_only
    assert members_of(fields, {})["schedule"] == {
        "active": True,
        "when": {"cron": "0 6 * * *", "timezone": "UTC"},
    }


@pytest.mark.parametrize(
    ("name", "text", "pointer"),
    [
        ("max_removal_share", "a lot", "/sync/max_removal_share"),
        ("full_every_days", "-1", "/sync/full_every_days"),
        ("max_profiles", "1e6", "/limits/max_profiles"),
        ("rejected_share", "5 %", "/alerts/rejected_share"),
    ],
)
def test_a_number_that_is_none_is_named(name: str, text: str, pointer: str) -> None:
    """With a pointer to where it stands in the document."""
    with pytest.raises(InvalidDocument) as error:
        members_of(Fields.of(Form({name: [text]})), {})
    assert [problem.pointer for problem in error.value.problems] == [pointer]


@pytest.mark.parametrize(("text", "number"), [("1,000,000", 1_000_000), ("2 000 000", 2_000_000), ("7", 7)])
def test_people_group_digits(text: str, number: int) -> None:
    """With commas or spaces, as they read them on the page."""
    made = members_of(Fields.of(Form({"max_profiles": [text]})), {})
    assert made["limits"] == {"max_profiles": number}


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
    """Whatever else a browser or a program may send."""
    with pytest.raises(BadRequest) as error:
        Form.of(content, media_type)
    assert error.value.status == status
