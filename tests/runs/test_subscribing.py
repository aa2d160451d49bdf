"""A run subscribes people who consented, by each consent once, and nobody who may have unsubscribed."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.klaviyo import ByHand, Fault, ImportFailure, JobPlan
from sandbox.klaviyo.consents import Consent
from sandbox.people import Row, email
from shared import state
from shared.errors import InvalidDocument
from shared.ledger import read_ledger
from shared.ledger.key import SECRET_NAME
from shared.runs.advance import cancel, run, start
from shared.runs.forget import forget
from shared.runs.heads.head import read_head
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.preview import preview
from tests.support.dying import Died, dying
from tests.support.erasures import erasures
from tests.support.open_runs import CONSENT
from tests.support.refreshes import codes, refresh, row, run_with, sent
from tests.support.stores import ActingStore, with_state
from tests.support.world import LIST, World

MAY, JUNE, JULY = "2026-05-01T08:00:00Z", "2026-06-01T08:00:00Z", "7/1/2026 8:00:00 AM"
SUBSCRIPTIONS = "/api/profile-subscription-bulk-create-jobs"


def document(world: World, **changes: Any) -> None:
    """The example's export, which subscribes; of a row it sends a name and the city."""
    attributes = {"first_name": "FirstName", "location.city": "City"}
    world.document("exports/vip.json", **CONSENT | {"attributes": attributes} | changes)


@pytest.fixture(autouse=True)
def _subscribing(world: World) -> None:
    document(world)


def person(index: int, consented_at: str = MAY, **changes: str) -> Row:
    return row(index, **{"Newsletter consent": "True", "CreatedOn": consented_at, **changes})


def consent(world: World, index: int) -> Consent:
    account, profile = world.stand_in.find(email(index))
    return account.consent(profile.number)


def subscribed(world: World, *indexes: int) -> list[bool]:
    return [consent(world, index).email == "SUBSCRIBED" for index in indexes]


def subscription_posts(world: World) -> int:
    return [request.path for request in world.stand_in.requests].count(SUBSCRIPTIONS)


def told(record: RunRecord) -> tuple[int, int]:
    """How many were subscribed, and how many could not be."""
    return record.counts.subscribed, codes(record).get("not_subscribed", 0)


def refreshed(world: World, *people: Row) -> RunRecord:
    refresh(world, list(people))
    return world.run()


def test_who_is_new_is_subscribed_with_the_time_of_the_row(world: World) -> None:
    """As somebody who consented then; who does not pass the condition is not."""
    world.segment([person(0), person(1, JULY), row(2, **{"Newsletter consent": "False"})])

    record = world.run()

    assert (record.status, told(record), record.counts.sent) == ("successful", (2, 0), 2)
    assert [consent(world, index).consented_at for index in (0, 1)] == [1_777_622_400.0, 1_782_892_800.0]
    assert world.members() == {email(0), email(1)}
    assert told(refreshed(world, person(0), person(1, JULY), person(3))) == (1, 0)
    assert subscription_posts(world) == 2


def test_who_unsubscribed_and_moved_house_stays_unsubscribed(world: World) -> None:
    """Only a later consent subscribes again, also where nothing else of the row has changed."""
    world.segment([person(0), person(1)])
    world.run()
    ByHand(world.stand_in).suppress(email(0))

    moved = refreshed(world, person(0, City="Lisbon"), person(1))

    assert (sent(moved), told(moved)) == ((0, 1, 1, 1), (0, 0))
    assert subscribed(world, 0, 1) == [False, True]
    earlier = refreshed(world, person(0, "2026-04-01T08:00:00Z", City="Lisbon"), person(1))
    assert (told(earlier), subscribed(world, 0)) == ((0, 0), [False])
    again = refreshed(world, person(0, JUNE, City="Lisbon"), person(1))
    assert (sent(again), told(again)) == ((0, 0, 0, 2), (1, 0))
    assert consent(world, 0) == Consent("SUBSCRIBED", 1_780_300_800.0)


