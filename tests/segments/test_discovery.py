"""Which files belong to a segment's name."""

import gzip
from datetime import UTC, datetime

import pytest

from shared.adapters.storage.store import Store
from shared.errors import Changed, InvalidSegment, NotFound
from shared.segments import Column, CsvFormat, Segments, Snapshot, read_rows
from shared.segments.discovery.layout import Layout, read_layout
from tests.segments.building import (
    COLUMNS,
    EXPORT,
    LATER,
    RUN,
    Shelf,
    entity,
    partition,
    write_csv,
    write_model,
)

GOLD = f"{EXPORT}/Gold/{RUN}"


def names(snapshot: Snapshot) -> list[str]:
    return [partition.name for partition in snapshot.partitions]


def test_a_snapshot_is_what_model_json_lists(store: Store) -> None:
    """Its partitions come in model.json's order, pinned, whatever the names of the files."""
    files = [f"{GOLD}/part-b.csv", f"{GOLD}/part-a.csv"]
    write_csv(store, *files, f"{GOLD}/another.csv")
    settings = {"columnHeaders": True, "delimiter": ","}
    times = {"refreshTime": "2026-08-24T14:35:00Z"}
    write_model(store, entity("High value", [partition(file, settings, **times) for file in files]))

    snapshot = Segments(store).newest("High value")

    assert (snapshot.segment, snapshot.folder) == ("High value", GOLD)
    assert snapshot.refreshed_at == datetime(2026, 8, 24, 14, 35, tzinfo=UTC)
    assert snapshot.columns == (Column("CustomerId", "string"), Column("EMail", "string"))
    assert snapshot.csv_format == CsvFormat(True, ",")
    stats = [store.stat(file) for file in files]
    assert [(p.name, p.etag, p.size) for p in snapshot.partitions] == [
        (s.name, s.etag, s.size) for s in stats
    ]


def test_a_pinned_partition_is_read_or_an_error_is_raised(store: Store) -> None:
    """Another file of the same name is not read instead."""
    write_csv(store, f"{GOLD}/Gold_1.csv")
    write_model(store, entity("Gold", [f"{GOLD}/Gold_1.csv"]))
    snapshot = Segments(store).newest("Gold")

    assert list(read_rows(store, snapshot.partitions[0], 0, snapshot.csv_format, COLUMNS)) == [
        (0, 1, ["0", "p0@example.org"])
    ]
    write_csv(store, f"{GOLD}/Gold_1.csv", people=2)
    with pytest.raises(Changed):
        list(read_rows(store, snapshot.partitions[0], 0, snapshot.csv_format, COLUMNS))


def test_a_partition_listed_twice_is_read_once(store: Store) -> None:
    """Its people are not counted as duplicates."""
    write_csv(store, f"{GOLD}/1.csv", f"{GOLD}/2.csv")
    write_model(store, entity("Gold", [f"{GOLD}/1.csv", f"{GOLD}/2.csv", f"{GOLD}/1.csv"]))

    assert names(Segments(store).newest("Gold")) == [f"{GOLD}/1.csv", f"{GOLD}/2.csv"]


@pytest.mark.parametrize("host", ["acme.blob.core.windows.net", "acme.dfs.core.windows.net", "example.org"])
@pytest.mark.parametrize("query", ["", "?snapshot=2026-08-24T14:40:00.0000000Z"])
def test_a_location_is_looked_up_in_the_configured_store(folder_store: Store, host: str, query: str) -> None:
    """The host, the container and the blob snapshot in a location are ignored."""
    write_csv(folder_store, f"{GOLD}/Gold 1.csv")
    location = f"https://{host}/whatever/{GOLD}/Gold%201.csv{query}"
    write_model(folder_store, entity("Gold", [{"location": location}]))

    assert names(Segments(folder_store).newest("Gold")) == [f"{GOLD}/Gold 1.csv"]


