"""The command's entry."""

import logging

import click

from cli.connections import connections
from cli.demo import demo
from cli.doctor import doctor
from cli.documents import apply
from cli.entry import Entry
from cli.exports import exports
from cli.runs import run, runs
from cli.segments import segments
from cli.send import send
from cli.servers import sandbox, serve
from shared.adapters.telemetry import quiet_libraries


@click.group(cls=Entry, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="segment-export")
@click.option("-v", "--verbose", is_flag=True, help="Log each step to standard error.")
def main(verbose: bool) -> None:
    """Exports Dynamics 365 Customer Insights segments to Klaviyo lists.

    Example, which needs nothing but this machine: segment-export demo

    For completion by the Tab key: eval "$(_SEGMENT_EXPORT_COMPLETE=bash_source segment-export)"
    """
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(message)s")
    quiet_libraries()


for command in (demo, send, segments, connections, exports, apply, run, runs, doctor, sandbox, serve):
    main.add_command(command)
