"""How many posts a batch may take whose culprits Klaviyo does not name."""

from collections import Counter
from typing import Any

from sandbox.people import People, email
from tests.support.small_batches import UnusualPeople, unusual
from tests.support.world import World

MOST = 200


def posts(world: World) -> int:
    """Those that Klaviyo answered; one that it throttled is sent again."""
    return sum(request.method == "POST" and request.status != 429 for request in world.stand_in.requests)


def test_each_batch_takes_200_posts_at_most(world: World) -> None:
    """If Klaviyo takes nobody, two batches end after 200 posts each, and every row is on file as refused."""
    world.stand_in.refused_emails = set(UnusualPeople(700).expected.emails)
    world.stand_in.bad_rows_named = 0
    world.segment(UnusualPeople(700))

    record = world.run()

    assert posts(world) == 2 * MOST
    assert record.rejected_by_reason == {"batch_refused": 700}
    assert len(world.rejected(record)) == 700
    assert world.members() == set()


def test_few_culprits_are_found_within_the_bound(world: World) -> None:
    """Eight among 10,000 cost fewer than 200 posts, and nobody else is refused for them."""
    culprits = {email(index) for index in range(600, 10_000, 1_200)}
    assert len(culprits) == 8
    world.stand_in.refused_emails = culprits
    world.stand_in.bad_rows_named = 0
    world.segment(People(10_000))

    record = world.run()

    assert 8 * 10 < posts(world) < MOST
    assert record.rejected_by_reason == {"batch_refused": 8}
    assert world.members() == People(10_000).expected.emails - culprits


def test_what_was_accepted_before_the_bound_stays(world: World) -> None:
    """Of a batch with too many culprits some arrive, the rest is refused, and each row is counted once."""
    culprits = {unusual(index) for index in range(0, 500, 4)}
    world.stand_in.refused_emails = culprits
    world.stand_in.bad_rows_named = 0
    world.segment(UnusualPeople(500))

    record = world.run()

    assert posts(world) == MOST
    counts = record.counts
    assert 0 < counts.imported == len(world.members())
    assert not world.members() & culprits
    assert counts.imported + counts.rejected == 500
    places: Counter[Any] = Counter(line.rsplit(",", 3)[0] for line in world.rejected(record))
    assert len(places) == places.total() == counts.rejected