def test_a_location_counts_from_the_container(folder_store: Store) -> None:
    """The path of SEGMENTS_URL below its container, escaped or not, is removed and must be present."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    inside = entity("Gold", [partition(f"our%20exports/{GOLD}/1.csv")])
    outside = entity("Silver", [partition(f"our/{GOLD}/1.csv")])
    write_model(folder_store, inside, outside)

    assert names(Segments(folder_store, "our%20exports").newest("Gold")) == [f"{GOLD}/1.csv"]
    with pytest.raises(InvalidSegment, match="a location is outside the prefix of SEGMENTS_URL") as refused:
        Segments(folder_store, "our%20exports").newest("Silver")
    assert refused.value.code == "invalid_model"


@pytest.mark.parametrize("folder", ["", "Daily", "CustomerInsights_1/Daily"])
def test_a_model_is_found_up_to_two_folders_down(folder_store: Store, folder: str) -> None:
    """SEGMENTS_URL may name the container, the instance's folder, or the export's."""
    file = f"{folder}/Gold/{RUN}/1.csv".lstrip("/")
    write_csv(folder_store, file)
    write_model(folder_store, entity("Gold", [file]), folder=folder)

    assert names(Segments(folder_store).newest("Gold")) == [file]


@pytest.mark.parametrize("attributes", [[], None])
def test_a_table_without_attributes_is_refused(folder_store: Store, attributes: object) -> None:
    """Its header names the columns, but nothing shows which of them is a boolean."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    write_model(folder_store, entity("Gold", [f"{GOLD}/1.csv"], attributes=attributes))

    with pytest.raises(InvalidSegment, match="it has no attributes") as refused:
        Segments(folder_store).newest("Gold")
    assert refused.value.code == "invalid_model"


def test_files_beside_a_model_that_lists_none_are_found(shelf: Shelf) -> None:
    """The newest run folder below the entity's name is taken, and its partitions in numeric order."""
    for run, numbers in ((RUN, (1, 2)), (LATER, (10, 9, 1))):
        write_csv(shelf, *(f"{EXPORT}/Gold/{run}/Gold_{number}.csv" for number in numbers))
    shelf.write(f"{EXPORT}/Gold/{LATER}/_SUCCESS", b"")
    write_model(shelf, entity("Gold"), entity("Silver"))
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert names(snapshot) == [f"{EXPORT}/Gold/{LATER}/Gold_{number}.csv" for number in (1, 9, 10)]
    assert snapshot.refreshed_at == datetime(2026, 8, 25, 14, 33, tzinfo=UTC)
    assert snapshot.columns[1] == Column("EMail", "string")


@pytest.mark.parametrize("folder", ["high value segment", "HighValueSegment", "High_Value_Segment"])
def test_a_folders_spelling_may_differ_from_its_entitys(shelf: Shelf, folder: str) -> None:
    """Case and punctuation may differ."""
    write_csv(shelf, f"{EXPORT}/{folder}/{RUN}/1.csv")
    write_model(shelf, entity("High Value Segment"))
    shelf.age(180)

    assert names(Segments(shelf).newest("High Value Segment")) == [f"{EXPORT}/{folder}/{RUN}/1.csv"]


def test_of_similar_folders_the_exact_one_is_taken(shelf: Shelf) -> None:
    """Without an exact one, none of them is."""
    write_csv(shelf, *(f"{EXPORT}/{folder}/{RUN}/1.csv" for folder in ("gold", "Gold", "si_lver", "sil_ver")))
    write_model(shelf, entity("Gold"), entity("Silver"))
    shelf.age(180)

    assert names(Segments(shelf).newest("Gold")) == [f"{EXPORT}/Gold/{RUN}/1.csv"]
    with pytest.raises(InvalidSegment, match="'Silver' has no complete snapshot"):
        Segments(shelf).newest("Silver")


def test_the_only_folder_that_is_left_is_not_taken(shelf: Shelf) -> None:
    """Its people may be another segment's."""
    write_csv(shelf, f"{EXPORT}/Former/{RUN}/1.csv")
    write_model(shelf, entity("Gold"))
    shelf.age(180)

    with pytest.raises(InvalidSegment, match="'Gold' has no complete snapshot") as refused:
        Segments(shelf).newest("Gold")
    assert refused.value.code == "incomplete_snapshot"


