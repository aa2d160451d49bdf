"""The command `send`."""

import getpass
import os
import re
import sys
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import click

from cli.asking import pick
from cli.options import as_list_id, dry_run_option, json_option, limit_option, settings_of_runs
from cli.runs import conduct
from cli.send.conditions import check_contradictions, choose_condition, parse_condition
from cli.send.inputs import STANDARD_INPUT, open_inputs
from cli.send.one_file import CsvFiles, FileDocuments, connection_of, export_of, services_of
from cli.send.questions import Given, choose_columns
from cli.send.refused import (
    Places,
    places_of,
    refused_in,
    refused_of,
    remove_if_empty,
    reserve,
    write_rows,
)
from cli.terminal.entry import FAILED, OK
from cli.terminal.live import WatchedClock
from cli.terminal.output import agrees, note, print_line
from cli.terminal.results import print_at_klaviyo, print_preview, worded_for_send
from shared import state
from shared.adapters.clock import Deadline
from shared.catalog import Export
from shared.catalog.attributes import Attributes
from shared.catalog.document import LIST_ID_PATTERN
from shared.catalog.export import Condition
from shared.errors import Denied, InvalidSegment, InvalidSettings, NotFound
from shared.klaviyo import PROFILE_FORMAT, Account, Klaviyo, KlaviyoList
from shared.profiles import Mapper
from shared.profiles.columns import look_like_names
from shared.runs.heads.head import read_head
from shared.runs.plan import mapping_of
from shared.runs.starting import Request
from shared.runs.steps.rejected import MOST_LISTED
from shared.runs.views.at_klaviyo import look_at_list
from shared.runs.views.history import read_open_run
from shared.runs.views.preview import SHOWN, fields_of, preview
from shared.services import Services
from shared.settings import LOOPBACK
from shared.text import listing

