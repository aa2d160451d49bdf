"""Connections and exports: what is accepted, and what is said about what isn't."""

import json

import pytest
from pydantic import BaseModel

from sandbox.sample import example_documents
from shared.catalog import Connection, Export
from shared.errors import InvalidDocument
from tests.support.documents import CONNECTION, EXPORT, SHORT_CONNECTION, SHORT_EXPORT

# Stands for a secret in a wrong place: no message may hold it.
CANARY = "pk_canary!"


def problems(kind: type[Connection | Export], content: object) -> dict[str, str]:
    """What is wrong with a document, by pointer; never with a value of it."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(InvalidDocument) as invalid:
        kind.parse("the.json", raw)
    assert CANARY not in repr(invalid.value) + str(invalid.value)
    assert invalid.value.__cause__ is None
    assert invalid.value.__suppress_context__ or invalid.value.__context__ is None
    return {problem.pointer: problem.message for problem in invalid.value.problems}


def test_the_documents_of_the_contract_are_accepted() -> None:
    """What the documentation shows is what the code takes."""
    connection = Connection.parse("the.json", json.dumps(CONNECTION).encode())
    export = Export.parse("the.json", json.dumps(EXPORT).encode())

    assert connection.account is not None
    assert connection.account.id == "XyZ123"
    sources = export.attributes.sources
    assert {name: source.column for name, source in sources.items()} == {
        "first_name": "FirstName",
        "phone_number": "Telephone",
        "location.city": "City",
    }
    assert [(p.column, p.name) for p in export.attributes.properties] == [
        ("RewardPoints", None),
        ("CreatedOn", "Customer since"),
    ]


def test_the_documents_of_the_sample_are_accepted() -> None:
    """What the demo starts with is valid."""
    connection, export = example_documents().values()

    assert Connection.parse("the.json", json.dumps(connection).encode()).id == "sandbox"
    assert Export.parse("the.json", json.dumps(export).encode()).id == "vip"


def test_what_is_not_required_has_defaults() -> None:
    """A short export runs at each refresh, for for a million people; a short connection is the admins'."""
    export = Export.parse("the.json", json.dumps(SHORT_EXPORT).encode())
    connection = Connection.parse("the.json", json.dumps(SHORT_CONNECTION).encode())

    assert (export.version, export.schedule.active, export.schedule.when) == (1, True, "on_refresh")
    assert (export.limits.max_profiles, export.only_if, export.attributes.sources) == (1_000_000, None, {})
    assert (connection.version, connection.shared_with, connection.account) == (1, "administrators", None)


@pytest.mark.parametrize("member", SHORT_EXPORT)
def test_an_export_needs_its_five_members(member: str) -> None:
    """Without any of them nobody could say what goes where."""
    content = {key: value for key, value in SHORT_EXPORT.items() if key != member}

    assert problems(Export, content) == {f"/{member}": "is required"}


