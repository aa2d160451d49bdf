"""The first record of a partition: whether it is a header, and what it says of the records below."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import InvalidSegment
from shared.segments.csv_text import Record

# So many columns are named in a message.
MOST_NAMED = 10
# What separates cells, where nothing says so.
DELIMITERS = ",;\t|"
# A name of a column; Dynamics 365 writes some as `(Do Not Modify) Contact`.
_NAME = re.compile(r"\(?[^\W\d]")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the cells of a record become those of the segment's columns.

    A record has `width` cells. `places` are the columns', or None where they stand in order. With
    `has_end`, the last cell is the nothing behind a comma that ends every line.
    """

    width: int
    places: tuple[int, ...] | None = None
    has_end: bool = False

    def of_rows_like(self, first: Record) -> "Shape":
        """The same columns, with or without an end, as the first row has it: the header may differ.

        A comma that ends one line only may be a shifted row, so the first one speaks for all of them.
        """
        width = self.width - self.has_end
        if not isinstance(first, str):
            if len(first) == width:
                return Shape(width, self.places)
            if len(first) == width + 1 and not first[-1].strip():
                return Shape(width + 1, self.places, has_end=True)
        return self

    def arrange(self, cells: list[str]) -> Record:
        """The columns' cells in their order, or the reason why there is none."""
        if len(cells) != self.width or (self.has_end and cells[-1].strip()):
            return "wrong_number_of_cells"
        if self.places is None:
            return cells[: self.width - self.has_end]
        return [cells[place] for place in self.places]


def is_header(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether most of the first record's cells are names of columns, which no row of people's data is."""
    names = {_folded(column) for column in columns}
    return 2 * sum(_folded(cell) in names for cell in cells) > len(cells)


def shape_of_header(name: str, header: list[str], columns: list[str]) -> Shape:
    """The shape of the records below this header of the partition called `name`.

    Its columns may stand in any order and among others, with other case and white space around. Raises
    InvalidSegment, which names the columns that are missing or there twice, never what the header holds.
    """
    if header == columns:
        return Shape(len(header))
    found = [_places(column, header) for column in columns]
    if missing := [column for column, places in zip(columns, found, strict=True) if not places]:
        raise _invalid(f"The header of {name} lacks the columns {_named(missing)}.")
    places = tuple(places[0] for places in found)
    if double := [
        column
        for column, each in zip(columns, found, strict=True)
        if len(each) > 1 or places.count(each[0]) > 1
    ]:
        raise _invalid(f"The header of {name} does not tell which cells are the columns {_named(double)}.")
    return Shape(len(header), places, not header[-1].strip())


def delimiter_of(firsts: Mapping[str, Record], columns: Sequence[str]) -> str:
    """The delimiter that a partition is written with, from its first record as each of them reads it.

    Under it most cells are names of these columns; else there are as many cells as columns, else most.
    """
    names = {_folded(column) for column in columns}

    def likeness(delimiter: str) -> tuple[int, bool, int]:
        cells = firsts[delimiter]
        if isinstance(cells, str):
            return -1, False, 0
        return sum(_folded(cell) in names for cell in cells), len(cells) == len(columns), len(cells)

    return max(firsts, key=likeness)


def column_names(name: str, header: Record) -> list[str]:
    """The names of columns in a header that nothing else is known of.

    Raises InvalidSegment for a record that may be a person's: with a blank cell (but the last), one that
    does not begin with a letter, one that is there twice, or an `@`. It says which cell, by its number.
    """
    if isinstance(header, str):
        raise _no_names(name, f"its first record can't be read ({header})")
    names = [cell.strip() for cell in header]
    if len(names) > 1 and not names[-1]:
        names.pop()
    for place, cell in enumerate(names):
        if fault := _fault_of_name(cell, names[:place]):
            raise _no_names(name, f"cell {place + 1} of its first record {fault}")
    return names


def _fault_of_name(cell: str, before: Sequence[str]) -> str | None:
    if not cell:
        return "is blank"
    if "@" in cell:
        return "has an @ in it"
    if cell in before:
        return f"is the same as cell {before.index(cell) + 1}"
    return None if _NAME.match(cell) else "does not begin with a letter"


def _places(column: str, header: Sequence[str]) -> list[int]:
    exact = [place for place, cell in enumerate(header) if cell.strip() == column]
    return exact or [place for place, cell in enumerate(header) if _folded(cell) == _folded(column)]


def _folded(name: str) -> str:
    return name.strip().casefold()


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(map(repr, columns[:MOST_NAMED])) + more


def _no_names(name: str, fault: str) -> InvalidSegment:
    return _invalid(
        f"{name} must be CSV in UTF-8 that begins with the names of its columns, since nothing else has "
        f"them: {fault}."
    )


def _invalid(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_csv")
