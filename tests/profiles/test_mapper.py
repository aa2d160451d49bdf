"""From a row to what leaves of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidSegment, NotFound
from shared.profiles import Condition, Mapper, Mapping, Rejected, Selection, Source
from shared.profiles.mapper import LARGEST_PROFILE, Filtered, Refusal, person_of
from tests.support.rows import COLUMNS, MAPPING, attributes, cells, map_row


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
    assert profile.person == person_of("abbie.moss@example.org")
    assert (profile.plain, list(profile.warnings)) == (True, [])


def test_blank_cells_are_left_out() -> None:
    """A blank cell is neither null nor "", and leaves no empty object behind."""
    blank = dict.fromkeys(("FirstName", "Telephone", "City", "PostCode", "RewardPoints", "CustomerId"), " \t")

    assert attributes(map_row(cells(**blank))) == {"email": "Abbie.Moss@example.org"}


@pytest.mark.parametrize("space", [" ", "\t\r\n", "\u00a0", "\u2003", "\u3000", "\x85"])
def test_white_space_around_a_value_is_no_part_of_it(space: str) -> None:
    """What Unicode calls white space is trimmed from every value; inside of it, it stays."""
    row = [space + cell + space for cell in cells(City=f"Los{space}Altos")]

    assert attributes(map_row(row))["location"]["city"] == f"Los{space}Altos"
    assert attributes(map_row(row))["email"] == "Abbie.Moss@example.org"
    assert attributes(map_row(row))["properties"] == {"Points": 293}


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
        (cells(EMail="abbie\udce9@example.org"), "EMail", "invalid_email"),
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


def test_an_external_id_of_255_characters_leaves() -> None:
    """The longest that Klaviyo takes, in characters and not in bytes."""
    assert attributes(map_row(cells(CustomerId="é" * 255)))["external_id"] == "é" * 255


def test_half_a_character_in_a_column_that_is_not_mapped_harms_nobody() -> None:
    """Only what leaves has to be whole."""
    assert map_row(cells(City="M\udce4nchen"), Mapping("EMail")).plain


@pytest.mark.parametrize("letter", ["a", "é", "漢", "𝄞"])
def test_a_profile_of_exactly_100_kb_leaves(letter: str) -> None:
    """100,000 bytes, whatever the letters take; one more is too many."""
    room = LARGEST_PROFILE - len(map_row(cells(City="-")).payload) + 1
    size = len(letter.encode())
    city = letter * (room // size) + "-" * (room % size)

    assert len(map_row(cells(City=city)).payload) == LARGEST_PROFILE
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
        assert map_row(row, mapping).person == person_of("abbie.moss@example.org")
    else:
        with pytest.raises(Filtered):
            map_row(row, mapping)


def test_a_column_that_the_segment_lacks_comes_with_the_closest_names_first() -> None:
    """Every missing column is named at once, and the one that was meant stands first."""
    mapping = Mapping("Email", properties=(("Points", Source("Reward Points")),))

    with pytest.raises(NotFound) as missing:
        Mapper(mapping, COLUMNS)

    assert missing.value.code == "unknown_column"
    lacking, existing = missing.value.message.split("the closest names first: ")
    assert "'Email', 'Reward Points'" in lacking
    assert set(existing.split(", ")[:2]) == {"'EMail'", "'RewardPoints'"}
    assert existing.count("'") == 2 * len(COLUMNS)


def test_two_columns_of_one_name_fail_only_who_maps_it() -> None:
    """Nobody can tell which of them is meant, so neither is taken."""
    columns = [*COLUMNS, ("City", "string")]

    Mapper(Mapping("EMail"), columns)
    with pytest.raises(InvalidSegment, match="two columns 'City'"):
        Mapper(MAPPING, columns)


CELL = st.text() | st.text(st.characters(categories=["Cs"])) | st.just("a@example.org")


@given(st.lists(CELL, max_size=9) | st.lists(CELL, min_size=7, max_size=7).map(lambda row: ["a@b.org", *row]))
def test_a_row_of_any_content_leaves_or_is_refused(row: list[str]) -> None:
    """Nothing that a row holds makes anything else happen."""
    rejected: list[Rejected] = []

    profiles = list(Selection(rejected.append).profiles([(0, 1, row)], Mapper(MAPPING, COLUMNS)))

    assert len(profiles) + len(rejected) == 1
    assert all(person_of(attributes(profile)["email"]) == profile.person for profile in profiles)
    assert all(item.reason for item in rejected)
