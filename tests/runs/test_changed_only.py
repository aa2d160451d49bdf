"""A run sends what is new or changed since it was last sent, and all of that."""

import hashlib
from collections.abc import Callable

import pytest

from sandbox.klaviyo import Fault, ImportFailure, JobPlan
from sandbox.people import email
from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.ledger import read_ledger
from shared.ledger.key import SECRET_NAME
from shared.profiles.digests import UNKEYED
from shared.runs.advance import cancel, run, start
from shared.runs.heads.head import read_head
from shared.runs.starting import Request
from shared.runs.views.preview import preview
from tests.support.refreshes import codes, refresh, row, run_with, sent
from tests.support.small_batches import small_batches, unusual
from tests.support.world import World

SECRET = "0123456789abcdef0123456789abcdef"


def posts(world: World) -> int:
    return [request.method for request in world.stand_in.requests].count("POST")


def ledger_of(world: World) -> str | None:
    head, _ = read_head(world.services.state, "vip")
    return head.ledger


def test_only_what_is_new_or_changed_leaves(world: World) -> None:
    """The others count as unchanged; whatever the order of the rows is."""
    world.segment([row(index) for index in range(10)])
    first = world.run()
    assert (first.status, sent(first)) == ("successful", (10, 0, 10, 0))

    rows = [row(index) for index in reversed(range(2, 12))]
    rows[0] = row(11, FirstName="Ada")
    rows[-1] = row(2, City="Lisbon")
    refresh(world, rows)
    second = world.run()

    assert (second.status, sent(second)) == ("successful", (2, 1, 3, 7))
    counts = second.counts
    assert counts.rows == counts.unchanged + counts.sent
    (job,) = [job for job in world.stand_in.accounts["SNDBOX"].jobs.values() if job.total == 3]
    assert job.total == counts.sent
    assert world.members() == {email(index) for index in range(12)}


def test_nothing_changed_posts_nothing(world: World) -> None:
    """And that is a success, of which the ledger stays as it is."""
    rows = [row(index) for index in range(10)]
    world.segment(rows)
    world.run()
    before, ledger = posts(world), ledger_of(world)

    refresh(world, rows)
    record = world.run()

    assert (record.status, sent(record), record.warnings) == ("successful", (0, 0, 0, 10), [])
    assert posts(world) == before
    assert ledger_of(world) == ledger


def test_a_column_that_does_not_leave_changes_nothing(world: World) -> None:
    """A value that leaves does."""
    world.segment([row(index) for index in range(3)])
    world.run()

    refresh(world, [row(0, Gender="x"), row(1), row(2, FirstName="Ada")])
    record = world.run()

    assert sent(record) == (0, 1, 1, 2)


def test_duplicates_of_known_people_are_duplicates(world: World) -> None:
    """The first row that can leave decides, whether it changed or not."""
    world.segment([row(0), row(1)])
    world.run()

    refresh(world, [row(0), row(0, City="Lisbon"), row(1, City="Lisbon"), row(1)])
    record = world.run()

    assert (sent(record), record.counts.duplicates) == ((0, 1, 1, 1), 2)


def test_a_full_run_sends_everybody(world: World) -> None:
    """Also those who were sent the same before."""
    rows = [row(index) for index in range(5)]
    world.segment(rows)
    world.run()

    assert sent(run_with(world, full=True)) == (0, 0, 5, 0)
    assert sent(world.run()) == (0, 0, 0, 5)


def test_a_trial_of_a_full_run_leaves_the_others_alone(world: World) -> None:
    """It sends so many again, and of the rest it stays certain what they were sent."""
    rows = [row(index) for index in range(5)]
    world.segment(rows)
    world.run()

    assert sent(run_with(world, full=True, limit=2)) == (0, 0, 2, 0)
    assert sent(world.run()) == (0, 0, 0, 5)


def test_an_export_that_is_not_changed_only_always_sends_everybody(world: World) -> None:
    """It keeps a ledger all the same, for when that changes."""
    world.document("exports/vip.json", sync={"changed_only": False})
    world.segment([row(index) for index in range(5)])
    world.run()

    assert sent(world.run()) == (0, 0, 5, 0)
    world.document("exports/vip.json")
    assert sent(world.run()) == (0, 0, 0, 5)


