"""`apply`, and how `exports` and `connections` read and check documents."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from cli.options import json_option, open_services, operator
from cli.terminal.entry import OK, USAGE
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, table
from shared.administration.applying import apply as apply_documents
from shared.administration.validation import Checked, validate
from shared.catalog.document import LONGEST_DOCUMENT
from shared.errors import InvalidRequest

# One byte more than a document may have, so that its validation refuses a longer one.
MOST_READ = LONGEST_DOCUMENT + 1


def read_files(names: Iterable[str]) -> list[tuple[str, bytes]]:
    """The names of the files with their contents; `-` is standard input. Raises InvalidRequest."""
    documents = []
    for name in names:
        if name == "-":
            documents.append(("standard input", sys.stdin.buffer.read(MOST_READ)))
            continue
        try:
            with Path(name).open("rb") as file:
                documents.append((name, file.read(MOST_READ)))
        except OSError as error:
            raise InvalidRequest(f"{name} can't be read: {error.strerror}.", code="unreadable_file") from None
    return documents


def print_checked(checked: Sequence[Checked], as_json: bool) -> int:
    """Prints every problem of every document; returns exit code 2 if there is one."""
    code = USAGE if any(each.problems for each in checked) else OK
    if as_json:
        print_json(
            {
                "documents": [
                    {
                        "name": each.name,
                        "valid": not each.problems,
                        "problems": each.problems,
                        "more": each.more,
                    }
                    for each in checked
                ]
            }
        )
        return code
    for each in checked:
        print_line(f"{each.name}: {'not valid' if each.problems else 'valid'}")
        for problem in each.problems:
            print_line(f"  {problem.pointer or '/'}: {problem.message}")
        if each.more:
            print_line(f"  and {each.more:,} more")
    if not checked:
        print_line("No documents were found.")
    return code


@click.command()
@click.option(
    "-f",
    "--file",
    "option",
    metavar="FILE",
    multiple=True,
    help="A document to write; `-` is standard input.",
)
@click.argument("files", metavar="[FILE]...", nargs=-1)
@json_option
def apply(option: tuple[str, ...], files: tuple[str, ...], as_json: bool) -> int:
    """Write connections and exports from files: all of them, or none if any is not valid.

    Example: segment-export apply -f connections/klaviyo-eu.json exports/*.json
    """
    names = (*option, *files)
    if not names:
        raise click.UsageError("No documents were named. Use -f FILE.")
    services = open_services()
    checked = validate(services, read_files(names))
    documents = [each.document for each in checked if each.document is not None and not each.problems]
    if len(documents) < len(checked):
        return print_checked(checked, as_json)
    changes = apply_documents(services, documents, operator())
    if as_json:
        print_json({"documents": [{"name": change.place, "change": change.kind} for change in changes]})
        return OK
    made = table("document", "change")
    for change in changes:
        made.add_row(change.place, change.kind)
    print_table(made)
    return OK
