"""`exports`: list, show and validate the configured exports."""

from dataclasses import dataclass
from datetime import datetime

import click

from cli.documents import print_checked, read_files
from cli.options import errors_as_json_option, export_argument, json_option, open_services
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, table
from shared.adapters.clock import Deadline
from shared.administration.validation import stored_documents, validate
from shared.catalog import Cron, Export, Listed
from shared.errors import ExportError, NotFound
from shared.runs.heads.head import read_head
from shared.services import Services

# Seconds for all requests to Klaviyo.
ONLINE = 120


@click.group()
def exports() -> None:
    """List, show and validate exports.

    Example: segment-export exports list
    """


@dataclass(frozen=True, slots=True)
class Row:
    """An export in the list; `refreshed_at` is when its last run ended, as in Customer Insights."""

    id: str
    display_name: str = ""
    type: str = ""
    status: str = "none"
    refreshed_at: datetime | None = None
    schedule: str = ""
    connection: str = ""
    error: dict[str, str] | None = None


@exports.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the exports, with the status of their last run.

    Example: segment-export exports list
    """
    services = open_services()
    rows = [_row(services, listed) for listed in services.catalog.exports()]
    if as_json:
        print_json({"exports": rows})
        return
    made = table(
        "export",
        "name",
        "type",
        "status",
        "last run (UTC)",
        "schedule",
        "connection",
        ids=("export", "connection"),
    )
    for row in rows:
        time = f"{row.refreshed_at:%Y-%m-%d %H:%M}" if row.refreshed_at else ""
        status = row.status.replace("_", " ")
        made.add_row(row.id, row.display_name, row.type, status, time, row.schedule, row.connection)
    print_table(made)
    for row in rows:
        if row.error is not None:
            print_line(f"{row.id}: {row.error['message']} ({row.error['code']})")


def _row(services: Services, listed: Listed) -> Row:
    """The row of an export; a problem with it is shown in its own row."""
    export = listed.document
    if not isinstance(export, Export):
        return Row(listed.id, status="not valid", error={"code": export.code, "message": export.message})
    kind, status, refreshed_at, error = "", "none", None, None
    try:
        status, refreshed_at = _last_run(services, export.id)
        kind = services.catalog.connection(export.connection).type
    except ExportError as problem:
        error = {"code": problem.code, "message": problem.message}
    return Row(
        export.id,
        export.display_name,
        kind,
        status,
        refreshed_at,
        _schedule(export),
        export.connection or "",
        error,
    )


def _last_run(services: Services, export_id: str) -> tuple[str, datetime | None]:
    """The status of the open run, else of the last one, and when the last one ended."""
    try:
        head, _ = read_head(services.state, export_id)
    except NotFound:
        return "none", None
    last = head.last_attempt
    status = head.open.record.status if head.open else last.status if last else "none"
    return status, last.finished_at if last else None


def _schedule(export: Export) -> str:
    when = export.schedule.when
    text = f"{when.cron} ({when.timezone})" if isinstance(when, Cron) else "on refresh"
    return text if export.is_active else "none"


@exports.command("show")
@export_argument
@errors_as_json_option
def show(export: str) -> None:
    """Show the document of EXPORT, in the format of `apply`.

    Example: segment-export exports show vip > vip.json
    """
    document = open_services().catalog.export(export)
    print_json(document.model_dump(mode="json", exclude_unset=True))


@exports.command("validate")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option(
    "--online", is_flag=True, help="Also check that the list, the account and the segments' columns exist."
)
@json_option
def validate_(files: tuple[str, ...], online: bool, as_json: bool) -> int:
    """Validate documents in files, or all configured ones: shows every problem with its JSON pointer.

    Example: segment-export exports validate exports/vip.json --online
    """
    services = open_services()
    documents = read_files(files) if files else list(stored_documents(services))
    deadline = Deadline(services.clock, ONLINE) if online else None
    return print_checked(validate(services, documents, deadline), as_json)
