"""From a row to what leaves of it."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import Condition, Mapper, Mapping, Profile, Rejected, Selection, Source
from shared.profiles.digests import UNKEYED
from shared.profiles.profile import Filtered, Refusal
from tests.support.rows import COLUMNS, MAPPING, attributes, cells, map_row, profile_of


def test_a_profile_has_what_the_mapping_names_and_nothing_else() -> None:
    """Attributes are text, places lie in the location, properties have their columns' types."""
    profile = map_row(cells())

    assert attributes(profile) == {
        "email": "Abbie.Moss@example.org",
        "phone_number": "+17075550142",
        "external_id": "ce759201f786d590bf2134bff576c369",
        "first_name": "Abbie",
        "location": {"city": "Fairfield", "zip": "04107"},
        "properties": {"Points": 293},
    }
    assert profile.person == UNKEYED.person("abbie.moss@example.org")
    assert (profile.plain, list(profile.warnings)) == (True, [])


def test_blank_cells_are_left_out() -> None:
    """A blank cell is neither null nor "", and leaves no empty object behind."""
    blank = dict.fromkeys(("FirstName", "Telephone", "City", "PostCode", "RewardPoints", "CustomerId"), " \t")

    assert attributes(map_row(cells(**blank))) == {"email": "Abbie.Moss@example.org"}


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-05-01T08:00:00Z", 1_777_622_400),
        ("2026-05-01T10:00:00.999+02:00", 1_777_622_400),
        ("5/1/2026 8:00:00 AM", 1_777_622_400),
        ("\u200b2026-05-01 08:00 ", 1_777_622_400),
        ("2026-05-01", 1_777_593_600),
        ("", None),
        ("2026-02-30", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("2106-02-07T06:28:15Z", 2**32 - 1),
        ("2106-02-07T06:28:16Z", None),
    ],
)
def test_a_row_says_when_somebody_consented(cell: str, moment: int | None) -> None:
    """In UTC where it has no offset, and at midnight where it has no time; what can't be one is none."""
    mapper = Mapper(replace(MAPPING, consented_at="CustomerId"), COLUMNS, PROFILE_FORMAT)

    assert mapper.consented_at(cells(CustomerId=cell)) == moment
    assert Mapper(MAPPING, COLUMNS, PROFILE_FORMAT).consented_at(cells(CustomerId=cell)) is None


def test_the_time_of_consent_is_no_part_of_what_an_import_sends() -> None:
    """Another column, or another time, makes nobody's profile another one."""
    with_consent = replace(MAPPING, consented_at="Newsletter consent")
    mapper = Mapper(with_consent, COLUMNS, PROFILE_FORMAT)

    assert with_consent.fingerprint() == MAPPING.fingerprint()
    assert "Newsletter consent" in with_consent.columns()
    now, later = (mapper.identify(cells(**{"Newsletter consent": cell})) for cell in ("", "2026-05-01"))
    assert now == later


CLEARING = replace(MAPPING, clear_blanks=True)


@pytest.mark.parametrize("blank", ["", " \t", "\u200b", "\x08"])
def test_a_blank_cell_clears_its_property_where_that_is_asked_for(blank: str) -> None:
    """It clears no standard attribute, and a property that has a value is not named."""
    with_text = replace(MAPPING, properties=(*MAPPING.properties, ("Town", Source("City"))))
    clearing = replace(with_text, clear_blanks=True)
    with_blanks = cells(RewardPoints=blank, FirstName=blank, City=blank)

    payload = orjson.loads(map_row(with_blanks, clearing).payload)

    assert payload["meta"] == {"patch_properties": {"unset": ["Points", "Town"]}}
    del payload["meta"]
    assert payload == orjson.loads(map_row(with_blanks, with_text).payload)
    assert map_row(cells(), clearing).payload == map_row(cells(), with_text).payload


def test_what_is_cleared_counts_for_the_size_of_a_profile() -> None:
    """A profile that only fits without it is refused."""
    row = cells(RewardPoints="")
    size = len(map_row(row).payload)
    tight = PROFILE_FORMAT._replace(most_bytes=size)

    assert profile_of(Mapper(MAPPING, COLUMNS, tight), row)
    with pytest.raises(Refusal, match="profile_too_large"):
        profile_of(Mapper(CLEARING, COLUMNS, tight), row)


