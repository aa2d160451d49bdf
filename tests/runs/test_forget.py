"""Who is erased is gone for good: at Klaviyo, on every ledger, and in whatever is sent from then on."""

import json
from itertools import count

import pytest

from sandbox.klaviyo import Fault, JobPlan
from sandbox.klaviyo.accounts import SCOPES
from sandbox.people import email
from shared import state
from shared.errors import NotFound
from shared.ledger import ErasedUnreadable
from shared.runs.advance import cancel, run
from shared.runs.forget import forget
from shared.runs.lock.export import ExportLock
from shared.runs.starting import Request
from shared.runs.views.history import read_run
from shared.runs.views.preview import preview
from tests.support.dying import Died, at_change, dying
from tests.support.erasures import (
    ERASURES,
    erase,
    erasures,
    files_with,
    imported,
    left_open,
    listed,
    on_ledger,
)
from tests.support.refreshes import codes, emails, refresh, rows, run_with, sent
from tests.support.small_batches import small_batches, unusual
from tests.support.stores import ActingStore, with_state
from tests.support.world import LIST, World


def known_at_klaviyo(world: World, address: str) -> bool:
    try:
        world.stand_in.profile(address)
    except KeyError:
        return False
    return True


def connect(world: World, connection: str, key: str) -> None:
    """A connection like the example's, of another id, with this API key."""
    store = world.services.state
    document = json.loads(store.read("connections/sandbox.json").content)
    document |= {"id": connection, "secret_name": connection}
    store.write(f"connections/{connection}.json", json.dumps(document).encode())
    world.secrets(secrets(world) | {connection: key})


def secrets(world: World) -> dict[str, str]:
    found: dict[str, str] = json.loads(world.services.settings.secrets_file.read_text())
    return found


def a_second_account(world: World, scopes: frozenset[str] = SCOPES) -> None:
    """Another account with a connection of its own."""
    world.stand_in.add_account("OTHER", "Other", keys={"pk_other": scopes}, lists={"Z1aBcD": "Other"})
    connect(world, "other", "pk_other")


def test_who_is_erased_is_gone_and_is_not_sent_again(world: World) -> None:
    """Not by later refreshes either, whatever is sent; the others are untouched, and all counts add up."""
    world.segment(rows(*range(5)))
    world.run()

    forgotten = erase(world, email(1).upper(), email(3), "nobody@example.org")

    assert not forgotten.is_open
    assert forgotten.is_deleted
    assert [(each.export, each.people) for each in forgotten.exports] == [("vip", 2)]
    assert world.members() == emails(0, 2, 4)
    assert not known_at_klaviyo(world, email(1))
    assert [on_ledger(world, email(index)) for index in range(5)] == [True, False, True, False, True]
    assert files_with(world, email(1)) == []

    refresh(world, rows(*range(6)))
    for full, expected in ((False, (1, 0, 1, 3)), (True, (0, 0, 4, 0))):
        record = run_with(world, full=full)
        assert sent(record) == expected
        assert record.rejected_by_reason == {"erased": 2}
        assert [line.split(",", 2)[2] for line in world.rejected(record)] == [",erased,check"] * 2
        counts = record.counts
        assert counts.rows == counts.rejected + counts.unchanged + counts.sent == 6
    assert world.members() == emails(0, 2, 4, 5)


def test_a_person_who_was_never_sent_is_not_sent_later(world: World) -> None:
    """The first run of an export obeys the list, too."""
    assert erase(world, email(0)).exports == []

    world.segment(rows(0, 1))
    record = world.run()

    assert record.rejected_by_reason == {"erased": 1}
    assert world.members() == emails(1)


def test_each_account_is_asked_once(world: World) -> None:
    """However many connections lead to it."""
    a_second_account(world)
    connect(world, "again", "pk_sandbox")

    forgotten = erase(world, email(0), email(1))

    assert sorted(each.account for each in forgotten.accounts) == ["OTHER", "SNDBOX"]
    assert erasures(world) == 4


