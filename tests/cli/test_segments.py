"""`segments` shows the segments that can be exported."""

import json
from pathlib import Path

from sandbox.people import COLUMNS, People
from tests.cli.conftest import Command
from tests.support.world import World


def test_segments_with_their_columns(command: Command, world: World) -> None:
    """Name, members, age, partitions, size, and each column with its type and how much of it is blank."""
    world.segment(People(200, dirt=True))

    (segment,) = json.loads(command("segments", "--json").stdout)["segments"]

    assert (segment["name"], segment["members"], segment["partitions"]) == ("HighValueSegment", 200, 2)
    assert segment["refreshed_at"] == "2026-08-24T14:33:00+00:00"
    partitions = world.services.segments.newest("HighValueSegment").partitions
    assert segment["size"] == sum(partition.size for partition in partitions)
    assert {column["name"]: column["type"] for column in segment["columns"]} == COLUMNS
    blank = {column["name"]: column["blank"] for column in segment["columns"]}
    assert (blank["EMail"], blank["RewardPoints"], blank["City"]) == (2 / 200, 2 / 200, 0)


def test_segments_for_a_person(command: Command, world: World) -> None:
    """A pipe gets whole lines, however long a path is."""
    world.segment(People(1500))

    said = command("segments", "HighValueSegment").stdout

    lines = [line.split() for line in said.splitlines()]
    assert lines[1][:5] == ["HighValueSegment", "1,500", "2026-08-24", "14:33", "2"]
    assert ["RewardPoints", "int64", "0%"] in lines
    folder = world.services.segments.newest("HighValueSegment").folder
    assert f"HighValueSegment, in {folder}" in said.splitlines()


def test_a_segment_that_can_not_be_read_hides_no_other(command: Command, world: World) -> None:
    """A segment's problem is shown in its place."""
    world.segment(People(5))

    result = command("segments", "NoSuch", "HighValueSegment", "--json")

    assert result.exit_code == 2
    broken, whole = json.loads(result.stdout)["segments"]
    assert (broken["name"], broken["error"]["code"]) == ("NoSuch", "unknown_segment")
    assert whole["members"] == 5
    assert (
        "NoSuch: The segment 'NoSuch' does not exist"
        in command("segments", "NoSuch", "HighValueSegment").stdout
    )


def test_the_only_segment_that_is_asked_for(command: Command, world: World) -> None:
    """Where it can't be shown, there is nothing but an error."""
    world.segment(People(5))

    result = command("segments", "NoSuch", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "unknown_segment"
    assert "HighValueSegment" in command("segments", "NoSuch").stderr


def test_a_column_like_markup(command: Command, world: World, tmp_path: Path) -> None:
    """Names are shown unchanged."""
    world.segment(People(5))
    (model,) = tmp_path.rglob("model.json")
    model.write_text(model.read_text().replace('"FirstName"', '"x [/eur] :smile:"'))

    result = command("segments")

    assert result.exit_code == 0, result.output
    assert "x [/eur] :smile:" in result.stdout


def test_no_segments(command: Command, world: World) -> None:
    """An empty location is not an error; one that does not exist is."""
    missing = command("segments", "--json")
    assert missing.exit_code == 2
    assert "of SEGMENTS_URL does not exist" in json.loads(missing.stdout)["error"]["message"]

    (world.folder / "segments").mkdir()
    assert command("segments").stdout == "No segments were found under SEGMENTS_URL.\n"
    assert json.loads(command("segments", "--json").stdout) == {"segments": []}
