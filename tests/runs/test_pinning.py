"""What is found out before anything is sent."""

from pathlib import Path

import pytest

from sandbox.people import COLUMNS, People
from shared.errors import InvalidSegment
from shared.runs.advance import run
from shared.runs.starting import Request
from shared.runs.views.preview import Preview, preview
from tests.segments.building import lay
from tests.support.small_batches import UnusualPeople
from tests.support.world import World

BARE = "Bare/2026/08/24/1433/Bare_1.csv"


def dry_run(world: World, limit: int | None = None) -> Preview:
    return preview(world.services, world.services.catalog.export("vip"), limit)


def folder(world: World) -> Path:
    return world.folder / "segments"


def posts(world: World) -> int:
    return sum(request.method == "POST" for request in world.stand_in.requests)


@pytest.mark.parametrize("limit", [None, 5])
def test_a_header_that_lacks_a_column_fails_before_the_first_post(world: World, limit: int | None) -> None:
    """Whichever file it is in: nobody is sent out of the files before it; a dry run says the same."""
    world.segment(UnusualPeople(1_010))  # more than a batch in the first file
    (name,) = (blob.name for blob in world.services.segment_store.list() if blob.name.endswith("_2.csv"))
    lay(folder(world), name, ",".join(COLUMNS).replace("EMail", "Mail").encode())

    record = run(world.services, "vip", Request("command", "tester", limit=limit), world.deadline())

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "invalid_csv")
    assert "_2.csv lacks the columns 'EMail'" in record.error.message
    assert posts(world) == 0
    with pytest.raises(InvalidSegment) as refused:
        dry_run(world, limit)
    assert refused.value.message == record.error.message


@pytest.mark.parametrize(
    ("limit", "goes"), [(10, True), (20, True), (21, False), (100, False), (None, False)]
)
def test_a_trial_is_held_to_what_it_sends(world: World, limit: int | None, goes: bool) -> None:
    """The segment may be larger than the export allows, the trial may not; a dry run says the same."""
    world.segment(People(50))
    world.document("exports/vip.json", limits={"max_profiles": 20})

    record = run(world.services, "vip", Request("command", "tester", limit=limit), world.deadline())

    assert len(world.members()) == (limit if goes else 0)
    assert (record.error is None) == goes
    assert goes == ("too_many_profiles" not in [each.code for each in dry_run(world, limit).warnings])
    if record.error is not None:
        assert record.error.code == "too_many_profiles"
        assert f"would send {min(limit or 50, 50)} profiles" in record.error.message


def test_without_a_model_a_first_line_of_data_is_not_told(world: World) -> None:
    """It could be taken for names of columns, and a run record would keep it for ever."""
    lay(folder(world), BARE, b"Abbie,Moss,Fairfield,Customer\n")
    world.document("exports/vip.json", segments=["Bare"])

    record = world.run()

    assert record.error is not None
    assert record.error.code == "unknown_column"
    assert "does not begin with column names that the export uses" in record.error.message
    assert not any(value in record.content().decode() for value in ("Abbie", "Moss", "Fairfield"))


def test_without_a_model_names_are_told_where_one_is_right(world: World) -> None:
    """Then it is a header: who mistyped another column sees what there is."""
    lay(folder(world), BARE, b"Email,Vorname,City\nada@example.org,Ada,Paris\n")
    world.document("exports/vip.json", segments=["Bare"])

    record = world.run()

    assert record.error is not None
    assert "'Vorname'" in record.error.message


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf\n"])
def test_an_empty_segment_without_a_model_is_empty(world: World, content: bytes) -> None:
    """It has no columns that could be missing; a dry run has the same warning."""
    lay(folder(world), BARE, content)
    world.document("exports/vip.json", segments=["Bare"])

    record = world.run()

    assert record.status == "completed_with_warnings"
    assert record.warning_codes() == {"empty_segment"}
    assert [warning.code for warning in dry_run(world).warnings] == ["empty_segment"]