@pytest.mark.parametrize(
    ("files", "others"),
    [
        (["Gold/a_2.csv", "Gold/a_10.csv.gz"], ["Gold/notes.txt", "Gold_1.csv"]),
        (["Gold_1.csv", "Gold_2.CSV.GZ", "gold_10.csv"], ["Golden_1.csv", "Gold_x.csv", "Silver_1.csv"]),
        (["Gold.csv"], ["Golden.csv"]),
    ],
)
def test_files_without_a_run_folder_are_found(shelf: Shelf, files: list[str], others: list[str]) -> None:
    """They are in the entity's folder, or beside model.json with its name."""
    write_csv(shelf, *(f"{EXPORT}/{name}" for name in files + others))
    write_model(shelf, entity("Gold"), modifiedTime="2026-08-24T15:00:00Z")
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert names(snapshot) == [f"{EXPORT}/{name}" for name in files]
    assert snapshot.refreshed_at == datetime(2026, 8, 24, 15, tzinfo=UTC)


def test_gz_in_upper_case_is_decompressed(folder_store: Store) -> None:
    """Decompression does not depend on the case of a file's name."""
    folder_store.write(f"{GOLD}/1.CSV.GZ", gzip.compress(b"CustomerId,EMail\n1,a@example.org\n"))
    write_model(folder_store, entity("Gold", [f"{GOLD}/1.CSV.GZ"]))
    snapshot = Segments(folder_store).newest("Gold")

    assert list(read_rows(folder_store, snapshot.partitions[0], 0, snapshot.csv_format, COLUMNS)) == [
        (0, 1, ["1", "a@example.org"])
    ]


@pytest.mark.parametrize("above", ["", "exports/", "CustomerInsights_1/Daily/"])
def test_without_a_model_a_segment_is_its_folder(shelf: Shelf, above: str) -> None:
    """The newest run folder counts, and the header of its first file names the columns."""
    for run in (RUN, LATER, "2025/12/31/2359"):
        write_csv(shelf, f"{above}Gold/{run}/x_2.csv", f"{above}Gold/{run}/x_10.csv")
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert names(snapshot) == [f"{above}Gold/{LATER}/x_2.csv", f"{above}Gold/{LATER}/x_10.csv"]
    assert (snapshot.segment, snapshot.folder) == ("Gold", f"{above}Gold/{LATER}")
    assert snapshot.columns == tuple(Column(name, "unclassified") for name in COLUMNS)
    assert snapshot.refreshed_at == datetime(2026, 8, 25, 14, 33, tzinfo=UTC)


def test_a_segment_is_found_by_its_folder_too(folder_store: Store) -> None:
    """If no entity has the name, a folder may; an entity's name comes first."""
    write_csv(folder_store, f"{GOLD}/1.csv", f"{EXPORT}/Silver/{RUN}/1.csv")
    write_model(
        folder_store,
        entity("High value", [f"{GOLD}/1.csv"]),
        entity("Gold", [f"{EXPORT}/Silver/{RUN}/1.csv"]),
    )
    segments = Segments(folder_store)

    assert names(segments.newest("High value")) == [f"{GOLD}/1.csv"]
    assert names(segments.newest("Gold")) == [f"{EXPORT}/Silver/{RUN}/1.csv"]
    assert segments.newest("Silver").segment == "Gold"


def test_an_ambiguous_name_needs_the_folders_above(shelf: Shelf) -> None:
    """That holds with and without a model.json, and the error lists the choices."""
    for export in ("CI_1/Daily", "CI_2/Weekly"):
        write_csv(shelf, f"{export}/Gold/{RUN}/1.csv", f"{export}/Bare/{RUN}/1.csv".replace("CI", "Plain"))
        write_model(shelf, entity("Gold", [f"{export}/Gold/{RUN}/1.csv"]), folder=export)
    shelf.age(180)
    segments = Segments(shelf)

    for name, above in (("Gold", "CI"), ("Bare", "Plain")):
        with pytest.raises(
            InvalidSegment, match=f"'{above}_1/Daily/{name}', '{above}_2/Weekly/{name}'"
        ) as refused:
            segments.newest(name)
        assert refused.value.code == "ambiguous_segment"
        for path in (f"Weekly/{name}", f"{above}_2/Weekly/{name}"):
            assert names(segments.newest(path)) == [f"{above}_2/Weekly/{name}/{RUN}/1.csv"]
        with pytest.raises(NotFound):
            segments.newest(f"ekly/{name}")


