"""The CSV reader compared with Arrow's, on well-formed files."""

import csv
import io

import pyarrow.csv as arrow
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.segments.csv.records import records

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)
ROWS = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(ROWS, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.integers(1, 50))
@settings(max_examples=500, deadline=None)
def test_rows_are_what_arrow_reads(rows: list[list[str]], delimiter: str, line_end: str, block: int) -> None:
    """Every well-formed file has the same rows for both."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    content = text.getvalue().encode()
    names = [str(number) for number in range(len(rows[0]))]
    table = arrow.read_csv(
        io.BytesIO(content),
        read_options=arrow.ReadOptions(column_names=names, use_threads=False),
        parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, "string")),
    )

    assert list(records(lambda: io.BytesIO(content), delimiter, block_size=block)) == [
        list(row.values()) for row in table.to_pylist()
    ]
