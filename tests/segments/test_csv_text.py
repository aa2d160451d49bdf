"""The CSV reader, against everything that hypothesis and a hostile writer think of."""

import csv
import io
import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.segments import csv_text
from shared.segments.chunks import Chunks
from shared.segments.csv_text import LONGEST, Record, records
from tests.segments import reference

CORPUS = Path(__file__).parent / "corpus"
DELIMITERS = st.sampled_from(",;\t|")
# What a parser can stumble over, and something to stand between.
SOUP = st.lists(
    st.sampled_from(
        [b'"', b'""', b'"""', b",", b"\n", b"\r", b"\r\n", b"a", b"@", b" ", b"\0", b"\xff", b"\xe2\x82"]
        + [text.encode() for text in ("é", "€", "🚀", "\ufeff", "\x85", "\u2028")]
    ),
    max_size=40,
).map(b"".join)
# Without an @: with one, a line within a cell may read as a row of its own, and is tested by itself.
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0@"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6)


def parsed(content: bytes, delimiter: str = ",", *, block: int = csv_text.BLOCK) -> list[Record]:
    return list(records(io.BytesIO(content), delimiter, block=block))


@given(SOUP, st.integers(1, 50))
@settings(max_examples=1000, deadline=None)
def test_whatever_bytes_there_are_are_read_by_the_book(content: bytes, block: int) -> None:
    """Any bytes, in blocks of any size, give the records that the second reader finds in the whole text."""
    assert parsed(content, block=block) == reference.read(content, ",")


@given(SOUP, DELIMITERS, st.data())
@settings(max_examples=500, deadline=None)
def test_chunk_edges_change_nothing(content: bytes, delimiter: str, data: st.DataObject) -> None:
    """Chunks may end within a character, a CRLF or a doubled quote, and may be empty."""
    edges = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    chunks = [content[start:end] for start, end in itertools.pairwise([0, *edges, len(content)])]
    file = io.BufferedReader(Chunks(chunks), data.draw(st.integers(1, 20)))

    assert list(records(file, delimiter, block=data.draw(st.integers(1, 20)))) == parsed(content, delimiter)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.csv")), ids=lambda path: path.stem)
def test_no_block_edge_changes_the_corpus(path: Path) -> None:
    """Each hostile file gives the same records wherever a block ends."""
    content = path.read_bytes()
    whole = reference.read(content, ",")

    for block in range(1, len(content) + 2):
        assert parsed(content, block=block) == whole


@given(ROWS, DELIMITERS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.integers(1, 50))
@settings(max_examples=500, deadline=None)
def test_what_is_written_is_read(
    rows: list[list[str]], delimiter: str, line_end: str, quote_all: bool, block: int
) -> None:
    """Every cell comes back as it was, line breaks, quotes and delimiters included."""
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
    ).writerows(rows)

    assert parsed(b"\xef\xbb\xbf" + text.getvalue().encode(), delimiter, block=block) == rows


def test_a_cell_of_a_megabyte_is_read() -> None:
    """Long cells are no trouble, also where they have many lines and lie across many blocks."""
    long = "x" * 1_000_000
    lines = "line\r\n" * 200_000
    content = f'1,{long},a\n2,"{lines}",b\n3,"{long}""",c\n'.encode()

    assert parsed(content) == [["1", long, "a"], ["2", lines, "b"], ["3", f'{long}"', "c"]]


def test_an_open_quote_swallows_nobody() -> None:
    """In front of 12 MB without another quote it costs its own row and no other."""
    row = b"1,ada@example.org,Paris\n"
    content = b'2,"canary@example.org,Oslo\n' + row * 500_000

    found = parsed(content)

    assert found[0] == "broken_quotes"
    assert len(found) == 500_001
    assert found[1:] == [["1", "ada@example.org", "Paris"]] * 500_000


def test_open_quotes_here_and_there_are_no_reason_to_give_up() -> None:
    """However many there are in a long file, each costs its own row only."""
    rows = b"1,ada@example.org," + b"x" * 10_000 + b"\n"
    piece = b'2,"canary@example.org,Oslo\n' + rows * 100
    file = io.BufferedReader(Chunks(itertools.repeat(piece, 80)))

    found = [isinstance(record, str) for record in records(file, ",")]

    assert found == ([True] + [False] * 100) * 80


def test_a_quote_that_another_row_closes_swallows_nobody() -> None:
    """The rows between cost nobody but the one that opened it, also across blocks."""
    rows = "".join(f"p{number}@example.org,x\n" for number in range(20_000))
    content = f'EMail,Points\ncanary@example.org,"open\n{rows}z@example.org,6"\ny@example.org,1\n'

    header, refused, *others = parsed(content.encode())

    assert (header, refused) == (["EMail", "Points"], "broken_quotes")
    assert others[:-2] == [[f"p{number}@example.org", "x"] for number in range(20_000)]
    assert others[-2:] == [["z@example.org", '6"'], ["y@example.org", "1"]]


def test_many_cells_of_several_lines_try_nobodys_patience() -> None:
    """However many there are, and whatever their lines hold that is no row, each one is read once."""
    row = b'1,"Write to:\nada@example.org\nor byron@example.org, by noon",x\n'
    file = io.BufferedReader(Chunks(itertools.repeat(row * 1000, 200)))

    assert sum(len(record) == 3 for record in records(file, ",")) == 200_000


def test_a_line_without_an_end_is_one_refused_row() -> None:
    """What is longer than any row is forgotten up to the next line break, and the next row is read."""
    content = b"1,a\n2,canary" + b",x" * (LONGEST + 1_000_000) + b"\n3,b\n"

    assert parsed(content) == [["1", "a"], "row_too_long", ["3", "b"]]


@pytest.mark.parametrize("content", [b'a","\n' * 100_000, b'a","\n' * 2_000_000], ids=["short", "long"])
def test_quotes_past_mending_end_in_an_error(content: bytes) -> None:
    """A file in which every line opens a quote and none closes is given up, not read for hours."""
    with pytest.raises(csv.Error, match="too many broken quotes"):
        parsed(content)


def test_rows_come_while_the_file_is_read() -> None:
    """No more than a few blocks are read ahead of the rows that are out, however long the file is."""
    row = b"1,ada@example.org,Paris\n"
    given = 0

    def chunks() -> Iterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += len(row) * 4000
            yield row * 4000

    file = io.BufferedReader(Chunks(chunks()))
    ahead = [given - number * len(row) for number, _ in enumerate(records(file, ","))]

    assert len(ahead) == 400_000
    assert max(ahead) < 4 * csv_text.BLOCK


@pytest.mark.parametrize("line", [b"1,ada@example.org,Paris\n", b'a","\n'], ids=["one cell", "many cells"])
def test_an_open_quote_is_given_up_in_time(line: bytes) -> None:
    """No more than twice the longest record is read before its row is refused."""
    chunk = line * 4000
    chunks = itertools.chain([b'2,"canary\n'], itertools.repeat(chunk, 1000))

    assert next(records(io.BufferedReader(Chunks(chunks)), ",")) == "broken_quotes"
    assert sum(map(len, chunks)) > len(chunk) * 1000 - 2 * LONGEST - 2 * csv_text.BLOCK


def test_a_line_without_an_end_takes_no_memory() -> None:
    """200 MB without a line break pass through in a few times the longest record."""
    chunks = itertools.repeat(b"x" * 1_000_000, 200)
    tracemalloc.start()
    try:
        found = list(records(io.BufferedReader(Chunks(chunks)), ","))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == ["row_too_long"]
    assert peak < 10 * LONGEST
