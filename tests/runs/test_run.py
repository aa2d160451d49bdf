"""A run as a whole: a segment in files becomes the members of a list."""

from datetime import timedelta

import pytest

from sandbox.klaviyo import SCOPES
from sandbox.people import People
from shared.runs.starting import Request
from tests.support.world import MONDAY, World


def test_everybody_who_can_leave_is_on_the_list(world: World) -> None:
    """The list holds exactly the segment's people, and the counts add up."""
    people = People(2500, dirt=True)
    world.segment(people)

    record = world.run()

    assert record.status == "completed_with_warnings"
    assert world.members() == people.expected.emails
    counts = record.counts
    assert counts.rows == 2500
    assert counts.rejected == people.expected.rejected
    assert counts.duplicates == people.expected.duplicates
    assert counts.sent == counts.imported == len(people.expected.emails)
    assert (
        counts.rows == counts.rejected + counts.filtered + counts.duplicates + counts.unchanged + counts.sent
    )
    assert sum(job.profiles for job in record.jobs) == counts.sent


def test_clean_people_make_a_successful_run(world: World) -> None:
    """Nothing rejected, failed, unconfirmed or warned of: successful, and its record is kept."""
    world.segment(People(30))

    record = world.run()

    assert record.status == "successful"
    assert record.error is None
    assert record.finished_at is not None
    stored = world.services.state.read(f"runs/vip/{record.id}.json").content
    assert stored == record.content()


def test_what_leaves_is_what_the_mapping_names(world: World) -> None:
    """A profile at Klaviyo has the mapped values with their types, and nothing else."""
    world.segment(People(1))

    world.run()

    (row,) = People(1)
    cells = dict(zip(_columns(world), row, strict=True))
    profile = world.stand_in.profile(cells["EMail"])
    assert (profile.email, profile.phone_number) == (cells["EMail"], cells["Telephone"])
    assert profile.attributes == {
        "first_name": cells["FirstName"],
        "last_name": cells["LastName"],
        "location": {
            "address1": cells["StreetAddress"].strip(),
            "city": cells["City"],
            "region": cells["State"],
            "zip": cells["PostCode"],
            "country": cells["Country"],
        },
        "properties": {"RewardPoints": int(cells["RewardPoints"]), "Customer since": cells["CreatedOn"]},
    }


def _columns(world: World) -> list[str]:
    return [column.name for column in world.services.segments.newest("HighValueSegment").columns]


def test_rejected_rows_are_on_file_with_place_and_reason(world: World) -> None:
    """Each refused row is listed by partition, row, column and reason, without any value of it."""
    world.segment(People(200, dirt=True))

    record = world.run()

    lines = world.rejected(record)
    assert len(lines) == record.counts.rejected
    assert sorted(record.rejected_by_reason) == ["invalid_email", "missing_email"]
    assert all(line.endswith(("EMail,invalid_email,check", "EMail,missing_email,check")) for line in lines)
    assert {line.partition(",")[0] for line in lines} == {"HighValueSegment_1.csv", "HighValueSegment_2.csv"}


def test_rows_that_only_if_leaves_out_are_filtered(world: World) -> None:
    """Who did not consent does not leave, and is counted."""
    world.segment(People(100))
    world.document("exports/vip.json", only_if={"column": "Newsletter consent", "equals": "True"})

    record = world.run()

    assert 0 < record.counts.filtered < 100
    assert record.counts.filtered + record.counts.sent == 100
    assert len(world.members()) == record.counts.sent


def test_an_empty_segment_says_so(world: World) -> None:
    """Nothing to send is a warning, not an error and not a success."""
    world.segment(People(0))

    record = world.run()

    assert record.status == "completed_with_warnings"
    assert [warning.code for warning in record.warnings] == ["empty_segment"]
    assert "POST" not in [request.method for request in world.stand_in.requests]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"list_id": "NoSuch"}, "unknown_list"),
        ({"segments": ["NoSuch"]}, "unknown_segment"),
        ({"match": {"email": "NoSuch"}}, "unknown_column"),
        ({"connection": "no-such"}, "unknown_connection"),
    ],
)
def test_what_is_missing_fails_the_run_before_it_sends(
    world: World, change: dict[str, object], code: str
) -> None:
    """A list, segment, column or connection that isn't there: failed, and nothing is posted."""
    world.segment(People(10))
    world.document("exports/vip.json", **change)

    record = world.run()

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == code
    assert "POST" not in [request.method for request in world.stand_in.requests]