def test_the_error_of_an_unknown_name_lists_the_segments(shelf: Shelf) -> None:
    """It lists entities and folders without a model.json, but no folder without a run."""
    write_csv(shelf, f"{GOLD}/1.csv", f"Bare/{RUN}/1.csv", "Bare/2026/8/24/1.csv", "Junk/x/1.csv")
    write_model(shelf, entity("High value", [f"{GOLD}/1.csv"]), entity("Empty"))

    for name in ("gold", "Junk", "2026", "CustomerInsights_1"):
        with pytest.raises(NotFound, match=r"Segments there: 'Bare', 'Empty', 'High value'\.$") as refused:
            Segments(shelf).newest(name)
        assert refused.value.code == "unknown_segment"
    assert Segments(shelf).names() == ["Bare", "Empty", "High value"]


def test_a_walk_does_not_enter_the_years_of_a_segment(shelf: Shelf) -> None:
    """It lists segments' folders and those above, whatever they contain."""
    write_csv(shelf, *(f"Gold/{run}/1.csv" for run in (RUN, LATER)))
    shelf.calls.clear()

    assert read_layout(shelf) == Layout(models=(), folders=("Gold",))
    assert shelf.calls == ["level ", "level Gold"]


def test_an_empty_store_has_no_segments(folder_store: Store) -> None:
    """The error says so."""
    with pytest.raises(NotFound, match="Segments there: none"):
        Segments(folder_store).newest("Gold")


def test_an_invalid_model_affects_no_other(folder_store: Store) -> None:
    """A name that it may contain raises its error."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    write_model(folder_store, entity("Gold", [f"{GOLD}/1.csv"]))
    folder_store.write("CI_2/Daily/model.json", b"{")
    segments = Segments(folder_store)

    assert names(segments.newest("Gold")) == [f"{GOLD}/1.csv"]
    assert segments.versions(["Gold", "Silver"]).keys() == {"Gold"}
    with pytest.raises(InvalidSegment, match=r"CI_2/Daily/model\.json is not JSON"):
        segments.newest("Silver")


def test_a_folder_beside_an_invalid_model_is_refused(shelf: Shelf) -> None:
    """Without its types consent can't be compared, so it is an error until the model is fixed."""
    write_csv(shelf, f"{GOLD}/1.csv", f"CI_2/Daily/Silver/{RUN}/1.csv")
    shelf.write(f"{EXPORT}/model.json", b"{")
    shelf.age(180)
    segments = Segments(shelf)

    for name in ("Gold", "Daily/Gold", f"{EXPORT}/Gold"):
        with pytest.raises(InvalidSegment, match=f"{EXPORT}/model.json is not JSON"):
            segments.newest(name)
    assert names(segments.newest("Silver")) == [f"CI_2/Daily/Silver/{RUN}/1.csv"]
    assert segments.versions(["Gold", "Silver"]).keys() == {"Silver"}
    assert segments.names() == ["Gold", "Silver"]


@pytest.mark.parametrize("folder", ["Gold", "gold", "GOLD_"])
def test_a_folder_of_an_invalid_entity_is_refused(shelf: Shelf, folder: str) -> None:
    """That holds for other spellings too, and for no other folder or entity."""
    files = [f"{above}/{RUN}/1.csv" for above in (f"{EXPORT}/{folder}", f"{EXPORT}/Silver", "Bare")]
    write_csv(shelf, *files)
    write_model(shelf, entity("Gold", [f"{EXPORT}/../{folder}/{RUN}/1.csv"]), entity("Silver", [files[1]]))
    shelf.age(180)
    segments = Segments(shelf)

    for name in ("Gold", folder, f"Daily/{folder}"):
        with pytest.raises(InvalidSegment, match="the location of a partition must be a URL"):
            segments.newest(name)
    for name, file in zip(("Silver", "Bare"), files[1:], strict=True):
        assert names(segments.newest(name)) == [file]
    assert segments.names() == ["Bare", "Gold", "Silver"]
