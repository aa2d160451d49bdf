"""The count of records that is made without reading them, beside the reader itself."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.segments.csv.blocks import MAX_RECORD
from shared.segments.csv.count import RecordCount
from tests.segments.test_records import CELLS, DELIMITERS, SOUP, parsed

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
# What a quote may stand beside, so that soups of these are often nearly as RFC 4180 has them.
CRUMBS = st.lists(
    st.sampled_from(
        [
            b'"',
            b'""',
            b',"',
            b'",',
            b'"\n',
            b'\n"',
            b",",
            b";",
            b"\n",
            b"\r",
            b"\r\n",
            b"a",
            b" ",
            b"\xff",
            b"\0",
        ]
    ),
    max_size=60,
).map(b"".join)
BEGINNINGS = st.sampled_from(
    [b"", b"\xef\xbb\xbf", b"sep=;\r\n", b"\xef\xbb\xbfsep=;\n", b"sep=", b"\xef\xbb"]
)
# Rows with line breaks, quotes and delimiters in their cells. A lone blank cell would be a blank line.
CELLS_OF_LINES = st.lists(
    st.sampled_from(["a", "é", '"', ",", ";", "\n", "\r", "\r\n", " "]), max_size=6
).map("".join)
ROWS = st.lists(st.lists(CELLS | CELLS_OF_LINES, min_size=1, max_size=4), max_size=8)


def counted(content: bytes, delimiter: str = ",", piece: int = 1 << 20) -> int:
    count = RecordCount(delimiter)
    for start in range(0, len(content), piece):
        count.add(content[start : start + piece])
    return count.most()


@given(BEGINNINGS, SOUP | CRUMBS, DELIMITERS, st.integers(1, 50))
@settings(max_examples=500, deadline=None)
def test_no_bytes_have_more_records_than_are_counted(
    beginning: bytes, soup: bytes, delimiter: str, piece: int
) -> None:
    """Whatever a file holds, and wherever a piece of it ends."""
    content = beginning + soup

    assert len(parsed(content, delimiter)) <= counted(content, delimiter, piece)
    assert counted(content, delimiter, piece) == counted(content, delimiter)


@given(ROWS, DELIMITERS, LINE_ENDS, st.booleans(), st.booleans(), st.integers(1, 50))
@settings(max_examples=250, deadline=None)
def test_a_well_formed_file_is_counted_exactly(
    rows: list[list[str]], delimiter: str, line_end: str, all_quoted: bool, is_ended: bool, piece: int
) -> None:
    """However many lines its cells have: as many records as were written."""
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL,
    )
    writer.writerows(rows)
    written = text.getvalue() if is_ended else text.getvalue().removesuffix(line_end)
    content = b"\xef\xbb\xbf" + written.encode()

    assert counted(content, delimiter, piece) == len(rows) == len(parsed(content, delimiter))


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"", 0),
        (b"\xef\xbb\xbf", 0),
        (b"sep=;\r\n", 0),
        (b'sep=;\na;"x\ny";b\n', 1),
        (b'a,"x\ny"', 1),
        (b'a,"x\n""y""\n"\n', 1),
        (b'a,5" pipe\nb,6" pipe\n', 2),  # quotes in unquoted cells are characters
        (b'a,"open\nb\nc\n', 3),  # a quote that nothing closes costs its own line only
        (b'a,"x"y\nb"\nc\n', 3),
    ],
)
def test_examples(content: bytes, records: int) -> None:
    """What a first line, quoted lines and broken quotes count for."""
    assert counted(content) == records
    assert len(parsed(content)) == records


@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "unquoted"])
def test_a_record_that_is_too_long_counts_once(quote: str) -> None:
    """It is one refused row, with or without lines in its cell."""
    cell = ("bob,x\n" if quote else "xxxxxx") * (MAX_RECORD // 5)
    content = f"a,{quote}{cell}{quote},b\nc,ok\n".encode()

    assert counted(content) == len(parsed(content)) == 2