def test_a_full_run_that_was_cut_short_goes_on_being_full(world: World) -> None:
    """The next one sends those whom it did not, also those of whom it never tried."""
    world.segment(small_batches(12), partitions=4)
    world.run()
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=1_000) for nth in range(2, 13)]
    )
    request = Request("command", "tester", full=True)
    left = run(world.services, "vip", request, Deadline(world.clock, 60))
    assert not left.is_closed
    closed = cancel(world.services, left, world.deadline())
    while not closed.is_closed:
        world.clock.sleep(1_000)
        closed = cancel(world.services, left, world.deadline())
    world.stand_in.faults.clear()
    assert closed.status == "canceled"
    assert 0 < closed.counts.imported < 6_000

    rest = world.run()

    assert sent(rest) == (0, 0, 6_000 - closed.counts.imported, closed.counts.imported)
    assert sent(world.run()) == (0, 0, 0, 6_000)


def test_a_changed_mapping_sends_everybody_once(world: World) -> None:
    """With a warning that says so; and membership stays known: nobody counts as new."""
    rows = [row(index) for index in range(5)]
    world.segment(rows)
    world.run()
    world.document("exports/vip.json", attributes={"first_name": "FirstName"})

    resent = world.run()

    assert (sent(resent), codes(resent)) == ((0, 0, 5, 0), {"full_resend": 5})
    after = world.run()
    assert (sent(after), codes(after)) == ((0, 0, 0, 5), {})


def test_a_blank_cell_clears_the_property_at_klaviyo(world: World) -> None:
    """Where the export asks for it, which sends everybody once more; standard attributes stay."""
    rows = [row(index, RewardPoints="7", City="Lisbon") for index in range(3)]
    world.segment(rows)
    world.run()
    refresh(world, [row(0, RewardPoints="", City=""), *rows[1:]])
    assert sent(world.run()) == (0, 1, 1, 2)
    kept = world.stand_in.profile(email(0)).attributes or {}
    assert kept["properties"]["RewardPoints"] == 7

    world.document("exports/vip.json", sync={"clear_blanks": True})
    record = world.run()

    assert (sent(record), codes(record)) == ((0, 0, 3, 0), {"full_resend": 3})
    cleared = world.stand_in.profile(email(0)).attributes or {}
    assert "RewardPoints" not in cleared["properties"]
    assert cleared["location"] == kept["location"] != {}
    others = world.stand_in.profile(email(1)).attributes or {}
    assert others["properties"]["RewardPoints"] == 7
    refresh(world, [rows[0], row(1, RewardPoints=" "), rows[2]])
    assert sent(world.run()) == (0, 2, 2, 1)
    again = world.stand_in.profile(email(1)).attributes or {}
    assert "RewardPoints" not in again["properties"]


def test_another_condition_sends_only_who_is_new(world: World) -> None:
    """What leaves of a person does not depend on it."""
    rows = [row(index, City="Lisbon" if index < 2 else "Porto") for index in range(5)]
    world.document("exports/vip.json", only_if={"column": "City", "equals": "Lisbon"})
    world.segment(rows)
    assert sent(world.run()) == (2, 0, 2, 0)
    world.document("exports/vip.json", only_if=None)

    assert sent(world.run()) == (3, 0, 3, 2)


def test_a_trial_with_a_new_mapping_leaves_the_others_alone(world: World) -> None:
    """Who tries a mapping and goes back to the old one sends again only those of the trial."""
    rows = [row(index) for index in range(5)]
    world.segment(rows)
    world.run()
    world.document("exports/vip.json", attributes={"first_name": "FirstName"})
    tried = run_with(world, limit=2)
    assert sent(tried) == (0, 0, 2, 0)
    world.document("exports/vip.json")

    back = world.run()

    assert (sent(back), codes(back)) == ((0, 2, 2, 3), {})


def test_a_limit_counts_who_is_sent(world: World) -> None:
    """A trial passes over those who are unchanged, and is not used up by them."""
    world.segment([row(index) for index in range(5)])
    world.run()
    refresh(world, [row(index) for index in range(10)])

    tried = run_with(world, limit=3)

    assert sent(tried) == (3, 0, 3, 5)
    assert sent(world.run()) == (2, 0, 2, 8)


