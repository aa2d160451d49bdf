"""The command `send`."""

import getpass
import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from cli.options import dry_run_option, json_option, limit_option
from cli.runs import conduct
from cli.send.guessing import guess_attributes, guess_email
from cli.send.one_file import CsvFile, FileDocuments, connection_of, export_of, services_of
from cli.terminal.entry import FAILED, OK
from cli.terminal.live import WatchedClock
from cli.terminal.output import agrees, choose, print_line
from cli.terminal.results import print_preview, worded_for_send
from shared.adapters.clock import Deadline
from shared.catalog.attributes import Attributes
from shared.errors import Denied, InvalidRequest, InvalidSettings, NotFound
from shared.klaviyo import PROFILE_FORMAT, Account, Klaviyo, KlaviyoList
from shared.profiles import Mapper
from shared.profiles.columns import look_like_names
from shared.runs.plan import mapping_of
from shared.runs.starting import Request
from shared.runs.views.preview import fields_of, preview
from shared.services import Services
from shared.settings import LOOPBACK, Settings

# Seconds to sign in and find the list.
ONLINE = 60
ATTRIBUTES = [field.alias or name for name, field in Attributes.model_fields.items() if name != "properties"]


@click.command()
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option("--list", "list_id", metavar="ID", required=True, help="The id of the Klaviyo list.")
@click.option("--email", metavar="COLUMN", help="The column with the email addresses.")
@click.option(
    "--map",
    "maps",
    metavar="ATTRIBUTE=COLUMN",
    multiple=True,
    help="A Klaviyo attribute, such as first_name or location.city.",
)
@click.option(
    "--property",
    "properties",
    metavar="COLUMN",
    multiple=True,
    help="A column to send as a custom property, as text.",
)
@dry_run_option
@limit_option
@click.option("--yes", is_flag=True, help="Send without asking.")
@json_option
def send(
    file: Path,
    list_id: str,
    email: str | None,
    maps: tuple[str, ...],
    properties: tuple[str, ...],
    dry_run: bool,
    limit: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Send the people in FILE.csv to a list; needs KLAVIYO_API_KEY, but no configuration.

    Where people were erased with `forget`, it also needs the secret digest-key of KEY_VAULT_URL or
    SECRETS_FILE.

    After an interruption, the same command resumes the run. In a terminal it suggests columns for missing
    options, unless --yes is given.

    Example: segment-export send people.csv --list Y6nRLr --email EMail --map first_name=FirstName
    """
    settings = Settings.from_environment()
    key = "" if dry_run else _key()
    csv_file = _opened(file)
    asks = sys.stdin.isatty() and not as_json and not yes
    attributes = attributes_of(maps)
    if email is None:
        email = _email(csv_file, asks)
    has_names = look_like_names(csv_file.columns)
    if asks and not maps and not properties and has_names:
        attributes = _suggested(csv_file, email)
    export = export_of(csv_file, list_id, email, attributes, properties)
    # Raises unless every column exists.
    columns = [(column, "") for column in csv_file.columns]
    Mapper(mapping_of(export), columns, PROFILE_FORMAT, names_by_file=not has_names)
    services = services_of(csv_file, key, settings, WatchedClock())
    click.get_current_context().with_resource(services)
    if dry_run:
        made = preview(services, export, limit)
        # Without the account, the id of the run's export is unknown.
        print_preview(made.model_copy(update={"export": file.name}), as_json)
        return OK
    has_to_ask = not yes and urlsplit(settings.klaviyo_url).hostname not in LOOPBACK
    if has_to_ask and not asks:
        raise click.UsageError("Sending needs confirmation, and this is not a terminal: add --yes.")
    klaviyo, found = _found(services, key, list_id)
    if has_to_ask:
        print_line(f"Fields to send: {', '.join(fields_of(export))}.")
        account = f"{klaviyo.account.name} ({klaviyo.account.id})"
        if not agrees(f"Send {file.name} to the list {found.name} of the account {account}?"):
            print_line("Nothing was sent.")
            return FAILED
    account_id = klaviyo.account.id
    export = export_of(csv_file, list_id, email, attributes, properties, account_id)
    connection = connection_of(
        Account(id=account_id, name=klaviyo.account.name),
        getpass.getuser(),
        services.clock.now().isoformat(),
    )
    services = replace(services, catalog=FileDocuments(export, connection))
    return conduct(services, export.id, Request("command", getpass.getuser(), limit=limit), as_json)


def _opened(path: Path) -> CsvFile:
    """Opens the file. Raises NotFound and InvalidRequest with the path as typed, and InvalidSegment."""
    if path.is_dir():
        raise InvalidRequest(f"{path} is a directory, not a CSV file.", code="unreadable_file")
    try:
        return CsvFile(path)
    except NotFound:
        problem = "is not a regular file" if path.exists() else "does not exist"
        raise NotFound(f"{path} {problem}.") from None
    except InvalidRequest:
        raise InvalidRequest(
            f"The file name {path} is not supported. Rename the file: no dot at the start, "
            "no .lock at the end, no backslash.",
            code="unreadable_file",
        ) from None


def _found(services: Services, key: str, list_id: str) -> tuple[Klaviyo, KlaviyoList]:
    """The account of the key, and the list in it. Raises Denied, NotFound."""
    deadline = Deadline(services.clock, ONLINE)
    try:
        klaviyo = services.klaviyo.sign_in(key, deadline)
        return klaviyo, klaviyo.read_list(list_id, deadline)
    except Denied as problem:
        raise Denied(worded_for_send(problem.message), code=problem.code) from None


def attributes_of(maps: tuple[str, ...]) -> dict[str, str]:
    """The columns by Klaviyo's attribute, from options like `first_name=FirstName`."""
    attributes: dict[str, str] = {}
    for attribute, column in map(_attribute, maps):
        if attribute in attributes:
            raise click.BadParameter(f"{attribute!r} is given twice.", param_hint="--map")
        attributes[attribute] = column
    return attributes


def _attribute(text: str) -> tuple[str, str]:
    attribute, equals, column = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not ATTRIBUTE=COLUMN.", param_hint="--map")
    if attribute not in ATTRIBUTES:
        names = ", ".join(ATTRIBUTES)
        raise click.BadParameter(
            f"{attribute!r} is not an attribute. The attributes are {names}.", param_hint="--map"
        )
    return attribute, column


def _email(file: CsvFile, asks: bool) -> str:
    if not look_like_names(file.columns):
        raise click.UsageError(
            f"{file.path.name} does not seem to begin with column names, so none is suggested. "
            "Name the column with the email addresses: --email COLUMN."
        )
    guess = guess_email(file)
    if not asks:
        hint = f" It may be {guess!r}." if guess else ""
        raise click.UsageError(f"Name the column with the email addresses: --email COLUMN.{hint}")
    return choose("Column with the email addresses", file.columns, guess)


def _suggested(file: CsvFile, email: str) -> dict[str, str]:
    found = {name: column for name, column in guess_attributes(file.columns).items() if column != email}
    for attribute, column in found.items():
        print_line(f"  {attribute} from {column}")
    return found if found and agrees("Send these too?", default=True) else {}


def _key() -> str:
    key = os.environ.get("KLAVIYO_API_KEY", "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidSettings("Set KLAVIYO_API_KEY to a private key of the Klaviyo account.")
    return key
