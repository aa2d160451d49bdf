"""`connections add`: asks for everything a connection needs, and tests the key before writing anything."""

import getpass
import json
import re
import sys

import click

from cli.options import open_services, operator
from cli.terminal.entry import FAILED, OK
from cli.terminal.output import agrees, print_line
from shared.adapters.clock import Deadline
from shared.adapters.vault import FileVault
from shared.administration.applying import apply
from shared.catalog import ID_PATTERN, Connection
from shared.errors import NotFound
from shared.services import Services

# Seconds to test a key.
ONLINE = 60
CONSENT = """\
This connection sends personal data from Microsoft's cloud to Klaviyo: the email addresses of the people in
the segments that are exported over it, and the columns that the exports name. Your contract with Klaviyo
governs what Klaviyo does with the data. You are responsible for having the right to send it.
"""


@click.command()
def add() -> int:
    """Add a connection: asks for its name, its key, who may use it and your consent, and tests the key.

    Example: segment-export connections add
    """
    try:
        return _add(open_services())
    except click.Abort:
        if sys.stdin.isatty():
            raise
        message = "This command asks questions: run it in a terminal, or put all answers on standard input."
        raise click.UsageError(message) from None


def _add(services: Services) -> int:
    name = click.prompt("Name of the connection", default="Klaviyo")
    connection_id = click.prompt(
        "Its id, for exports and file names",
        default=_id_of(name),
        value_proc=lambda text: _free_id(services, text),
    )
    key = click.prompt("Klaviyo's private API key (not shown)", hide_input=True, value_proc=_key)
    account = services.klaviyo.sign_in(key, Deadline(services.clock, ONLINE)).account
    print_line(f"The key opens the Klaviyo account {account.id} ({account.name}).")
    people = click.prompt(
        "Who may use it: administrators, or people separated by commas",
        default="administrators",
        value_proc=_people,
    )
    for line in ("", *CONSENT.splitlines(), ""):
        print_line(line)
    if not agrees("Do you agree?"):
        print_line("Nothing was written.")
        return FAILED
    consent = {"accepted_by": getpass.getuser(), "accepted_at": services.clock.now().isoformat()}
    members = {
        "version": 1,
        "id": connection_id,
        "display_name": name,
        "secret_name": f"{connection_id}-key",
        "shared_with": people,
        "consent": consent,
        "account": {"id": account.id, "name": account.name},
    }
    connection = Connection.parse(f"connections/{connection_id}.json", json.dumps(members).encode())
    _write_key(services, connection.secret_name, key)
    apply(services, [connection], operator())
    print_line(f"The connection {connection_id} is written.")
    return OK


def _id_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "klaviyo"


def _free_id(services: Services, text: str) -> str:
    if not re.fullmatch(ID_PATTERN, text):
        raise click.UsageError("An id has 1 to 63 characters of a-z, 0-9 and -, and does not start with -.")
    try:
        services.state.stat(f"connections/{text}.json")
    except NotFound:
        return text
    raise click.UsageError(f"The connection {text} already exists. Choose another id.")


def _people(text: str) -> str | list[str]:
    people = [person for part in text.split(",") if (person := part.strip())]
    if not people:
        raise click.UsageError("Enter administrators, or one or more people.")
    return "administrators" if people == ["administrators"] else people


def _key(text: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise click.UsageError("A key must be printable ASCII text.")
    return key


def _write_key(services: Services, secret_name: str, key: str) -> None:
    """Writes the key into the secrets file, or shows the command for Key Vault."""
    if isinstance(services.vault, FileVault):
        services.vault.write(secret_name, key)
        print_line(f"The key is in {services.settings.secrets_file}, as {secret_name}.")
        return
    vault = (services.settings.key_vault_url or "").partition("//")[2].partition(".")[0]
    print_line("Put the key into the vault, from a file that you remove afterward:")
    print_line(f"  az keyvault secret set --vault-name {vault} --name {secret_name} --file key.txt")
