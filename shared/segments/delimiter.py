"""Which delimiter a file is written with, where nothing says so."""

import re
from collections.abc import Mapping, Sequence

from shared.segments.csv_text import Record
from shared.segments.header import Shape, is_header
from shared.text import trim

DELIMITERS = ",;\t|"
_ADDRESS = re.compile(r"[^@\s,;|]+@[^@\s,;|]+")


def delimiter_of(samples: Mapping[str, Sequence[Record]], columns: Sequence[str] = ()) -> str:
    """The delimiter under which a file's first records make the most sense; `columns` are model.json's.

    In this order: the first record is a header of the columns; the most records have a cell that is an
    address; the most records have as many cells as there are columns, or else as the first one; records
    have the most cells.
    """

    def sense(delimiter: str) -> tuple[bool, int, int, int]:
        rows = [record for record in samples[delimiter] if not isinstance(record, str)]
        if not rows:
            return False, 0, 0, 0
        width = len(columns) or len(rows[0])
        shape = Shape.in_order(width)
        return (
            bool(columns) and is_header(rows[0], columns),
            sum(any(_ADDRESS.fullmatch(trim(cell)) for cell in row) for row in rows),
            sum(isinstance(shape.arrange(row), list) for row in rows) if width > 1 else 0,
            len(rows[0]),
        )

    return max(samples, key=sense)