@pytest.mark.parametrize("time", ["", "soon", "2027-01-01T00:00:00Z", "1969-12-31T00:00:00Z"])
def test_without_a_time_that_is_past_nobody_is_subscribed(world: World, time: str) -> None:
    """The profile is imported, and the record counts it; once, and not even when the time has come."""
    world.segment([person(0, time), person(1)])

    record = world.run()

    assert (record.status, told(record), record.counts.imported) == ("completed_with_warnings", (1, 1), 2)
    assert (subscribed(world, 0, 1), subscription_posts(world)) == ([False, True], 1)
    world.clock.sleep(366 * 86_400)
    assert told(refreshed(world, person(0, time), person(1))) == (0, 0)


def test_a_consent_after_the_first_run_subscribes_who_never_was(world: World) -> None:
    """One before it does not: the person may have unsubscribed by other ways since."""
    world.segment([person(0, ""), person(1, ""), person(2)])
    assert told(world.run()) == (1, 2)
    world.clock.sleep(86_400)
    later = world.clock.now().isoformat()

    record = refreshed(world, person(0, later), person(1, MAY), person(2))

    assert told(record) == (1, 0)
    assert subscribed(world, 0, 1) == [True, False]


def test_a_column_without_any_time_uses_up_no_consent(world: World) -> None:
    """It is a wrong one: once another is named, everybody is subscribed who is new."""
    world.segment([person(0, "Abbie"), person(1, "")])
    assert (told(world.run()), subscription_posts(world)) == ((0, 2), 0)
    assert told(refreshed(world, person(0, "Abbie"), person(1, ""))) == (0, 2)

    record = refreshed(world, person(0, MAY), person(1, ""))

    assert told(record) == (1, 1)
    assert subscribed(world, 0, 1) == [True, False]


def test_who_was_there_before_consent_was_asked_for_is_left_alone(world: World) -> None:
    """The first run that subscribes takes them as they are; who is new to it is subscribed."""
    document(world, consent=None)
    world.segment([person(0)])
    world.run()
    document(world)

    record = refreshed(world, person(0), person(1))

    assert told(record) == (1, 0)
    assert subscribed(world, 0, 1) == [False, True]


def test_a_full_run_and_a_trial_subscribe_nobody(world: World) -> None:
    """The next run subscribes whom they sent first, and not who has unsubscribed."""
    world.segment([person(0)])
    world.run()
    ByHand(world.stand_in).suppress(email(0))
    refresh(world, [person(0), person(1), person(2)])
    assert told(run_with(world, limit=1)) == (0, 0)

    full = run_with(world, full=True)

    assert (sent(full), told(full)) == ((1, 0, 3, 0), (0, 0))
    assert told(world.run()) == (2, 0)
    assert subscribed(world, 0, 1, 2) == [False, True, True]


def test_a_changed_mapping_subscribes_nobody_who_is_known(world: World) -> None:
    """Their consents are looked at by the run after it."""
    world.segment([person(0)])
    world.run()
    ByHand(world.stand_in).suppress(email(0))
    document(world, attributes={"first_name": "FirstName"})

    assert told(refreshed(world, person(0, JUNE), person(1))) == (1, 0)
    assert subscribed(world, 0, 1) == [False, True]
    assert told(world.run()) == (1, 0)


def losing_the_ledger(world: World) -> None:
    head, _ = read_head(world.services.state, "vip")
    world.services.state.delete(head.ledger or "")


def losing_the_head(world: World) -> None:
    world.services.state.delete(state.head("vip"))


def losing_the_key(world: World) -> None:
    world.secrets({"klaviyo-sandbox": "pk_sandbox", SECRET_NAME: "0123456789abcdef" * 4})


def another_list(world: World) -> None:
    other = world.stand_in.add_list(world.stand_in.accounts["SNDBOX"], "Others").id
    document(world, list_id=other)


