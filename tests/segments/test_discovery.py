"""Which files a segment's name leads to."""

import gzip
from collections.abc import Iterator
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
    """Its partitions come in model.json's order, pinned; the file's names tell nothing."""
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


def test_a_pinned_partition_is_read_or_the_reading_fails(store: Store) -> None:
    """Another file of the same name is not read in its place."""
    write_csv(store, f"{GOLD}/Gold_1.csv")
    write_model(store, entity("Gold", [f"{GOLD}/Gold_1.csv"]))
    snapshot = Segments(store).newest("Gold")

    assert list(read_rows(store, snapshot.partitions[0], 0, snapshot.csv_format, COLUMNS)) == [
        (0, 1, ["0", "p0@example.org"])
    ]
    write_csv(store, f"{GOLD}/Gold_1.csv", people=2)
    with pytest.raises(Changed):
        list(read_rows(store, snapshot.partitions[0], 0, snapshot.csv_format, COLUMNS))


def test_a_partition_that_is_listed_twice_is_read_once(store: Store) -> None:
    """Its people are no duplicates of themselves."""
    write_csv(store, f"{GOLD}/1.csv", f"{GOLD}/2.csv")
    write_model(store, entity("Gold", [f"{GOLD}/1.csv", f"{GOLD}/2.csv", f"{GOLD}/1.csv"]))

    assert names(Segments(store).newest("Gold")) == [f"{GOLD}/1.csv", f"{GOLD}/2.csv"]


@pytest.mark.parametrize("host", ["acme.blob.core.windows.net", "acme.dfs.core.windows.net", "example.org"])
@pytest.mark.parametrize("query", ["", "?snapshot=2026-08-24T14:40:00.0000000Z"])
def test_a_location_is_looked_up_where_we_are(folder_store: Store, host: str, query: str) -> None:
    """Host, container and the blob's snapshot in a location do not matter."""
    write_csv(folder_store, f"{GOLD}/Gold 1.csv")
    location = f"https://{host}/whatever/{GOLD}/Gold%201.csv{query}"
    write_model(folder_store, entity("Gold", [{"location": location}]))

    assert names(Segments(folder_store).newest("Gold")) == [f"{GOLD}/Gold 1.csv"]


def test_a_location_counts_from_the_container(folder_store: Store) -> None:
    """What SEGMENTS_URL has behind its container, escaped or not, is taken off and has to be there."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    inside = entity("Gold", [partition(f"our%20exports/{GOLD}/1.csv")])
    outside = entity("Silver", [partition(f"our/{GOLD}/1.csv")])
    write_model(folder_store, inside, outside)

    assert names(Segments(folder_store, "our%20exports").newest("Gold")) == [f"{GOLD}/1.csv"]
    with pytest.raises(InvalidSegment, match="a location is outside the prefix of SEGMENTS_URL") as refused:
        Segments(folder_store, "our%20exports").newest("Silver")
    assert refused.value.code == "invalid_model"


@pytest.mark.parametrize("folder", ["", "Daily", "CustomerInsights_1/Daily"])
def test_a_model_lies_up_to_two_folders_down(folder_store: Store, folder: str) -> None:
    """SEGMENTS_URL may name the container, the instance's folder, or the export's."""
    file = f"{folder}/Gold/{RUN}/1.csv".lstrip("/")
    write_csv(folder_store, file)
    write_model(folder_store, entity("Gold", [file]), folder=folder)

    assert names(Segments(folder_store).newest("Gold")) == [file]


@pytest.mark.parametrize("attributes", [[], None])
def test_a_table_without_attributes_is_refused(folder_store: Store, attributes: object) -> None:
    """The header would name its columns, but nothing would say which of them is a boolean."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    write_model(folder_store, entity("Gold", [f"{GOLD}/1.csv"], attributes=attributes))

    with pytest.raises(InvalidSegment, match="it has no attributes") as refused:
        Segments(folder_store).newest("Gold")
    assert refused.value.code == "invalid_model"


