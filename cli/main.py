"""The command's entry."""

import logging
from typing import Any, override

import click

from cli.terminal.entry import Entry, Listed
from cli.terminal.output import LONGEST
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
    from shared.adapters.telemetry import quiet_libraries

    quiet_libraries()


main.sections = {
    "Try it": (
        Listed("demo", "cli.demo.command", "Export 25,000 synthetic people, on this machine only."),
        Listed("sandbox", "cli.servers", "Serve a stand-in Klaviyo on this machine, until Ctrl-C."),
        Listed("serve", "cli.servers", "Serve the functions on this machine, until Ctrl-C."),
    ),
    "One file": (Listed("send", "cli.send.command", "Send the people in your own files to a list."),),
    "Set up": (
        Listed("segments", "cli.segments", "Show the segments: members, age, columns."),
        Listed("connections", "cli.connections", "Manage connections: where data may go."),
        Listed("exports", "cli.exports", "Manage exports: what goes where, and when."),
        Listed("apply", "cli.documents", "Write connections and exports from files."),
        Listed("doctor", "cli.doctor.command", "Check the installation, with a fix for each problem."),
    ),
    "Run": (
        Listed("run", "cli.runs", "Run an export until it is done, or resume its open run."),
        Listed("runs", "cli.runs", "List, show, follow and cancel runs."),
        Listed("audit", "cli.audit", "Show who changed what, newest first."),
        Listed("forget", "cli.forget", "Erase people for good, here and at Klaviyo."),
    ),
}
