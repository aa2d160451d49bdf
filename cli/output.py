"""What the command prints: for a person, or as one JSON document."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console
from rich.table import Table

from shared.errors import ExportError, TakenElsewhere, TryLater
from shared.runs.record import RunRecord

OK, FAILED, USAGE, LEFT_OPEN, TAKEN = 0, 1, 2, 3, 75


def console() -> Console:
    return Console(highlight=False)


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Turns the errors of the block into a message and an exit code."""
    try:
        yield
    except ExportError as error:
        tell_error(error.code, error.message, as_json)
        sys.exit(_exit_code_of(error))


def tell_error(code: str, message: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": {"code": code, "message": message}})
    else:
        click.echo(f"{code}: {message}", err=True)


def _exit_code_of(error: ExportError) -> int:
    match error:
        case TakenElsewhere():
            return FAILED if error.code == "already_closed" else TAKEN
        case TryLater():
            return LEFT_OPEN
        case _:
            return USAGE


def print_json(document: object) -> None:
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def print_run(record: RunRecord, as_json: bool) -> None:
    """A run: its record as JSON, or its counts as a table."""
    if as_json:
        print_json(record.model_dump(mode="json"))
        return
    out = console()
    out.print(f"Run {record.id}: [bold]{record.status}[/bold] ({record.phase})")
    for segment in record.segments:
        out.print(f"  {segment.name}: {segment.snapshot}, {segment.partitions} partitions")
    table = Table("count", "profiles", box=None, padding=(0, 2))
    table.columns[1].justify = "right"
    for name, count in record.counts.model_dump().items():
        if count or name in ("rows", "rejected", "duplicates", "sent", "imported", "failed"):
            table.add_row(name, f"{count:,}")
    out.print(table)
    for reason, count in record.rejected_by_reason.items():
        out.print(f"  rejected, {reason}: {count:,}")
    for warning in record.warnings:
        out.print(f"  warning, {warning.code} ({warning.count:,}): {warning.message}")
    if record.error is not None:
        out.print(f"  error, {record.error.code}: {record.error.message}", markup=False)


def print_runs(records: list[RunRecord]) -> None:
    """Runs as a table, one line each."""
    table = Table("run", "status", "rows", "imported", "rejected", "failed", box=None, padding=(0, 2, 0, 0))
    for record in records:
        counts = record.counts
        numbers = (counts.rows, counts.imported, counts.rejected, counts.failed)
        table.add_row(record.id, record.status, *(f"{number:,}" for number in numbers))
    console().print(table)


def exit_code(record: RunRecord) -> int:
    """0 for a run that did its work, 1 for one that failed or was cancelled, 3 for one that is open."""
    if not record.is_closed:
        return LEFT_OPEN
    return OK if record.status in ("successful", "completed_with_warnings") else FAILED