@pytest.mark.parametrize(
    ("header", "fault"), [(b'"canary', "broken_quotes"), (b"canary,\xff", "invalid_utf8")]
)
def test_a_first_record_that_cannot_be_read_has_no_names(shelf: Shelf, header: bytes, fault: str) -> None:
    """The error shows why, and nothing of what stands there."""
    shelf.write(f"Gold/{RUN}/1.csv", header + b"\n1,2,3\n")
    shelf.age(180)

    with pytest.raises(InvalidSegment) as refused:
        Segments(shelf).newest("Gold")
    assert refused.value.message == (
        f"The first record of Gold/{RUN}/1.csv can't be read ({fault}). The file must be CSV in UTF-8 that "
        "begins with the names of its columns."
    )


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b",EMail,First", ["", "EMail", "First"]),
        (b"EMail,Notes,Notes", ["EMail", "Notes", "Notes"]),
        (b"EMail,# Orders,% off", ["EMail", "# Orders", "% off"]),
        (b"EMail,First,,", ["EMail", "First"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfEMail, First ", ["EMail", "First"]),
    ],
)
def test_names_that_no_export_uses_may_be_anything(shelf: Shelf, header: bytes, names: list[str]) -> None:
    """Blank, doubled and odd names matter only where an export names them."""
    shelf.write(f"Gold/{RUN}/1.csv", header + b"\n1,2,3\n")
    shelf.age(180)

    assert [column.name for column in Segments(shelf).newest("Gold").columns] == names


def test_a_file_of_too_many_columns_is_refused_at_once(shelf: Shelf) -> None:
    """No segment has that many, and what is done for each of them would take for ever."""
    shelf.write(f"Gold/{RUN}/1.csv", b",".join(b"c%d" % number for number in range(80_000)) + b"\n")
    shelf.age(180)

    with pytest.raises(InvalidSegment, match=r"1\.csv has 80,000 columns; at most 10,000 can be read"):
        Segments(shelf).newest("Gold")


@pytest.mark.parametrize("content", [b"EMail\n1\n2\n", None], ids=["written anew", "removed"])
def test_a_file_that_changes_before_it_is_looked_into_says_so(shelf: Shelf, content: bytes | None) -> None:
    """It is the segment that has to come to rest, and nobody else who is in the way."""

    class Changing(Shelf):
        def stream(self, name: str, *, etag: str) -> Iterator[bytes]:
            self.delete(name)
            if content is not None:
                self.write(name, content)
            return super().stream(name, etag=etag)

    shelf.write(f"Gold/{RUN}/1.csv", b"EMail\n1\n")
    shelf.age(180)

    with pytest.raises(InvalidSegment, match="'Gold' changed while") as refused:
        Segments(Changing(shelf.folder)).newest("Gold")
    assert refused.value.code == "snapshot_changed"


def test_dynamics_names_of_columns_are_names(shelf: Shelf) -> None:
    """Its own exports to Excel begin with columns in parentheses."""
    shelf.write(f"Gold/{RUN}/1.csv", b"(Do Not Modify) Contact,Full Name,\n1,x,\n")
    shelf.age(180)

    columns = Segments(shelf).newest("Gold").columns
    assert [column.name for column in columns] == ["(Do Not Modify) Contact", "Full Name"]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("CustomerId;EMail\n1;a@example.org\n", ";"),
        ("EMail\tNotes, if any, of ours\tCustomerId\n", "\t"),
        ('1;"a@example.org"\n', ";"),
        ("1|a, b, c\n", "|"),
        ("1,a@example.org\n", ","),
        ("", ","),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"delimiter": ""}])
def test_a_delimiter_that_nobody_tells_is_the_files(
    folder_store: Store, settings: object, content: str, delimiter: str
) -> None:
    """By the columns of model.json in its first record, or as many cells as there are columns."""
    folder_store.write(f"{GOLD}/0.csv", b"")
    folder_store.write(f"{GOLD}/1.csv", content.encode())
    files = [partition(f"{GOLD}/{number}.csv", settings) for number in (0, 1)]
    write_model(folder_store, entity("Gold", files))

    assert Segments(folder_store).newest("Gold").csv_format == CsvFormat(None, delimiter)


def test_a_delimiter_that_model_json_tells_is_the_one(folder_store: Store) -> None:
    """Whatever the file looks like."""
    folder_store.write(f"{GOLD}/1.csv", b"CustomerId,EMail\n")
    write_model(folder_store, entity("Gold", [partition(f"{GOLD}/1.csv", {"delimiter": ";"})]))

    assert Segments(folder_store).newest("Gold").csv_format == CsvFormat(None, ";")


