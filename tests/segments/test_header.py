"""How a header maps columns, and how a delimiter is detected."""

import random
from collections.abc import Callable

import pytest

from shared.errors import InvalidSegment
from shared.segments.csv.delimiter import detect_delimiter
from shared.segments.csv.header import map_header
from tests.support.growth import assert_grows_in_proportion


def test_columns_in_another_order_take_time_in_proportion() -> None:
    """However many they are."""

    def prepare(count: int) -> Callable[[], object]:
        columns = [f"Column {number}" for number in range(count)]
        header = list(columns)
        random.Random(1).shuffle(header)
        assert map_header("P", header, columns).apply(header) == columns
        return lambda: map_header("P", header, columns)

    assert_grows_in_proportion(prepare, 1_000)


def test_repeated_names_matter_only_if_needed() -> None:
    """A later file may repeat a column that no export uses."""
    header, columns = ["Notes", "EMail", "Notes"], ["EMail", "Notes"]

    assert map_header("P", header, columns, {"EMail"}).apply(["x", "a", "y"]) == ["a", ""]
    with pytest.raises(InvalidSegment, match="has several cells that may be the columns 'Notes'"):
        map_header("P", header, columns, {"EMail", "Notes"})


def test_messages_show_few_names_escaped_once() -> None:
    """That holds however many columns are missing, and whatever their names contain."""
    columns = ["\x1b[2J\u202e" + "x" * 1000, *(f"c{number}" for number in range(5000))]

    with pytest.raises(InvalidSegment) as refused:
        map_header("P", ["EMail"], columns)
    assert len(refused.value.message) < 400
    assert refused.value.message.isprintable()
    assert r"'\x1b[2J\u202exxx" in refused.value.message


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("EMail,Name;Title\na@example.org,Al;Mr\n", ","),
        ("Name;EMail\nSmith, Al;a@example.org\n", ";"),
        ("EMail;First, last;Note, x\na@example.org;Al;x\n", ";"),
        ("EMail\na@example.org\n", ","),
        ("EMail|Note\na@example.org|one; two; three\nb@example.org|\n", "|"),
        ("Note\tEMail\na,b,c\t\na,b,c\t\n", "\t"),
        ("EMail,Note\n,a;b;c\n,a;b;c\n", ","),
        ('ann@example.org,"x\nbob@example.org;z\neve@example.org;z\ny"\ndan@example.org,y\n', ","),
        ('EMail\nann@example.org\n"\nbob@example.org\ny",\n', ","),
        ('EMail\t"Note, x"\n', "\t"),
    ],
)
def test_several_records_show_the_delimiter(text: str, delimiter: str) -> None:
    """It separates addresses and gives records of one width; rows decide if the header does not."""
    assert detect_delimiter(text) == delimiter


def test_a_header_of_the_known_columns_decides() -> None:
    """If model.json has the columns, the delimiter is the one under which the header names them."""
    text = "EMail;Note, long\na@example.org;x, y\n"

    assert detect_delimiter(text, ["EMail", "Note, long"]) == ";"
