"""`audit`: who changed what."""

from datetime import UTC, datetime

import click

from cli.options import LARGEST, json_option, open_services
from cli.terminal.output import print_json
from cli.terminal.tables import print_table, table
from shared.administration.audit import Filter, read_audit


@click.command()
@click.option(
    "--document",
    default="",
    metavar="NAME",
    help="Only entries for this document or folder, such as exports/vip.",
)
@click.option(
    "--person", default="", metavar="WHO", help="Only entries of this person: a name or an object id."
)
@click.option("--since", type=click.DateTime(), metavar="TIME", help="Only entries from this time on (UTC).")
@click.option("--until", type=click.DateTime(), metavar="TIME", help="Only entries before this time (UTC).")
@click.option(
    "--limit", type=click.IntRange(1, LARGEST), default=50, show_default=True, help="The number of entries."
)
@json_option
def audit(
    document: str, person: str, since: datetime | None, until: datetime | None, limit: int, as_json: bool
) -> None:
    """Show who changed what, newest first. An entry without an outcome was only attempted.

    Example: segment-export audit --document exports/vip
    """
    wanted = Filter(document, person, _utc(since), _utc(until))
    entries = read_audit(open_services(), wanted, limit).entries
    if as_json:
        print_json({"audit": [entry.model_dump(mode="json") for entry in entries]})
        return
    made = table("when (UTC)", "who", "what", "on", ids=("when (UTC)", "on"))
    for entry in entries:
        is_new = entry.action.endswith(".add")  # all its members are new
        changed = f" ({', '.join(entry.changed)})" if entry.changed and not is_new else ""
        outcome = "" if entry.outcome == "done" else f": {entry.outcome} {entry.code}".rstrip()
        made.add_row(
            f"{entry.at:%Y-%m-%d %H:%M}", entry.who.name, f"{entry.action}{changed}{outcome}", entry.on
        )
    print_table(made)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None else None