def test_clearing_is_another_mapping_where_there_is_something_to_clear() -> None:
    """Who turns it on sends everybody once more; without properties nothing changes."""
    without = replace(MAPPING, properties=())

    assert CLEARING.fingerprint() != MAPPING.fingerprint()
    assert replace(without, clear_blanks=True).fingerprint() == without.fingerprint()


@pytest.mark.parametrize("space", [" ", "\t\r\n", "\u00a0", "\u2003", "\u3000", "\x85"])
def test_white_space_around_a_value_is_no_part_of_it(space: str) -> None:
    """What Unicode calls white space is trimmed from every value; inside of it, it stays."""
    row = [space + cell + space for cell in cells(City=f"Los{space}Altos")]

    assert attributes(map_row(row))["location"]["city"] == f"Los{space}Altos"
    assert attributes(map_row(row))["email"] == "Abbie.Moss@example.org"
    assert attributes(map_row(row))["properties"] == {"Points": 293}


@pytest.mark.parametrize("mark", ["\u200b", "\u2060", "\ufeff", "\u200e", "\u202a", " \u200b\u00a0\ufeff"])
def test_invisible_marks_around_a_value_are_no_part_of_it(mark: str) -> None:
    """What copying brings along is trimmed from every value, whatever its type."""
    row = [mark + cell + mark for cell in cells()]
    mapping = replace(MAPPING, only_if=Condition("Newsletter consent", frozenset({"True"})))

    assert map_row(row, mapping).payload == map_row(cells()).payload
    assert map_row(row, mapping).person == map_row(cells()).person


@pytest.mark.parametrize(
    "mark", ["\u200b", "\u200d", "\u00ad", "\u3164", "\u2800", "\ufe0f", "\x01", "\x08", "\x7f"]
)
def test_a_value_that_nobody_sees_is_blank(mark: str) -> None:
    """Invisible characters alone are no value, and no warning either."""
    blank = dict.fromkeys(
        ("FirstName", "Telephone", "City", "PostCode", "RewardPoints", "CustomerId"), mark * 2
    )
    profile = map_row(cells(**blank))

    assert attributes(profile) == {"email": "Abbie.Moss@example.org"}
    assert profile.warnings == ()
    with pytest.raises(Refusal, match="missing_email"):
        map_row(cells(EMail=mark))


def test_an_invisible_character_within_a_value_stays() -> None:
    """A joiner is a part of words in some scripts, and a control character costs no other value."""
    profile = attributes(map_row(cells(FirstName="क्\u200dष", City="Fair\x01field")))

    assert (profile["first_name"], profile["location"]["city"]) == ("क्\u200dष", "Fair\x01field")


def cell_leaves(profile: Profile) -> bool:
    return len(attributes(profile)) == 2


def map_numeric(data_type: str, cell: str, name: str, region: str | None = None) -> dict[str, Any]:
    """What leaves of a segment with one more column, of a numeric type or any other."""
    mapping = Mapping("EMail", ((name, Source("Value", region)),))
    columns = [("EMail", "string"), ("Value", data_type)]
    profile = profile_of(Mapper(mapping, columns, PROFILE_FORMAT), ["a@example.org", cell])
    assert profile.warnings == (() if cell_leaves(profile) else ("phone_left_out",))
    return attributes(profile)


