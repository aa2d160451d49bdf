"""Which entity unlisted files belong to, by their names."""

import pytest

from tests.segments.building import EXPORT, RUN, Shelf, entity, files_of, refused, write_csv, write_model


@pytest.mark.parametrize(
    ("tables", "beside", "found"),
    [
        (["Gold", "Gold_1"], ["Gold_1.csv"], {"Gold": None, "Gold_1": None}),
        (["Gold", "Gold_1"], ["Gold_1.csv", "Gold_2.csv"], {"Gold": None, "Gold_1": None}),
        (
            ["Gold", "Gold_1"],
            ["Gold_2.csv", "Gold_1_1.csv"],
            {"Gold": ["Gold_2.csv"], "Gold_1": ["Gold_1_1.csv"]},
        ),
        (["Gold", "gold"], ["Gold_1.csv"], {"Gold": ["Gold_1.csv"], "gold": None}),
        (["Gold", "gold"], ["GOLD_1.csv"], {"Gold": None, "gold": None}),
        (
            ["Gold", "Silver"],
            ["Gold_1.csv", "Silver_1.csv"],
            {"Gold": ["Gold_1.csv"], "Silver": ["Silver_1.csv"]},
        ),
        (
            ["Gold"],
            ["Daily_Gold_1724500000.csv", "Daily_Gold_1724600000.csv"],
            {"Gold": ["Daily_Gold_1724600000.csv"]},
        ),
        (["Gold", "Daily_Gold"], ["Daily_Gold_1.csv"], {"Gold": None, "Daily_Gold": None}),
        (["Gold"], ["Gold_1.csv", "Gold_1724600000.csv"], {"Gold": None}),
    ],
)
def test_a_file_beside_model_json_belongs_to_the_entity_of_its_name(
    shelf: Shelf, tables: list[str], beside: list[str], found: dict[str, list[str] | None]
) -> None:
    """A number is a partition's or part of a name, and a file that may be of two entities is of neither."""
    write_csv(shelf, *(f"{EXPORT}/{name}" for name in beside))
    write_model(shelf, *map(entity, tables))
    shelf.age(600)

    for segment, expected in found.items():
        if expected is None:
            refused(shelf, segment)
        else:
            assert files_of(shelf, segment) == [f"{EXPORT}/{name}" for name in expected]


def test_a_file_that_another_lists_is_not_taken_by_its_name(shelf: Shelf) -> None:
    """If Gold lists Gold_1.csv, neither Gold_1 nor another spelling of Gold gets it."""
    write_csv(shelf, f"{EXPORT}/Gold_1.csv")
    write_model(shelf, entity("Gold", [f"{EXPORT}/Gold_1.csv"]), entity("Gold_1"), entity("GOLD"))
    shelf.age(600)

    assert files_of(shelf, "Gold") == [f"{EXPORT}/Gold_1.csv"]
    for segment in ("Gold_1", "GOLD"):
        refused(shelf, segment)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (["Gold_1.csv", "Gold_2.csv", "Silver_1.csv"], ["Gold_1.csv", "Gold_2.csv"]),
        (["Gold_1.csv", "Gold_1_1.csv"], ["Gold_1.csv"]),
        (["x_1.csv", "x_2.csv"], ["x_1.csv", "x_2.csv"]),
        (["1.csv", "2.csv"], ["1.csv", "2.csv"]),
        (["part-00000-ab.csv", "part-00001-cd.csv"], ["part-00000-ab.csv", "part-00001-cd.csv"]),
        (["x_1.csv", "y_1.csv"], None),
        (["VIP1.csv", "VIP2.csv"], None),
        (["Gold_1.csv", "x_1.csv"], None),
        (["Silver_1.csv", "x_1.csv"], None),
        (["Silver_1.csv"], None),
    ],
)
@pytest.mark.parametrize("run", [f"{RUN}/", ""])
def test_an_unlisted_folder_gives_only_unambiguous_files(
    shelf: Shelf, run: str, inside: list[str], expected: list[str] | None
) -> None:
    """Files may have another name than their entity, if all have the same and no entity has it."""
    write_csv(shelf, *(f"{EXPORT}/Gold/{run}{name}" for name in inside))
    write_model(shelf, entity("Gold"), entity("Silver"), entity("Gold_1"))
    shelf.age(600)

    if expected is None:
        refused(shelf, "Gold")
    else:
        assert files_of(shelf, "Gold") == [f"{EXPORT}/Gold/{run}{name}" for name in expected]


@pytest.mark.parametrize(
    ("inside", "is_whole"), [(["x_1.csv", "x_2.csv"], True), (["x_1.csv", "y_1.csv"], False)]
)
def test_a_folder_without_a_model_has_the_files_of_one_segment(
    shelf: Shelf, inside: list[str], is_whole: bool
) -> None:
    """If their names differ, none of them is read."""
    write_csv(shelf, *(f"Gold/{RUN}/{name}" for name in inside))
    shelf.age(600)

    if is_whole:
        assert files_of(shelf, "Gold") == [f"Gold/{RUN}/{name}" for name in inside]
    else:
        refused(shelf, "Gold", match="may be another segment's")


def test_a_file_listed_by_an_entity_of_another_name_is_not_taken(shelf: Shelf) -> None:
    """model.json counts more than a file's name."""
    write_csv(shelf, f"{EXPORT}/Gold_1.csv")
    write_model(shelf, entity("Everybody", [f"{EXPORT}/Gold_1.csv"]), entity("Gold"))
    shelf.age(600)

    assert files_of(shelf, "Everybody") == [f"{EXPORT}/Gold_1.csv"]
    refused(shelf, "Gold", match="has no CSV file of the segment")
