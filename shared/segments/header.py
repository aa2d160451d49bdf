"""The first record of a partition: whether it is a header, and what it says of the records below."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import InvalidSegment
from shared.segments.csv_text import Record

# So many columns are named in a message.
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Shape:
    """How the cells of a record become those of the segment's columns.

    A record has `width` cells. `places` are the columns', or None where they stand in order. At the
    places in `blank` is nothing, as behind a comma that ends every line.
    """

    width: int
    places: tuple[int, ...] | None = None
    blank: tuple[int, ...] = ()

    def arrange(self, cells: list[str]) -> Record:
        """The columns' cells in their order, or the reason why there is none."""
        if len(cells) != self.width or any(cells[place].strip() for place in self.blank):
            return "wrong_number_of_cells"
        return cells if self.places is None else [cells[place] for place in self.places]


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
    last = len(header) - 1
    return Shape(len(header), places, () if header[last].strip() else (last,))


def shape_of_row(cells: list[str], columns: Sequence[str]) -> Shape:
    """The shape of the records where there is no header and this is the first."""
    width = len(columns)
    if len(cells) == width + 1 and not cells[-1].strip():
        return Shape(width + 1, tuple(range(width)), (width,))
    return Shape(width)


def column_names(name: str, header: Record) -> list[str]:
    """The names of columns in a header that nothing else is known of.

    Raises InvalidSegment for a record that may be a person's: with a blank cell (but the last), one that
    does not begin with a letter, one that is there twice, or an `@`.
    """
    names = [cell.strip() for cell in header] if isinstance(header, list) else []
    if names and not names[-1]:
        names.pop()
    ok = all((cell[:1].isalpha() or cell[:1] == "_") and "@" not in cell for cell in names)
    if not names or not ok or len(set(names)) < len(names):
        raise _invalid(f"{name} does not begin with the names of its columns, and no model.json has them.")
    return names


def _places(column: str, header: Sequence[str]) -> list[int]:
    exact = [place for place, cell in enumerate(header) if cell.strip() == column]
    return exact or [place for place, cell in enumerate(header) if _folded(cell) == _folded(column)]


def _folded(name: str) -> str:
    return name.strip().casefold()


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(map(repr, columns[:MOST_NAMED])) + more


def _invalid(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_csv")