@pytest.mark.parametrize("data_type", ["int64", "double", "decimal"])
@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("08001", "08001"),
        ("8001.0", "8001"),
        ("08001.00", "08001"),
        ("8.001E3", "8001"),
        ("8E3", "8000"),
        ("8.001e+3", "8001"),
        ("8.0E+03", "8.0E+03"),
        ("8001.5", "8001.5"),
        ("8.0015E3", "8.0015E3"),
        ("9.007199254740993E15", "9.007199254740993E15"),
        ("8,001", "8,001"),
        ("SW1A 1AA", "SW1A 1AA"),
    ],
)
def test_a_text_of_a_numeric_column_is_the_digits_of_its_number(
    data_type: str, cell: str, digits: str
) -> None:
    """A whole number leaves without what a double adds to it; all else as it stands, as in a text column."""
    assert map_numeric(data_type, cell, "location.zip")["location"] == {"zip": digits}
    assert map_numeric("string", cell, "location.zip")["location"] == {"zip": cell}


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1721234567", "+491721234567"),
        ("1721234567.0", "+491721234567"),
        ("1.721234567E9", "+491721234567"),
        ("+491721234567.0", "+491721234567"),
        ("1.72E+09", None),
        ("1721234567.5", None),
        ("1721234.5678", None),
        ("-1721234567.0", None),
        ("NaN", None),
    ],
)
def test_a_phone_of_a_numeric_column_is_its_number_or_left_out(cell: str, number: str | None) -> None:
    """A double's spelling is read where its type says so, and rounded digits are nobody's phone."""
    assert map_numeric("double", cell, "phone_number", "DE").get("phone_number") == number


@pytest.mark.parametrize(
    ("data_type", "cell", "sent"),
    [
        ("double", "9007199254740991.0", "9007199254740991"),
        ("double", "1.721234567E9", "1721234567"),
        ("double", "12.5", "12.5"),
        ("double", "A-17", "A-17"),
        ("int64", "9223372036854775807", "9223372036854775807"),
        ("decimal", "1234567890123456789", "1234567890123456789"),
        ("string", "12345678901234567890", "12345678901234567890"),
        ("string", "1.2E20", "1.2E20"),
        ("double", "9007199254740992", None),
        ("double", "12345678901234567890", None),
        ("double", "1.2345678901234567E19", None),
        ("double", "1.72E+09", None),
        ("double", "1234567890.1234567", None),
        ("double", "NaN", None),
        ("double", "Infinity", None),
        ("int64", "9007199254740993.0", None),
        ("int64", "12345678901234567890", None),
        ("decimal", "1.2345678901234567E19", None),
        ("decimal", "9" * 5000, None),
    ],
)
def test_an_external_id_that_may_have_lost_digits_is_refused(
    data_type: str, cell: str, sent: str | None
) -> None:
    """Two customers whose ids became one number would become one profile."""
    if sent is not None:
        assert map_numeric(data_type, cell, "external_id")["external_id"] == sent
    else:
        reason = "external_id_too_long" if len(cell) > 400 else "external_id_not_exact"
        with pytest.raises(Refusal, match=reason) as refused:
            map_numeric(data_type, cell, "external_id")
        assert refused.value.column == "Value"


def test_values_that_do_not_fit_are_told() -> None:
    """A phone that is none is left out, a number that is none goes as text, and each has its code."""
    profile = map_row(cells(Telephone="983.566.0706x9509", RewardPoints="many"))

    assert "phone_number" not in attributes(profile)
    assert attributes(profile)["properties"] == {"Points": "many"}
    assert list(profile.warnings) == ["phone_left_out", "value_sent_as_text"]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (cells()[:-1], "", "wrong_number_of_cells"),
        ([*cells(), ""], "", "wrong_number_of_cells"),
        ([], "", "wrong_number_of_cells"),
        (cells(EMail=" "), "EMail", "missing_email"),
        (cells(EMail="abbie"), "EMail", "invalid_email"),
        (cells(EMail="abbie\udce9@example.org"), "EMail", "invalid_utf8"),
        (cells(City="M\udce4nchen"), "City", "invalid_utf8"),
        (cells(RewardPoints="\ud800"), "RewardPoints", "invalid_utf8"),
        (cells(CustomerId="é" * 256), "CustomerId", "external_id_too_long"),
        (cells(City="é" * 50_000), "", "profile_too_large"),
    ],
)
def test_a_row_that_cannot_leave_is_refused_with_column_and_reason(
    row: list[str], column: str, reason: str
) -> None:
    """The refusal says where to look and why, and holds nothing of the row."""
    with pytest.raises(Refusal) as refused:
        map_row(row)

    assert (refused.value.column, refused.value.reason) == (column, reason)
    assert str(refused.value) == reason
    assert refused.value.__cause__ is None


