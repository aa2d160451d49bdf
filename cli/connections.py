"""`connections`: list, show, test, change and remove connections."""

from dataclasses import fields
from typing import Any

import click

from cli.asking import api_key, is_sure
from cli.connecting import ONLINE, add, people
from cli.options import (
    connection_argument,
    errors_as_json_option,
    json_option,
    open_services,
    operator,
    yes_option,
)
from cli.signing_in import sign_in
from cli.terminal.entry import FAILED, OK
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, table
from shared.adapters.clock import Deadline
from shared.administration import connecting
from shared.administration import connections as administration
from shared.administration.validation import stored_documents, validate
from shared.catalog import Connection


@click.group()
def connections() -> None:
    """List, show, add, test, change, share, detach and remove connections.

    Example: segment-export connections list
    """


@connections.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the connections.

    Example: segment-export connections list
    """
    services = open_services()
    stored = [document for document in stored_documents(services) if document[0].startswith("connections/")]
    checked = validate(services, stored)
    if as_json:
        documents = [each.document for each in checked if isinstance(each.document, Connection)]
        problems = {each.name: each.problems for each in checked if each.problems}
        members = [document.model_dump(mode="json", exclude_unset=True) for document in documents]
        print_json({"connections": members, "problems": problems})
        return
    made = table("connection", "name", "state", "account", "shared with", ids=("connection",))
    for each in checked:
        if isinstance(each.document, Connection):
            made.add_row(*_cells(each.document))
    print_table(made)
    for each in checked:
        for problem in each.problems:
            print_line(f"{each.name}, {problem.pointer or '/'}: {problem.message}")
        if each.more:
            print_line(f"{each.name}: and {each.more:,} more")


def _cells(connection: Connection) -> tuple[str, ...]:
    account = f"{connection.account.id} {connection.account.name}" if connection.account else ""
    shared = connection.shared_with
    people = shared if isinstance(shared, str) else ", ".join(shared)
    state = administration.state_of(connection).replace("_", " ")
    return connection.id, connection.display_name, state, account.strip(), people


@connections.command("show")
@connection_argument
@errors_as_json_option
def show(connection: str) -> None:
    """Show the document of CONNECTION, in the format of `apply`.

    Example: segment-export connections show klaviyo-eu > klaviyo-eu.json
    """
    document = open_services().catalog.connection(connection)
    print_json(document.model_dump(mode="json", exclude_unset=True))


@connections.command("test")
@connection_argument
@json_option
def test(connection: str, as_json: bool) -> int:
    """Test whether the key of CONNECTION opens its account, and which scopes it has.

    Example: segment-export connections test klaviyo-eu
    """
    services = open_services()
    made = administration.test(services, operator(), connection, Deadline(services.clock, ONLINE))
    if as_json:
        print_json({"connection": connection, **_members(made)})
        return OK
    print_line(f"{connection} opens the Klaviyo account {made.account.id} ({made.account.name}).")
    print_line(f"It can read: {', '.join(made.scopes)}.")
    if made.missing:
        print_line(f"It lacks: {', '.join(made.missing)}.")
    print_line(f"Not tested, because only a write would show it: {', '.join(made.not_checked)}.")
    return OK if not made.missing else FAILED


@connections.command("lists")
@connection_argument
@json_option
def lists(connection: str, as_json: bool) -> None:
    """Show the lists in the account of CONNECTION.

    Example: segment-export connections lists klaviyo-eu
    """
    services = open_services()
    found = administration.lists(services, operator(), connection, Deadline(services.clock, ONLINE))
    if as_json:
        print_json({"lists": found})
        return
    made = table("list", "name", "opt-in", ids=("list",))
    for each in found:
        made.add_row(each.id, each.name, (each.opt_in or "unknown").replace("_", " "))
    print_table(made)


@connections.command("edit")
@connection_argument
@click.option("--name", metavar="TEXT", help="The new name.")
@click.option("--shared-with", metavar="WHO", help="As in `connections share`.")
@json_option
def edit(connection: str, name: str | None, shared_with: str | None, as_json: bool) -> None:
    """Change the name of CONNECTION, or who may use it.

    Example: segment-export connections edit klaviyo-eu --name "Klaviyo Europe"
    """
    changes: dict[str, Any] = {}
    if name is not None:
        changes["display_name"] = name
    if shared_with is not None:
        changes["shared_with"] = people(shared_with)
    if not changes:
        raise click.UsageError("Nothing to change. Use --name or --shared-with.")
    _change(connection, changes, as_json)


@connections.command("share")
@connection_argument
@click.argument("who")
@json_option
def share(connection: str, who: str, as_json: bool) -> None:
    """Set who may use CONNECTION: administrators, contributors, or object ids separated by commas.

    Example: segment-export connections share klaviyo-eu contributors
    """
    _change(connection, {"shared_with": people(who)}, as_json)


@connections.command("pause")
@connection_argument
@click.option("--off", is_flag=True, help="End the pause.")
@json_option
def pause(connection: str, off: bool, as_json: bool) -> None:
    """Pause CONNECTION: nothing is sent through it, and open runs wait.

    Example: segment-export connections pause klaviyo-eu
    """
    _change(connection, {"paused": not off}, as_json)


def _change(connection: str, changes: dict[str, Any], as_json: bool) -> None:
    changed = administration.change_members(open_services(), operator(), connection, changes).document
    if as_json:
        print_json(changed.model_dump(mode="json", exclude_unset=True))
    else:
        print_line(f"Changed the connection {connection}.")


@connections.command("key")
@connection_argument
@json_option
def key(connection: str, as_json: bool) -> None:
    """Give CONNECTION a new key to the same account; the old key stays until the new one has been tested.

    The key is read from KLAVIYO_API_KEY; if that is not set, you are asked for it.

    Example: segment-export connections key klaviyo-eu
    """
    services = open_services()
    deadline = Deadline(services.clock, ONLINE)
    changed = connecting.change_key(services, operator(), connection, api_key(), deadline).document
    if as_json:
        print_json(changed.model_dump(mode="json", exclude_unset=True))
    else:
        print_line(f"The connection {connection} has a new key, in the secret {changed.secret_name}.")


@connections.command("detach")
@connection_argument
@json_option
def detach(connection: str, as_json: bool) -> None:
    """Detach all exports from CONNECTION: cancels their open runs. They can't run without one.

    Example: segment-export connections detach klaviyo-eu
    """
    detached = [each.id for each in administration.detach(open_services(), operator(), connection)]
    if as_json:
        print_json({"exports": detached})
    else:
        print_line(f"Exports that no longer have a connection: {', '.join(detached) or 'none'}.")


@connections.command("remove")
@connection_argument
@yes_option
@json_option
def remove(connection: str, yes: bool, as_json: bool) -> int:
    """Remove CONNECTION, if no export uses it, and its key if the app wrote that.

    Example: segment-export connections remove klaviyo-eu
    """
    if not is_sure(f"Remove the connection {connection}?", yes=yes, as_json=as_json):
        print_line("Nothing was removed.")
        return FAILED
    administration.remove(open_services(), operator(), connection)
    if as_json:
        print_json({"removed": connection})
    else:
        print_line(f"Removed the connection {connection}.")
    return OK


def _members(made: administration.Tested) -> dict[str, Any]:
    return {field.name: getattr(made, field.name) for field in fields(made)}


connections.add_command(add)
connections.add_command(sign_in)
