"""Which columns a mapping means, and what is said where there are none."""

from collections.abc import Callable

import pytest

from shared.errors import InvalidSegment, NotFound
from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import Mapper, Mapping, Source
from shared.profiles.columns import find_columns, has_any
from tests.support.growth import assert_grows_in_proportion
from tests.support.rows import COLUMNS, MAPPING


def test_a_column_that_the_segment_lacks_comes_with_the_closest_names_first() -> None:
    """Every missing column is named at once, and the one that was meant stands first."""
    mapping = Mapping("Mail", properties=(("Points", Source("Reward Pts")),))

    with pytest.raises(NotFound) as missing:
        Mapper(mapping, COLUMNS, PROFILE_FORMAT)

    assert missing.value.code == "unknown_column"
    lacking, existing = missing.value.message.split("the closest names first: ")
    assert "'Mail', 'Reward Pts'" in lacking
    assert set(existing.split(", ")[:2]) == {"'EMail'", "'RewardPoints'"}
    assert existing.count("'") == 2 * len(COLUMNS)


def test_two_columns_of_one_name_fail_only_who_maps_it() -> None:
    """Nobody can tell which of them is meant, so neither is taken; blank names are nobody's."""
    columns = [*COLUMNS, ("City", "string"), ("", "string"), ("", "string")]

    Mapper(Mapping("EMail"), columns, PROFILE_FORMAT)
    with pytest.raises(InvalidSegment, match="two columns named 'City'"):
        Mapper(MAPPING, columns, PROFILE_FORMAT)


def test_the_very_name_comes_before_one_with_marks_around_it() -> None:
    """What is written as it is mapped is meant; else what is the same when trimmed, if that is one column."""
    assert find_columns(["EMail"], ["\ufeffEMail", "EMail", "City"]) == {"EMail": 1}
    assert find_columns(["EMail", "City "], ["\ufeffEMail\u200b", "City"]) == {"EMail": 0, "City ": 1}
    with pytest.raises(InvalidSegment):
        find_columns(["EMail"], ["\ufeffEMail", "EMail "])
    assert find_columns(["city"], ["CITY", "EMail"]) == {"city": 0}
    assert find_columns(["City"], ["city", "City "]) == {"City": 1}
    assert find_columns(["Vorn\u00e4me"], ["EMail", "Vorna\u0308me"]) == {
        "Vorn\u00e4me": 1
    }  # as macOS writes it
    assert find_columns(["Reward points"], ["RewardPoints"]) == {"Reward points": 0}
    with pytest.raises(InvalidSegment, match="two columns named 'CITY'"):
        find_columns(["CITY"], ["city", "City"])
    assert has_any(["EMail"], ["\ufeffEMAIL"])
    with pytest.raises(NotFound):
        find_columns(["\u200b"], ["", "EMail"])


def test_a_message_shows_ten_names_that_no_terminal_takes_for_commands() -> None:
    """However many columns there are, however they are called, ten are shown, and how many more there are."""
    names = [f"\x1b[31m\u202e{'long' * 100}{number}" for number in range(1000)]

    with pytest.raises(NotFound) as missing:
        find_columns([f"Missing{number}" for number in range(50)], names)

    assert missing.value.message.isprintable()
    assert r"'\x1b[31m\u202elong" in missing.value.message
    assert len(missing.value.message) < 3000
    assert "'Missing17' and 40 more" in missing.value.message
    assert missing.value.message.endswith(" and 990 more.")


def test_names_that_may_be_a_row_are_not_shown() -> None:
    """Where a file without a model.json begins with none of the wanted names, its cells stay unsaid."""
    with pytest.raises(NotFound) as missing:
        Mapper(
            Mapping("EMail"), [("abbie@example.org", ""), ("Abbie", "")], PROFILE_FORMAT, names_by_file=True
        )

    assert "abbie" not in missing.value.message.lower()


def test_the_search_grows_with_the_columns() -> None:
    """However many they are, where some are missing."""

    def prepare(columns: int) -> Callable[[], object]:
        names = [f"{number} {'Contoso Customer Column ' * 20}" for number in range(columns)]

        def search() -> None:
            with pytest.raises(NotFound):
                find_columns(["EMail", "City", *names[: columns // 20]], names)

        return search

    assert_grows_in_proportion(prepare, 2_500)
