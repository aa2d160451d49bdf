"""`exports add` and `exports edit`: an export from options, from questions, or in an editor."""

import json
from tempfile import NamedTemporaryFile
from typing import Any

import click

from cli.asking import can_ask, needs, pick
from cli.completion import complete_columns, complete_connections, complete_lists, complete_segments
from cli.options import as_list_id, export_argument, json_option, open_services, operator
from cli.send.command import attributes_of
from cli.send.guessing import guess_attributes
from cli.terminal.entry import FAILED, OK, exit_code_of
from cli.terminal.output import agrees, choose, note, print_json, print_line
from shared.adapters.clock import Deadline
from shared.administration import connections, exports
from shared.administration.documents import id_from, read_export
from shared.administration.exports import Saved
from shared.administration.segments import Segment, describe, overview
from shared.catalog import Connection, Cron
from shared.errors import Changed, ExportError, InvalidDocument
from shared.klaviyo import KlaviyoList
from shared.profiles.columns import email_column_of
from shared.runs.due import in_words
from shared.segments import Segments
from shared.services import Services

# Seconds for all requests to Klaviyo.
ONLINE = 120


@click.command()
@click.option("--id", "export_id", metavar="ID", help="Its id; made from the name by default.")
@click.option("--name", metavar="TEXT", help="Its name.")
@click.option(
    "--connection", metavar="CONNECTION", shell_complete=complete_connections, help="The connection."
)
@click.option(
    "--segment",
    "segments",
    metavar="SEGMENT",
    multiple=True,
    shell_complete=complete_segments,
    help="A segment; repeat it for several.",
)
@click.option(
    "--list",
    "list_id",
    metavar="LIST",
    shell_complete=complete_lists,
    callback=as_list_id,
    help="The id of the list, or the address of its page.",
)
@click.option(
    "--email", metavar="COLUMN", shell_complete=complete_columns, help="The column with the email addresses."
)
@click.option(
    "--map",
    "maps",
    metavar="ATTRIBUTE=COLUMN",
    multiple=True,
    help="An attribute and its column, as in `send`.",
)
@click.option(
    "--property", "properties", metavar="COLUMN", multiple=True, help="A column to send as a custom property."
)
@click.option("--cron", metavar="CRON", help="Run on this schedule (UTC) instead of at each refresh.")
@click.option("--inactive", is_flag=True, help="Run on demand only.")
@json_option
def add(
    export_id: str | None,
    name: str | None,
    connection: str | None,
    segments: tuple[str, ...],
    list_id: str | None,
    email: str | None,
    maps: tuple[str, ...],
    properties: tuple[str, ...],
    cron: str | None,
    inactive: bool,
    as_json: bool,
) -> int:
    """Add an export. Asks for missing options: the connection, the list, segments and columns. Starts no run.

    Example: segment-export exports add --segment HighValueSegment --list Y6nRLr --email EMail
    """
    services = open_services()
    asks = can_ask() and not as_json
    connection = connection or _connection(services, asks).id
    chosen = list(segments) or [_segment(services, asks).name]
    list_id = list_id or _list(services, connection, asks).id
    columns = _columns(services, chosen[0]) if asks and not (email and maps) else []
    email = email or _email(columns, asks)
    attributes: dict[str, Any] = attributes_of(maps)
    if asks and not maps and not properties:
        attributes = _attributes(columns, email)
    name = name if name is not None else " and ".join(chosen)
    schedule: dict[str, Any] = {"active": not inactive} | ({"when": {"cron": cron}} if cron else {})
    members = {
        "id": export_id or id_from(name, "export"),
        "display_name": name,
        "connection": connection,
        "segments": chosen,
        "list_id": list_id,
        "match": {"email": email},
        "attributes": attributes | ({"properties": list(properties)} if properties else {}),
        "schedule": schedule,
    }
    deadline = Deadline(services.clock, ONLINE)
    saved = exports.add(services, operator(), json.dumps(members).encode(), deadline)
    _print(saved, as_json)
    if not as_json:
        runs = "It runs on demand only." if inactive else "It runs automatically from the next refresh on."
        when = saved.stored.document.schedule.when
        runs = f"It runs {in_words(when)}." if isinstance(when, Cron) and not inactive else runs
        print_line(f"Nothing has run yet. {runs} To see what it would send:")
        print_line(f"  segment-export run {members['id']} --dry-run")
    return OK


