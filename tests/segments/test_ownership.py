"""Which people a segment's name means, if entities, folders and files have similar names."""

import pytest

from shared.errors import NotFound
from shared.segments import Segments
from tests.segments.building import (
    EXPORT,
    LATER,
    RUN,
    Shelf,
    entity,
    files_of,
    refused,
    write_csv,
    write_model,
)

OTHER = "CustomerInsights_2/Weekly"


@pytest.mark.parametrize(
    ("listed", "unlisted"), [("VIP_1", "VIP1"), ("Gold", "gold"), ("Gold 1", "Gold_1"), ("a-b", "ab")]
)
@pytest.mark.parametrize("has_partitions", [True, False])
def test_a_folder_belongs_to_the_entity_with_its_exact_name(
    shelf: Shelf, listed: str, unlisted: str, has_partitions: bool
) -> None:
    """An entity without a folder does not get that of an entity with a similar name."""
    file = f"{EXPORT}/{listed}/{RUN}/{listed}_1.csv"
    write_csv(shelf, file)
    write_model(shelf, entity(listed, [file.replace(" ", "%20")] if has_partitions else []), entity(unlisted))
    shelf.age(600)

    assert files_of(shelf, listed) == [file]
    refused(shelf, unlisted)


def test_a_folder_belongs_to_the_entity_that_lists_files_in_it(shelf: Shelf) -> None:
    """That holds even if it has the other entity's exact name: its files may be of either."""
    file = f"{EXPORT}/VIP1/{RUN}/x_1.csv"
    write_csv(shelf, file, f"{EXPORT}/VIP1/{LATER}/x_1.csv")
    write_model(shelf, entity("Everybody", [file]), entity("VIP1"))
    shelf.age(600)

    assert files_of(shelf, "Everybody") == [file]
    refused(shelf, "VIP1")


def test_a_folder_similar_to_two_entities_belongs_to_neither(shelf: Shelf) -> None:
    """Neither of them has exactly its name."""
    write_csv(shelf, f"{EXPORT}/VIP 1/{RUN}/1.csv")
    write_model(shelf, entity("VIP1"), entity("VIP_1"))
    shelf.age(600)

    for segment in ("VIP1", "VIP_1"):
        refused(shelf, segment)


@pytest.mark.parametrize("broken", [{"attributes": "a"}, {"name": 5}, {"name": None}, {"attributes": []}])
def test_an_invalid_entity_keeps_the_files_it_lists(shelf: Shelf, broken: dict[str, object]) -> None:
    """No other entity gets its people."""
    file = f"{EXPORT}/VIP_1/{RUN}/1.csv"
    write_csv(shelf, file)
    write_model(shelf, entity("VIP_1", [file]) | broken, entity("VIP1"))
    shelf.age(600)

    refused(shelf, "VIP1")


def test_files_that_two_entities_list_are_read_for_neither(shelf: Shelf) -> None:
    """One of them is wrong, and it is unknown which."""
    write_csv(shelf, *(f"{EXPORT}/Gold/{RUN}/{number}.csv" for number in (1, 2)), f"{EXPORT}/c/{RUN}/1.csv")
    write_model(
        shelf,
        entity("Gold", [f"{EXPORT}/Gold/{RUN}/1.csv", f"{EXPORT}/Gold/{RUN}/2.csv"]),
        entity("Silver", [f"{EXPORT}/Gold/{RUN}/2.csv"]),
        entity("Copper", [f"{EXPORT}/c/{RUN}/1.csv"]),
    )

    refused(shelf, "Gold", "invalid_model", f"entity 'Silver' lists {EXPORT}/Gold/{RUN}/2.csv too")
    refused(shelf, "Silver", "invalid_model", "entity 'Gold' lists")
    assert files_of(shelf, "Copper") == [f"{EXPORT}/c/{RUN}/1.csv"]


@pytest.mark.parametrize("content", [None, b"{"], ids=["valid", "broken"])
def test_a_location_in_another_export_is_refused(shelf: Shelf, content: bytes | None) -> None:
    """That holds whatever that export's model.json contains, and its own entity is read as before."""
    file = f"{EXPORT}/Gold/{RUN}/Gold_1.csv"
    write_csv(shelf, file)
    write_model(shelf, entity("Gold", [file]))
    write_model(shelf, entity("Mine", [file]), folder=OTHER)
    if content:
        shelf.write(f"{EXPORT}/model.json", content)
    shelf.age(600)

    refused(shelf, "Mine", "invalid_model", f"{file} is in another export's folder")
    if content is None:
        assert files_of(shelf, "Gold") == [file]
        assert files_of(shelf, "Daily/Gold") == [file]