def test_without_a_model_the_delimiter_that_makes_most_columns_is_taken(shelf: Shelf) -> None:
    """A comma in a name makes no column."""
    shelf.write(f"Gold/{RUN}/1.csv", b'EMail;"Name, first";City\n')
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert snapshot.csv_format == CsvFormat(True, ";")
    assert [column.name for column in snapshot.columns] == ["EMail", "Name, first", "City"]


def test_files_beside_a_model_that_lists_none_are_found(shelf: Shelf) -> None:
    """The newest run folder under the entity's name, its partitions by their numbers."""
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
def test_a_folder_may_be_spelled_otherwise_than_its_entity(shelf: Shelf, folder: str) -> None:
    """Case and punctuation may differ."""
    write_csv(shelf, f"{EXPORT}/{folder}/{RUN}/1.csv")
    write_model(shelf, entity("High Value Segment"))
    shelf.age(180)

    assert names(Segments(shelf).newest("High Value Segment")) == [f"{EXPORT}/{folder}/{RUN}/1.csv"]


def test_of_folders_that_are_alike_the_exact_one_is_taken(shelf: Shelf) -> None:
    """And none of them where there is no exact one."""
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
    """They lie in the entity's folder, or beside model.json under its name."""
    write_csv(shelf, *(f"{EXPORT}/{name}" for name in files + others))
    write_model(shelf, entity("Gold"), modifiedTime="2026-08-24T15:00:00Z")
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert names(snapshot) == [f"{EXPORT}/{name}" for name in files]
    assert snapshot.refreshed_at == datetime(2026, 8, 24, 15, tzinfo=UTC)


def test_a_packed_file_may_shout(folder_store: Store) -> None:
    """Whether a file is unpacked does not depend on the case of its name."""
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
    """Where no table has the name, a folder may; a table's name comes first."""
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


def test_a_name_that_several_have_must_be_told_apart(shelf: Shelf) -> None:
    """By the folders above, whether there is a model.json or not; the error says which there are."""
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


def test_an_unknown_name_is_told_what_there_is(shelf: Shelf) -> None:
    """Tables and bare folders are listed, and folders without a run are not."""
    write_csv(shelf, f"{GOLD}/1.csv", f"Bare/{RUN}/1.csv", "Bare/2026/8/24/1.csv", "Junk/x/1.csv")
    write_model(shelf, entity("High value", [f"{GOLD}/1.csv"]), entity("Empty"))

    for name in ("gold", "Junk", "2026", "CustomerInsights_1"):
        with pytest.raises(NotFound, match=r"Segments there: 'Bare', 'Empty', 'High value'\.$") as refused:
            Segments(shelf).newest(name)
        assert refused.value.code == "unknown_segment"
    assert Segments(shelf).names() == ["Bare", "Empty", "High value"]


def test_the_years_of_a_segment_are_not_walked_through(shelf: Shelf) -> None:
    """A look around lists the folders above the segments and theirs, whatever they hold."""
    write_csv(shelf, *(f"Gold/{run}/1.csv" for run in (RUN, LATER)))
    shelf.calls.clear()

    assert read_layout(shelf) == Layout(models=(), folders=("Gold",))
    assert shelf.calls == ["level ", "level Gold"]


def test_where_nothing_is_there_is_nothing_to_list(folder_store: Store) -> None:
    """An empty store is no mystery."""
    with pytest.raises(NotFound, match="Segments there: none"):
        Segments(folder_store).newest("Gold")


def test_a_broken_model_stops_no_other(folder_store: Store) -> None:
    """Who asks for what it may hold is told that it is broken."""
    write_csv(folder_store, f"{GOLD}/1.csv")
    write_model(folder_store, entity("Gold", [f"{GOLD}/1.csv"]))
    folder_store.write("CI_2/Daily/model.json", b"{")
    segments = Segments(folder_store)

    assert names(segments.newest("Gold")) == [f"{GOLD}/1.csv"]
    assert segments.versions(["Gold", "Silver"]).keys() == {"Gold"}
    with pytest.raises(InvalidSegment, match=r"CI_2/Daily/model\.json is not JSON"):
        segments.newest("Silver")


def test_a_folder_beside_a_broken_model_is_not_read_without_it(shelf: Shelf) -> None:
    """Types would be lost, and with them who withheld consent: it is an error until it is mended."""
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
def test_a_folder_is_not_read_without_its_broken_entity(shelf: Shelf, folder: str) -> None:
    """Also where it is spelled otherwise; other folders and entities are none of its business."""
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
