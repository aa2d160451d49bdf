"""`exports`: list, show, change, validate and remove the configured exports."""

import click

from cli.asking import is_sure
from cli.completion import complete_connections
from cli.documents import print_checked, read_files
from cli.exporting import ONLINE, add, edit
from cli.options import (
    errors_as_json_option,
    export_argument,
    json_option,
    open_services,
    operator,
    yes_option,
)
from cli.terminal.entry import FAILED, OK
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, table
from shared.adapters.clock import Deadline
from shared.administration import exports as administration
from shared.administration.overview import overview
from shared.administration.validation import stored_documents, validate
from shared.catalog import Export


@click.group()
def exports() -> None:
    """List, show, add, change, validate and remove exports.

    Example: segment-export exports list
    """


@exports.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the exports, with the status of their last run.

    Example: segment-export exports list
    """
    services = open_services()
    rows = list(overview(services, operator(), services.catalog.entries()))
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
    """Validate documents in files, or all configured ones. Shows every problem with its JSON pointer.

    Example: segment-export exports validate exports/vip.json --online
    """
    services = open_services()
    documents = read_files(files) if files else list(stored_documents(services))
    deadline = Deadline(services.clock, ONLINE) if online else None
    return print_checked(validate(services, documents, deadline), as_json)


@exports.command("duplicate")
@export_argument
@click.option("--id", "new_id", metavar="ID", help="The copy's id.")
@click.option("--name", metavar="TEXT", help="The copy's name.")
@json_option
def duplicate(export: str, new_id: str | None, name: str | None, as_json: bool) -> None:
    """Add a copy of EXPORT, which runs on demand only until you activate it.

    Example: segment-export exports duplicate vip --id vip-trial
    """
    services = open_services()
    new_id, deadline = new_id or administration.copy_id(export), Deadline(services.clock, ONLINE)
    made = administration.duplicate(services, operator(), export, new_id, name, deadline)
    _tell(as_json, made.stored.document, f"Added the export {new_id}. It runs on demand only.")


@exports.command("activate")
@export_argument
@json_option
def activate(export: str, as_json: bool) -> None:
    """Run EXPORT automatically: at each refresh, or on its schedule.

    Example: segment-export exports activate vip
    """
    changed = administration.activate(open_services(), operator(), export, active=True)
    _tell(as_json, changed.document, f"The export {export} now runs automatically.")


@exports.command("deactivate")
@export_argument
@json_option
def deactivate(export: str, as_json: bool) -> None:
    """Run EXPORT on demand only.

    Example: segment-export exports deactivate vip
    """
    changed = administration.activate(open_services(), operator(), export, active=False)
    _tell(as_json, changed.document, f"The export {export} now runs on demand only.")


@exports.command("attach")
@export_argument
@click.argument("connection", shell_complete=complete_connections)
@json_option
def attach(export: str, connection: str, as_json: bool) -> None:
    """Change the connection of EXPORT.

    Example: segment-export exports attach vip klaviyo-eu
    """
    services = open_services()
    deadline = Deadline(services.clock, ONLINE)
    changed = administration.attach(services, operator(), export, connection, deadline)
    _tell(as_json, changed.stored.document, f"The export {export} now uses the connection {connection}.")


@exports.command("detach")
@export_argument
@json_option
def detach(export: str, as_json: bool) -> None:
    """Detach EXPORT from its connection: cancels its open run. It can't run without a connection.

    Example: segment-export exports detach vip
    """
    changed = administration.detach(open_services(), operator(), export)
    _tell(as_json, changed.document, f"The export {export} no longer has a connection.")


@exports.command("remove")
@export_argument
@yes_option
@json_option
def remove(export: str, yes: bool, as_json: bool) -> int:
    """Remove EXPORT: cancels its open run; keeps the list and the records of its runs.

    Example: segment-export exports remove vip
    """
    if not is_sure(f"Remove the export {export}?", yes=yes, as_json=as_json):
        print_line("Nothing was removed.")
        return FAILED
    administration.remove(open_services(), operator(), export)
    if as_json:
        print_json({"removed": export})
    else:
        print_line(f"Removed the export {export}. The list at Klaviyo has not changed.")
    return OK


def _tell(as_json: bool, document: Export, line: str) -> None:
    if as_json:
        print_json(document.model_dump(mode="json", exclude_unset=True))
    else:
        print_line(line)


exports.add_command(add)
exports.add_command(edit)