def test_one_account_that_cant_be_asked_stops_no_other(world: World) -> None:
    """It is reported, and so is a connection that can't be read."""
    a_second_account(world, SCOPES - {"data-privacy:write"})
    world.segment(rows(0, 1))
    world.run()
    world.services.state.write("connections/broken.json", b"{")

    forgotten = erase(world, email(0))

    assert sorted(error.code for error in forgotten.errors()) == ["invalid_document", "missing_scope"]
    assert not forgotten.is_deleted
    assert world.members() == emails(1)
    assert listed(world) is not None


def test_without_a_connection_nobody_is_deleted(world: World) -> None:
    """No account was asked, and nothing else is claimed; the people are not sent."""
    world.services.state.delete("connections/sandbox.json")
    assert not erase(world, email(0)).is_deleted
    assert listed(world) is not None


def test_a_key_without_the_scope_is_made_up_for_by_another(world: World) -> None:
    """Two connections lead to one account, and the second key may delete."""
    keys = {"pk_sandbox": SCOPES, "pk_narrow": SCOPES - {"data-privacy:write"}}
    world.stand_in.add_account("SNDBOX", "Sandbox", keys=keys, lists={LIST: "VIP"})
    connect(world, "also", "pk_narrow")

    forgotten = erase(world, email(0))

    assert [(each.connection, each.error) for each in forgotten.accounts] == [("sandbox", None)]


def test_who_was_posted_by_an_open_run_is_deleted_again(world: World) -> None:
    """A job that is still on its way would bring the person back; the run deletes again before it closes."""
    world.segment(rows(0, 1, 2))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left = left_open(world)
    assert left.phase == "confirming"

    forgotten = erase(world, email(1))

    assert forgotten.is_open
    assert [each.run for each in forgotten.exports] == [left.id]
    assert [each.is_importing for each in forgotten.accounts] == [True]
    world.clock.sleep(3_600)
    assert known_at_klaviyo(world, email(1)), "the job has brought the person back"

    record = world.run()

    assert (record.id, record.status) == (left.id, "successful")
    assert world.members() == emails(0, 2)
    assert not known_at_klaviyo(world, email(1))
    assert files_with(world, email(1)) == []
    assert not erase(world, email(1)).is_open


def test_whose_address_is_gone_is_counted(world: World) -> None:
    """The state has no address: where the snapshot is gone, too, the record asks for another erasure."""
    world.segment(rows(0, 1))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left_open(world)
    erase(world, email(1))
    store = world.services.segment_store
    for blob in list(store.list()):
        store.delete(blob.name)
    world.clock.sleep(3_600)

    record = world.run()

    assert codes(record) == {"not_erased_again": 1}
    assert not on_ledger(world, email(1))
    assert known_at_klaviyo(world, email(1))
    assert not erase(world, email(1)).is_open
    assert not known_at_klaviyo(world, email(1))


def test_klaviyo_may_be_away_when_the_run_closes(world: World) -> None:
    """The run waits, and deletes when it is back."""
    world.segment(rows(0, 1))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left = left_open(world)
    erase(world, email(1))
    world.clock.sleep(3_600)
    world.stand_in.faults.add([Fault("error", path=f"{ERASURES}*", status=429, retry_after=3_000)])

    waiting = left_open(world)
    assert (waiting.id, waiting.phase) == (left.id, "confirming")
    world.clock.sleep(3_600)

    record = world.run()
    assert (record.id, record.status, codes(record)) == (left.id, "successful", {})
    assert world.members() == emails(0)


def test_a_key_that_lost_the_scope_closes_the_run(world: World) -> None:
    """Nothing holds it open for good; the record says that the people may be at Klaviyo again."""
    world.segment(rows(0, 1, 2))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left_open(world)
    erase(world, email(1), email(2))
    world.clock.sleep(3_600)
    narrow = {"pk_sandbox": SCOPES - {"data-privacy:write"}}
    account = world.stand_in.accounts["SNDBOX"]
    account.keys = narrow

    record = world.run()

    assert (record.status, codes(record)) == ("completed_with_warnings", {"not_erased_again": 2})
    assert not on_ledger(world, email(1))