@pytest.mark.parametrize(
    "lose", [losing_the_ledger, losing_the_head, losing_the_key, another_list], ids=lambda lose: lose.__name__
)
def test_where_it_is_not_known_who_is_new_nobody_is_subscribed(
    world: World, lose: Callable[[World], None]
) -> None:
    """From then on those are who are new, or consent later than that."""
    world.segment([person(0), person(1)])
    world.run()
    ByHand(world.stand_in).suppress(email(0))
    lose(world)

    record = world.run()

    assert (record.counts.sent, told(record)) == (2, (0, 0))
    assert {"ledger_lost", "old_list_kept"} & codes(record).keys()
    world.clock.sleep(86_400)
    later = world.clock.now().isoformat()
    assert told(refreshed(world, person(0), person(1, later), person(2))) == (2, 0)
    assert subscribed(world, 0, 1, 2) == [False, True, True]


def test_who_leaves_the_segment_and_returns_is_not_new_to_the_consents(world: World) -> None:
    """Removed from the list in between, and the same consent as before: it is used already."""
    document(world, sync={"mode": "mirror"})
    others = [person(index) for index in range(1, 8)]
    world.segment([person(0), *others])
    world.run()
    ByHand(world.stand_in).suppress(email(0))
    assert refreshed(world, *others).counts.removed == 1

    back = refreshed(world, person(0), *others)

    assert (sent(back), told(back)) == ((1, 0, 1, 7), (0, 0))
    assert subscribed(world, 0) == [False]
    assert told(refreshed(world, person(0, JUNE), *others)) == (1, 0)


def test_who_left_the_list_by_themselves_is_not_put_on_it_by_a_consent(world: World) -> None:
    """Until somebody wants them back: a subscription would add them to the list."""
    world.segment([person(0), person(1)])
    world.run()
    ByHand(world.stand_in).remove(LIST, email(0))
    assert codes(run_with(world, reconcile=True)) == {"left_by_themselves": 1}

    assert told(refreshed(world, person(0, JUNE), person(1))) == (0, 0)
    assert world.members() == {email(1)}
    assert told(run_with(world, reconcile=True, readd=True)) == (0, 0)
    assert told(world.run()) == (1, 0)


def test_only_who_was_imported_is_subscribed(world: World) -> None:
    """Whom a job could not import is, by the run after the one that could."""
    world.stand_in.failures[email(0)] = ImportFailure()
    world.segment([person(0), person(1)])
    assert told(world.run()) == (1, 0)
    world.stand_in.failures.clear()

    retried = world.run()

    assert (sent(retried), told(retried)) == ((0, 0, 1, 1), (0, 0))
    assert told(world.run()) == (1, 0)
    assert subscribed(world, 0, 1) == [True, True]


def test_who_was_imported_by_a_run_that_was_canceled_is_subscribed_by_the_next(world: World) -> None:
    """They are still new: nobody has subscribed them."""
    world.stand_in.plans.append(JobPlan(seconds=600))
    world.segment([person(0)])
    left = start(world.services, "vip", Request("command", "tester"))
    world.stand_in.on_import(lambda _: cancel_at_once(world, left))
    canceled = world.run()
    while not canceled.is_closed:
        world.clock.sleep(600)
        canceled = cancel(world.services, left, world.deadline())
    assert (canceled.status, canceled.counts.imported, told(canceled)) == ("canceled", 1, (0, 0))

    assert told(world.run()) == (1, 0)


def cancel_at_once(world: World, record: RunRecord) -> None:
    world.services.state.write(state.cancel(record.id), b"")


def test_a_list_with_double_opt_in_asks_nobody_again(world: World) -> None:
    """They have consented already."""
    ByHand(world.stand_in).list(LIST).opt_in_process = "double_opt_in"
    world.segment([person(0)])

    assert told(world.run()) == (1, 0)
    assert subscribed(world, 0) == [True]