def test_an_address_of_100_characters_leaves() -> None:
    """The longest that Klaviyo takes; one more character is too many."""
    longest = f"{'a' * 60}@{'b' * 35}.org"

    assert attributes(map_row(cells(EMail=longest)))["email"] == longest
    with pytest.raises(Refusal, match="invalid_email"):
        map_row(cells(EMail=f"{'a' * 60}@{'b' * 36}.org"))


def test_an_external_id_of_255_characters_leaves() -> None:
    """The longest that Klaviyo takes, in characters and not in bytes."""
    assert attributes(map_row(cells(CustomerId="é" * 255)))["external_id"] == "é" * 255


def test_half_a_character_in_a_column_that_is_not_mapped_harms_nobody() -> None:
    """Only what leaves has to be whole."""
    assert map_row(cells(City="M\udce4nchen"), Mapping("EMail")).plain


@pytest.mark.parametrize("letter", ["a", "é", "漢", "𝄞"])
def test_a_profile_of_exactly_100_kb_leaves(letter: str) -> None:
    """100,000 bytes, whatever the letters take; one more is too many."""
    room = 100_000 - len(map_row(cells(City="-")).payload) + 1
    size = len(letter.encode())
    city = letter * (room // size) + "-" * (room % size)

    assert len(map_row(cells(City=city)).payload) == 100_000
    with pytest.raises(Refusal, match="profile_too_large"):
        map_row(cells(City=city + "-"))


@pytest.mark.parametrize(
    ("condition", "cell", "leaves"),
    [
        (Condition("Newsletter consent", frozenset({"True"})), "true ", True),
        (Condition("Newsletter consent", frozenset({" True"})), "TRUE", True),
        (Condition("Newsletter consent", frozenset({"True"})), "", False),
        (Condition("Newsletter consent", frozenset({"False"}), negated=True), "", True),
        (Condition("City", frozenset({"Fairfield"})), "fairfield", False),
        (Condition("City", frozenset({"Austin", "Fairfield"})), " Fairfield", True),
        (Condition("City", frozenset({"Fairfield"}), negated=True), "Fairfield", False),
        (Condition("City", frozenset({""})), " ", True),
        (Condition("City", frozenset({""}), negated=True), " ", False),
        (Condition("City", frozenset({""}), negated=True), "Fairfield", True),
    ],
)
def test_only_if_decides_who_leaves(condition: Condition, cell: str, leaves: bool) -> None:
    """Cells are compared trimmed, and in a boolean column without regard to case."""
    row = cells(**{condition.column: cell})
    mapping = replace(MAPPING, only_if=condition)

    if leaves:
        assert map_row(row, mapping).person == UNKEYED.person("abbie.moss@example.org")
    else:
        with pytest.raises(Filtered):
            map_row(row, mapping)


def test_a_column_is_found_whatever_marks_are_around_its_name() -> None:
    """A header's byte order mark costs nobody their column, nor the column its type."""
    columns = [("\ufeffEMail", "string"), ("Points\u200b", "int64")]
    mapper = Mapper(Mapping("EMail", (), (("Points", Source("Points")),)), columns, PROFILE_FORMAT)

    assert attributes(profile_of(mapper, ["a@example.org", "5"]))["properties"] == {"Points": 5}


CELL = st.text() | st.text(st.characters(categories=["Cs"])) | st.just("a@example.org")


@given(st.lists(CELL, max_size=9) | st.lists(CELL, min_size=7, max_size=7).map(lambda row: ["a@b.org", *row]))
def test_a_row_of_any_content_leaves_or_is_refused(row: list[str]) -> None:
    """Nothing that a row holds makes anything else happen."""
    rejected: list[Rejected] = []

    profiles = list(
        Selection(rejected.append).profiles([(0, 1, row)], Mapper(MAPPING, COLUMNS, PROFILE_FORMAT))
    )

    assert len(profiles) + len(rejected) == 1
    assert all(UNKEYED.person(attributes(profile)["email"]) == profile.person for profile in profiles)
    assert all(item.reason for item in rejected)
