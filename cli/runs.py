"""`run` and `runs`: start, watch, list and cancel runs of the configured exports."""

import csv
import getpass
import io
import os
import time
from contextlib import nullcontext

import click

from cli.completion import complete_exports
from cli.options import (
    LARGEST,
    as_id,
    confirm_removals_option,
    dry_run_option,
    errors_as_json_option,
    full_option,
    json_option,
    limit_option,
    missing_folder,
    open_runs,
    open_services,
    operator,
    readd_option,
    reconcile_option,
    run_argument,
)
from cli.send.one_file import with_key
from cli.terminal.entry import INTERRUPTED, OK, exit_code_of, exit_code_of_run, print_error
from cli.terminal.interrupts import LEFT_OPEN, stopping
from cli.terminal.live import LOOK_EVERY, watching
from cli.terminal.output import print_json, print_line
from cli.terminal.results import print_preview, print_run, print_runs
from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.storage.writable import check_writable
from shared.administration.audit import audited
from shared.administration.rights import Action
from shared.catalog import Export
from shared.errors import AlreadyRunning, Denied, ExportError, InvalidRequest, InvalidSettings, NotFound
from shared.runs import advance
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import find_run, list_runs, read_open_run, read_rejected, read_run
from shared.runs.views.preview import preview
from shared.runs.views.recent import recent_runs
from shared.services import Services

# Seconds without progress after which a run is left open.
PATIENCE = 20 * 60
# Codes of a state that can't be written; other causes have their own.
UNSPECIFIC = frozenset({error.code for error in (Denied, InvalidRequest, NotFound)})


@click.command()
@click.argument("export", required=False, shell_complete=complete_exports, callback=as_id)
@click.option("--all", "all_", is_flag=True, help="Run every export that runs automatically.")
@dry_run_option
@limit_option
@full_option
@reconcile_option
@readd_option
@confirm_removals_option
@json_option
def run(
    export: str | None,
    all_: bool,
    dry_run: bool,
    limit: int | None,
    full: bool,
    reconcile: bool,
    readd: bool,
    confirmed: int | None,
    as_json: bool,
) -> int:
    """Run EXPORT until it is done, or resume its open run. --all runs the exports one after another.

    Example: segment-export run vip
    """
    if all_ == (export is not None):
        raise click.UsageError("Name an export, or use --all.")
    if readd and not reconcile:
        raise click.UsageError("--readd needs --reconcile.")
    if reconcile and dry_run:
        raise click.UsageError("A dry run does not read the list's members. Omit --reconcile.")
    services = open_services()
    if export is not None and (folder := missing_folder(services.settings.state_url)) is not None:
        message = f"The export {export} does not exist, because {folder} does not exist."
        raise NotFound(message, code="unknown_export")
    if dry_run and export is not None:
        made = preview(services, services.catalog.export(export), limit, full=full, confirmed=confirmed)
        print_preview(made, as_json)
        return OK
    request = Request(
        "command",
        getpass.getuser(),
        limit=limit,
        full=full,
        confirmed=confirmed,
        reconcile=reconcile,
        readd=readd,
    )
    if export is None:
        return _run_all(services, request, dry_run=dry_run, as_json=as_json)
    return conduct(services, export, request, as_json)


def _run_all(services: Services, request: Request, *, dry_run: bool, as_json: bool) -> int:
    """Runs every export that runs automatically, in the order of the listing; returns the worst exit code."""
    if dry_run:
        raise click.UsageError("--dry-run takes one export, not --all.")
    records: list[RunRecord] = []
    codes, problems = [OK], []
    for listed in services.catalog.exports():
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            if not listed.document.is_active:
                continue
            with stopping(as_json), nullcontext() if as_json else watching(services, listed.id):
                records.append(run_export(services, listed.id, request))
            codes.append(exit_code_of_run(records[-1]))
        except ExportError as error:
            problems.append({"export": listed.id, "code": error.code, "detail": error.message})
            if not as_json:
                print_error(error.code, f"{listed.id}: {error.message}", as_json=False)
            codes.append(exit_code_of(error))
    if as_json:
        shown = [record.model_dump(mode="json") for record in records]
        print_json({"runs": shown, "problems": problems})
    else:
        print_runs(records)
    return max(codes)


def conduct(services: Services, export: str, request: Request, as_json: bool) -> int:
    """Runs the export, shows progress and result, and returns the exit code; Ctrl-C leaves the run open."""
    try:
        with stopping(as_json), nullcontext() if as_json else watching(services, export):
            record = run_export(services, export, request)
        code = exit_code_of_run(record)
    except AlreadyRunning as problem:
        raise _named(services, export, problem) from None
    except (Denied, InvalidRequest, NotFound) as problem:
        if problem.code in UNSPECIFIC:
            _check_state(services)
        raise
    except KeyboardInterrupt:
        left = read_open_run(services.state, export)
        if left is None:
            raise
        record, code = left.summary(), INTERRUPTED
    print_run(record, services.settings.state_url, as_json)
    if not as_json and not record.is_closed:
        print_line(LEFT_OPEN)
    return code


