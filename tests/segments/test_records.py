"""The CSV reader, tested with everything that hypothesis and hostile writers produce."""

import csv
import io
import itertools
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.segments.csv.blocks import BLOCK_SIZE, MAX_RECORD
from shared.segments.csv.partition_file import ChunkFile
from shared.segments.csv.record import Record
from shared.segments.csv.records import records
from tests.segments import reference
from tests.support.growth import assert_grows_in_proportion

CORPUS = Path(__file__).parent / "corpus"
DELIMITERS = st.sampled_from(",;\t|")
# What a parser can stumble over, and something to stand between.
SOUP = st.lists(
    st.sampled_from(
        [
            b'"',
            b'""',
            b'"""',
            b",",
            b"\n",
            b"\r",
            b"\r\n",
            b"a",
            b"b",
            b" ",
            b"\t",
            b"\0",
            b"\xff",
            b"\xe2\x82",
        ]
        + [text.encode() for text in ("é", "€", "🚀", "\ufeff", "\x85", "\u2028", "\u200b")]
    ),
    max_size=40,
).map(b"".join)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6)


def parsed(content: bytes, delimiter: str = ",", *, block_size: int = BLOCK_SIZE) -> list[Record]:
    return list(records(lambda: io.BytesIO(content), delimiter, block_size=block_size))


@given(SOUP, st.integers(1, 50))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_as_the_reference_reads_them(content: bytes, block: int) -> None:
    """Any bytes, in blocks of any size, give the records that the reference reads from the whole text."""
    assert parsed(content, block_size=block) == reference.read(content, ",")


@given(SOUP, DELIMITERS, st.data())
@settings(max_examples=250, deadline=None)
def test_chunk_edges_change_nothing(content: bytes, delimiter: str, data: st.DataObject) -> None:
    """Chunks may end within a character, a CRLF or a doubled quote, and may be empty."""
    edges = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    chunks = [content[start:end] for start, end in itertools.pairwise([0, *edges, len(content)])]
    size = data.draw(st.integers(1, 20))

    found = records(lambda: io.BufferedReader(ChunkFile(chunks), size), delimiter, block_size=size)

    assert list(found) == parsed(content, delimiter)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.csv")), ids=lambda path: path.stem)
def test_no_block_edge_changes_the_corpus(path: Path) -> None:
    """Each hostile file gives the same records wherever a block ends."""
    content = path.read_bytes()
    whole = reference.read(content, ",")

    for block in range(1, len(content) + 2):
        assert parsed(content, block_size=block) == whole


@given(ROWS, DELIMITERS, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 50))
@settings(max_examples=250, deadline=None)
def test_quoted_cells_are_read_as_written(
    rows: list[list[str]], delimiter: str, line_end: str, block: int
) -> None:
    """Every cell comes back as it was, with line breaks, quotes, delimiters, addresses and white space."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)

    assert parsed(b"\xef\xbb\xbf" + text.getvalue().encode(), delimiter, block_size=block) == rows


@given(ROWS, DELIMITERS, st.integers(1, 50))
@settings(max_examples=250, deadline=None)
def test_minimally_quoted_cells_are_read_as_written(
    rows: list[list[str]], delimiter: str, block: int
) -> None:
    """Unquoted cells lose the spaces before them, and nothing else."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    bare = re.compile(r"[^\r\n\"" + re.escape(delimiter) + "]*")

    assert parsed(b"\xef\xbb\xbf" + text.getvalue().encode(), delimiter, block_size=block) == [
        [cell.lstrip(" ") if bare.fullmatch(cell) else cell for cell in row] for row in rows
    ]


def test_a_cell_of_a_megabyte_is_read() -> None:
    """Long cells are read, also if they have many lines and span many blocks."""
    long = "x" * 1_000_000
    lines = "line\r\n" * 200_000
    content = f'1,{long},a\n2,"{lines}",b\n3,"{long}""",c\n'.encode()

    assert parsed(content) == [["1", long, "a"], ["2", lines, "b"], ["3", f'{long}"', "c"]]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_no_line_of_a_quoted_cell_becomes_a_row(delimiter: str) -> None:
    """A record that RFC 4180 reads is that record, whatever its cells hold, however many lines they have."""
    note = f"Referred by:\nbob@example.org{delimiter} a friend\n" * 3000
    content = f'ann@example.org{delimiter}"{note}"\ndan@example.org{delimiter}ok\n'

    assert parsed(content.encode(), delimiter) == [["ann@example.org", note], ["dan@example.org", "ok"]]


@pytest.mark.parametrize("before", ["", "x,", '"x\ny",'], ids=["first cell", "second", "after lines"])
def test_no_line_of_a_cell_that_is_too_long_becomes_a_row(before: str) -> None:
    """A quoted cell longer than a row may be refuses its row, and no line of it becomes one."""
    content = f'{before}"{"bob@example.org,friend\n" * 150_000}",ann@example.org\ndan@example.org,ok\n'

    assert parsed(content.encode()) == ["row_too_long", ["dan@example.org", "ok"]]


def test_a_long_line_within_quotes_becomes_no_row() -> None:
    """That holds even if the cell has no line break for megabytes."""
    content = f'ann@example.org,"{"x" * 5_000_000}\nbob@example.org,"\ndan@example.org,"a ""b"""\n'

    assert parsed(content.encode()) == ["row_too_long", ["dan@example.org", 'a "b"']]