def test_a_location_in_a_folder_that_another_export_names_is_refused(shelf: Shelf) -> None:
    """That holds even if that export lists nothing, and the folder is only similar to its entity's name."""
    write_csv(shelf, f"{EXPORT}/high_value/{RUN}/1.csv")
    write_model(shelf, entity("High value"))
    write_model(shelf, entity("Mine", [f"{EXPORT}/high_value/{RUN}/1.csv"]), folder=OTHER)
    shelf.age(600)

    refused(shelf, "Mine", "invalid_model")
    assert files_of(shelf, "High value") == [f"{EXPORT}/high_value/{RUN}/1.csv"]


def test_a_folder_without_a_model_is_not_taken_over(shelf: Shelf) -> None:
    """A model.json elsewhere that lists one of its files can't decide what its name means."""
    write_csv(shelf, f"Gold/{RUN}/1.csv", f"{OTHER}/Evil/{RUN}/1.csv")
    write_model(shelf, entity("Evil", [f"Gold/{RUN}/1.csv", f"{OTHER}/Evil/{RUN}/1.csv"]), folder=OTHER)
    shelf.age(600)
    refused(shelf, "Gold", "ambiguous_segment")

    write_model(shelf, entity("Gold", [f"{OTHER}/Evil/{RUN}/1.csv"]), folder=OTHER)
    shelf.age(600)
    refused(shelf, "Gold", "ambiguous_segment")


def test_an_entity_removed_from_model_json_is_unknown(shelf: Shelf) -> None:
    """Its folder is that of a former segment, which no name leads to."""
    write_csv(shelf, f"{EXPORT}/Gold/{RUN}/1.csv", f"{EXPORT}/Silver/{RUN}/1.csv")
    write_model(shelf, entity("Silver", [f"{EXPORT}/Silver/{RUN}/1.csv"]))
    shelf.age(600)

    for segment in ("Gold", "Daily/Gold", f"{EXPORT}/Gold"):
        with pytest.raises(NotFound, match=r"Segments there: 'Silver'\.") as unknown:
            Segments(shelf).newest(segment)
        assert unknown.value.code == "unknown_segment"
    assert Segments(shelf).names() == ["Silver"]
    assert Segments(shelf).versions(["Gold", "Silver"]).keys() == {"Silver"}


@pytest.mark.parametrize("name", ["Model.json", "MODEL.JSON"])
def test_a_model_is_recognized_in_any_case(shelf: Shelf, name: str) -> None:
    """Otherwise its segments would be read without types."""
    write_csv(shelf, f"{EXPORT}/Gold/{RUN}/1.csv", f"{EXPORT}/Bare/{RUN}/1.csv")
    write_model(shelf, entity("Gold", [f"{EXPORT}/Gold/{RUN}/1.csv"]))
    shelf.write(f"{EXPORT}/{name}", shelf.read(f"{EXPORT}/model.json").content)
    shelf.age(600)
    refused(shelf, "Gold", "invalid_model", f"{EXPORT} has several model.json files")

    shelf.delete(f"{EXPORT}/model.json")
    assert Segments(shelf).newest("Gold").columns[0].data_type == "string"
    assert Segments(shelf).names() == ["Gold"]


@pytest.mark.parametrize("outer", ["", "CustomerInsights_1"])
def test_a_model_hides_no_other_below_it(shelf: Shelf, outer: str) -> None:
    """An export in another's folder is independent, and a folder within a segment's is not a segment."""
    file = f"{EXPORT}/Gold/{RUN}/1.csv"
    write_csv(
        shelf, file, f"{outer}/Silver/{RUN}/1.csv".lstrip("/"), f"{outer}/Silver/old/{RUN}/1.csv".lstrip("/")
    )
    write_model(shelf, entity("Gold", [file]))
    write_model(shelf, entity("Silver"), entity("Daily"), entity("Mine", [file]), folder=outer)
    shelf.age(600)

    assert files_of(shelf, "Gold") == [file]
    assert files_of(shelf, "Silver") == [f"{outer}/Silver/{RUN}/1.csv".lstrip("/")]
    refused(shelf, "Mine", "invalid_model", "is in another export's folder")
    assert Segments(shelf).names() == ["Daily", "Gold", "Mine", "Silver"]