def test_a_key_without_the_right_to_subscribe_fails_the_run(world: World) -> None:
    """After everybody was sent; with the right, the next run subscribes them."""
    world.segment([person(0)])
    world.stand_in.faults.add([Fault("error", method="POST", path=SUBSCRIPTIONS, status=403)])

    record = world.run()

    assert (record.status, record.counts.imported, told(record)) == ("failed", 1, (0, 0))
    assert record.error is not None
    assert record.error.code == "missing_scope"
    assert told(world.run()) == (1, 0)


@pytest.mark.parametrize("status", [400, 413])
def test_a_job_that_klaviyo_refuses_is_halved(world: World, status: int) -> None:
    """Where it names nobody; the halves that it takes are subscribed."""
    world.segment([person(index) for index in range(6)])
    world.stand_in.faults.add([Fault("error", method="POST", path=SUBSCRIPTIONS, status=status)])

    assert told(world.run()) == (6, 0)
    assert subscription_posts(world) == 3


def test_whom_klaviyo_refuses_is_counted(world: World) -> None:
    """And tried again with the next consent only; the others are subscribed."""
    world.segment([person(0), person(1)])
    world.stand_in.faults.add(
        [Fault("error", method="POST", path=SUBSCRIPTIONS, status=400, nth=n) for n in (1, 2)]
    )

    record = world.run()

    assert told(record) == (1, 1)
    assert sorted(subscribed(world, 0, 1)) == [False, True]
    assert told(world.run()) == (0, 0)


def test_without_a_key_an_export_with_consent_does_not_run(world: World) -> None:
    """It could not know who is new; it says what to do."""
    world.segment([person(0)])
    world.run()
    world.secrets({"klaviyo-sandbox": "pk_sandbox"})

    record = refreshed(world, person(0), person(1))

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "no_digest_key"


def test_a_document_with_consent_needs_a_condition(world: World) -> None:
    """Else people would be subscribed who have not consented."""
    document(world, only_if=None)

    with pytest.raises(InvalidDocument, match="/consent: needs an only_if"):
        world.services.catalog.export("vip")


def test_a_pause_and_a_cancel_stop_the_posts(world: World) -> None:
    """The permit of imports is asked before each; what is not subscribed then waits for the next run."""
    world.segment([person(0)])
    world.stand_in.on_import(lambda _: world.document("connections/sandbox.json", paused=True))
    left = world.run()
    assert (left.is_closed, left.phase) == (False, "subscribing")
    assert subscription_posts(world) == 0
    world.stand_in.on_import(lambda _: None)
    world.document("connections/sandbox.json")

    closed = cancel(world.services, left, world.deadline())

    assert (closed.status, subscription_posts(world)) == ("canceled", 0)
    assert told(world.run()) == (1, 0)


def test_who_was_erased_meanwhile_is_not_subscribed(world: World) -> None:
    """That would bring them back; nor does anybody count them as somebody who could be."""
    world.segment([person(0), person(1)])
    erase_at(world, lambda what, name: what == "write" and "subscribed-" in name)

    record = world.run()

    assert told(record) == (1, 0)
    assert subscribed(world, 1) == [True]
    with pytest.raises(KeyError):
        world.stand_in.profile(email(0))


def test_who_is_erased_once_they_are_subscribed_is_erased_again(world: World) -> None:
    """Klaviyo never says when a subscription is done, and might bring them back by it."""
    world.segment([person(0), person(1)])
    world.run()
    refresh(world, [person(0, JUNE), person(1)])
    seen: list[str] = []

    def at_the_checkpoint(what: str, name: str) -> bool:
        seen.extend([name] if "subscribed-" in name and what == "write" else [])
        return bool(seen) and what == "write" and name == "heads/vip.json"

    erase_at(world, at_the_checkpoint)

    record = world.run()

    assert told(record) == (1, 0)
    assert erasures(world) == 2


def erase_at(world: World, is_time: Callable[[str, str], bool]) -> None:
    """Erases the first person at this call to the state, once."""
    services, is_done = world.services, list[bool]()

    def act(what: str, name: str) -> None:
        if not is_done and is_time(what, name):
            is_done.append(True)
            forget(services, [email(0)], world.deadline())

    world.services = with_state(services, ActingStore(services.state, act))