def test_another_list_begins_a_new_ledger(world: World) -> None:
    """Everybody is new there, and who is on the old list stays, with a count."""
    other = world.stand_in.add_list(world.stand_in.accounts["SNDBOX"], "Others").id
    rows = [row(index) for index in range(5)]
    world.segment(rows)
    world.run()
    world.document("exports/vip.json", list_id=other)

    record = world.run()

    assert (sent(record), codes(record)) == ((5, 0, 5, 0), {"old_list_kept": 5})
    assert world.members() == {email(index) for index in range(5)}
    assert sent(world.run()) == (0, 0, 0, 5)


def test_whom_a_job_fails_to_import_is_tried_again(world: World) -> None:
    """The others are not."""
    world.stand_in.failures[email(1)] = ImportFailure()
    rows = [row(index) for index in range(4)]
    world.segment(rows)
    assert world.run().counts.failed == 1
    world.stand_in.failures.clear()

    record = world.run()

    assert (sent(record), record.counts.imported) == ((0, 0, 1, 3), 1)
    assert email(1) in world.members()


def test_a_job_of_unknown_outcome_confirms_nobody(world: World) -> None:
    """Everybody of it is sent again: who failed can't be told."""
    world.stand_in.plans.append(JobPlan(outcome="cancelled"))
    rows = [row(index) for index in range(4)]
    world.segment(rows)
    assert world.run().counts.failed == 4

    assert sent(world.run()) == (0, 0, 4, 0)


def test_refused_rows_are_tried_again(world: World) -> None:
    """By our own checks, and by Klaviyo; nobody of them is known, and the others are."""
    world.stand_in.refused_emails.add(email(1))
    world.segment([row(0), row(1), row(2, EMail="nobody")])
    first = world.run()
    assert (first.counts.imported, first.counts.rejected) == (1, 2)
    world.stand_in.refused_emails.clear()

    record = world.run()

    assert sent(record) == (1, 0, 1, 1)
    assert world.members() == {email(0), email(1)}


def test_a_run_goes_on_comparing_with_the_ledger_it_began_with(world: World) -> None:
    """In however many turns: it sends each batch once."""
    world.segment(small_batches(2), partitions=2)
    world.run()
    world.clock.sleep(3_600)
    world.segment(small_batches(6), refreshed=world.clock.now(), partitions=6)
    world.stand_in.faults.add([Fault("error", method="POST", nth=1, status=429, retry_after=1_000)])
    left = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 60))
    assert not left.is_closed
    world.clock.sleep(1_000)

    record = world.run()

    assert (record.id, sent(record)) == (left.id, (2_000, 0, 2_000, 1_000))
    assert {warning.code for warning in record.warnings} == set()
    assert world.members() == {unusual(index) for index in range(3_000)}


def broken(world: World) -> None:
    name = ledger_of(world) or ""
    content = bytearray(world.services.state.read(name).content)
    content[-1] ^= 1
    world.services.state.write(name, bytes(content))


def missing(world: World) -> None:
    world.services.state.delete(ledger_of(world) or "")


def of_another_key(world: World) -> None:
    world.secrets({"klaviyo-sandbox": "pk_sandbox", SECRET_NAME: SECRET})


@pytest.mark.parametrize("lose", [broken, missing, of_another_key], ids=lambda lose: lose.__name__)
def test_a_lost_ledger_makes_a_full_run(world: World, lose: Callable[[World], None]) -> None:
    """It says so, and the one after it knows everybody again."""
    world.segment([row(index) for index in range(5)])
    world.run()
    lose(world)

    record = world.run()

    assert (sent(record), codes(record)) == ((5, 0, 5, 0), {"ledger_lost": 1})
    after = world.run()
    assert (sent(after), codes(after)) == ((0, 0, 0, 5), {})


def test_without_a_key_everybody_goes_and_nothing_is_kept(world: World) -> None:
    """Until somebody puts it back: then a full run begins a ledger."""
    world.segment([row(index) for index in range(5)])
    world.run()
    secrets = world.services.settings.secrets_file.read_text()
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})

    record = world.run()

    assert (record.counts.sent, codes(record)) == (5, {"no_ledger": 1})
    assert ledger_of(world) is None
    world.services.settings.secrets_file.write_text(secrets)
    assert codes(world.run()) == {"ledger_lost": 1}
    assert sent(world.run()) == (0, 0, 0, 5)