def test_a_canceled_run_deletes_again(world: World) -> None:
    """However a run ends, it sees to whom it has posted."""
    world.segment(rows(0, 1))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left = left_open(world)
    erase(world, email(1))
    cancel(world.services, left, world.deadline())
    world.clock.sleep(3_600)

    record = cancel(world.services, left, world.deadline())

    assert record.is_closed
    assert world.members() == emails(0)
    assert files_with(world, email(1)) == []


def test_a_job_that_nobody_settles_is_counted(world: World) -> None:
    """Klaviyo may still import it after the run has closed; until it has, an erasure stays open."""
    world.segment(rows(0, 1))
    world.stand_in.plans.append(JobPlan(seconds=40 * 3_600))
    left_open(world)
    erase(world, email(1))
    world.clock.sleep(25 * 3_600)

    record = world.run()

    assert codes(record) == {"unconfirmed": 2, "not_erased_again": 1}


@pytest.mark.parametrize("before", [(), ("somebody@example.org",)], ids=["first", "second"])
def test_who_is_erased_after_the_run_began_is_taken_out_of_its_batch(
    world: World, before: tuple[str, ...]
) -> None:
    """The other batches stay as they were; the row is refused, and the counts add up."""
    if before:
        erase(world, *before)
    world.segment(small_batches(4), partitions=4)
    posts = imported(world)
    world.stand_in.faults.add(
        [Fault("error", method="POST", nth=nth, status=429, retry_after=1_000) for nth in (2, 3, 4)]
    )
    left = left_open(world)
    posted = {address for post in posts for address in post}
    early = next(address for index in range(2_000) if (address := unusual(index)) in posted)
    late = next(address for index in range(2_000) if (address := unusual(index)) not in posted)

    forgotten = erase(world, early, late)
    assert forgotten.is_open
    world.stand_in.faults.clear()
    world.clock.sleep(2_000)
    posts.clear()
    record = world.run()

    assert record.id == left.id
    assert {address for post in posts for address in post}.isdisjoint({early, late})
    assert sorted(map(len, posts)) == [499, 500, 500]
    counts = record.counts
    assert (counts.rows, counts.sent, counts.rejected) == (2_000, 1_999, 1)
    assert (record.rejected_by_reason, record.warnings) == ({"erased": 1}, [])
    assert len(world.rejected(record)) == 1
    assert not known_at_klaviyo(world, early)
    assert not known_at_klaviyo(world, late)
    assert len(world.members()) == 1_998
    assert files_with(world, early) == files_with(world, late) == []


@pytest.mark.parametrize("before", [(), ("somebody@example.org",)], ids=["first", "second"])
def test_who_is_erased_between_two_attempts_of_a_post(world: World, before: tuple[str, ...]) -> None:
    """The first one may have arrived: the second goes without the person, who is deleted again at the end."""
    if before:
        erase(world, *before)
    world.segment(rows(0, 1, 2))
    world.run()
    refresh(world, rows(0, 1, 2, 3, 4))
    posts = imported(world)
    world.stand_in.faults.add([Fault("cut_after", method="POST", path="/api/profile-bulk*", nth=1)])
    looks = count(1)

    def erase_at_the_third_look(what: str, name: str) -> None:
        """The first one is the pass's, the second one the first attempt's."""
        if (what, name) == ("stat", state.ERASED) and next(looks) == 3:
            assert erase(world, email(3)).is_open

    services = with_state(world.services, ActingStore(world.services.state, erase_at_the_third_look))
    record = run(services, "vip", Request("command", "tester"), world.deadline())

    assert posts == [[email(3), email(4)], [email(4)]]
    assert record.rejected_by_reason == {"erased": 1}
    assert sent(record) == (1, 0, 1, 3)
    assert world.members() == emails(0, 1, 2, 4)
    assert files_with(world, email(3)) == []


def test_an_open_run_keeps_the_ledger_that_it_compares_with(world: World) -> None:
    """What it sends stays the same; its close leaves a ledger without the erased person."""
    world.segment(rows(0, 1, 2))
    world.run()
    refresh(world, rows(0, 1, 2, 3))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left = left_open(world)

    forgotten = erase(world, email(1))

    assert [(each.people, each.run) for each in forgotten.exports] == [(1, left.id)]
    assert on_ledger(world, email(1))
    assert [each.run for each in erase(world, email(1)).exports] == [left.id]
    world.clock.sleep(3_600)
    assert sent(world.run()) == (1, 0, 1, 3)
    assert not on_ledger(world, email(1))
    assert files_with(world, email(1)) == []


