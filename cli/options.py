"""Arguments and options that several commands share."""

import getpass
import re
from dataclasses import replace
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from platformdirs import user_state_path

from cli.completion import complete_connections, complete_exports
from cli.terminal.entry import TYPED_ID
from cli.terminal.live import WatchedClock
from cli.terminal.output import note
from shared import state
from shared.adapters.storage import open_store
from shared.administration.rights import Person, Role
from shared.errors import ExportError
from shared.runs.removal import ANY_NUMBER
from shared.services import Services
from shared.settings import Settings, folder_of

# A larger number is a mistake: no record holds it.
LARGEST = ANY_NUMBER
# Characters of a user's name.
LONGEST_USER = 200

_LIST_PAGE = re.compile(r"(?:https://)?(?:[\w-]+\.)*klaviyo\.com/lists?/([0-9A-Za-z]+)(?![^/?#])")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
# For commands that always print JSON.
errors_as_json_option = click.option(
    "--json", is_flag=True, expose_value=False, help="Print errors as JSON too."
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, LARGEST), metavar="N", help="A trial: send only the first N profiles."
)
full_option = click.option(
    "--full", is_flag=True, help="Send every profile again, even those that have not changed."
)
reconcile_option = click.option(
    "--reconcile",
    is_flag=True,
    help="Read the list's members first, and skip people who left the list on their own.",
)
readd_option = click.option(
    "--readd", is_flag=True, help="With --reconcile: send people who left the list on their own, too."
)
confirm_removals_option = click.option(
    "--confirm-removals",
    "confirmed",
    is_flag=False,
    flag_value=str(ANY_NUMBER),
    type=click.IntRange(0, LARGEST),
    metavar="[N]",
    help="Remove people who left the segment despite the safeguard; with N, only if there are at most N.",
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would be sent; send and write nothing."
)


def operator() -> Person:
    """The user of the command, as an administrator: they can write the state anyway."""
    name = "".join(filter(str.isprintable, getpass.getuser()))[:LONGEST_USER]
    return Person(name or "unknown", Role.ADMINISTRATOR)


def missing_folder(url: str) -> Path | None:
    """The folder of an address, if it does not exist yet."""
    folder = folder_of(url)
    return folder if folder is not None and not folder.exists() else None


def open_services(clock: WatchedClock | None = None) -> Services:
    """The services for the environment's settings, closed when the command ends. Raises InvalidSettings.

    A missing folder looks empty, so the command points it out.
    """
    settings = Settings.from_environment()
    if (folder := missing_folder(settings.state_url)) is not None:
        note(f"The folder {folder} of STATE_URL does not exist.")
    services = Services.from_settings(settings, clock or WatchedClock())
    return click.get_current_context().with_resource(services)


def settings_of_runs() -> Settings:
    """The settings of `send` and `runs`. Without STATE_URL and a state in this folder, the state is in the
    user's own folder, so that they find runs that they started elsewhere.

    Raises InvalidSettings.
    """
    settings = Settings.from_environment()
    if settings.state_url != Settings.state_url or missing_folder(settings.state_url) is None:
        return settings
    return replace(settings, state_url=f"file:{user_state_path('segment-export', appauthor=False)}")


def open_runs() -> Services:
    """The services for `runs`, closed when the command ends. Raises InvalidSettings."""
    services = Services.from_settings(settings_of_runs(), WatchedClock())
    return click.get_current_context().with_resource(services)


def _run_ids(beginning: str) -> list[CompletionItem]:
    """The ids of the runs, open and closed, that start with `beginning`."""
    try:
        store = open_store(settings_of_runs().state_url)
        ids = {blob.metadata["open"] for blob in store.list(state.HEADS) if "open" in blob.metadata}
        for blob in store.list(state.RUNS + beginning.partition(".")[0]):
            if run_id := state.run_of_record(blob.name):
                ids.add(run_id)
    except ExportError:
        return []
    return [
        CompletionItem(run_id)
        for run_id in sorted(ids)
        if run_id.startswith(beginning) and state.export_of(run_id)
    ]


def as_id(context: click.Context, _: click.Parameter, typed: str | None) -> str | None:
    """The typed id without capitals and spaces, which no id has; kept for the error if it is unknown."""
    if typed is not None:
        typed = context.meta[TYPED_ID] = "-".join(typed.casefold().split()) or typed
    return typed


def as_list_id(_: click.Context, __: click.Parameter, typed: str | None) -> str | None:
    """The id of a list; the address of the list's page in Klaviyo contains it."""
    typed = typed and typed.strip()
    page = _LIST_PAGE.match(typed or "")
    return page[1] if page else typed


export_argument = click.argument("export", shell_complete=complete_exports, callback=as_id)
connection_argument = click.argument("connection", shell_complete=complete_connections, callback=as_id)
run_argument = click.argument("run_id", metavar="RUN", shell_complete=lambda *typed: _run_ids(typed[-1]))
