"""The list's members are the truth: who left by themselves is not sent, strangers are told or removed."""

import pytest

from sandbox.klaviyo import ByHand, Fault
from sandbox.people import email
from shared.adapters.clock import Deadline
from shared.runs.advance import run
from shared.runs.removal import ANY_NUMBER
from shared.runs.starting import Request
from tests.support.refreshes import another_export, codes, emails, refresh, row, rows, run_with, sent
from tests.support.world import LIST, World

STRANGER = "stranger@example.org"


@pytest.fixture
def by_hand(world: World) -> ByHand:
    return ByHand(world.stand_in)


def mirrors(world: World, **sync: object) -> None:
    world.document("exports/vip.json", sync={"mode": "mirror", **sync})


def exported(world: World, count: int) -> None:
    world.segment(rows(*range(count)))
    assert world.run().status == "successful"


@pytest.mark.parametrize("mode", ["add", "mirror"])
def test_who_left_by_themselves_is_not_sent(world: World, by_hand: ByHand, mode: str) -> None:
    """Not by a full run either, nor where their row has changed; they count as unchanged."""
    world.document("exports/vip.json", sync={"mode": mode})
    exported(world, 6)
    by_hand.suppress(email(0), list_id=LIST)

    found = run_with(world, reconcile=True)
    assert (sent(found), codes(found)) == ((0, 0, 0, 6), {"left_by_themselves": 1})

    refresh(world, [row(0, City="Lisbon"), *rows(*range(1, 6))])
    plain = world.run()
    assert (sent(plain), codes(plain)) == ((0, 0, 0, 6), {})
    assert sent(run_with(world, full=True)) == (0, 0, 5, 1)
    assert world.members() == emails(*range(1, 6))


def test_they_are_sent_again_where_somebody_wants_it(world: World, by_hand: ByHand) -> None:
    """With --readd; from then on they are like anybody."""
    exported(world, 6)
    by_hand.remove(LIST, email(0))
    run_with(world, reconcile=True)
    by_hand.remove(LIST, email(1))

    record = run_with(world, reconcile=True, readd=True)

    assert (sent(record), codes(record)) == ((0, 0, 2, 4), {})
    assert world.members() == emails(*range(6))
    assert sent(world.run()) == (0, 0, 0, 6)


def test_who_came_back_to_the_list_is_sent_like_anybody(world: World, by_hand: ByHand) -> None:
    """As the next look at the members shows."""
    exported(world, 6)
    by_hand.remove(LIST, email(0))
    run_with(world, reconcile=True)
    by_hand.add(LIST, email(0))

    assert codes(run_with(world, reconcile=True)) == {}
    refresh(world, [row(0, City="Lisbon"), *rows(*range(1, 6))])
    assert sent(world.run()) == (0, 1, 1, 5)


def test_a_member_with_another_address_is_not_taken_for_absent(world: World, by_hand: ByHand) -> None:
    """Where Klaviyo finds the profile by the address that we know."""
    world.stand_in.secondary_addresses_found = True
    mirrors(world, strangers="remove")
    exported(world, 6)
    by_hand.make_primary(email(0), "moved@example.org")

    record = run_with(world, reconcile=True)

    assert (sent(record), record.counts.removed, codes(record)) == ((0, 0, 0, 6), 0, {})
    assert world.members() == {"moved@example.org", *emails(*range(1, 6))}


def test_strangers_are_told_and_kept(world: World, by_hand: ByHand) -> None:
    """Which is the default, in each mode."""
    exported(world, 6)
    by_hand.add(LIST, STRANGER)

    record = run_with(world, reconcile=True)

    assert codes(record) == {"strangers": 1}
    assert STRANGER in world.members()


def test_strangers_are_removed_where_the_export_says_so(world: World, by_hand: ByHand) -> None:
    """And by a run that reads the members only; their profiles stay."""
    mirrors(world, strangers="remove")
    exported(world, 6)
    by_hand.add(LIST, STRANGER)
    assert world.run().counts.removed == 0

    record = run_with(world, reconcile=True)

    assert (record.status, record.counts.removed, record.warnings) == ("successful", 1, [])
    assert world.members() == emails(*range(6))
    assert world.stand_in.profile(STRANGER).email == STRANGER


