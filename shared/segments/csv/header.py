"""The first record of a partition: whether it is a header, and where it has the segment's columns."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from shared.errors import InvalidSegment
from shared.segments.csv.cells import CellMapping
from shared.segments.csv.record import Record
from shared.text import folded, listing, trim

MAX_COLUMNS = 10_000
# The position of a column that a header lacks.
_MISSING = -1


def is_header(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether the first record is a header of these columns: no row of people's data looks like one.

    Its cells name all the columns, or most cells are names of columns.
    """
    names = {folded(column) for column in columns}
    found = list(map(folded, cells))
    return names <= set(found) or 2 * sum(cell in names for cell in found) > len(found)


def map_header(
    name: str, header: list[str], columns: Sequence[str], needed: Collection[str] | None = None
) -> CellMapping:
    """Finds the columns in the header of the partition called `name`.

    They may be in any order and among others, and differ in case and surrounding white space. Raises
    InvalidSegment with the columns that are missing, or that occur twice and are `needed` (None: all are),
    but never with the header's own cells.
    """
    _check_width(name, header)
    width = _width(header)
    if header[:width] == columns:
        return CellMapping(width, len(header) + 1)
    exact, alike = _positions(map(trim, header)), _positions(map(folded, header))
    counts = Counter(columns)
    positions: list[int | None] = []
    missing: list[str] = []
    ambiguous: list[str] = []
    for column in columns:
        if not column or counts[column] > 1:  # no export can name it
            positions.append(None)
            continue
        position = exact[column] if column in exact else alike.get(folded(column), _MISSING)
        if position == _MISSING:
            missing.append(column)
        elif position is None:
            ambiguous.append(column)
        positions.append(position)
    shared = {position for position, count in Counter(positions).items() if count > 1}
    ambiguous += [
        column
        for column, position in zip(columns, positions, strict=True)
        if position is not None and position in shared
    ]
    if missing:
        raise _invalid(f"The header of {name} lacks the columns {listing(missing)}.")
    if wrong := [column for column in ambiguous if needed is None or column in needed]:
        raise _invalid(f"The header of {name} has several cells that may be the columns {listing(wrong)}.")
    return CellMapping(width, len(header) + 1, tuple(positions))


def column_names(name: str, header: Record) -> list[str]:
    """The names in a header whose columns nothing else names; some may be blank or occur twice.

    Raises InvalidSegment if the record can't be read, or has too many cells.
    """
    if isinstance(header, str):
        raise _invalid(
            f"The first record of {name} can't be read ({header}). The file must be CSV in UTF-8 that begins "
            "with the names of its columns."
        )
    _check_width(name, header)
    return [trim(cell) for cell in header[: _width(header)]]


def _width(header: Sequence[str]) -> int:
    """The number of columns: blank cells at the end are not columns."""
    width = len(header)
    while width > 1 and not trim(header[width - 1]):
        width -= 1
    return width


def _check_width(name: str, header: Sequence[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise _invalid(f"{name} has {len(header):,} columns; at most {MAX_COLUMNS:,} can be read.")


def _positions(names: Iterable[str]) -> dict[str, int | None]:
    """The position of each name; None for a name that occurs twice."""
    positions: dict[str, int | None] = {}
    for position, name in enumerate(names):
        positions[name] = None if name in positions else position
    return positions


def _invalid(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_csv")