# Seconds to sign in and find the list.
ONLINE = 60
# Bytes of files that take seconds to read.
LARGE = 20_000_000
ATTRIBUTES = [field.alias or name for name, field in Attributes.model_fields.items() if name != "properties"]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--list",
    "list_id",
    metavar="LIST",
    callback=as_list_id,
    help="The id of the Klaviyo list, or the address of its page; in a terminal it is asked for.",
)
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
@click.option(
    "--only-if",
    "conditions",
    metavar="COLUMN=VALUE",
    multiple=True,
    help="Send only rows with this value, such as a consent (several: any of them); COLUMN= for blank cells, "
    "COLUMN!=VALUE for any other value.",
)
@click.option(
    "--phone-region", metavar="COUNTRY", help="Country of phones without a country code, such as DE."
)
@click.option(
    "--encoding", metavar="NAME", help="Encoding of the files, such as cp1250; detected by default."
)
@click.option(
    "--rejected-rows",
    "rows_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the refused rows, with line and reason, into this new file, which only you can read.",
)
@dry_run_option
@limit_option
@click.option("--yes", is_flag=True, help="Send without asking.")
@json_option
def send(
    files: tuple[Path, ...],
    list_id: str | None,
    email: str | None,
    maps: tuple[str, ...],
    properties: tuple[str, ...],
    conditions: tuple[str, ...],
    phone_region: str | None,
    encoding: str | None,
    rows_file: Path | None,
    dry_run: bool,
    limit: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Send the people in each FILE to a list; needs KLAVIYO_API_KEY, but no configuration.

    A FILE is CSV, also as Excel writes it, or a workbook, whose first visible sheet is read; - is standard
    input. If people were erased with `forget`, it also needs the secret digest-key of KEY_VAULT_URL or
    SECRETS_FILE.

    After an interruption, the same command resumes the run. In a terminal it asks for missing options and
    suggests columns, unless --yes is given.

    Example: segment-export send people.csv --list Y6nRLr --email EMail --map first_name=FirstName
    """
    if list_id is not None and not re.fullmatch(LIST_ID_PATTERN, list_id):
        raise click.BadParameter(
            "This is not the id of a list, such as Y6nRLr. The address of the list's page works too.",
            param_hint="--list",
        )
    settings = settings_of_runs()
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    asks = in_terminal and STANDARD_INPUT not in files and not as_json and not yes
    has_to_ask = not (dry_run or yes) and urlsplit(settings.klaviyo_url).hostname not in LOOPBACK
    if has_to_ask and not asks:
        raise click.UsageError("Sending needs confirmation, and nobody can be asked: add --yes.")
    if list_id is None and (dry_run or not asks):
        raise click.UsageError("Missing option '--list'.")
    csv_files = CsvFiles(open_inputs(files, encoding))
    for line in csv_files.notes:
        note(line)
    if csv_files.size > LARGE:
        note(f"{csv_files.name} is {csv_files.size / 1e6:,.0f} MB: reading it takes time before each step.")
    if asks and csv_files.is_guessed and not agrees("Are these its letters?", default=True):
        raise click.UsageError("Name the encoding: --encoding.")
    key = "" if dry_run else _key()
    context = click.get_current_context()
    if rows_file is not None:
        reserve(rows_file)
        context.call_on_close(partial(remove_if_empty, rows_file))
    clock = WatchedClock()
    services = services_of(csv_files, key, settings, clock)
    context.with_resource(services)
    signed_in = None if dry_run else _found(services, clock, key, list_id)
    to_list = signed_in[1].id if signed_in else str(list_id)
    chosen = choose_columns(csv_files, Given(email, attributes_of(maps), properties, phone_region), asks=asks)
    csv_files.check_columns(chosen.columns)
    given = parse_condition(conditions, csv_files.columns)
    only_if = choose_condition(csv_files, given, chosen.columns - {*properties}, asks=asks)
    what = (chosen.email, chosen.attributes, only_if)
    export = export_of(csv_files, to_list, *what)
    _check_mapping(csv_files, export)
    check_contradictions(csv_files, export, asks=asks, dry_run=dry_run)
    if signed_in is None:
        _show(services, csv_files, export, limit, rows_file, as_json)
        return OK
    klaviyo, found = signed_in
    if has_to_ask:
        people = preview(services, export, limit).counts.would_send
        if not people:
            raise click.UsageError("Nobody is left to send. See why: --dry-run.")
        if not _agreed(csv_files, export, people, klaviyo, found, Deadline(clock, ONLINE)):
            print_line("Nothing was sent.")
            return FAILED
    account_id = klaviyo.account.id
    export = export_of(csv_files, to_list, *what, account_id)
    _point_out_open_runs(services, csv_files, export.id)
    connection = connection_of(
        Account(id=account_id, name=klaviyo.account.name),
        getpass.getuser(),
        services.clock.now().isoformat(),
    )
    services = replace(services, catalog=FileDocuments(export, connection))
    code = conduct(services, export.id, Request("command", getpass.getuser(), limit=limit), as_json)
    if code in (OK, FAILED):
        _show_refused(services, csv_files, export, rows_file, as_json)
    return code


def _show(
    services: Services,
    files: CsvFiles,
    export: Export,
    limit: int | None,
    rows_file: Path | None,
    as_json: bool,
) -> None:
    """The dry run."""
    made = preview(services, export, limit, most_shown=MOST_LISTED if rows_file else SHOWN)
    refused = places_of(files, map(refused_of, made.first_rejected))
    # Without the account, the id of the run's export is unknown.
    shown = {"export": files.name, "first_rejected": made.first_rejected[:SHOWN]}
    print_preview(made.model_copy(update=shown), as_json, lambda each: refused.told(refused_of(each)))
    if not as_json and (more := made.counts.rejected - min(SHOWN, len(refused.rows))) > 0:
        print_line(f"  and {more:,} more refused rows: --rejected-rows FILE writes them all.")
    _write(files, refused, rows_file)


def _show_refused(
    services: Services, files: CsvFiles, export: Export, rows_file: Path | None, as_json: bool
) -> None:
    """The refused rows of the run that has just ended."""
    last = read_head(services.state, export.id)[0].last_attempt
    refused = places_of(files, refused_in(services.state, last.run, files) if last else ())
    if not as_json:
        for each in refused.rows[:SHOWN]:
            print_line(f"  refused: {refused.told(each)}")
        if rows_file is None and refused.rows:
            more = len(refused.rows) - SHOWN
            others = f"and {more:,} more; " if more > 0 else ""
            print_line(f"  {others}--rejected-rows FILE writes them all, to fix and send again.")
    _write(files, refused, rows_file)


def _write(files: CsvFiles, refused: Places, path: Path | None) -> None:
    if any(each.reason == "invalid_utf8" for each in refused.rows):
        note("Rows with invalid_utf8 are in another encoding than the rest: save the file as CSV UTF-8.")
    if path is not None and not refused.rows:
        note(f"No row was refused: {path} is not written.")
    elif path is not None:
        write_rows(files, refused, path)
        rows = "1 refused row is" if len(refused.rows) == 1 else f"{len(refused.rows):,} refused rows are"
        note(f"{rows} in {path}, with line and reason. The file contains personal data.")


def _point_out_open_runs(services: Services, files: CsvFiles, own: str) -> None:
    """Open runs of files with the same names: a file that was changed since begins another run."""
    for blob in services.state.list(state.head(state.one_file("")).removesuffix(".json")):
        if "open" not in blob.metadata or (export := state.id_of(blob.name)) in (None, own):
            continue
        run = read_open_run(services.state, export)
        if run is not None and [segment.name for segment in run.record.segments] == [files.name]:
            note(
                f"Another run of {files.name} is open, of other content or options: {run.record.id}. "
                f"To end it: segment-export runs cancel {run.record.id}."
            )


def _found(
    services: Services, clock: WatchedClock, key: str, list_id: str | None
) -> tuple[Klaviyo, KlaviyoList]:
    """The account of the key, and the list in it; without an id, the person picks one.

    Raises Denied, NotFound with the lists that there are, KlaviyoUnavailable.
    """
    deadline = Deadline(clock, ONLINE)
    late = f"Klaviyo does not answer. Trying again, for up to {ONLINE} s in all."
    with clock.reporting_delay(lambda: note(late)):
        try:
            klaviyo = services.klaviyo.sign_in(key, deadline)
            if list_id is None:
                return klaviyo, pick("List", list(klaviyo.lists(deadline)), _told, "--list", asks=True)
            return klaviyo, _list_of(klaviyo, list_id, deadline)
        except Denied as problem:
            raise Denied(worded_for_send(problem.message), code=problem.code) from None


def _list_of(klaviyo: Klaviyo, list_id: str, deadline: Deadline) -> KlaviyoList:
    try:
        return klaviyo.read_list(list_id, deadline)
    except NotFound as problem:
        names = [_told(each) for each in islice(klaviyo.lists(deadline), SHOWN)]
        raise NotFound(f"{problem.message} It has {listing(names)}.", code=problem.code) from None


def _told(each: KlaviyoList) -> str:
    return f"{each.name} ({each.id})"


def _agreed(
    files: CsvFiles, export: Export, people: int, klaviyo: Klaviyo, found: KlaviyoList, deadline: Deadline
) -> bool:
    """Whether the person agrees, who sees what leaves, where it goes and what starts there."""
    print_at_klaviyo(look_at_list(klaviyo, export, deadline))
    print_line(f"Fields to send: {', '.join(fields_of(export))}.")
    if export.only_if is not None:
        print_line(f"Only rows {_worded(export.only_if)}. Nobody is removed from the list.")
    account = f"{klaviyo.account.name} ({klaviyo.account.id})"
    who = "1 person" if people == 1 else f"{people:,} people"
    return agrees(f"Send {who} of {files.name} to the list {found.name} of the account {account}?")


def _worded(condition: Condition) -> str:
    if condition.is_blank is not None:
        return f"whose {condition.column} is {'' if condition.is_blank else 'not '}blank"
    if condition.not_equals is not None:
        return f"whose {condition.column} is not {condition.not_equals!r}"
    return f"whose {condition.column} is {listing(condition.in_ or [condition.equals or ''])}"


def _check_mapping(files: CsvFiles, export: Export) -> None:
    """Raises NotFound or InvalidSegment unless the files have each column once."""
    columns = [(column, "") for column in files.columns]
    is_nameless = not look_like_names(files.columns)
    try:
        Mapper(mapping_of(export), columns, PROFILE_FORMAT, names_by_file=is_nameless)
    except (NotFound, InvalidSegment) as problem:
        raise type(problem)(
            problem.message.replace("The segment", files.name, 1), code=problem.code
        ) from None


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


def _key() -> str:
    key = os.environ.get("KLAVIYO_API_KEY", "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidSettings("Set KLAVIYO_API_KEY to a private key of the Klaviyo account.")
    return key
