"""`connections add`: asks for missing options, and tries the key before it writes anything."""

import os
import re
import sys
from functools import partial

import click

from cli.asking import api_key
from cli.options import json_option, open_services, operator
from cli.terminal.entry import FAILED, OK
from cli.terminal.output import agrees, print_json, print_line
from shared.adapters.clock import Deadline
from shared.administration import connecting
from shared.administration.connecting import NewConnection
from shared.administration.connections import tested
from shared.administration.consent import CONSENT
from shared.administration.documents import id_from
from shared.administration.rights import is_object_id
from shared.catalog import ID_PATTERN
from shared.catalog.connection import Sharing
from shared.errors import Denied, NotFound
from shared.services import Services

# Seconds for all requests to Klaviyo.
ONLINE = 60


@click.command()
@click.option("--name", metavar="TEXT", help="Its name.")
@click.option("--id", "connection_id", metavar="ID", help="Its id, for exports and file names.")
@click.option(
    "--secret-name", metavar="NAME", help="A secret in the vault that has the key, instead of a key."
)
@click.option("--oauth", is_flag=True, help="Without a key: a person signs in at Klaviyo afterward.")
@click.option(
    "--shared-with",
    metavar="WHO",
    help="administrators, contributors, or object ids of Microsoft Entra, separated by commas.",
)
@click.option("--agree", is_flag=True, help="Agree that the data of its exports is sent to Klaviyo.")
@json_option
def add(
    name: str | None,
    connection_id: str | None,
    secret_name: str | None,
    oauth: bool,
    shared_with: str | None,
    agree: bool,
    as_json: bool,
) -> int:
    """Add a connection: tries its key, and writes it to the vault. Asks for missing options.

    The key is read from KLAVIYO_API_KEY, if that is set. The command shows the text of the consent, which is
    also in docs/administration.md.

    Example: segment-export connections add --name "Klaviyo EU" --shared-with contributors
    """
    services = open_services()
    deadline = Deadline(services.clock, ONLINE)
    if as_json:
        _check_complete(name, secret_name, oauth=oauth, agree=agree)
        shared_with = shared_with or "administrators"
    if connection_id is not None:
        _free_id(services, connection_id)
    try:
        name = name if name is not None else click.prompt("Name of the connection", default="Klaviyo")
        if connection_id is None and not as_json:
            connection_id = click.prompt(
                "Its id, for exports and file names",
                default=id_from(name, "klaviyo"),
                value_proc=lambda text: _free_id(services, text),
            )
        key = None if secret_name is not None or oauth else api_key(partial(_opens, services))
        if key is not None and not as_json:
            found = tested(services.klaviyo.sign_in(key, deadline), deadline)
            print_line(f"The key opens the Klaviyo account {found.account.id} ({found.account.name}).")
            if found.missing:
                lacks = ", ".join(found.missing)
                print_line(f"It lacks {lacks}. Create another key: the scopes of a key can't be changed.")
        if shared_with is None:
            shared_with = click.prompt(
                "Who may use it: administrators, contributors, or object ids separated by commas",
                default="administrators",
                value_proc=_who,
            )
        if not agree:
            for line in ("", *CONSENT.splitlines(), ""):
                print_line(line)
            agree = agrees("Do you agree?")
    except click.Abort:
        if sys.stdin.isatty():
            raise
        message = "This command asks questions. Give the options, or run it in a terminal."
        raise click.UsageError(message) from None
    if not agree:
        print_line("Nothing was written.")
        return FAILED
    wish = NewConnection(
        id=connection_id,
        display_name=name,
        api_key=key,
        secret_name=secret_name,
        sign_in="oauth" if oauth else "api_key",
        shared_with=people(shared_with),
        consent=True,
    )
    try:
        made = connecting.add(services, operator(), wish, Deadline(services.clock, ONLINE)).document
    except Denied as refusal:
        if refusal.code != "vault_read_only":
            raise
        raise Denied(
            f"{refusal.message} The key works, but nothing was written. Then run: "
            "segment-export connections add --secret-name NAME.",
            code=refusal.code,
        ) from None
    if as_json:
        print_json(made.model_dump(mode="json", exclude_unset=True))
        return OK
    if oauth:
        print_line(
            f"Added the connection {made.id}. To sign in: segment-export connections sign-in {made.id}"
        )
        return OK
    where = services.settings.key_vault_url or str(services.settings.secrets_file)
    print_line(f"Added the connection {made.id}. Its key is in {where}, in the secret {made.secret_name}.")
    return OK


def _check_complete(name: str | None, secret_name: str | None, *, oauth: bool, agree: bool) -> None:
    """Raises UsageError for missing options: with --json, the command asks nothing."""
    has_key = secret_name is not None or oauth or os.environ.get("KLAVIYO_API_KEY", "").strip()
    given = {"--name": name is not None, "KLAVIYO_API_KEY or --secret-name": has_key, "--agree": agree}
    if missing := [option for option, is_given in given.items() if not is_given]:
        raise click.UsageError(f"With --json, the command does not ask. Missing: {', '.join(missing)}.")


def people(text: str) -> Sharing:
    """The people who may use a connection, from the typed text."""
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    if not names:
        raise click.UsageError("Name administrators, contributors, or object ids separated by commas.")
    match names:
        case ("administrators",):
            return "administrators"
        case ("contributors",):
            return "contributors"
    for name in names:
        if not is_object_id(name):
            raise click.UsageError(
                f"{name!r} is not administrators, contributors or an object id of Microsoft Entra."
            )
    return names


def _who(text: str) -> str:
    people(text)
    return text


def _opens(services: Services, key: str) -> None:
    """Raises UsageError for a key that Klaviyo does not accept."""
    try:
        services.klaviyo.sign_in(key, Deadline(services.clock, ONLINE))
    except Denied as refusal:
        raise click.UsageError(f"This key opens no account ({refusal.code}).") from None


def _free_id(services: Services, text: str) -> str:
    if not re.fullmatch(ID_PATTERN, text):
        raise click.UsageError("An id has 1 to 63 characters of a-z, 0-9 and -, and does not start with -.")
    try:
        services.state.stat(f"connections/{text}.json")
    except NotFound:
        return text
    raise click.UsageError(f"The connection {text} already exists. Choose another id.")