def test_undoubled_quotes_let_no_line_out() -> None:
    """If the end of the cell is still visible, all its lines are refused, and the next row is read."""
    content = b'ann@example.org,"Say "hi" to:\nbob@example.org,friend\nbye"\ndan@example.org,ok\n'

    assert parsed(content) == [*["broken_quotes"] * 3, ["dan@example.org", "ok"]]


def test_an_open_quote_after_a_cell_of_several_lines_lets_no_line_out() -> None:
    """The doubt ends with the line of the quote that stays open, not with the record's first line."""
    content = b'ann@example.org,"Hi:\nbob@example.org,x,y\nbye","open\ndan@example.org,ok,1\n'

    assert parsed(content) == [*["broken_quotes"] * 3, ["dan@example.org", "ok", "1"]]


def test_the_rest_of_a_cell_is_not_a_row() -> None:
    """If another row's quote closed an open one, both rows and the lines between are refused."""
    content = b'z@example.org,"open\nann@example.org,"\nbob@example.org,friend"\ndan@example.org,ok\n'

    assert parsed(content) == [*["broken_quotes"] * 3, ["dan@example.org", "ok"]]


def test_a_cell_that_ends_with_a_line_break_costs_nothing() -> None:
    """Its quote could open a cell too, but the text after it shows that it does not."""
    content = (
        b'a@example.org,"1 Main St\n"\nb@example.org,ok\nc@example.org,"2 Main St\n"\nd@example.org,"x"\n'
    )

    assert [record[0] for record in parsed(content)] == [f"{name}@example.org" for name in "abcd"]


def test_a_first_line_for_excel_sets_the_delimiter() -> None:
    """It is not a record."""
    assert parsed(b"sep=;\r\na;b,c\r\n") == [["a", "b,c"]]
    assert parsed(b"\xef\xbb\xbfsep=|\na|b\nsep=;\n", ";") == [["a", "b"], ["sep=;"]]


def test_an_open_quote_costs_no_other_row() -> None:
    """Before 12 MB without another quote it costs its own row only."""
    street = "x" * 220
    content = b'2,"canary@example.org,Oslo\n' + f"1,ada@example.org,{street}\n".encode() * 50_000

    found = parsed(content)

    assert found[0] == "broken_quotes"
    assert len(found) == 50_001
    assert found[1:] == [["1", "ada@example.org", street]] * 50_000


def test_open_quotes_here_and_there_cost_nobody_else() -> None:
    """However many there are in a long file, each costs its own row only."""
    rows = b"1,ada@example.org," + b"x" * 10_000 + b"\n"
    piece = b'2,"canary@example.org,Oslo\n' + rows * 100

    def open_file() -> BinaryIO:
        return io.BufferedReader(ChunkFile(itertools.repeat(piece, 80)))

    found = [isinstance(record, str) for record in records(open_file, ",")]

    assert found == ([True] + [False] * 100) * 80


def test_the_file_is_read_again_only_for_a_cell_that_is_too_long() -> None:
    """Looking ahead costs one more reading of the file at most, however many quotes never close."""
    content = b"".join(
        b'2,"canary@example.org,%d\n' % number + (b"x," + b"y" * 37 + b"\n") * 55_000 for number in range(3)
    )
    opened: list[io.BytesIO] = []

    def open_file() -> BinaryIO:
        opened.append(io.BytesIO(content))
        return opened[-1]

    assert sum(isinstance(record, str) for record in records(open_file, ",")) == 3
    assert len(opened) == 2


def test_a_line_without_an_end_is_one_refused_row() -> None:
    """A line longer than any row is dropped up to its end, and the next row is read."""
    content = b"1,a\n2,canary" + b",x" * (MAX_RECORD + 1_000_000) + b"\n3,b\n"

    assert parsed(content) == [["1", "a"], "row_too_long", ["3", "b"]]


@pytest.mark.parametrize("line", [b'a","\n', b'a,""b""\n', b'a,"b\n', b'a,"b"c\n', b'a,"b"c"\n,"\n'])
def test_broken_quotes_take_time_in_proportion(line: bytes) -> None:
    """However many quotes are broken."""

    def prepare(lines: int) -> Callable[[], object]:
        content = line * lines
        assert "broken_quotes" in parsed(line * 10)
        return lambda: parsed(content)

    assert_grows_in_proportion(prepare, 3_000)


def test_rows_come_while_the_file_is_read() -> None:
    """The reader is never more than a few blocks ahead of the rows it has yielded."""
    row = b"1,ada@example.org," + b"x" * 220 + b"\n"
    given = 0

    def chunks() -> Iterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += len(row) * 400
            yield row * 400

    def open_file() -> BinaryIO:
        return io.BufferedReader(ChunkFile(chunks()))

    ahead = [given - number * len(row) for number, _ in enumerate(records(open_file, ","))]

    assert len(ahead) == 40_000
    assert max(ahead) < 4 * BLOCK_SIZE


def test_a_line_without_an_end_takes_no_memory() -> None:
    """200 MB without a line break take a few times the memory of the longest record."""
    chunks = itertools.repeat(b"x" * 1_000_000, 200)
    tracemalloc.start()
    try:
        found = list(records(lambda: io.BufferedReader(ChunkFile(chunks)), ","))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == ["row_too_long"]
    assert peak < 10 * MAX_RECORD
