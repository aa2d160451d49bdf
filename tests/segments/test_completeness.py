"""When a snapshot is complete, and which one is the newest."""

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


def test_listed_files_are_complete_once_they_exist(store: Store) -> None:
    """model.json is written last, so a new snapshot need not wait."""
    write_csv(store, *NEW)
    write_model(store, entity("Gold", NEW))

    assert folder_of(Segments(store)) == f"{EXPORT}/Gold/{LATER}"
    assert Segments(store).versions(["Gold"]).keys() == {"Gold"}


def test_a_snapshot_that_lacks_a_partition_is_refused(store: Store) -> None:
    """The error names the first missing file, and counts them."""
    write_csv(store, NEW[0])
    write_model(store, entity("Gold", [*NEW, f"{EXPORT}/Gold/{LATER}/3.csv"]))

    with pytest.raises(InvalidSegment) as refused:
        folder_of(Segments(store))
    assert refused.value.code == "incomplete_snapshot"
    assert refused.value.message == (
        f"The segment 'Gold' has no complete snapshot: {NEW[1]} does not exist (2 of 3 files are missing)."
    )
    assert Segments(store).versions(["Gold"]) == {}


def test_a_partition_newer_than_model_json_has_to_wait(shelf: Shelf) -> None:
    """It may be incomplete, so it is taken two minutes after its last change, by the store's clock."""
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
def test_unlisted_files_have_to_wait(shelf: Shelf, listed: bool) -> None:
    """Only two minutes without a change show that the last of them was written."""
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
def test_the_previous_snapshot_is_the_newest_while_one_is_written(shelf: Shelf, listed: bool) -> None:
    """A run folder that is empty or incomplete does not hide the last complete one."""
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


def test_a_model_that_changes_while_it_is_read_proves_nothing(shelf: Shelf) -> None:
    """Only the version that lists the files shows that they are complete."""

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


def test_files_as_old_as_model_json_are_complete(shelf: Shelf) -> None:
    """Blobs have times in whole seconds, and a small snapshot is written within one."""
    write_csv(shelf, *NEW)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(5)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{LATER}"


def test_the_reason_is_that_of_the_newest_candidate(shelf: Shelf) -> None:
    """If no snapshot is complete, the error is about the one that people wait for."""
    write_csv(shelf, *OLD, *NEW)
    shelf.age(5)

    with pytest.raises(InvalidSegment, match=f"{NEW[0]} was written"):
        folder_of(Segments(shelf))


def test_files_beside_run_folders_are_ignored(shelf: Shelf) -> None:
    """Old files there do not replace a run folder that is incomplete."""
    write_csv(shelf, f"{EXPORT}/Gold/1.csv", *NEW)
    write_model(shelf, entity("Gold"))
    shelf.age(600)
    shelf.age(5, *NEW)

    with pytest.raises(InvalidSegment, match=f"{NEW[0]} was written"):
        folder_of(Segments(shelf))


def test_a_run_folder_after_the_listed_one_is_ignored(shelf: Shelf) -> None:
    """If the listed one is incomplete, only an earlier one can replace it."""
    after = f"{EXPORT}/Gold/2026/08/26/1433/1.csv"
    write_csv(shelf, *OLD, NEW[0], after)
    write_model(shelf, entity("Gold", NEW))
    shelf.age(600)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{RUN}"


def test_a_run_folder_counts_once_model_json_lists_it(shelf: Shelf) -> None:
    """If model.json lists partitions, a newer folder is ignored until it is listed."""
    write_csv(shelf, *OLD, *NEW)
    write_model(shelf, entity("Gold", OLD))
    shelf.age(600)

    assert folder_of(Segments(shelf)) == f"{EXPORT}/Gold/{RUN}"


def test_snapshots_are_ordered_by_folder_then_refresh_time(shelf: Shelf) -> None:
    """A later folder is newer whatever its refreshTime; within one folder the refreshTime decides."""
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
def test_the_refresh_of_another_segment_changes_no_version(
    shelf: Shelf, files: list[str], time: str | None
) -> None:
    """modifiedTime changes with each refresh, and counts only if there is no other time."""
    write_csv(shelf, *files)
    gold = entity("Gold", [partition(file, refreshTime=time) for file in files])
    segments = Segments(shelf)
    found = set()
    for modified in ("2026-08-24T15:00:00Z", "2026-08-24T16:00:00Z"):
        write_model(shelf, gold, modifiedTime=modified)
        found.add(segments.versions(["Gold"])["Gold"])

    assert len(found) == 1


def test_modified_time_orders_snapshots_without_another_time(shelf: Shelf) -> None:
    """Files replaced in place are a newer snapshot if model.json is newer."""
    write_csv(shelf, "Gold.csv")
    segments = Segments(shelf)
    found = []
    for modified in ("2026-08-24T15:00:00Z", "2026-08-24T16:00:00Z"):
        write_model(shelf, entity("Gold", ["Gold.csv"]), modifiedTime=modified)
        found.append(segments.versions(["Gold"])["Gold"])
        assert segments.newest("Gold").refreshed_at == datetime.fromisoformat(modified)

    assert found[0] < found[1]


@pytest.mark.parametrize("listed", [["Gold.csv"], []], ids=["listed", "beside"])
def test_without_any_time_the_newest_file_gives_it(shelf: Shelf, listed: list[str]) -> None:
    """People see when the snapshot was written; its version does not change."""
    write_csv(shelf, "Gold.csv")
    write_model(shelf, entity("Gold", listed), folder="")
    shelf.age(600)

    snapshot = Segments(shelf).newest("Gold")

    assert snapshot.refreshed_at == shelf.stat("Gold.csv").last_modified
    assert "1970" in snapshot.version
