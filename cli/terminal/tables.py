"""Tables of names and numbers, as wide as the terminal."""

from typing import override

from rich.cells import cell_len
from rich.console import RenderableType
from rich.style import StyleType
from rich.table import Table

from cli.terminal.output import console
from shared.text import shown

# Spaces between two columns.
GAP = 2


class _Names(Table):
    """A table whose cells may be names from outside."""

    @override
    def add_row(
        self,
        *renderables: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        cells = (shown(str(cell)) for cell in renderables)
        super().add_row(*cells, style=style, end_section=end_section)


def table(*columns: str, numbers: tuple[str, ...] = (), ids: tuple[str, ...] = ()) -> Table:
    """A plain table; columns of `numbers` are right-aligned. Columns of `numbers` and `ids` do not wrap."""
    made = _Names(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(
            name, justify="right" if name in numbers else "left", no_wrap=name in (*numbers, *ids)
        )
    return made


def print_table(made: Table) -> None:
    """Prints a table in the terminal's width, or wider where whole words and ids need it."""
    screen = console()
    cells = [[str(column.header), *map(str, column.cells)] for column in made.columns]
    widths = [
        max(map(cell_len, texts if column.no_wrap else " ".join(texts).split()))
        for column, texts in zip(made.columns, cells, strict=True)
    ]
    room = screen.width - sum(widths) - GAP * (len(widths) - 1)
    for column, texts, least in zip(made.columns, cells, widths, strict=True):
        more = max(0, min(room, max(map(cell_len, texts)) - least))
        room -= more
        column.width = least + more
    screen.print(made, width=screen.width + max(0, -room), crop=False)


def size(number: int) -> str:
    """A number of bytes with its unit."""
    amount = float(number)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