def test_a_key_that_is_lost_while_a_run_is_open_ends_it(world: World) -> None:
    """Its batches could not be told from others any more; the next run sends everybody."""
    world.segment(small_batches(3), partitions=3)
    world.stand_in.faults.add([Fault("error", method="POST", nth=2, status=429, retry_after=1_000)])
    left = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 60))
    of_another_key(world)
    world.clock.sleep(1_000)

    ended = world.run()

    assert (ended.id, ended.status) == (left.id, "failed")
    assert ended.error is not None
    assert ended.error.code == "ledger_lost"
    record = world.run()
    assert (record.counts.sent, codes(record)) == (1_500, {"ledger_lost": 1})


def test_old_ledgers_and_parts_are_removed(world: World) -> None:
    """What holds is all there is."""
    world.segment([row(index) for index in range(5)])
    world.run()
    refresh(world, [row(index) for index in range(6)])
    world.run()

    names = [blob.name for blob in world.services.state.list(state.ledgers("vip"))]
    assert names == [ledger_of(world)]
    assert not [blob.name for blob in world.services.state.list(state.RUNS) if ".parts/" in blob.name]


def test_no_address_and_no_known_digest_is_in_the_state(world: World) -> None:
    """Neither in a ledger nor in the parts of an open run; not even a digest that anybody could try out."""
    world.stand_in.plans.append(JobPlan(seconds=600))
    world.segment([row(index) for index in range(5)])
    run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 1))
    open_state = b"".join(world.services.state.read(b.name).content for b in world.services.state.list())
    world.clock.sleep(600)
    assert world.run().counts.imported == 5
    name = ledger_of(world) or ""
    ledger = read_ledger(world.services.state, name)

    assert len(ledger.people) == 5
    content = world.services.state.read(name).content
    for held in (open_state, content):
        for index in range(5):
            assert email(index).encode() not in held
            for kind in ("md5", "sha1", "sha256", "sha512"):
                assert hashlib.new(kind, email(index).encode()).digest() not in held
            assert UNKEYED.person(email(index)) not in held


def test_a_preview_tells_what_the_run_then_does(world: World) -> None:
    """New, changed, unchanged and again; and it makes no key and writes nothing."""
    world.segment([row(index) for index in range(5)])
    export = world.services.catalog.export("vip")
    names = [blob.name for blob in world.services.state.list()]
    made = preview(world.services, export)
    assert (made.counts.would_send, made.counts.unchanged) == (5, 0)
    assert [blob.name for blob in world.services.state.list()] == names
    world.run()
    refresh(world, [row(0), row(1, City="Lisbon"), row(7), row(2)])

    for full in (False, True):
        made = preview(world.services, export, full=full)
        record = run_with(world, full=full) if full else None
        if record is not None:
            assert made.counts.would_send == record.counts.sent == 4
            continue
        assert (made.counts.new, made.counts.changed) == (1, 1)
        assert (made.counts.would_send, made.counts.unchanged, made.warnings) == (2, 2, [])


def test_a_full_run_is_not_taken_for_another(world: World) -> None:
    """Who wants everybody must not get the run that happens to be open."""
    world.segment([row(index) for index in range(5)])
    opened = start(world.services, "vip", Request("on_demand", "tester"))

    with pytest.raises(AlreadyRunning, match="is not a full one") as caught:
        start(world.services, "vip", Request("on_demand", "tester", full=True))
    assert caught.value.code == "run_is_open"
    with pytest.raises(AlreadyRunning, match="is not a full one"):
        run_with(world, full=True)
    assert world.run().id == opened.id


def test_a_first_run_that_is_canceled_before_it_sends_loses_nothing(world: World) -> None:
    """There was no ledger yet: the next run is a first one."""
    world.segment([row(index) for index in range(5)])
    world.stand_in.faults.add([Fault("error", method="POST", nth=1, status=429, retry_after=1_000)])
    left = run(world.services, "vip", Request("command", "tester"), Deadline(world.clock, 1))
    closed = cancel(world.services, left, world.deadline())
    assert (closed.status, codes(closed)) == ("canceled", {})
    world.clock.sleep(1_000)

    record = world.run()

    assert (record.counts.sent, record.counts.imported, codes(record)) == (5, 5, {})
