"""The command's entry."""

import logging
from typing import Any, override

import click

from cli.audit import audit
from cli.connections import connections
from cli.demo.command import demo
from cli.doctor.command import doctor
from cli.documents import apply
from cli.exports import exports
from cli.forget import forget
from cli.runs import run, runs
from cli.segments import segments
from cli.send.command import send
from cli.servers import sandbox, serve
from cli.terminal.entry import Entry
from cli.terminal.output import LONGEST
from shared.adapters.telemetry import quiet_libraries
from shared.text import shown


class Lines(logging.Formatter):
    """Keeps a message on one line, whatever names it contains."""

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        return shown(super().formatMessage(record), LONGEST)

    @override
    def formatException(self, ei: Any) -> str:
        return "\n".join(shown(line, LONGEST) for line in super().formatException(ei).split("\n"))


@click.group(cls=Entry, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="segment-export")
@click.option("-v", "--verbose", is_flag=True, help="Log each step to standard error.")
def main(verbose: bool) -> None:
    """Exports Dynamics 365 Customer Insights segments to Klaviyo lists.

    Example, which needs only this machine: segment-export demo

    For completion with the Tab key: eval "$(_SEGMENT_EXPORT_COMPLETE=bash_source segment-export)"
    """
    handler = logging.StreamHandler()
    handler.setFormatter(Lines("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, handlers=[handler])
    quiet_libraries()


SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Try it": (demo, sandbox, serve),
    "One file": (send,),
    "Set up": (segments, connections, exports, apply, doctor),
    "Run": (run, runs, audit, forget),
}
for commands in SECTIONS.values():
    for command in commands:
        main.add_command(command)
main.sections = {
    heading: [command.name or "" for command in commands] for heading, commands in SECTIONS.items()
}
