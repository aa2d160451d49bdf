"""Tables, as Markdown, so that they go into the documentation as they are."""

import os
import platform
from collections.abc import Iterable, Sequence

import click


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table; all columns but the first stand to the right."""
    lines = [columns, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    rule = [f"{'-' * (width - 1)}:" if place else "-" * width for place, width in enumerate(widths)]
    click.echo(f"\n## {title}\n")
    for line in (lines[0], rule, *lines[1:]):
        cells = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        click.echo(f"| {' | '.join(cells)} |")


def machine() -> str:
    """What the figures come from."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"
