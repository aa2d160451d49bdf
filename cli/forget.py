"""`forget`: erases people for good. It prints line numbers, never addresses."""

import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from cli.options import json_option, open_services, operator
from cli.terminal.entry import FAILED, LEFT_OPEN, OK, TAKEN, USAGE, exit_code_of
from cli.terminal.output import agrees, note, print_json, print_line
from cli.terminal.tables import print_table, table
from shared.adapters.clock import Deadline
from shared.administration.audit import audited
from shared.administration.rights import Action
from shared.errors import ExportError, InvalidRequest
from shared.klaviyo import PROFILE_FORMAT, least_seconds
from shared.profiles.emails import is_possible_email
from shared.profiles.visible import value_of
from shared.runs.forget import DeletedIn, Forgotten, ForgottenBy
from shared.runs.forget import forget as forget_people

# Bytes, and lines: at 60 a minute, Klaviyo needs more than a day for this many.
LONGEST = 16 * 1024 * 1024
MOST_LINES = 100_000
# Seconds without progress.
PATIENCE = 20 * 60
# From this many people on, the command first prints how long it will take.
MANY = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the input; `address` is None if the line has no valid address."""

    number: int
    result: str
    address: str | None = field(default=None, repr=False)


@click.command()
@click.option(
    "--file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The addresses, one per line; standard input by default.",
)
@click.option("--dry-run", is_flag=True, help="Show how many would be erased, and where; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, in a terminal, before erasing the people in FILE.")
@json_option
def forget(file: Path | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Erase people for good: they are never sent again, and Klaviyo deletes their profiles.

    Reads addresses, one per line. It adds them to the do-not-send list, removes them from the ledgers, and
    asks the Klaviyo account of each connection to delete them. It reports lines without a valid address by
    their numbers, and erases the others.

    The result of a line is `erased`, `listed` (it is not sent again, but not every account was asked),
    `refused` (Klaviyo does not accept the address), `malformed` or `blank`. The exit code is 2 if a person
    has to fix something, and 3 if a run or Klaviyo is still working on these people: repeat the command
    later. Repeating is safe.

    Example: segment-export forget --file erasure-requests.txt
    """
    is_terminal = sys.stdin.isatty()
    if file is None and is_terminal:
        note("Type one address per line, then Ctrl-D.")
    lines = _lines(_read(file))
    if not lines:
        raise click.UsageError("The input is empty. Give one address per line.")
    addresses = dict.fromkeys(line.address for line in lines if line.address is not None)
    asks = file is not None and is_terminal and not (as_json or dry_run or yes)
    if addresses and asks and not agrees(f"Erase {len(addresses):,} people for good?"):
        print_line("No one was erased.")
        return FAILED
    forgotten = Forgotten()
    if addresses:
        services = open_services()
        if len(addresses) >= MANY and not (as_json or dry_run):
            minutes = least_seconds("erase", len(addresses)) // 60
            note(f"Klaviyo limits deletions: this takes at least {minutes:,} minutes per account.")
        deadline = Deadline(services.clock, PATIENCE, after_progress=True)
        # The audit has the number of people, never who they are.
        with nullcontext() if dry_run else audited(services, operator(), Action.FORGET, "people"):
            forgotten = forget_people(services, list(addresses), deadline, dry_run=dry_run)
    lines = [_judged(line, forgotten, dry_run=dry_run) for line in lines]
    _print(lines, forgotten, dry_run=dry_run, as_json=as_json)
    return _exit_code(lines, forgotten)


def _read(file: Path | None) -> bytes:
    """Raises InvalidRequest if the file can't be read or is too long."""
    try:
        if file is None:
            content = sys.stdin.buffer.read(LONGEST + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(LONGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"{file} can't be read: {error.strerror}.", code="unreadable_file") from None
    if len(content) > LONGEST or content.count(b"\n") > MOST_LINES:
        message = f"The input has more than {MOST_LINES:,} lines or 16 MiB. Split it."
        raise InvalidRequest(message, code="unreadable_file")
    return content


def _lines(content: bytes) -> list[Line]:
    pieces = content.split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    return [_line(number, piece) for number, piece in enumerate(pieces, 1)]


def _line(number: int, content: bytes) -> Line:
    """Checked like the address of a row: an address that can't be sent was never sent."""
    try:
        address = value_of(content.decode())
    except UnicodeDecodeError:
        return Line(number, "malformed")
    if not address:
        return Line(number, "blank")
    if len(address) > PROFILE_FORMAT.longest_email or not is_possible_email(address):
        return Line(number, "malformed")
    return Line(number, "to_erase", address)


def _judged(line: Line, forgotten: Forgotten, *, dry_run: bool) -> Line:
    if line.address is None or dry_run:
        return line
    if line.address in forgotten.refused:
        return Line(line.number, "refused")
    return Line(line.number, "erased" if forgotten.is_deleted else "listed")


def _exit_code(lines: list[Line], forgotten: Forgotten) -> int:
    codes = set(map(exit_code_of, forgotten.errors()))
    if USAGE in codes or {"malformed", "refused"} & {line.result for line in lines}:
        return USAGE
    if not {line.result for line in lines} - {"blank"}:
        return USAGE
    return LEFT_OPEN if forgotten.is_open or codes & {LEFT_OPEN, TAKEN} else OK


def _print(lines: list[Line], forgotten: Forgotten, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "lines": [{"line": line.number, "result": line.result} for line in lines],
                "exports": list(map(_export, forgotten.exports)),
                "accounts": list(map(_account, forgotten.accounts)),
            }
        )
        return
    if dry_run:
        print_line("Dry run: no one was erased.")
    made = table("line", "result", numbers=("line",))
    for line in lines:
        made.add_row(f"{line.number}", line.result.replace("_", " "))
    print_table(made)
    for result, count in Counter(line.result for line in lines).items():
        print_line(f"{result.replace('_', ' ')}: {count:,}")
    for export in forgotten.exports:
        print_line(_told_of_export(export))
    for account in forgotten.accounts:
        print_line(_told_of_account(account, dry_run=dry_run))
    if forgotten.is_open and not dry_run:
        print_line("Not everything is done yet. Repeat the command later with the same addresses.")


def _told_of_export(export: ForgottenBy) -> str:
    name = f"export {export.export}"
    if export.error is not None:
        return f"{name}: {_told(export.error)}"
    if export.is_held:
        return f"{name}: another process is running it. Its ledger was not checked."
    told = f"{name}: {export.people:,} on its ledger"
    if export.run is not None:
        told += f"; the open run {export.run} removes them there and at Klaviyo when it closes"
    return told


def _told_of_account(account: DeletedIn, *, dry_run: bool) -> str:
    name = f"account {account.account}" if account.account else f"connection {account.connection}"
    if account.error is not None:
        return f"{name}: {_told(account.error)}"
    if dry_run:
        return f"{name}: would be asked to delete them"
    told = f"{name}: asked to delete them"
    if account.is_importing:
        told += "; an import job is still running there and can add them again"
    return told


def _export(export: ForgottenBy) -> dict[str, Any]:
    return {
        "export": export.export,
        "people": export.people,
        "open_run": export.run,
        "held": export.is_held,
        "error": _error(export.error),
    }


def _account(account: DeletedIn) -> dict[str, Any]:
    return {
        "account": account.account,
        "connection": account.connection,
        "importing": account.is_importing,
        "error": _error(account.error),
    }


def _error(error: ExportError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": error.message}


def _told(error: ExportError) -> str:
    return f"{error.message} ({error.code})"
