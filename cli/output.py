"""What the commands print: for a person, or as one JSON document.

Everything goes through here: a name from outside reaches a terminal with its control, format and bidi
characters as codes, so that it can neither move the cursor nor forge a line.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, override

import click
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from shared import state
from shared.runs.record import RunRecord, SegmentRecord, WarningRecord
from shared.runs.views.preview import Preview
from shared.text import shown

# Wide enough for any line: a pipe has no edge to wrap at.
NO_EDGE = 10_000
# Characters of a line, such as one with the names of all segments.
LONGEST = 10_000
# Between two columns of a table.
GAP = 2
COLOURS = {"successful": "green", "completed_with_warnings": "yellow", "failed": "red", "canceled": "red"}
SELDOM = ("filtered", "unchanged", "unconfirmed", "removed")


def console() -> Console:
    """Standard output; what is printed wraps in a terminal only, and names in it are never markup."""
    width = None if sys.stdout.isatty() else NO_EDGE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def say(text: str = "") -> None:
    """A line that is never wrapped: paths in it can be copied, whatever the width of the terminal."""
    console().print(shown(text, LONGEST), soft_wrap=True)


def note(text: str) -> None:
    """A line on standard error."""
    click.echo(shown(text, LONGEST), err=True)


def agrees(question: str, *, default: bool = False) -> bool:
    """Asks for a yes or no."""
    return click.confirm(shown(question, LONGEST), default=default)


def choose(question: str, names: Sequence[str], default: str | None) -> str:
    """Asks for one of the names, which are listed."""
    suggested = "" if default is None else f" [{default}]"
    text = shown(f"{question} ({', '.join(names)})", LONGEST) + shown(suggested)
    answer: str = click.prompt(
        text, default=default, show_default=False, show_choices=False, type=click.Choice(names)
    )
    return answer


def print_json(document: object) -> None:
    """One document; what could not be printed stands in it as JSON's own escapes."""
    text = json.dumps(document, default=_members, ensure_ascii=False, indent=2)
    if not text.isascii() or "\x7f" in text:
        text = "".join(each if each.isprintable() or each == "\n" else _escape(each) for each in text)
    click.echo(text)


def _members(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


class _Names(Table):
    """A table whose cells are names from outside."""

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
    """A plain table; columns of `numbers` are set to the right. Only columns of words wrap."""
    made = _Names(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(
            name, justify="right" if name in numbers else "left", no_wrap=name in (*numbers, *ids)
        )
    return made


def print_table(made: Table) -> None:
    """Prints a table of texts in the terminal's width, or wider where whole words and ids need it."""
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
    """Bytes, as people read them."""
    amount = float(number)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def print_run(record: RunRecord, state_url: str, as_json: bool) -> None:
    """A run: its record as JSON, or its counts as a table; `state_url` is where its refused rows are."""
    if as_json:
        print_json(record.model_dump(mode="json"))
        return
    colour = COLOURS.get(record.status, "bold")
    phase = "" if record.is_closed else f" ({record.phase})"
    title = Text.assemble(shown(f"Run {record.id}: "), (record.status, colour), phase)
    console().print(title, soft_wrap=True)
    print_segments(record.segments)
    print_counts(record.counts.model_dump())
    print_notes(record.rejected_by_reason, record.warnings)
    if record.is_closed and (record.counts.rejected or record.counts.failed):
        folder = state_url.removeprefix("file:").rstrip("/")
        say(f"refused rows: {folder}/{state.rejected(record.id)}")
    if record.error is not None:
        is_send = state.is_of_one_file(record.export)
        message = said_by_send(record.error.message) if is_send else record.error.message
        say(f"error, {record.error.code}: {message}")


def said_by_send(message: str) -> str:
    """The message of an error for `send`, whose only vault is the environment."""
    return message.replace("the vault", "KLAVIYO_API_KEY")


def print_segments(segments: Iterable[SegmentRecord]) -> None:
    """Which snapshots were read."""
    for segment in segments:
        partitions = "1 partition" if segment.partitions == 1 else f"{segment.partitions} partitions"
        say(f"  {segment.name}: {segment.snapshot} ({partitions})")


def print_counts(counts: Mapping[str, int]) -> None:
    """Counts as a table; those that are 0 and seldom anything else are left out."""
    made = table("count", "profiles", numbers=("profiles",))
    for name, count in counts.items():
        if count or name not in SELDOM:
            made.add_row(name.replace("_", " "), f"{count:,}")
    print_table(made)


def print_notes(rejected_by_reason: Mapping[str, int], warnings: Iterable[WarningRecord]) -> None:
    """Why rows were refused, and what was not as it should be."""
    for reason, count in rejected_by_reason.items():
        say(f"rejected, {reason}: {count:,}")
    for warning in warnings:
        say(f"warning, {warning.code} ({warning.count:,}): {warning.message}")


def print_runs(records: list[RunRecord]) -> None:
    """Runs as a table, one line each."""
    names = ("rows", "imported", "rejected", "failed")
    runs = table("run", "status", *names, numbers=names, ids=("run",))
    for record in records:
        counts = record.counts
        numbers = (counts.rows, counts.imported, counts.rejected, counts.failed)
        # In words, which wrap where the terminal is narrow.
        status = record.status.replace("_", " ")
        runs.add_row(record.id, status, *(f"{number:,}" for number in numbers))
    print_table(runs)


def print_preview(made: Preview, as_json: bool) -> None:
    """What a run would send: as JSON, or as a table and a few lines."""
    if as_json:
        print_json({"dry_run": True, **made.model_dump(mode="json")})
        return
    say(f"A run of {made.export} would send this to the list {made.list_id}; nothing was sent.")
    print_segments(made.segments)
    print_counts(made.counts.model_dump())
    print_notes(made.rejected_by_reason, made.warnings)
    say(f"Fields that would leave: {', '.join(made.fields)}")
    seconds = f"at least {made.least_seconds} s" if made.least_seconds else "no wait"
    say(f"Import jobs: {made.batches:,}; requests: {made.requests:,}, with {seconds} at Klaviyo's limits.")
