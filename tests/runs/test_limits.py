"""How much an export may send, and how little a segment may hold."""

import json

import pytest

from sandbox.people import People
from sandbox.sample import write_segment
from tests.support.world import MONDAY, World


def limited(world: World, most: int) -> None:
    world.document("exports/vip.json", limits={"max_profiles": most})


def test_more_than_the_limit_fails_before_the_first_post(world: World) -> None:
    """Both numbers are told, and nobody is sent."""
    people = People(1000, dirt=True)
    limited(world, len(people.expected.emails) - 1)
    world.segment(people)

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "too_many_profiles"
    assert f"{len(people.expected.emails):,}" in record.error.message
    assert f"{len(people.expected.emails) - 1:,}" in record.error.message
    assert "POST" not in [request.method for request in world.stand_in.requests]


@pytest.mark.parametrize("more", [0, 1])
def test_what_does_not_leave_does_not_count(world: World, more: int) -> None:
    """Rejected rows and duplicates take no room: as many as the limit may go."""
    people = People(1000, dirt=True)
    limited(world, len(people.expected.emails) + more)
    world.segment(people)

    assert world.run().counts.sent == len(people.expected.emails)


def test_several_segments_go_into_one_list(world: World) -> None:
    """In the export's order; a person in two of them is sent once, and counted as a duplicate."""
    world.segment(People(30))
    write_segment(world.services.segment_store, "Other", People(30, start=20), refreshed=MONDAY)
    world.document("exports/vip.json", segments=["Other", "HighValueSegment"])

    record = world.run()

    assert world.members() == People(50).expected.emails
    assert (record.counts.rows, record.counts.duplicates, record.counts.sent) == (60, 10, 50)
    assert [segment.name for segment in record.segments] == ["Other", "HighValueSegment"]


def test_rejected_rows_of_several_segments_are_told_apart(world: World) -> None:
    """A refused row is found by the name of its file, whichever segment it is in."""
    world.segment(People(100, dirt=True), partitions=1)
    write_segment(
        world.services.segment_store, "Other", People(100, dirt=True), refreshed=MONDAY, partitions=1
    )
    world.document("exports/vip.json", segments=["Other", "HighValueSegment"])

    lines = world.rejected(world.run())

    assert {line.partition(",")[0] for line in lines} == {"Other_1.csv", "HighValueSegment_1.csv"}


def test_the_limit_has_a_default(world: World) -> None:
    """A million, as Microsoft's own export has it."""
    assert json.loads(world.services.state.read("exports/vip.json").content).get("limits") is None
    assert world.services.catalog.export("vip").limits.max_profiles == 1_000_000