def _named(services: Services, export: str, problem: AlreadyRunning) -> AlreadyRunning:
    """The same problem, with the id of the open run and how to end it."""
    run = read_open_run(services.state, export)
    if problem.code != "already_running" or run is None:
        return problem
    return AlreadyRunning(
        f"Another process is running the export {export}: {run.record.id}. "
        f"Wait until it is done, or cancel it: segment-export runs cancel {run.record.id}."
    )


def _check_state(services: Services) -> None:
    """Raises InvalidSettings if the state can't be written: the original error names only one file in it."""
    try:
        check_writable(services.state, state.probe("command"))
    except (Denied, InvalidRequest, NotFound) as problem:
        place = services.settings.state_url.removeprefix("file:")
        raise InvalidSettings(
            f"The state in {place} can't be written: set STATE_URL to another place. {problem.message}"
        ) from None


def run_export(services: Services, export: str, request: Request) -> RunRecord:
    """Runs the export in this process while it makes progress."""
    with audited(services, operator(), Action.START_RUN, f"exports/{export}"):
        return advance.run(services, export, request, Deadline(services.clock, PATIENCE, after_progress=True))


@click.group()
def runs() -> None:
    """List, show, follow and cancel runs.

    Example: segment-export runs list vip
    """


@runs.command("list")
@click.argument("export", required=False, shell_complete=complete_exports)
@click.option(
    "--limit", type=click.IntRange(1, LARGEST), default=20, show_default=True, help="The number of runs."
)
@json_option
def list_(export: str | None, limit: int, as_json: bool) -> None:
    """List the runs of EXPORT, or of all exports, newest first.

    Example: segment-export runs list vip
    """
    services = open_runs()
    if export is None:
        records, _ = recent_runs(services.state, "", limit)
    else:
        records, _ = list_runs(services.state, export, "", limit, services.clock.now())
        if not records and not state.is_of_one_file(export):
            services.catalog.export(export)
    if as_json:
        print_json({"runs": [record.model_dump(mode="json") for record in records]})
    else:
        print_runs(records)


@runs.command("show")
@run_argument
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show the record of RUN, open or closed.

    Example: segment-export runs show vip.20261123T200000Z-1f3a
    """
    services = open_runs()
    print_run(read_run(services.state, run_id), services.settings.state_url, as_json)


@runs.command("cancel")
@run_argument
@json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Cancel RUN: posts nothing more; still counts the profiles that Klaviyo has accepted.

    While Klaviyo works on accepted jobs, the run stays open. The timer closes it, or you repeat this command;
    only the command closes a run of `send`. Counting its jobs needs a key to its Klaviyo account:
    KLAVIYO_API_KEY, or the key of a connection to that account. Without one, they count as unconfirmed.

    Example: segment-export runs cancel vip.20261123T200000Z-1f3a
    """
    services = open_runs()
    run = find_run(services.state, run_id)
    if isinstance(run, RunRecord):
        raise AlreadyRunning(f"The run has already ended: {run.status}.", code="already_closed")
    key = os.environ.get("KLAVIYO_API_KEY", "").strip()
    if key and state.is_of_one_file(run.record.export):
        services = with_key(services, run, key)
    with audited(services, operator(), Action.CANCEL_RUN, f"runs/{run_id}"):
        record = advance.cancel(services, run.record, Deadline(services.clock, PATIENCE))
    print_run(record, services.settings.state_url, as_json)


@runs.command("rejected")
@run_argument
@errors_as_json_option
def rejected(run_id: str) -> None:
    """Print the refused rows of RUN as CSV, in the order of the files: places and reasons, no personal data.

    Row 1 is the first after the column names.

    Example: segment-export runs rejected vip.20261123T200000Z-1f3a > refused.csv
    """
    content = read_rejected(open_runs().state, run_id).decode()
    header, *rows = csv.reader(io.StringIO(content))
    rows.sort(key=lambda row: (row[0], int(row[1] or 0)))
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([header, *rows])
    for line in lines.getvalue().splitlines():
        print_line(line)


@runs.command("follow")
@run_argument
@json_option
def follow(run_id: str, as_json: bool) -> int:
    """Show the progress of RUN until it is closed, wherever it runs. Ctrl-C does not stop the run.

    Example: segment-export runs follow vip.20261123T200000Z-1f3a
    """
    services = open_runs()
    run = find_run(services.state, run_id)
    if not isinstance(run, RunRecord):
        with nullcontext() if as_json else watching(services, run.record.export):
            while not isinstance(run, RunRecord):
                time.sleep(LOOK_EVERY)  # with the services' clock, the run would seem to wait
                run = find_run(services.state, run_id)
    print_run(run, services.settings.state_url, as_json)
    return exit_code_of_run(run)
