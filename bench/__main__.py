"""python -m bench [TABLE ...]"""

import tempfile
from importlib import import_module
from pathlib import Path

import click

from bench.ground import Ground
from bench.output import machine

TABLES = (
    "million",
    "limits",
    "confirm",
    "resume",
    "start",
    "small",
    "many",
    "workers",
    "growth",
    "soak",
    "history",
    "pages",
    "sync",
)


@click.command()
@click.argument("tables", nargs=-1, type=click.Choice(TABLES))
def main(tables: tuple[str, ...]) -> None:
    """Measure, and print the tables: all of them, or those that are named."""
    click.echo(machine())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ground = Ground(Path(folder))
        for table in tables or TABLES:
            import_module(f"bench.{table}").main(ground)


if __name__ == "__main__":
    main()
