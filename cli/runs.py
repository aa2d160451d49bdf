"""`run` and `runs`: the exports that are configured."""

import getpass
import sys

import click

from cli.output import errors, exit_code, print_json, print_run, print_runs
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs import advance
from shared.runs.cancelling import cancel as cancel_run
from shared.runs.history import list_runs, read_run
from shared.runs.record import RunRecord
from shared.runs.services import Services, process_services
from shared.runs.starting import Request

# A run that achieves nothing for so long, in seconds, is left open for the next one to go on with.
PATIENCE = 20 * 60

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else."
)


@click.command()
@click.argument("export")
@json_option
def run(export: str, as_json: bool) -> None:
    """Run EXPORT until its end, or go on with its open run.

    Example: segment-export run vip
    """
    with errors(as_json):
        record = run_export(process_services(), export)
        print_run(record, as_json)
        sys.exit(exit_code(record))


def run_export(services: Services, export: str) -> RunRecord:
    """Runs the export in this process, as long as it gets on."""
    request = Request("command", getpass.getuser())
    return advance.run(services, export, request, Deadline(services.clock, PATIENCE, after_progress=True))


@click.group()
def runs() -> None:
    """Look at runs, and cancel them."""


@runs.command("list")
@click.argument("export")
@click.option("--limit", default=20, show_default=True, help="How many.")
@json_option
def list_(export: str, limit: int, as_json: bool) -> None:
    """List the runs of EXPORT, newest first.

    Example: segment-export runs list vip
    """
    with errors(as_json):
        services = process_services()
        services.catalog.export(export)
        records, _ = list_runs(services.state, export, "", limit)
        if as_json:
            print_json({"runs": [record.model_dump(mode="json") for record in records]})
        else:
            print_runs(records)


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show the record of RUN, open or closed.

    Example: segment-export runs show vip.20261123T200000Z-1f3a
    """
    with errors(as_json):
        print_run(read_run(process_services().state, run_id), as_json)


@runs.command("cancel")
@click.argument("run_id", metavar="RUN")
@json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Cancel RUN: nothing more is posted; what Klaviyo has accepted is still counted.

    Example: segment-export runs cancel vip.20261123T200000Z-1f3a
    """
    with errors(as_json):
        services = process_services()
        record = read_run(services.state, run_id)
        if record.is_closed:
            raise AlreadyRunning(f"The run has ended: {record.status}.", code="already_closed")
        print_run(cancel_run(services, record, Deadline(services.clock, PATIENCE)), as_json)
