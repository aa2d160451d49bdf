"""How the command starts and ends: errors become messages, and every outcome an exit code."""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

import click

from cli.terminal.output import note, print_json
from shared.errors import ExportError, NotFound, TakenElsewhere, TryLater

if TYPE_CHECKING:
    from shared.runs.record import RunRecord

OK, FAILED, USAGE, LEFT_OPEN, TAKEN, INTERRUPTED = 0, 1, 2, 3, 75, 130

# What to do, where the message alone does not include it.
HINTS = {
    "unknown_export": "`segment-export exports list` shows the exports.",
    "unknown_connection": "`segment-export connections list` shows the connections.",
    "unknown_run": "`segment-export runs list EXPORT` shows the runs of an export.",
    "storage_unavailable": "Nothing is lost: run the same command again later.",
    "vault_unavailable": "Nothing is lost: run the same command again later.",
    "klaviyo_unavailable": "Nothing is lost: run the same command again later.",
}


# Of what is taken, but not by a process that ends.
EXIT_CODES = {
    "already_closed": FAILED,
    "already_exists": USAGE,
    "connection_in_use": USAGE,
    "run_is_open": USAGE,
}


# Where a command's context keeps the id of an export or a connection that was typed.
TYPED_ID = "segment-export.typed-id"


@dataclass(frozen=True)
class Listed:
    """A command in the help: its name, the module with a function of that name, and a line about it."""

    name: str
    module: str
    line: str

    def load(self) -> click.Command:
        command: click.Command = getattr(import_module(self.module), self.name)
        command.short_help = self.line
        return command


class Entry(click.Group):
    """The group of all commands. A command returns its exit code, or nothing for 0.

    `sections` are the headings of the help, with their commands. A command is imported when it is used, since
    importing all of them takes most of a second.
    """

    sections: Mapping[str, Sequence[Listed]] = {}

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [each.name for section in self.sections.values() for each in section]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        every = (each for section in self.sections.values() for each in section)
        return next((each.load() for each in every if each.name == cmd_name), None)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Raises NotFound of an unknown export or connection with the closest id beside it."""
        try:
            return super().invoke(ctx)
        except NotFound as error:
            from cli.completion import closest_id

            close = closest_id(error.code, ctx.meta[TYPED_ID]) if TYPED_ID in ctx.meta else None
            if close is None:
                raise
            raise NotFound(f"{error.message} Did you mean {close}?", code=error.code) from None

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, section in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(each.name, each.line) for each in section])

    def main(self, args: Sequence[str] | None = None, *others: Any, **options: Any) -> Any:
        """Runs a command and exits. No error shows a traceback."""
        if sys.stdout is None:  # closed by the caller
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process
        arguments = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in arguments
        try:
            code = super().main(arguments, *others, **{**options, "standalone_mode": False})
        except ExportError as error:
            print_error(error.code, error.message, as_json)
            code = exit_code_of(error)
        except click.ClickException as error:
            if as_json:
                print_error("invalid_usage", error.format_message(), as_json)
            else:
                _show(error)
            code = USAGE
        except click.Abort:
            if sys.stderr.isatty():
                note("")  # the question's line
            print_error("interrupted", "Interrupted.", as_json)
            code = INTERRUPTED
        except Exception as error:
            # The message may contain personal data: only the place is shown.
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"
            print_error("internal_error", f"This is a bug, please report it: {where}.", as_json)
            code = FAILED
        sys.exit(code or OK)


def _show(error: click.ClickException) -> None:
    """As click does, but with control characters in typed text made visible."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help itself
        return
    if isinstance(error, click.UsageError) and (context := error.ctx) is not None:
        for line in context.get_usage().splitlines():
            note(line)
        note(f"Try '{context.command_path} --help' for help.")
        note("")
    note(f"Error: {error.format_message()}")


def exit_code_of(error: ExportError) -> int:
    """1 if it is too late, 2 if a person has to fix it, 3 to retry later, 75 if another process is at it."""
    match error:
        case TakenElsewhere():
            return EXIT_CODES.get(error.code, TAKEN)
        case TryLater():
            return LEFT_OPEN
    return USAGE


def exit_code_of_run(record: "RunRecord") -> int:
    """0 for a run that completed, 1 for one that failed or was canceled, 3 for one that is open."""
    if not record.is_closed:
        return LEFT_OPEN
    return OK if record.status in ("successful", "completed_with_warnings") else FAILED


def print_error(code: str, message: str, as_json: bool) -> None:
    """Prints an error: as JSON on standard output, or with what to do on standard error."""
    if as_json:
        print_json({"error": {"code": code, "message": message}})
        return
    note(f"Error: {message} ({code})")
    if code in HINTS:
        note(HINTS[code])
