"""The first record of a partition: whether it is a header, and what it says of the records below."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shared.errors import InvalidSegment
from shared.segments.csv_text import Record
from shared.segments.messages import MOST_NAMED
from shared.text import shown, trim

# So many may a file have.
MOST_COLUMNS = 10_000
# The place of a column that a header lacks.
MISSING = -1


@dataclass(frozen=True, slots=True)
class Shape:
    """How the cells of a record become those of the segment's columns.

    A record has `width` cells; behind them there may be blank ones, up to `most` in all. `places` are the
    columns' cells, or None where they stand in order. A place of None is a column that has no cell.
    """

    width: int
    most: int
    places: tuple[int | None, ...] | None = None

    @classmethod
    def in_order(cls, width: int) -> "Shape":
        """Records have a cell for each column, and may end with a delimiter."""
        return cls(width, width + 1)

    def arrange(self, cells: list[str]) -> Record:
        """The columns' cells in their order, or the reason why there is none."""
        if not self.width <= len(cells) <= self.most or any(map(trim, cells[self.width :])):
            return "wrong_number_of_cells"
        if self.places is None:
            return cells[: self.width]
        return ["" if place is None else cells[place] for place in self.places]


def is_header(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether the first record is a header of these columns: no row of people's data looks like one.

    Its cells name all the columns, or most cells are names of columns.
    """
    names = {_folded(column) for column in columns}
    folded = list(map(_folded, cells))
    return names <= set(folded) or 2 * sum(cell in names for cell in folded) > len(folded)


def shape_of_header(
    name: str, header: list[str], columns: Sequence[str], needed: Collection[str] | None = None
) -> Shape:
    """The shape of the records below this header of the partition called `name`.

    Its columns may stand in any order and among others, with other case and white space around. Raises
    InvalidSegment, which names the columns that are missing, or that are there twice and `needed` (None:
    all are), never what the header holds.
    """
    _check_width(name, header)
    width = _width(header)
    if header[:width] == columns:
        return Shape(width, len(header) + 1)
    exact, folded = _places(map(trim, header)), _places(map(_folded, header))
    counts = Counter(columns)
    places: list[int | None] = []
    missing: list[str] = []
    doubled: list[str] = []
    for column in columns:
        if not column or counts[column] > 1:  # no export can name it
            places.append(None)
            continue
        place = exact[column] if column in exact else folded.get(_folded(column), MISSING)
        if place == MISSING:
            missing.append(column)
        elif place is None:
            doubled.append(column)
        places.append(place)
    shared = {place for place, count in Counter(places).items() if count > 1}
    doubled += [
        column for column, place in zip(columns, places, strict=True) if place is not None and place in shared
    ]
    if missing:
        raise _invalid(f"The header of {name} lacks the columns {_named(missing)}.")
    if wrong := [column for column in doubled if needed is None or column in needed]:
        raise _invalid(f"The header of {name} does not tell which cells are the columns {_named(wrong)}.")
    return Shape(width, len(header) + 1, tuple(places))


def column_names(name: str, header: Record) -> list[str]:
    """The names of columns in a header that nothing else is known of; some may be blank, or there twice.

    Raises InvalidSegment where the record can't be read, or has too many cells.
    """
    if isinstance(header, str):
        raise _invalid(
            f"{name} must be CSV in UTF-8 that begins with the names of its columns, and its first record "
            f"can't be read ({header})."
        )
    _check_width(name, header)
    return [trim(cell) for cell in header[: _width(header)]]


def _width(header: Sequence[str]) -> int:
    """How many columns a header has: blank cells at its end are none."""
    width = len(header)
    while width > 1 and not trim(header[width - 1]):
        width -= 1
    return width


def _check_width(name: str, header: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise _invalid(f"{name} has {len(header):,} columns; at most {MOST_COLUMNS:,} can be read.")


def _places(names: Iterable[str]) -> dict[str, int | None]:
    """The place of each name; None for a name that is there twice."""
    places: dict[str, int | None] = {}
    for place, name in enumerate(names):
        places[name] = None if name in places else place
    return places


def _folded(name: str) -> str:
    return trim(name).casefold()


def _named(columns: list[str]) -> str:
    more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
    return ", ".join(repr(shown(column)) for column in columns[:MOST_NAMED]) + more


def _invalid(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_csv")
