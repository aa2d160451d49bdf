"""In which line of its file a record begins."""

import io

import hypothesis
import pytest
from hypothesis import strategies as st

from shared.segments.csv.blocks import MAX_RECORD
from shared.segments.csv.lines import lines_of
from shared.segments.csv.records import records


def lines(text: str, delimiter: str = ",") -> dict[int, int]:
    content = text.encode(errors="surrogateescape")
    count = sum(1 for _ in records(lambda: io.BytesIO(content), delimiter))
    return lines_of(lambda: io.BytesIO(content), delimiter, set(range(1, count + 1)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n1,2\n3,4", {1: 1, 2: 2, 3: 3}),
        ("a,b\r\n\r\n\n1,2\r3,4\r\n", {1: 1, 2: 4, 3: 5}),
        ('a,b\n"x\ny",2\n3,4\n', {1: 1, 2: 2, 3: 4}),
        ('a,b\n"x\r\n\r\ny","z\n"\n3,4\n', {1: 1, 2: 2, 3: 6}),
        ("sep=;\na;b\n1;2\n", {1: 2, 2: 3}),
        ("\ufeffa,b\n1,2\n", {1: 1, 2: 2}),
        ("", {}),
    ],
)
def test_lines(text: str, found: dict[int, int]) -> None:
    """A record of several lines begins in its first one; blank lines count, and are no records."""
    assert lines(text) == found


def test_lines_far_into_a_file() -> None:
    """Over many blocks, with and without quotes."""
    text = "".join(f'{n},"two\nlines"\n' if n % 7 == 0 else f"{n},one\n" for n in range(30_000))
    found = lines_of(lambda: io.BytesIO(text.encode()), ",", {1, 29_999, 30_000})
    before = sum(2 if n % 7 == 0 else 1 for n in range(29_998))
    assert found == {1: 1, 29_999: before + 1, 30_000: before + 2}


def test_behind_a_record_that_is_too_long_nothing_is_said() -> None:
    """Rather than a line that may be another's."""
    long = f'a,b\n1,"{"x" * (MAX_RECORD + 10)}\n'
    content = f'{long}"\n2,3\n'.encode()
    assert lines_of(lambda: io.BytesIO(content), ",", {1, 2, 3}) == {1: 1}


@hypothesis.given(
    st.lists(st.lists(st.text('ab \n\r",;', max_size=4), min_size=2, max_size=3), max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_rfc_4180_writes_is_found_where_it_was_written(rows: list[list[str]], end: str) -> None:
    """Cells with quotes, delimiters and line ends, whatever ends a line."""
    text, begins, line = "", [], 1
    for row in rows:
        begins.append(line)
        cells = ('"' + cell.replace('"', '""') + '"' for cell in row)
        written = ",".join(cells) + end
        text += written
        line += len(written.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
    assert list(lines(text).values()) == begins