def test_a_column_that_is_missing_comes_with_those_that_exist(world: World) -> None:
    """The message helps: it names the column that is missing and the segment's own."""
    world.segment(People(1))
    world.document("exports/vip.json", match={"email": "Mail"})

    error = world.run().error

    assert error is not None
    assert "'Mail'" in error.message
    assert "EMail" in error.message


# What other work than an export asks for.
NOT_FOR_RUNS = {"data-privacy:write", "flows:read", "subscriptions:write", "usage:read"}


@pytest.mark.parametrize("scope", sorted(SCOPES - NOT_FOR_RUNS))
def test_a_key_without_a_scope_fails_the_run_before_anybody_leaves(world: World, scope: str) -> None:
    """Whichever scope is missing is named, and nothing has been imported."""
    world.segment(People(10))
    world.stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {scope}}

    record = world.run()

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "missing_scope")
    assert scope in record.error.message
    assert not world.stand_in.accounts["SNDBOX"].jobs


def test_a_key_of_another_account_fails_the_run(world: World) -> None:
    """A swapped key must not send people to another company."""
    world.segment(People(10))
    world.run()
    world.stand_in.add_account("OTHER1", "Other", keys={"pk_other": SCOPES}, lists={"Y6nRLr": "VIP"})
    world.replace_key("pk_other")

    record = world.run()

    assert record.error is not None
    assert record.error.code == "wrong_account"
    assert not world.stand_in.accounts["OTHER1"].profiles


def test_the_account_is_pinned_at_first_use(world: World) -> None:
    """A connection without an account gets the one behind its key."""
    world.segment(People(1))

    world.run()

    account = world.services.catalog.connection("sandbox").account
    assert account is not None
    assert (account.id, account.name) == ("SNDBOX", "Sandbox")


def test_the_newest_snapshot_is_taken(world: World) -> None:
    """A later refresh replaces the earlier one as what is exported."""
    world.segment(People(5))
    world.segment(People(5, start=100), MONDAY + timedelta(hours=12))

    world.run()

    assert world.members() == People(5, start=100).expected.emails


def test_a_snapshot_that_changes_under_the_run_fails_it(world: World) -> None:
    """What was pinned is what is read: another file in its place ends the run with the reason."""
    from shared.runs.advance import start
    from shared.runs.holder import Holder
    from shared.runs.lock.export import ExportLock
    from shared.runs.steps.pin import pin

    world.segment(People(10))
    start(world.services, "vip", Request("command", "tester"))
    with ExportLock.acquire(world.services.state, "vip", world.clock) as lock:
        lock.run.begin_turn(world.clock.now())
        pin(Holder(lock, world.services, world.deadline()))
    world.segment(People(11))

    record = world.run()

    assert record.error is not None
    assert record.error.code == "snapshot_changed"


def test_jobs_that_take_long_are_waited_for(world: World) -> None:
    """A 202 is no success: the run closes when Klaviyo says that the job is complete."""
    world.stand_in.job_seconds = 100
    world.segment(People(10))
    before = world.clock.monotonic()

    record = world.run()

    assert record.status == "successful"
    assert record.counts.imported == 10
    assert world.clock.monotonic() - before >= 100


def test_a_run_whose_time_is_over_stays_open_and_goes_on(world: World) -> None:
    """Within a budget the run is left open; whoever comes next goes on with the same run."""
    from shared.adapters.clock import Deadline
    from shared.runs.advance import advance, start

    world.stand_in.job_seconds = 100
    world.segment(People(10))
    first = advance(
        world.services,
        start(world.services, "vip", Request("on_demand", "tester")),
        Deadline(world.clock, 45),
    )
    assert not first.is_closed
    assert first.phase == "confirming"

    second = world.run()

    assert second.id == first.id
    assert second.status == "successful"
    assert second.trigger == "on_demand"
