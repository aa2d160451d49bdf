"""When a snapshot is whole, which is the newest, and what it costs to look."""

from datetime import datetime

import pytest

from shared.adapters.storage.store import Blob, Store
from shared.errors import InvalidSegment
from shared.segments import Segments
from tests.segments.building import EXPORT, LATER, RUN, Shelf, entity, partition, write_csv, write_model

MODEL = f"{EXPORT}/model.json"
OLD = [f"{EXPORT}/Gold/{RUN}/{number}.csv" for number in (1, 2)]
NEW = [f"{EXPORT}/Gold/{LATER}/{number}.csv" for number in (1, 2)]


def folder_of(segments: Segments) -> str:
    return segments.newest("Gold").folder


def test_what_model_json_lists_is_whole_when_it_is_there(store: Store) -> None:
    """Who writes a snapshot lists it last, so that a fresh one need not wait."""
    write_csv(store, *NEW)
    write_model(store, entity("Gold", NEW))

    assert folder_of(Segments(store)) == f"{EXPORT}/Gold/{LATER}"
    assert Segments(store).versions(["Gold"]).keys() == {"Gold"}


def test_a_snapshot_without_one_of_its_partitions_is_not_taken(store: Store) -> None:
    """The error names the first that is missing, and counts them."""
    write_csv(store, NEW[0])
    write_model(store, entity("Gold", [*NEW, f"{EXPORT}/Gold/{LATER}/3.csv"]))

    with pytest.raises(InvalidSegment) as refused:
        folder_of(Segments(store))
    assert refused.value.code == "incomplete_snapshot"
    assert refused.value.message == (
        f"The segment 'Gold' has no complete snapshot: {NEW[1]} does not exist (2 of 3 files are missing)."
    )
    assert Segments(store).versions(["Gold"]) == {}


def test_a_partition_that_is_newer_than_model_json_must_lie_still(shelf: Shelf) -> None:
    """It may be half written: it is taken two minutes after its last change by the store's own clock."""
    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(600, MODEL, NEW[0])

    shelf.age(119, NEW[1])
    with pytest.raises(InvalidSegment, match=f"{NEW[1]} was written less than two minutes ago") as refused:
        folder_of(Segments(shelf))
    assert refused.value.code == "incomplete_snapshot"
    assert Segments(shelf).versions(["Gold"]) == {}

    shelf.age(120, NEW[1])
    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{LATER}"
    assert Segments(shelf).versions(["Gold"]).keys() == {"Gold"}


@pytest.mark.parametrize("listed", [True, False], ids=["model.json lists nothing", "no model.json"])
def test_files_that_nothing_lists_must_lie_still(shelf: Shelf, listed: bool) -> None:
    """Nothing tells that the last of them is there, but that nothing came for two minutes."""
    write_csv(shelf, *NEW)
    if listed:
        write_model(shelf, entity("Gold"))
    shelf.age(600, *NEW)

    shelf.age(119, NEW[1])
    with pytest.raises(InvalidSegment, match="less than two minutes ago"):
        folder_of(Segments(shelf))
    assert Segments(shelf).versions(["Gold"]) == {}

    shelf.age(120, NEW[1])
    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{LATER}"


@pytest.mark.parametrize("listed", [True, False], ids=["model.json", "no model.json"])
def test_while_one_is_written_the_one_before_is_the_newest(shelf: Shelf, listed: bool) -> None:
    """An empty run folder, or one that is being filled, does not hide the last whole one."""
    write_csv(shelf, *OLD, NEW[0])
    shelf.write(f"{EXPORT}/Gold/2026/08/25/0900/_started", b"")
    if listed:
        write_model(shelf, entity("Gold", NEW))
    shelf.age(600)
    shelf.age(5, NEW[0])
    segments = Segments(shelf)
    before = segments.versions(["Gold"])

    assert segments.versions(["Gold"]) == before
    assert folder_of(segments) == f"{EXPORT}/Gold/{RUN}"
    write_csv(shelf, NEW[1])
    shelf.age(600)
    assert folder_of(segments) == f"{EXPORT}/Gold/{LATER}"
    assert segments.versions(["Gold"])["Gold"] > before["Gold"]


def test_a_model_that_changes_while_it_is_read_is_no_sign(shelf: Shelf) -> None:
    """Only the very version that lists the files tells that they are whole."""

    class Changing(Shelf):
        def read(self, name: str, *, most: int | None = None) -> Blob:
            blob = super().read(name, most=most)
            self.write(name, blob.content)
            return blob

    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(10, MODEL)
    shelf.age(5, *NEW)

    with pytest.raises(InvalidSegment, match="less than two minutes ago"):
        folder_of(Segments(Changing(shelf.folder)))