def test_too_many_strangers_are_held_until_somebody_confirms(world: World, by_hand: ByHand) -> None:
    """They have a safeguard of their own: their share of the members."""
    mirrors(world, strangers="remove")
    exported(world, 20)
    strangers = {f"stranger-{number}@example.org" for number in range(8)}
    for stranger in strangers:
        by_hand.add(LIST, stranger)

    assert codes(run_with(world, reconcile=True)) == {"removals_held": 8}
    assert codes(run_with(world, reconcile=True, confirmed=7)) == {"removals_held": 8}
    assert world.members() == emails(*range(20)) | strangers
    assert run_with(world, reconcile=True, confirmed=8).counts.removed == 8
    assert world.members() == emails(*range(20))


def test_who_left_before_there_was_a_ledger_is_removed_as_a_stranger(world: World) -> None:
    """The remedy after an update, or after a ledger was lost."""
    exported(world, 10)
    mirrors(world, strangers="remove")
    for blob in world.services.state.list("ledgers/vip/"):
        world.services.state.delete(blob.name)
    refresh(world, rows(*range(5)))
    lost = world.run()
    assert (lost.counts.removed, codes(lost)) == (0, {"ledger_lost": 1, "strangers": 5})

    record = run_with(world, reconcile=True, confirmed=ANY_NUMBER)

    assert record.counts.removed == 5
    assert world.members() == emails(*range(5))


def test_a_stranger_who_may_be_somebody_we_sent_is_held(world: World, by_hand: ByHand) -> None:
    """Somebody whom we sent has gone from the list without a trace, and the stranger may be them."""
    mirrors(world, strangers="remove")
    exported(world, 6)
    by_hand.make_primary(email(0), "moved@example.org")

    record = run_with(world, reconcile=True)

    assert codes(record) == {"left_by_themselves": 1, "removals_held": 1}
    assert "moved@example.org" in world.members()


def test_people_of_another_export_are_no_strangers(world: World) -> None:
    """Nor are those whose rows are refused."""
    mirrors(world, strangers="remove")
    exported(world, 6)
    another_export(world, "other")
    refresh(world, rows(*range(6, 9)))
    assert run_with(world, "other").counts.imported == 3
    refresh(world, rows(*range(6)))

    record = run_with(world, reconcile=True)

    assert (record.counts.removed, record.warnings) == (0, [])


def test_a_list_of_many_pages_is_read_in_many_turns(world: World) -> None:
    """Klaviyo stops it in the middle; another holder goes on, and everybody is found once."""
    exported(world, 2_500)
    world.stand_in.faults.add(
        [Fault("error", path="/api/lists/*/profiles", nth=12, status=429, retry_after=1_000)]
    )
    request = Request("command", "tester", reconcile=True)
    left = run(world.services, "vip", request, Deadline(world.clock, 30))
    assert not left.is_closed
    world.clock.sleep(1_000)

    record = world.run()

    assert (record.id, sent(record), record.warnings) == (left.id, (0, 0, 0, 2_500), [])
    pages = [r for r in world.stand_in.requests if r.path.endswith("/profiles") and r.method == "GET"]
    assert len(pages) <= 25 + 3


def test_a_full_run_is_due_every_so_many_days(world: World, by_hand: ByHand) -> None:
    """And it reads the members first, so that nobody is added again who left by themselves."""
    world.document("exports/vip.json", sync={"full_every_days": 2})
    exported(world, 6)
    by_hand.remove(LIST, email(0))
    assert sent(world.run()) == (0, 0, 0, 6)
    world.clock.sleep(2 * 86_400)

    record = world.run()

    assert (sent(record), codes(record)) == ((0, 0, 5, 1), {"left_by_themselves": 1})
    assert sent(world.run()) == (0, 0, 0, 6)
    assert email(0) not in world.members()
