"""Maps the cells of a record to the segment's columns."""

from dataclasses import dataclass

from shared.segments.csv.record import Record
from shared.text import trim


@dataclass(frozen=True, slots=True)
class CellMapping:
    """Maps records of `width` cells, and up to `max_width` if the others are blank, to the segment's columns.

    `positions` are the columns' cells, or None if the cells are in the columns' order. A position of None is
    a column without a cell.
    """

    width: int
    max_width: int
    positions: tuple[int | None, ...] | None = None

    @classmethod
    def in_order(cls, width: int) -> "CellMapping":
        """For records with a cell for each column, which may end with a delimiter."""
        return cls(width, width + 1)

    def apply(self, cells: list[str]) -> Record:
        """The columns' cells in their order, or the reason why the record is refused."""
        if not self.width <= len(cells) <= self.max_width or any(map(trim, cells[self.width :])):
            return "wrong_number_of_cells"
        if self.positions is None:
            return cells[: self.width]
        return ["" if position is None else cells[position] for position in self.positions]
