"""What the first records of a segment's files show where model.json is silent."""

from collections.abc import Iterator

import pytest

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments import CsvFormat, Segments
from tests.segments.building import EXPORT, RUN, Shelf, entity, partition, write_model

GOLD = f"{EXPORT}/Gold/{RUN}"


@pytest.mark.parametrize(
    ("header", "fault"), [(b'"canary', "broken_quotes"), (b"canary,\xff", "invalid_utf8")]
)
def test_a_first_record_that_cannot_be_read_has_no_names(shelf: Shelf, header: bytes, fault: str) -> None:
    """The error shows the reason, and nothing of the record."""
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
    """Blank, repeated and odd names matter only if an export uses them."""
    shelf.write(f"Gold/{RUN}/1.csv", header + b"\n1,2,3\n")
    shelf.age(180)

    assert [column.name for column in Segments(shelf).newest("Gold").columns] == names


def test_a_file_of_too_many_columns_is_refused_at_once(shelf: Shelf) -> None:
    """No segment has that many, and the work for each of them would take too long."""
    shelf.write(f"Gold/{RUN}/1.csv", b",".join(b"c%d" % number for number in range(80_000)) + b"\n")
    shelf.age(180)

    with pytest.raises(InvalidSegment, match=r"1\.csv has 80,000 columns; at most 10,000 can be read"):
        Segments(shelf).newest("Gold")


@pytest.mark.parametrize("content", [b"EMail\n1\n2\n", None], ids=["written anew", "removed"])
def test_a_file_that_changes_before_its_first_lines_are_read_is_reported(
    shelf: Shelf, content: bytes | None
) -> None:
    """The error is about the segment, not about another process that holds something."""

    class Changing(Shelf):
        def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
            self.delete(name)
            if content is not None:
                self.write(name, content)
            return super().stream(name, etag=etag, start_small=start_small)

    shelf.write(f"Gold/{RUN}/1.csv", b"EMail\n1\n")
    shelf.age(180)

    with pytest.raises(InvalidSegment, match="'Gold' changed while") as refused:
        Segments(Changing(shelf.folder)).newest("Gold")
    assert refused.value.code == "snapshot_changed"


def test_column_names_of_dynamics_are_accepted(shelf: Shelf) -> None:
    """Dynamics 365 exports begin with columns in parentheses."""
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
def test_a_delimiter_that_model_json_omits_is_detected(
    folder_store: Store, settings: object, content: str, delimiter: str
) -> None:
    """The columns of model.json in the first record show it, or as many cells as there are columns."""
    folder_store.write(f"{GOLD}/0.csv", b"")
    folder_store.write(f"{GOLD}/1.csv", content.encode())
    files = [partition(f"{GOLD}/{number}.csv", settings) for number in (0, 1)]
    write_model(folder_store, entity("Gold", files))

    assert Segments(folder_store).newest("Gold").csv_format == CsvFormat(None, delimiter)


def test_the_delimiter_of_model_json_is_used(folder_store: Store) -> None:
    """It counts whatever the file looks like."""
    folder_store.write(f"{GOLD}/1.csv", b"CustomerId,EMail\n")
    write_model(folder_store, entity("Gold", [partition(f"{GOLD}/1.csv", {"delimiter": ";"})]))

    assert Segments(folder_store).newest("Gold").csv_format == CsvFormat(None, ";")


def test_without_a_model_the_delimiter_with_most_columns_is_used(shelf: Shelf) -> None:
    """A comma within a name does not separate columns."""
    shelf.write(f"Gold/{RUN}/1.csv", b'EMail;"Name, first";City\n')
    shelf.age(180)

    snapshot = Segments(shelf).newest("Gold")

    assert snapshot.csv_format == CsvFormat(True, ";")
    assert [column.name for column in snapshot.columns] == ["EMail", "Name, first", "City"]
