"""Run by az's own Python: parses commands as az does, and stops before anything is executed.

Reads a JSON array of arrays of arguments, and writes one of errors, null for a command that is accepted. An
ellipsis at the end stands for a value, or for arguments that the command needs.
"""

import json
import sys
from typing import Any, Never

from azure.cli.core import get_default_cli
from azure.cli.core.azclierror import AzCLIError
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS, EVENT_INVOKER_PRE_PARSE_ARGS

REST = ("...", "…")


class Parsed(BaseException):
    """What az does not catch: the error, or None where the arguments are accepted."""

    def __init__(self, error: str | None = None) -> None:
        self.error = error


def accept(*_: Any, **__: Any) -> Never:
    raise Parsed


def refuse(error: Any) -> Never:
    raise Parsed(error.error_msg)


def need_nothing(cli: Any, **_: Any) -> None:
    for parser in cli.invocation.parser.subparser_map.values():
        for action in parser._actions:
            action.required = False


def parse(arguments: list[str], *, is_whole: bool) -> str | None:
    """What az says about the arguments; None where it would go on."""
    cli = get_default_cli()
    cli.register_event(EVENT_INVOKER_POST_PARSE_ARGS, accept)
    if not is_whole:
        cli.register_event(EVENT_INVOKER_PRE_PARSE_ARGS, need_nothing)
    try:
        cli.invoke(arguments)
    except Parsed as parsed:
        return parsed.error
    return "not parsed"


def error_of(arguments: list[str]) -> str | None:
    if arguments[-1] not in REST:
        return parse(arguments, is_whole=True)
    error = parse(arguments[:-1], is_whole=False)
    if error is None or error.endswith("are required"):
        return None
    return parse(arguments, is_whole=False) and error


AzCLIError.print_error = refuse
json.dump([error_of(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
