"""`connections`: list, show and test connections."""

import click

from cli.connecting import ONLINE, add
from cli.options import connection_argument, errors_as_json_option, json_option, open_services
from cli.terminal.entry import OK
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, table
from shared.adapters.clock import Deadline
from shared.administration.validation import stored_documents, validate
from shared.catalog import Connection
from shared.services import open_account


@click.group()
def connections() -> None:
    """List, show, test and add connections.

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
    made = table(
        "connection", "name", "type", "account", "shared with", "secret", ids=("connection", "secret")
    )
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
    name = f"{connection.display_name} (paused)" if connection.paused else connection.display_name
    return connection.id, name, connection.type, account.strip(), people, connection.secret_name


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
    """Test whether the key of CONNECTION is valid and belongs to the connection's account.

    Example: segment-export connections test klaviyo-eu
    """
    services = open_services()
    document = services.catalog.connection(connection)
    account = open_account(services, document, Deadline(services.clock, ONLINE)).account
    if as_json:
        print_json({"connection": document.id, "account": {"id": account.id, "name": account.name}})
    else:
        print_line(f"The key of {document.id} opens the account {account.id} ({account.name}).")
    return OK


connections.add_command(add)
