"""Prints runs and dry runs."""

from collections.abc import Callable, Iterable, Mapping

from rich.text import Text

from cli.terminal.output import console, print_json, print_line
from cli.terminal.tables import print_table, table
from shared import state
from shared.runs.record import RunRecord, SegmentRecord, WarningRecord
from shared.runs.views.at_klaviyo import AtKlaviyo
from shared.runs.views.preview import Preview, RejectedShown
from shared.text import shown

COLORS = {"successful": "green", "completed_with_warnings": "yellow", "failed": "red", "canceled": "red"}
# Counts that are not shown if they are 0.
SHOWN_IF_ANY = (
    "filtered",
    "unchanged",
    "new",
    "changed",
    "unconfirmed",
    "subscribed",
    "removed",
    "would_remove",
    "would_subscribe",
)


def print_run(record: RunRecord, state_url: str, as_json: bool) -> None:
    """Prints a run: its record as JSON, or its counts as a table and the place of its refused rows.

    `send` shows their lines instead, and the rows themselves in a file of their own.
    """
    if as_json:
        print_json(record.model_dump(mode="json"))
        return
    color = COLORS.get(record.status, "bold")
    phase = "" if record.is_closed else f" ({record.phase})"
    title = Text.assemble(shown(f"Run {record.id}: "), (record.status, color), phase)
    console().print(title, soft_wrap=True)
    print_segments(record.segments)
    print_counts(record.counts.model_dump())
    print_notes(record.rejected_by_reason, record.warnings)
    if record.removals_since is not None:
        print_line(f"removals held since {record.removals_since:%Y-%m-%d %H:%M} UTC")
    is_send = state.is_of_one_file(record.export)
    if record.is_closed and (record.counts.rejected or record.counts.failed) and not is_send:
        folder = state_url.removeprefix("file:").rstrip("/")
        print_line(f"refused rows: {folder}/{state.rejected(record.id)}")
    if record.error is not None:
        message = worded_for_send(record.error.message) if is_send else record.error.message
        print_line(f"error, {record.error.code}: {message}")


def worded_for_send(message: str) -> str:
    """The error's message for `send`, whose only vault is the environment."""
    return message.replace("the vault", "KLAVIYO_API_KEY")


def print_segments(segments: Iterable[SegmentRecord]) -> None:
    """Prints which snapshots were read."""
    for segment in segments:
        partitions = "1 partition" if segment.partitions == 1 else f"{segment.partitions} partitions"
        print_line(f"  {segment.name}: {segment.snapshot} ({partitions})")


def print_counts(counts: Mapping[str, int]) -> None:
    """Prints counts as a table, without the rare ones that are 0."""
    made = table("count", "profiles", numbers=("profiles",))
    for name, count in counts.items():
        if count or name not in SHOWN_IF_ANY:
            made.add_row(name.replace("_", " "), f"{count:,}")
    print_table(made)


def print_notes(rejected_by_reason: Mapping[str, int], warnings: Iterable[WarningRecord]) -> None:
    """Prints the reasons of refused rows, and the warnings."""
    for reason, count in rejected_by_reason.items():
        print_line(f"rejected, {reason}: {count:,}")
    for warning in warnings:
        print_line(f"warning, {warning.code} ({warning.count:,}): {warning.message}")


def print_runs(records: list[RunRecord]) -> None:
    """Prints runs as a table, one row each."""
    names = ("sent", "removed", "rejected", "failed")
    runs = table("run", "status", *names, numbers=names, ids=("run",))
    for record in records:
        counts = record.counts
        numbers = (getattr(counts, name) for name in names)
        # Without underscores, the text can wrap in a narrow terminal.
        status = record.status.replace("_", " ")
        runs.add_row(record.id, status, *(f"{number:,}" for number in numbers))
    print_table(runs)


def print_at_klaviyo(shown: AtKlaviyo | None) -> None:
    """Prints what is known from Klaviyo about the list, and what is not."""
    if shown is None:
        return
    if shown.list_name is not None:
        opt_in = (shown.opt_in or "unknown opt-in").replace("_", " ")
        members = "" if shown.members is None else f", {shown.members:,} members"
        print_line(f"The list at Klaviyo: {shown.list_name} ({opt_in}{members})")
    for flow in shown.flows or ():
        print_line(f"  starts the flow {flow.name} ({flow.status})")
    if shown.profiles_used is not None and shown.profiles_most is not None:
        print_line(f"Profiles of the plan: {shown.profiles_used:,} used of {shown.profiles_most:,}")
    for what, why in shown.unknown.items():
        print_line(f"Not known: {what} ({why})")


def _place(refused: RejectedShown) -> str:
    return f"{refused.partition} row {refused.row:,} {refused.column} {refused.reason}"


def print_preview(made: Preview, as_json: bool, place: Callable[[RejectedShown], str] = _place) -> None:
    """Prints what a run would send: as JSON, or as text. `place` describes where a refused row is."""
    if as_json:
        print_json({"dry_run": True, **made.model_dump(mode="json")})
        return
    print_line(f"Dry run of {made.export} to the list {made.list_id}: nothing was sent.")
    print_segments(made.segments)
    print_counts(made.counts.model_dump())
    print_notes(made.rejected_by_reason, made.warnings)
    if made.removals_held:
        print_line(f"The {made.counts.would_remove:,} removals would be held. {made.removals_held_because}")
    if made.counts.would_subscribe:
        print_line("Subscribing a suppressed profile lifts its suppression.")
    for each in made.first_rejected[:5]:
        print_line(f"  refused: {place(each)}")
    print_at_klaviyo(made.at_klaviyo)
    print_line(f"Fields to send: {', '.join(made.fields)}")
    wait = f"at least {made.least_seconds} s" if made.least_seconds else "no wait"
    print_line(f"Import jobs: {made.batches:,}; requests: {made.requests:,}, with {wait} for rate limits.")
