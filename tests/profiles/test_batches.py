"""How profiles are packed into import jobs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.profiles import Batch, Profile, Why, pack

EXACT = 4_600_000


def profiles(sizes: list[int], plain: list[bool] | None = None) -> list[Profile]:
    """Profiles with payloads of these sizes, each told by its row."""
    kinds = plain or [True] * len(sizes)
    return [
        Profile(0, row, b"%015d" % row, b"%07d" % row, b"x" * size, kind)
        for row, (size, kind) in enumerate(zip(sizes, kinds, strict=True), 1)
    ]


def size(batch: Batch) -> int:
    """The bytes of a batch with a comma between its payloads."""
    return len(b",".join(batch.payloads))


def rows(batch: Batch) -> list[int]:
    return [row for _, row in batch.places()]


def lengths(people: list[Profile], *, most_bytes: int = EXACT) -> list[int]:
    """How many profiles each batch has, at Klaviyo's 10,000 a job."""
    return [len(batch) for batch in pack(people, most_profiles=10_000, most_bytes=most_bytes)]


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=60), st.integers(50, 200))
def test_nobody_is_lost_or_doubled(people: list[tuple[int, bool]], most_bytes: int) -> None:
    """Every profile is in exactly one batch, among its own kind, in order, and no batch is too large."""
    made = profiles([size for size, _ in people], [plain for _, plain in people])

    batches = list(pack(made, most_profiles=10_000, most_bytes=most_bytes))

    found = [row for batch in batches for row in rows(batch)]
    assert sorted(found) == list(range(1, len(made) + 1))
    for kind in (True, False):
        of_kind = [row for row in found if made[row - 1].plain is kind]
        assert of_kind == sorted(of_kind)
    for batch in batches:
        assert len(batch) > 0
        assert size(batch) <= most_bytes
        assert len({made[row - 1].plain for row in rows(batch)}) == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(50, 200))
def test_a_batch_is_closed_only_when_the_next_has_no_room(sizes: list[int], most_bytes: int) -> None:
    """No post is wasted: each batch with the next one's first profile would be too large."""
    batches = list(pack(profiles(sizes), most_profiles=10_000, most_bytes=most_bytes))

    for batch, following in pairwise(batches):
        assert size(batch) + 1 + len(following.payloads[0]) > most_bytes


@pytest.mark.parametrize(("most", "plain"), [(10_000, True), (500, False)])
def test_a_batch_has_at_most_so_many_profiles(most: int, plain: bool) -> None:
    """10,000 plain ones are one job, and one more makes two; unusual ones go 500 at a time."""
    people = profiles([1] * (most + 1), [plain] * (most + 1))

    assert lengths(people[:most]) == [most]
    assert lengths(people) == [most, 1]


def test_the_limit_in_bytes_is_met_exactly() -> None:
    """46 profiles of 99,999 bytes fill 4,600,000 less one with their commas; a byte more parts them."""
    sizes = [99_999] * 45 + [100_000]

    assert lengths(profiles(sizes)) == [46]
    assert lengths(profiles(sizes), most_bytes=EXACT - 1) == [45, 1]


def test_nothing_makes_no_batch() -> None:
    """No rows, no posts; and a profile beyond the limit goes alone, without an empty batch before it."""
    assert lengths([]) == []
    assert lengths(profiles([9, 60, 9]), most_bytes=50) == [1, 1, 1]


def test_a_digest_names_the_content_and_its_order() -> None:
    """The same people in the same order have one digest, and any other batch another."""
    one, other = (Profile(0, row, bytes(15), b"%07d" % row, b"") for row in (1, 2))

    assert Batch([one, other]).digest == Batch((one, other)).digest
    assert len({Batch(people).digest for people in ([one, other], [other, one], [one], [])}) == 4


def test_a_batch_is_parted_without_losing_anything() -> None:
    """Its halves are all of it, and what is taken out is taken out alone: each keeps all that is its own."""
    people = [
        profile._replace(partition=row % 2, payload=b"%d" % row, why=why)
        for row, (profile, why) in enumerate(zip(profiles([1] * 6), [*Why, *Why], strict=True))
    ]
    first, second = Batch(people).halves()

    assert [*all_of(first), *all_of(second)] == all_of(Batch(people))
    assert all_of(Batch(people)) == [
        ((p.partition, p.row), p.person, p.person + p.content, p.payload, p.why) for p in people
    ]
    kept = Batch(people).without({0, 3})
    assert all_of(kept) == [all_of(Batch(people))[index] for index in (1, 2, 4, 5)]
    assert kept.digest == Batch([people[index] for index in (1, 2, 4, 5)]).digest
    assert Batch(people).count(Why.CHANGED) == 2


def all_of(batch: Batch) -> list[tuple[object, ...]]:
    """All that is known of each profile."""
    entries = [batch.entries()[start : start + 22] for start in range(0, len(batch.entries()), 22)]
    return list(zip(batch.places(), batch.people(), entries, batch.payloads, batch.whys, strict=True))
