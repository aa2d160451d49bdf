"""What happens in the demo: a first run, a refresh, and a segment that breaks."""

import csv
import getpass
import io
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cli.demo.ground import FOLDER, LEFT, LIST, MOVED, NEW, PEOPLE, REST, write_demo, write_refresh
from cli.runs import run_export
from cli.terminal.live import watching
from cli.terminal.output import print_line
from cli.terminal.results import print_counts, print_notes, print_run
from cli.terminal.tables import print_table, table
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import read_rejected
from shared.services import Services

if TYPE_CHECKING:
    from sandbox.klaviyo import StandIn


def tell(services: Services, stand_in: "StandIn") -> RunRecord:
    """The whole story, within a minute; returns the record of the first run."""
    refreshed = services.clock.now() - timedelta(minutes=2)
    record = begin(services, stand_in, refreshed)
    refresh(services, stand_in, refreshed + timedelta(minutes=1))
    lose_most(services, stand_in, refreshed + timedelta(minutes=2))
    return record


def begin(services: Services, stand_in: "StandIn", refreshed: datetime) -> RunRecord:
    """A first run through all the faults of the stand-in; returns its record."""
    write_demo(services, refreshed)
    settings = services.settings
    print_line(f"Created a segment of {PEOPLE:,} synthetic people in {FOLDER}/segments.")
    print_line(f"The stand-in Klaviyo at {settings.klaviyo_url} throttles, fails, and loses a response.")
    with watching(services, "vip"):
        record = run_export(services, "vip", Request("command", getpass.getuser()))
    print_run(record, settings.state_url, as_json=False)
    _print_refused(services, record)
    print_line(f"The list {LIST} of the stand-in has {len(stand_in.members(LIST)):,} members.")
    return record


def refresh(services: Services, stand_in: "StandIn", refreshed: datetime) -> None:
    """Some leave, some are new, some have changed."""
    print_line("")
    print_line(
        f"After a refresh, {LEFT:,} people have left the segment, {NEW:,} are new, {MOVED:,} have moved."
    )
    write_refresh(services, LEFT, PEOPLE + NEW, refreshed)
    _run_again(services, stand_in)


def lose_most(services: Services, stand_in: "StandIn", refreshed: datetime, first: int = LEFT) -> None:
    """The segment breaks, and the safeguard holds all removals. `first` is the index of the first person left
    in it."""
    print_line("")
    print_line(f"Then the segment breaks: all but {REST:,} people are missing.")
    write_refresh(services, first, first + REST, refreshed)
    _run_again(services, stand_in)


def _run_again(services: Services, stand_in: "StandIn") -> None:
    with watching(services, "vip"):
        record = run_export(services, "vip", Request("command", getpass.getuser()))
    print_counts(record.counts.model_dump())
    print_notes({}, [warning for warning in record.warnings if warning.code == "removals_held"])
    print_line(f"The list now has {len(stand_in.members(LIST)):,} members.")


def _print_refused(services: Services, record: RunRecord) -> None:
    """Prints how many rows were refused, by reason and by stage."""
    content = read_rejected(services.state, record.id).decode()
    counts = Counter((row["reason"], row["stage"]) for row in csv.DictReader(io.StringIO(content)))
    by = {"check": "our checks", "import": "Klaviyo, on receipt", "job": "Klaviyo, in the job"}
    made = table("refused", "by", "rows", numbers=("rows",))
    for (reason, stage), count in counts.most_common():
        made.add_row(reason, by[stage], f"{count:,}")
    print_table(made)