@click.command()
@export_argument
def edit(export: str) -> int:
    """Change the document of EXPORT in your editor (EDITOR). Starts no run. In scripts, use `apply`.

    Example: segment-export exports edit vip
    """
    services = open_services()
    stored = read_export(services, export)
    text = json.dumps(
        stored.document.model_dump(mode="json", exclude_unset=True), indent=2, ensure_ascii=False
    )
    while True:
        edited = click.edit(text, extension=".json")
        if edited is None or edited.strip() == text.strip():
            print_line("Nothing was changed.")
            return FAILED
        try:
            deadline = Deadline(services.clock, ONLINE)
            saved = exports.change(services, operator(), export, edited.encode(), stored.etag, deadline)
        except (InvalidDocument, Changed) as error:
            print_line(error.message)
            if isinstance(error, Changed):
                stored = read_export(services, export)
            if not can_ask() or not agrees("Edit again?", default=True):
                return _keep(export, edited, error)
            text = edited
        else:
            _print(saved, as_json=False)
            return OK


def _keep(export: str, text: str, error: ExportError) -> int:
    """Keeps the edited text in a temporary file."""
    with NamedTemporaryFile("w", prefix=f"{export}-", suffix=".json", delete=False) as file:
        file.write(text)
    note(f"Nothing was saved. Your text is in {file.name}.")
    return exit_code_of(error)


def _print(saved: Saved, as_json: bool) -> None:
    document = saved.stored.document
    if as_json:
        print_json(document.model_dump(mode="json", exclude_unset=True))
        return
    print_line(f"Saved the export {document.id}.")
    for problem in saved.not_checked:
        print_line(f"  not checked: {problem.pointer}: {problem.message}")


def _connection(services: Services, asks: bool) -> Connection:
    found = [each for each in connections.visible(services, operator()) if isinstance(each, Connection)]
    return pick(
        "Connection", found, lambda each: f"{each.id} ({each.display_name})", "--connection", asks=asks
    )


def _segment(services: Services, asks: bool) -> Segment:
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    counted = [describe(services, view, each.name) if asks else each for each in overview(view)]

    def told(segment: Segment) -> str:
        if segment.error is not None:
            return f"{segment.name} ({segment.error['code']})"
        return f"{segment.name} ({segment.members or 0:,} members)"

    return pick("Segment", counted, told, "--segment", asks=asks)


def _list(services: Services, connection: str, asks: bool) -> KlaviyoList:
    found = connections.lists(services, operator(), connection, Deadline(services.clock, ONLINE))

    def told(each: KlaviyoList) -> str:
        return f"{each.name} ({each.id}, {(each.opt_in or 'unknown opt-in').replace('_', ' ')})"

    return pick("List", found, told, "--list", asks=asks)


def _columns(services: Services, segment: str) -> list[str]:
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    shown = describe(services, view, segment)
    for column in shown.columns:
        blank = "" if column.blank is None else f", {column.blank:.0%} blank"
        print_line(f"  {column.name} ({column.type}{blank})")
    return [column.name for column in shown.columns]


def _email(columns: list[str], asks: bool) -> str:
    if not asks or not columns:
        raise needs("--email")
    return choose("Column with the email addresses", columns, email_column_of(columns))


def _attributes(columns: list[str], email: str) -> dict[str, Any]:
    found = {name: column for name, column in guess_attributes(columns).items() if column != email}
    for attribute, column in found.items():
        print_line(f"  {attribute} from {column}")
    return dict(found) if found and agrees("Send these columns too?") else {}
