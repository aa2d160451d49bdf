"""How much a run reads of a segment's files."""

import gzip
from itertools import pairwise

import pytest

from sandbox.people import People
from shared.adapters.storage.store import SMALL_CHUNK, Store
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from tests.support.stores import MeteredStore, with_segments
from tests.support.world import World

# Many have a street of two lines.
PEOPLE = People(8_000)


@pytest.fixture(params=["plain", "gzip"])
def metered(world: World, store: Store, request: pytest.FixtureRequest) -> MeteredStore:
    """The world's segment, in two files, in another store."""
    metered = MeteredStore(store)
    world.services = with_segments(world.services, metered)
    world.segment(PEOPLE)
    if request.param == "gzip":
        # model.json comes last, or the snapshot is not complete.
        models = [blob.name for blob in store.list() if blob.name.endswith("model.json")]
        for name in files(store):
            store.write(name, gzip.compress(store.read(name).content))
        for name in models:
            store.write(name, store.read(name).content)
    return metered


def files(store: Store) -> list[str]:
    return [blob.name for blob in store.list() if blob.name.endswith(".csv")]


def sent(world: World, most: int, limit: int | None = None) -> RunRecord:
    world.document("exports/vip.json", limits={"max_profiles": most})
    return run(world.services, "vip", Request("command", "tester", limit=limit), world.deadline())


def times_read(store: MeteredStore) -> float:
    """The bytes that were read, by those that are stored."""
    return store.streamed / sum(store.stat(name).size for name in files(store))


def test_a_first_run_reads_the_files_twice(world: World, metered: MeteredStore) -> None:
    """Once to see that no more rows are there than may leave, each file in one go, and once to send them."""
    record = sent(world, len(PEOPLE))

    assert record.counts.sent == len(PEOPLE)
    assert times_read(metered) <= 2.05
    assert set(metered.opened.values()) == {2}


def test_a_trial_reads_no_more_than_it_sends(world: World, metered: MeteredStore) -> None:
    """Of each file, its beginning tells whether its header fits."""
    record = sent(world, len(PEOPLE), limit=100)

    assert record.counts.sent == 100
    assert times_read(metered) <= 1.05


@pytest.mark.parametrize("metered", ["plain"], indirect=True)
def test_files_too_small_for_too_many_rows_are_not_counted(world: World, metered: MeteredStore) -> None:
    """Where each row has two bytes at least, a file's size can show that they are few enough."""
    record = sent(world, 2_000_000)

    assert record.counts.sent == len(PEOPLE)
    assert times_read(metered) <= 1.05


def test_the_beginning_of_a_file_is_read_alone(store: Store) -> None:
    """A stream that starts small yields all of the content, and little of it at first."""
    content = bytes(range(256)) * 50_000
    etag, empty = store.write("a", content), store.write("empty", b"")
    chunks = list(store.stream("a", etag=etag, start_small=True))

    assert b"".join(chunks) == content
    assert len(chunks[0]) == SMALL_CHUNK
    assert all(len(chunk) <= 2 * len(before) for before, chunk in pairwise(chunks))
    assert list(store.stream("empty", etag=empty, start_small=True)) == []