def test_files_as_old_as_model_json_are_whole(shelf: Shelf) -> None:
    """Blobs tell their time in seconds: a small snapshot is written within one."""
    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(5)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{LATER}"


def test_the_reason_is_the_newest_ones(shelf: Shelf) -> None:
    """Where none is whole, the error is about the one that people wait for."""
    write_csv(shelf, *OLD, *NEW)
    shelf.age(5)

    with pytest.raises(InvalidSegment, match=f"{NEW[0]} was written"):
        folder_of(Segments(shelf))


def test_files_beside_run_folders_are_none(shelf: Shelf) -> None:
    """What once lay there is no way out where the run folder isn't whole."""
    write_csv(shelf, f"{EXPORT}/Gold/1.csv", *NEW)
    write_model(shelf, entity("Gold"))
    shelf.age(600)
    shelf.age(5, *NEW)

    with pytest.raises(InvalidSegment, match=f"{NEW[0]} was written"):
        folder_of(Segments(shelf))


def test_a_run_folder_after_the_listed_one_is_no_way_out(shelf: Shelf) -> None:
    """Where the listed one isn't whole, only one before it can stand in."""
    after = f"{EXPORT}/Gold/2026/08/26/1433/1.csv"
    write_csv(shelf, *OLD, NEW[0], after)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(600)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{RUN}"


def test_a_run_folder_that_model_json_does_not_list_yet_is_none(shelf: Shelf) -> None:
    """Where model.json lists partitions, a newer folder counts when it is listed."""
    write_csv(shelf, *OLD, *NEW)
    write_model(shelf, entity("Gold", OLD))
    shelf.age(600)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{RUN}"


def test_snapshots_are_ordered_by_folder_then_refresh_time(shelf: Shelf) -> None:
    """A later folder is newer whatever its refreshTime, and in one folder the refreshTime decides."""
    write_csv(shelf, *OLD, *NEW)
    segments = Segments(shelf)
    versions = []
    for files, time in ((OLD, "2026-08-24T14:35"), (OLD, "2026-08-24T14:35:00.5"), (NEW, "2026-08-01T00:00")):
        write_model(shelf, entity("Gold", [partition(file, refreshTime=f"{time}Z") for file in files]))
        versions.append(segments.versions(["Gold"])["Gold"])
        assert segments.newest("Gold").version == versions[-1]

    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    ("files", "time"),
    [(OLD, None), (["Gold.csv"], "2026-08-24T14:35:00Z")],
    ids=["run folder", "refreshTime"],
)
def test_another_segments_refresh_makes_none_newer(shelf: Shelf, files: list[str], time: str | None) -> None:
    """model.json's modifiedTime grows with each of them, and orders nothing where there is anything else."""
    write_csv(shelf, *files)
    gold = entity("Gold", [partition(file, refreshTime=time) for file in files])
    segments = Segments(shelf)
    found = set()
    for modified in ("2026-08-24T15:00:00Z", "2026-08-24T16:00:00Z"):
        write_model(shelf, gold, modifiedTime=modified)
        found.add(segments.versions(["Gold"])["Gold"])

    assert len(found) == 1


def test_the_time_of_model_json_orders_what_has_no_other(shelf: Shelf) -> None:
    """Files that are replaced in place are a newer snapshot when model.json is."""
    write_csv(shelf, "Gold.csv")
    segments = Segments(shelf)
    found = []
    for modified in ("2026-08-24T15:00:00Z", "2026-08-24T16:00:00Z"):
        write_model(shelf, entity("Gold", ["Gold.csv"]), modifiedTime=modified)
        found.append(segments.versions(["Gold"])["Gold"])
        assert segments.newest("Gold").refreshed_at == datetime.fromisoformat(modified)

    assert found[0] < found[1]


@pytest.mark.parametrize("listed", [["Gold.csv"], []], ids=["listed", "beside"])
def test_where_nothing_has_a_time_the_newest_file_has(shelf: Shelf, listed: list[str]) -> None:
    """People see when the snapshot was written; what orders snapshots stays as it is."""
    write_csv(shelf, "Gold.csv")
    write_model(shelf, entity("Gold", listed), folder="")
    shelf.age(600)

    snapshot = Segments(shelf).newest("Gold")

    assert snapshot.refreshed_at == shelf.stat("Gold.csv").last_modified
    assert "1970" in snapshot.version
