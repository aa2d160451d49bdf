"""`segments`: the segments that can be exported."""

import click

from cli.options import json_option, missing_folder, open_services
from cli.terminal.entry import OK, USAGE
from cli.terminal.output import print_json, print_line
from cli.terminal.tables import print_table, size, table
from shared.administration.segments import Segment, describe, read
from shared.errors import InvalidSettings
from shared.segments import Segments


@click.command()
@click.argument("names", metavar="[SEGMENT]...", nargs=-1)
@json_option
def segments(names: tuple[str, ...], as_json: bool) -> int:
    """Show the segments under SEGMENTS_URL, or only the named ones: members, age, size, columns.

    Counts every row, and blank cells in the first 1,000 rows. The exit code is 2 if a named segment can't be
    shown.

    Example: segment-export segments HighValueSegment
    """
    services = open_services()
    if (folder := missing_folder(services.settings.segments_url)) is not None:
        raise InvalidSettings(f"The folder {folder} of SEGMENTS_URL does not exist.")
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    if len(names) == 1:
        found = [read(services, view, names[0])]
    else:
        found = [describe(services, view, name) for name in names or view.names()]
    if as_json:
        print_json({"segments": found})
    elif found:
        _print(found)
    else:
        print_line("No segments were found under SEGMENTS_URL.")
    return USAGE if names and any(each.error for each in found) else OK


def _print(found: list[Segment]) -> None:
    numbers = ("members", "partitions", "size")
    overview = table(
        "segment", "members", "refreshed (UTC)", "partitions", "size", numbers=numbers, ids=("segment",)
    )
    for each in found:
        if each.refreshed_at is not None:
            time = f"{each.refreshed_at:%Y-%m-%d %H:%M}"
            overview.add_row(each.name, f"{each.members:,}", time, f"{each.partitions}", size(each.size))
    if overview.row_count:
        print_table(overview)
    for each in found:
        if each.error is not None:
            print_line()
            print_line(f"{each.name}: {each.error['message']} ({each.error['code']})")
            continue
        print_line()
        print_line(f"{each.name}, in {each.folder}")
        if each.names_hidden:
            print_line(
                "Its file has no header that looks like column names, and no model.json names the columns."
            )
            continue
        columns = table("column", "type", "blank", numbers=("blank",))
        for column in each.columns:
            columns.add_row(column.name, column.type, "" if column.blank is None else f"{column.blank:.0%}")
        print_table(columns)