@pytest.mark.parametrize("run", [f"/{RUN}", ""])
def test_the_folder_of_an_export_belongs_to_no_entity(shelf: Shelf, run: str) -> None:
    """An entity may have the name of an export beside it."""
    write_csv(shelf, f"{EXPORT}{run}/Gold_1.csv")
    write_model(shelf, entity("Gold"))
    write_model(shelf, entity("Daily"), folder="CustomerInsights_1")
    shelf.age(600)

    refused(shelf, "Daily")


def test_a_folder_below_the_walk_may_be_an_export(shelf: Shelf) -> None:
    """A folder that looks like a segment's is not read if it holds a model.json."""
    write_csv(shelf, f"a/b/c/{RUN}/1.csv")
    write_model(shelf, entity("Gold"), folder="a/b/c")
    shelf.age(600)

    assert Segments(shelf).names() == []
    with pytest.raises(NotFound):
        Segments(shelf).newest("c")


def test_in_a_shared_run_folder_only_listed_files_are_read(shelf: Shelf) -> None:
    """Earlier run folders are not read at all, since nothing lists their files."""
    for run in (RUN, LATER):
        write_csv(shelf, *(f"{EXPORT}/{run}/{name}_1.csv" for name in ("Gold", "Silver")))
    shelf.age(600)
    listed = {name: f"{EXPORT}/{LATER}/{name}_1.csv" for name in ("Gold", "Silver")}
    write_model(shelf, *(entity(name, [file]) for name, file in listed.items()), entity("Copper"))
    for name, file in listed.items():
        assert files_of(shelf, name) == [file]
    refused(shelf, "Copper")

    shelf.delete(listed["Gold"])
    refused(shelf, "Gold", match="does not exist")


@pytest.mark.parametrize("said", [True, None, False])
def test_an_older_snapshot_needs_its_own_header(shelf: Shelf, said: bool | None) -> None:
    """model.json's columns may differ from those of earlier files."""
    old, new = f"{EXPORT}/Gold/{RUN}/1.csv", f"{EXPORT}/Gold/{LATER}/1.csv"
    write_csv(shelf, old)
    gold = entity("Gold", [new])
    gold["partitions"][0]["fileFormatSettings"] = {"columnHeaders": said}
    write_model(shelf, gold)
    shelf.age(600)

    if said is False:
        refused(shelf, "Gold", match="does not exist")
    else:
        snapshot = Segments(shelf).newest("Gold")
        assert (snapshot.folder, snapshot.csv_format.has_header) == (f"{EXPORT}/Gold/{RUN}", True)


def test_older_unlisted_run_folders_need_a_header_too(shelf: Shelf) -> None:
    """The newest does not, since model.json describes it."""
    write_csv(shelf, f"{EXPORT}/Gold/{RUN}/1.csv", f"{EXPORT}/Gold/{LATER}/1.csv")
    write_model(shelf, entity("Gold"))
    shelf.age(600)
    assert Segments(shelf).newest("Gold").csv_format.has_header is None

    shelf.age(5, f"{EXPORT}/Gold/{LATER}/1.csv")
    assert Segments(shelf).newest("Gold").csv_format.has_header is True


@pytest.mark.parametrize(
    ("modified", "has_header"), [("2026-08-25T14:40:00Z", None), ("2026-08-27T09:00:00Z", True)]
)
def test_a_run_folder_of_an_earlier_refresh_needs_a_header(
    shelf: Shelf, modified: str, has_header: bool | None
) -> None:
    """A model.json that is days newer, and does not list the folder, may have other columns."""
    write_csv(shelf, f"{EXPORT}/Gold/{LATER}/1.csv")
    write_model(shelf, entity("Gold"), modifiedTime=modified)
    shelf.age(600)

    assert Segments(shelf).newest("Gold").csv_format.has_header is has_header


def test_an_entitys_folder_that_holds_a_model_is_an_exports(shelf: Shelf) -> None:
    """It is below the levels that are walked, but its files still belong to that export."""
    write_csv(shelf, f"{EXPORT}/Gold/{RUN}/Gold_1.csv", f"{EXPORT}/Gold/Gold_1.csv")
    write_model(shelf, entity("Gold"))
    write_model(shelf, entity("Gold"), folder=f"{EXPORT}/Gold")
    shelf.age(600)

    refused(shelf, "Gold")