def test_a_newer_snapshot_leaves_the_others_to_the_next_run(world: World) -> None:
    """A run that is resumed behind it subscribes nobody by what may not be so any more."""
    world.segment([person(0), person(1)])
    world.stand_in.on_import(lambda _: world.document("connections/sandbox.json", paused=True))
    left = world.run()
    world.stand_in.on_import(lambda _: None)
    world.document("connections/sandbox.json")

    newest = refreshed(world, person(0), person(1, **{"Newsletter consent": "False"}))

    assert newest.id != left.id
    assert told(newest) == (1, 0)
    assert subscribed(world, 0, 1) == [True, False]


def test_killed_before_and_after_every_post(world: World) -> None:
    """Each chunk is on file before its post: everybody is subscribed, and at most a chunk goes twice."""
    people = [person(index) for index in range(2_001)]
    world.segment(people)
    left = start(world.services, "vip", Request("command", "tester"))
    for nth in range(3):
        services = dying(world.services, dies_at(nth))
        with pytest.raises(Died):
            run(services, "vip", Request("command", "tester"), world.deadline())

    record = world.run()

    assert record.id == left.id
    assert told(record) == (2_001, 0)
    assert all(subscribed(world, *range(2_001)))
    assert subscription_posts(world) <= 3 + 3
    ledger = read_ledger(world.services.state, read_head(world.services.state, "vip")[0].ledger or "")
    assert not any(ledger.people.is_waiting(number) for number in range(len(ledger.people)))


def test_a_consent_that_may_be_used_is_not_used_by_another_run(world: World) -> None:
    """Where a holder died and somebody canceled the run: the people may be subscribed, and may have
    unsubscribed since."""
    world.segment([person(0)])
    left = start(world.services, "vip", Request("command", "tester"))
    with pytest.raises(Died):
        run(dying(world.services, dies_at(0)), "vip", Request("command", "tester"), world.deadline())
    assert subscribed(world, 0) == [True]
    ByHand(world.stand_in).suppress(email(0))
    assert cancel(world.services, left, world.deadline()).status == "canceled"

    assert told(world.run()) == (0, 0)
    assert subscribed(world, 0) == [False]
    assert told(refreshed(world, person(0, JUNE))) == (1, 0)


def test_a_lost_part_of_people_subscribes_nobody(world: World) -> None:
    """It is not known any more whom the run has sent: the ledger is lost, too."""
    world.segment([person(0)])
    world.stand_in.on_import(lambda _: world.document("connections/sandbox.json", paused=True))
    left = world.run()
    for blob in world.services.state.list(state.parts(left.id)):
        if blob.name.endswith(state.PEOPLE):
            world.services.state.delete(blob.name)
    world.document("connections/sandbox.json")

    record = world.run()

    assert (record.id, told(record)) == (left.id, (0, 0))
    assert "ledger_lost" in codes(record)


def dies_at(nth: int) -> Callable[[str, str], bool]:
    seen: list[str] = []

    def is_last(what: str, name: str) -> bool:
        if what == "write" and f"subscribed-{nth:06}" in name:
            seen.append(name)
        return bool(seen) and what == "write" and name == "heads/vip.json"

    return is_last


def test_a_preview_tells_who_would_be_subscribed(world: World) -> None:
    """And who could not be, as the run does then."""
    world.segment([person(0), person(1, ""), row(2, **{"Newsletter consent": "False"}), person(3)])
    for changes in ((), (person(4), person(5, "soon")), (person(0, JUNE), person(6))):
        if changes:
            refresh(world, [*changes, *(person(index) for index in (3,))])
        counts = seen(world)

        record = world.run()

        assert counts == told(record)
        assert seen(world) == (0, 0)


def seen(world: World) -> tuple[int, int]:
    made = preview(world.services, world.services.catalog.export("vip"))
    warnings = {warning.code: warning.count for warning in made.warnings}
    return made.counts.would_subscribe, warnings.get("not_subscribed", 0)