@pytest.mark.parametrize("member", SHORT_CONNECTION)
def test_a_connection_needs_its_three_members(member: str) -> None:
    """No connection without a key, nor without somebody who agreed."""
    content = {key: value for key, value in SHORT_CONNECTION.items() if key != member}

    assert problems(Connection, content) == {f"/{member}": "is required"}


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"id": CANARY}, "/id", "1 to 63 of a-z"),
        ({"id": "a" * 64}, "/id", "1 to 63 of a-z"),
        ({"id": "vip\n"}, "/id", "1 to 63 of a-z"),
        ({"version": 2}, "/version", "must be 1"),
        ({"version": CANARY}, "/version", "must be 1"),
        ({"version": True}, "/version", "must be 1"),
        ({"version": 1.0}, "/version", "must be 1"),
        ({"segments": []}, "/segments", "must not be empty"),
        ({"segments": CANARY}, "/segments", "must be a list"),
        ({"segments": ["A", " "]}, "/segments/1", "must not be blank"),
        ({"segments": [CANARY, CANARY]}, "/segments", "twice"),
        ({"list_id": CANARY}, "/list_id", "such as Y6nRLr"),
        ({"list_id": 5}, "/list_id", "must be text, in double quotes"),
        ({"match": {"email": ""}}, "/match/email", "must not be blank"),
        ({"match": CANARY}, "/match", "must be an object"),
        ({"match": {"email": "E", "phone": CANARY}}, "/match/phone", "is not known here"),
        ({"segment": CANARY}, "/segment", "is not known here"),
        ({"a/b~c": CANARY}, "/a~1b~0c", "is not known here"),
        ({"attributes": {"firstname": CANARY}}, "/attributes/firstname", "is not known here"),
        ({"attributes": {"email": CANARY}}, "/attributes/email", "is not known here"),
        ({"attributes": {"city": CANARY}}, "/attributes/city", "is not known here"),
        ({"attributes": {"title": 5}}, "/attributes/title", "the name of a column"),
        ({"attributes": {"title": {}}}, "/attributes/title/column", "is required"),
        (
            {"attributes": {"title": {"column": "T", "region": "US"}}},
            "/attributes/title/region",
            "is not known here",
        ),
        (
            {"attributes": {"phone_number": {"column": "T", "region": "UK"}}},
            "/attributes/phone_number/region",
            "such as US or GB",
        ),
        ({"attributes": {"properties": [CANARY, 5]}}, "/attributes/properties/1", "the name of a column"),
        (
            {"attributes": {"properties": ["A", CANARY, {"column": "B", "name": CANARY}]}},
            "/attributes/properties",
            "number 3 has the same name as number 2",
        ),
        ({"only_if": {"column": "A"}}, "/only_if", "exactly one of"),
        ({"only_if": {"column": "A", "equals": "a", "is_blank": True}}, "/only_if", "exactly one of"),
        (
            {"only_if": {"column": "A", "equals": True}},
            "/only_if/equals",
            "must be text, in double quotes",
        ),
        ({"only_if": {"column": "A", "in": []}}, "/only_if/in", "must not be empty"),
        ({"only_if": {"column": "A", "is_blank": CANARY}}, "/only_if/is_blank", "must be true or false"),
        ({"schedule": {"when": CANARY}}, "/schedule/when", "must be 'on_refresh'"),
        ({"schedule": {"when": [CANARY]}}, "/schedule/when", "an object with a cron"),
        ({"schedule": {"when": {}}}, "/schedule/when/cron", "is required"),
        *(
            ({"schedule": {"when": {"cron": cron}}}, "/schedule/when/cron", "a cron of five fields")
            for cron in (
                CANARY,
                "61 * * * *",
                "0 6 * *",
                "0 0 6 * * *",
                "@daily",
                "0 0 31 2 *",
                "0 0 * * 1#7",
            )
        ),
        (
            {"schedule": {"when": {"cron": "0 6 * * *", "timezone": CANARY}}},
            "/schedule/when/timezone",
            "such as Europe/Paris",
        ),
        ({"limits": {"max_profiles": 0}}, "/limits/max_profiles", "1 or more"),
        ({"limits": {"max_profiles": CANARY}}, "/limits/max_profiles", "must be a whole number"),
        ({"limits": {"max_profiles": 10.5}}, "/limits/max_profiles", "must be a whole number"),
        ({"created_at": CANARY}, "/created_at", "such as 2026"),
        ({"created_at": "2026-11-23"}, "/created_at", "such as 2026"),
        ({"created_at": "2026-11-23T20:00:00"}, "/created_at", "offset"),
    ],
)
def test_what_is_wrong_with_an_export_is_said_with_its_pointer(
    change: dict[str, object], pointer: str, message: str
) -> None:
    """One mistake, one problem: where it is and what is expected there."""
    found = problems(Export, SHORT_EXPORT | change)

    assert found.keys() == {pointer}
    assert message in found[pointer]


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"type": CANARY}, "/type", "must be 'klaviyo'"),
        ({"secret_name": CANARY}, "/secret_name", "the name of a secret"),
        ({"api_key": CANARY}, "/api_key", "is not known here"),
        ({"shared_with": CANARY}, "/shared_with", "must be 'administrators'"),
        ({"shared_with": {}}, "/shared_with", "a list of object ids"),
        ({"shared_with": []}, "/shared_with", "must not be empty"),
        ({"shared_with": ["a", ""]}, "/shared_with/1", "must not be blank"),
        ({"consent": {"accepted_at": "2026-11-23T20:00:00Z"}}, "/consent/accepted_by", "is required"),
        ({"account": {"id": " "}}, "/account/id", "must not be blank"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_with_its_pointer(
    change: dict[str, object], pointer: str, message: str
) -> None:
    """A key that was pasted into the document is found, and not repeated."""
    found = problems(Connection, SHORT_CONNECTION | change)

    assert found.keys() == {pointer}
    assert message in found[pointer]


def test_every_problem_comes_in_one_answer() -> None:
    """All problems of a document are fixed at once."""
    content = SHORT_EXPORT | {
        "id": "",
        "segments": [],
        "list_id": CANARY,
        "attributes": {"phone": "A", "title": {"column": ""}},
        "only_if": {"equals": 1},
        "schedule": {"active": CANARY},
    }

    assert problems(Export, content).keys() == {
        "/id",
        "/segments",
        "/list_id",
        "/attributes/phone",
        "/attributes/title/column",
        "/only_if/column",
        "/only_if/equals",
        "/schedule/active",
    }


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"only_if": {"equals": "x", "is_blank": True}}, {"/only_if", "/only_if/column"}),
        ({"only_if": {}}, {"/only_if", "/only_if/column"}),
        ({"segments": ["S", "S", ""]}, {"/segments", "/segments/2"}),
        (
            {"attributes": {"properties": ["A", {"column": 5, "name": "A"}, 7, {}]}},
            {
                "/attributes/properties",
                "/attributes/properties/1/column",
                "/attributes/properties/2",
                "/attributes/properties/3/column",
            },
        ),
    ],
)
def test_one_mistake_hides_no_other(change: dict[str, object], pointers: set[str]) -> None:
    """Also those between members are told where one of these is wrong by itself."""
    assert problems(Export, SHORT_EXPORT | change).keys() == pointers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON: EOF while parsing a value at line 1 column 0"),
        (
            b'{"id": "pk_canary!",\n "segments": pk_canary!}',
            "is not JSON: expected value at line 2 column 14",
        ),
        (b'{"id": "pk_canary!\xff"}', "is not JSON: invalid unicode code point at line 1 column 19"),
        (b'{"id": "pk_canary!"', "is not JSON: EOF while parsing an object at line 1 column 19"),
        (b"[" * 100_000, "is not JSON: recursion limit exceeded at line 1 column 202"),
        (b'["pk_canary!"]', "must be an object"),
    ],
)
def test_what_is_no_json_is_said_with_line_and_column(content: bytes, message: str) -> None:
    """Where to look, and nothing of what stands there."""
    assert problems(Export, content) == {"": message}


def test_a_member_that_is_given_twice_is_a_problem() -> None:
    """Of two list ids one would be dropped without a word."""
    content = json.dumps(SHORT_EXPORT)[:-1] + ', "list_id": "pk_canary", "limits": {"x": 1, "x": [1]}}'

    assert problems(Export, content.encode()) == {
        "/list_id": "is given more than once",
        "/limits/x": "is given more than once",
    }


def test_a_byte_order_mark_does_no_harm() -> None:
    """Some editors write one."""
    assert Export.parse("the.json", b"\xef\xbb\xbf" + json.dumps(EXPORT).encode()).id == "vip"


def test_an_export_survives_inside_another_document() -> None:
    """A run pins its export into its head and reads it back the same, with the names that JSON knows."""

    class Holder(BaseModel):
        export: Export

    content = EXPORT | {
        "only_if": {"column": "Newsletter consent", "in": ["True", "Yes"]},
        "schedule": {"when": {"cron": "0 6 * * *", "timezone": "Europe/Paris"}},
    }
    held = Holder(export=Export.parse("the.json", json.dumps(content).encode()))

    assert Holder.model_validate_json(held.model_dump_json()) == held