def test_an_export_that_another_process_runs_is_told(world: World) -> None:
    """Its ledger may be written from what was known before: the same call is repeated."""
    world.segment(rows(0, 1))
    world.run()

    with ExportLock.acquire(world.services.state, "vip", world.clock):
        forgotten = erase(world, email(1))

    assert [(each.export, each.is_held) for each in forgotten.exports] == [("vip", True)]
    assert forgotten.is_open
    assert on_ledger(world, email(1))
    assert not erase(world, email(1)).is_open
    assert not on_ledger(world, email(1))


def test_a_ledger_is_cleaned_at_the_next_close_at_the_latest(world: World) -> None:
    """Also where nothing is sent, and nobody repeats the erasure."""
    world.segment(rows(0, 1))
    world.run()
    with ExportLock.acquire(world.services.state, "vip", world.clock):
        erase(world, email(1))

    assert sent(world.run()) == (0, 0, 0, 1)
    assert files_with(world, email(1)) == []


def test_ledgers_without_a_head_are_removed(world: World) -> None:
    """Nobody has a use for them."""
    world.segment(rows(0, 1))
    world.run()
    world.services.state.delete(state.head("vip"))

    erase(world, email(1))

    assert files_with(world, email(1)) == []


@pytest.mark.parametrize("key", ["another key of thirty-two characters", None])
def test_with_another_key_or_none_nothing_is_sent(world: World, key: str | None) -> None:
    """Where somebody was erased; put back, the key lets everything go on."""
    world.segment(rows(0, 1))
    world.run()
    erase(world, email(1))
    right = secrets(world)
    changed = {name: value for name, value in right.items() if name != "digest-key"}
    world.secrets(changed | ({"digest-key": key} if key else {}))
    refresh(world, rows(0, 1, 2))
    posts = imported(world)

    for full in (False, True):
        record = run_with(world, full=full)
        assert (record.status, record.error and record.error.code) == ("failed", "erased_unreadable")
    with pytest.raises(ErasedUnreadable):
        preview(world.services, world.services.catalog.export("vip"))
    with pytest.raises((ErasedUnreadable, NotFound)):
        erase(world, email(2))
    assert posts == []

    world.secrets(right)
    assert run_with(world).rejected_by_reason == {"erased": 1}
    assert posts == [[email(2)]]


@pytest.mark.parametrize("key", ["another key of thirty-two characters", None])
def test_an_open_run_sends_nothing_more_with_another_key(world: World, key: str | None) -> None:
    """It fails before its next post."""
    erase(world, "somebody@example.org")
    world.segment(small_batches(2), partitions=2)
    world.stand_in.faults.add([Fault("error", method="POST", nth=2, status=429, retry_after=1_000)])
    left_open(world)
    world.stand_in.faults.clear()
    changed = {name: value for name, value in secrets(world).items() if name != "digest-key"}
    world.secrets(changed | ({"digest-key": key} if key else {}))
    world.clock.sleep(2_000)
    posts = imported(world)

    record = world.run()

    assert (record.status, record.error and record.error.code) == ("failed", "erased_unreadable")
    assert posts == []


@pytest.mark.parametrize("harm", ["garbled", "cut", "older", "gone"])
def test_with_a_list_that_is_not_whole_nothing_is_sent(world: World, harm: str) -> None:
    """A run that began with it notices also that people are missing from it, or that it is gone."""
    store = world.services.state
    erase(world, "first@example.org")
    older = store.read(state.ERASED).content
    erase(world, "second@example.org")
    newer = store.read(state.ERASED).content
    world.segment(small_batches(2), partitions=2)
    world.stand_in.faults.add([Fault("error", method="POST", nth=2, status=429, retry_after=1_000)])
    left_open(world)
    world.stand_in.faults.clear()
    match harm:
        case "gone":
            store.delete(state.ERASED)
        case "older":
            store.write(state.ERASED, older)
        case "cut":
            store.write(state.ERASED, newer[:-1])
        case _:
            store.write(state.ERASED, newer.replace(b"version", b"Version"))
    world.clock.sleep(2_000)
    posts = imported(world)

    record = world.run()

    assert (record.status, record.error and record.error.code) == ("failed", "erased_unreadable")
    assert posts == []


def test_a_run_without_a_digest_key_does_not_go_on(world: World) -> None:
    """It can't tell who was erased since it began; the next run can."""
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})
    world.services.state.write(state.DIGEST_KEY, b'{"id": "lost"}')
    world.segment(small_batches(2), partitions=2)
    world.stand_in.faults.add([Fault("error", method="POST", nth=2, status=429, retry_after=1_000)])
    left_open(world)
    world.stand_in.faults.clear()
    world.secrets(secrets(world) | {"digest-key": "a key of more than thirty-two characters"})

    assert erase(world, unusual(1)).is_open
    world.clock.sleep(2_000)
    posts = imported(world)
    record = world.run()

    assert record.error is not None
    assert (record.error.code, posts) == ("erased_unreadable", [])
    assert "Run the export again" in record.error.message
    assert world.run().rejected_by_reason == {"erased": 1}


def test_without_a_digest_key_nobody_is_erased(world: World) -> None:
    """Where one was in use and is lost, none is made anew."""
    world.services.state.write(state.DIGEST_KEY, b'{"id": "lost"}')
    with pytest.raises(NotFound) as error:
        erase(world, email(0))
    assert error.value.code == "no_digest_key"
    assert erasures(world) == 0


def test_a_dry_run_changes_nothing(world: World) -> None:
    """It says who is on which ledger, and which accounts would be asked."""
    world.segment(rows(0, 1, 2))
    world.run()
    before = {blob.name: blob.etag for blob in world.services.state.list()}

    forgotten = erase(world, email(1), email(9), dry_run=True)

    assert [(each.export, each.people) for each in forgotten.exports] == [("vip", 1)]
    assert [each.account for each in forgotten.accounts] == ["SNDBOX"]
    assert {blob.name: blob.etag for blob in world.services.state.list()} == before
    assert erasures(world) == 0


def test_killed_before_any_write_and_repeated(world: World) -> None:
    """Whichever it is, the same call again leaves nothing behind."""
    world.segment(rows(*range(40)))
    world.run()
    for nth in count(1):
        try:
            forget(dying(world.services, at_change(nth)), [email(nth)], world.deadline())
        except Died:
            erase(world, email(nth))
        else:
            break
        assert files_with(world, email(nth)) == []
        assert not known_at_klaviyo(world, email(nth))

    assert nth == 5, "the list, the ledger, the head, the ledger before"
    assert sent(world.run()) == (0, 0, 0, 35)


def test_a_run_that_dies_while_it_deletes_again_goes_on(world: World) -> None:
    """Before any write of its close; each person is deleted, and the record is the same."""
    world.segment(rows(*range(10)))
    world.stand_in.plans.append(JobPlan(seconds=3_000))
    left = left_open(world)
    erase(world, *(email(index) for index in range(5)))
    world.clock.sleep(3_600)
    before = erasures(world)

    for nth in count(1):
        try:
            services = dying(world.services, at_change(nth))
            run(services, "vip", Request("command", "tester"), world.deadline())
            break
        except Died:
            continue

    record = read_run(world.services.state, left.id)
    assert (record.status, codes(record)) == ("successful", {})
    assert erasures(world) >= before + 5
    assert world.members() == emails(*range(5, 10))
    assert files_with(world, email(0)) == []


def test_the_pace_of_klaviyo_is_kept(world: World) -> None:
    """60 deletions a minute: nothing is refused for it, and a slice of the timer ends between two."""
    began = world.clock.monotonic()
    erase(world, *(email(index) for index in range(130)))
    assert 120 <= world.clock.monotonic() - began < 150
    assert not [request for request in world.stand_in.requests if request.status == 429]
