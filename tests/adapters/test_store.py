"""What every Store promises, said once and asked of both: a folder, and blobs in Azurite."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.storage.store import Level, Store
from shared.errors import (
    AlreadyExists,
    AlreadyRunning,
    Changed,
    ExportError,
    InvalidDocument,
    InvalidRequest,
    LeaseLost,
    NotFound,
)

MIB = 1024 * 1024
NAMES = [
    "a",
    "a b/c d.csv",
    "a-b/c",
    "a.b",
    "percent%20/100%",
    "plus+hash#question?/amp&=",
    "quote'\"/<x>",
    "ämter/ö.json",
    "日本/東京.csv",
]
IMPOSSIBLE = [
    "",
    ".",
    "..",
    "/",
    "a/",
    "/a",
    "a//b",
    "a/./b",
    "a/../b",
    "../a",
    "a\\b",
    "a\0b",
    ".a",
    "a/.b",
    "a.lock",
]


def race[Won](work: Callable[[int], Won]) -> list[Won | ExportError]:
    """What 20 threads got that did the same thing at once."""

    def attempt(number: int) -> Won | ExportError:
        try:
            return work(number)
        except ExportError as error:
            return error

    with ThreadPoolExecutor(20) as threads:
        return list(threads.map(attempt, range(20)))


@pytest.mark.parametrize("name", NAMES)
def test_any_ordinary_name_can_be_written_and_read(store: Store, name: str) -> None:
    """A name comes back as it was given, whatever characters it has."""
    etag = store.write(name, b"content")

    assert store.read(name).content == b"content"
    assert store.read(name).etag == etag
    assert [(blob.name, blob.etag, blob.size) for blob in store.list()] == [(name, etag, 7)]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_name_is_refused_everywhere(store: Store, name: str) -> None:
    """No call takes a name that is empty, hidden, a lock's, or leads elsewhere."""
    calls: list[Callable[[], object]] = [
        lambda: store.write(name, b""),
        lambda: store.read(name),
        lambda: store.stat(name),
        lambda: next(store.stream(name, etag="x")),
        lambda: store.delete(name),
        lambda: store.acquire(name),
        lambda: store.level(name or ".."),
        lambda: store.list(f"{name or '..'}/"),
    ]

    for call in calls:
        with pytest.raises(InvalidRequest):
            call()


def test_a_listing_is_in_the_names_order(store: Store) -> None:
    """Names are ordered as plain strings, not folder by folder, and only those with the prefix show."""
    for name in reversed(NAMES[1:]):
        store.write(name, b"")

    assert [blob.name for blob in store.list()] == sorted(NAMES[1:])
    assert [blob.name for blob in store.list("a")] == ["a b/c d.csv", "a-b/c", "a.b"]
    assert [blob.name for blob in store.list("a-")] == ["a-b/c"]
    assert [blob.name for blob in store.list("a-b/")] == ["a-b/c"]
    assert list(store.list("unknown/folder/")) == []


def test_a_level_shows_folders_and_blobs_of_one_folder(store: Store) -> None:
    """A level is not deeper than it says, and knows nothing of a folder without blobs."""
    for name in ("b/x", "b/2/y", "b/1/z", "a"):
        store.write(name, b"", metadata={"of": name})
    store.write("gone/x", b"")
    store.delete("gone/x")

    assert store.level().folders == ("b",)
    assert [blob.name for blob in store.level().blobs] == ["a"]
    assert store.level("b").folders == ("b/1", "b/2")
    assert [(blob.name, blob.metadata) for blob in store.level("b").blobs] == [("b/x", {"of": "b/x"})]
    assert store.level("gone") == store.level("unknown") == Level((), ())


def test_metadata_travels_with_its_version(store: Store) -> None:
    """Metadata shows in a listing and an entry, and the next write replaces it as a whole."""
    store.write("heads/vip.json", b"1", metadata={"status": "running", "not_before": "2026-11-24T03:00:00Z"})
    [listed] = store.list()

    assert listed.metadata == {"status": "running", "not_before": "2026-11-24T03:00:00Z"}
    assert listed == store.stat("heads/vip.json")
    store.write("heads/vip.json", b"2", metadata={"status": "a = b; c"})
    assert store.stat("heads/vip.json").metadata == {"status": "a = b; c"}
    store.write("heads/vip.json", b"3")
    assert store.stat("heads/vip.json").metadata == {}


@pytest.mark.parametrize(
    ("key", "value"), [("status", "é"), ("status", ""), ("status", " x"), ("a-b", "x"), ("A", "x")]
)
def test_metadata_that_would_not_come_back_is_refused(store: Store, key: str, value: str) -> None:
    """What HTTP headers can't carry unchanged is not written, and not told either."""
    with pytest.raises(InvalidRequest) as refused:
        store.write("a", b"", metadata={key: value})

    assert list(store.list()) == []
    assert repr(value) not in refused.value.message


def test_an_entry_tells_size_and_time(store: Store) -> None:
    """Sizes are in bytes, times in UTC."""
    store.write("a", b"four")
    blob = store.stat("a")

    assert blob.size == 4
    assert blob.last_modified.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - blob.last_modified) < timedelta(minutes=1)


def test_the_store_tells_the_time_of_its_own_clock(store: Store) -> None:
    """What is written now was modified now, by the same clock, to the second."""
    before = store.now()
    store.write("a", b"")
    after = store.now()

    assert before.utcoffset() == after.utcoffset() == timedelta(0)
    second = timedelta(seconds=1)
    assert before - second < store.stat("a").last_modified < after + second


def test_every_write_is_a_new_version(store: Store) -> None:
    """Two writes of the same content, one right after the other, differ in their ETags."""
    etags = [store.write("a", b"same") for _ in range(20)]

    assert len(set(etags)) == 20


def test_what_is_not_there_is_not_found(store: Store) -> None:
    """Reading says so by name; a folder is no blob; removing is content."""
    store.write("folder/blob", b"")

    for name in ("unknown", "folder", "folder/blob/below"):
        for call in (store.stat, store.read, store.acquire, lambda name: next(store.stream(name, etag="x"))):
            with pytest.raises(NotFound, match=name):
                call(name)
        store.delete(name)
    assert [blob.name for blob in store.list()] == ["folder/blob"]


@pytest.mark.parametrize("size", [0, 7, 9 * MIB])
def test_a_reading_has_a_bound(store: Store, size: int) -> None:
    """What has more bytes than the caller can use is refused, by its name."""
    store.write("a", b"x" * size)

    assert len(store.read("a", most=size).content) == size
    if size:
        with pytest.raises(InvalidDocument, match=f"^a is not valid.* {size - 1:,} bytes at most"):
            store.read("a", most=size - 1)


def test_a_deleted_blob_is_gone(store: Store) -> None:
    """Content and metadata go, and a create-only write finds the place free."""
    store.write("a", b"1", metadata={"status": "old"})
    store.delete("a")

    with pytest.raises(NotFound):
        store.read("a")
    store.write("a", b"2", create_only=True)
    assert store.stat("a").metadata == {}


def test_create_only_never_replaces(store: Store) -> None:
    """The second create-only write is refused and changes nothing."""
    etag = store.write("a", b"1", create_only=True)

    with pytest.raises(AlreadyExists):
        store.write("a", b"2", create_only=True)
    assert (store.read("a").content, store.read("a").etag) == (b"1", etag)


def test_if_match_replaces_only_the_version_it_names(store: Store) -> None:
    """An ETag of a listing, an entry, a reading or a writing works; any other is refused."""
    first = store.write("a", b"1")
    second = store.write("a", b"2", if_match=first)
    third = store.write("a", b"3", if_match=next(store.list()).etag)

    for etag in (first, second, "x"):
        with pytest.raises(Changed):
            store.write("a", b"4", if_match=etag)
    with pytest.raises(Changed):
        store.write("unknown", b"4", if_match=third)
    assert store.read("a").content == b"3"
    assert store.stat("a").etag == store.read("a").etag == third


def test_one_of_many_creates(store: Store) -> None:
    """Of 20 threads that create the same blob, one does, and its content stays."""
    outcomes = race(lambda number: store.write("a", str(number).encode(), create_only=True))
    [winner] = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]

    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 19
    assert store.read("a").content == str(winner).encode()


def test_one_of_many_replaces_a_version(store: Store) -> None:
    """Of 20 threads that replace the same version, one does."""
    etag = store.write("a", b"0")
    outcomes = race(lambda number: store.write("a", str(number).encode(), if_match=etag))
    [winner] = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]

    assert sum(isinstance(outcome, Changed) for outcome in outcomes) == 19
    assert store.read("a").content == str(winner).encode()


def test_no_increment_is_lost(store: Store) -> None:
    """20 threads that read, add one and write if nothing changed, again and again, add 20."""
    store.write("a", b"0")

    def increment(number: int) -> None:
        while True:
            blob = store.read("a")
            try:
                store.write("a", str(int(blob.content) + 1).encode(), if_match=blob.etag)
            except Changed:
                continue
            return

    race(increment)

    assert store.read("a").content == b"20"


def test_one_of_many_gets_the_lease(store: Store) -> None:
    """Of 20 threads that want the same hold, one gets it, until it lets go."""
    store.write("heads/vip.json", b"{}")
    outcomes = race(lambda number: store.acquire("heads/vip.json"))
    [lease] = [outcome for outcome in outcomes if not isinstance(outcome, ExportError)]

    assert sum(isinstance(outcome, AlreadyRunning) for outcome in outcomes) == 19
    lease.release()
    store.acquire("heads/vip.json").release()


def test_a_leased_blob_is_written_by_its_holder_only(store: Store) -> None:
    """Without the lease nothing is written or removed; anybody may read."""
    store.write("heads/vip.json", b"1")
    store.write("heads/other.json", b"1")
    lease, other = store.acquire("heads/vip.json"), store.acquire("heads/other.json")

    with pytest.raises(LeaseLost):
        store.write("heads/vip.json", b"2")
    with pytest.raises(LeaseLost):
        store.write("heads/vip.json", b"2", lease=other)
    with pytest.raises(LeaseLost):
        store.delete("heads/vip.json")
    assert store.read("heads/vip.json").content == b"1"

    lease.renew()
    etag = store.write("heads/vip.json", b"2", lease=lease)
    with pytest.raises(Changed):
        store.write("heads/vip.json", b"3", lease=lease, if_match="x")
    store.write("heads/vip.json", b"3", lease=lease, if_match=etag)
    assert [(blob.name, blob.size) for blob in store.list("heads/vip")] == [("heads/vip.json", 1)]
    lease.release()
    other.release()
    store.write("heads/vip.json", b"4")
    assert store.read("heads/vip.json").content == b"4"


def test_a_lease_that_was_let_go_is_lost(store: Store) -> None:
    """It can't be renewed or written with, before and after another has it; to let go twice is harmless."""
    store.write("a", b"1")
    lease = store.acquire("a")
    lease.release()
    lease.release()

    for _ in range(2):
        with pytest.raises(LeaseLost):
            lease.renew()
        with pytest.raises(LeaseLost):
            store.write("a", b"2", lease=lease)
        other = store.acquire("a")
        lease.release()
        other.renew()
        other.release()
    assert store.read("a").content == b"1"


def test_a_stream_has_the_whole_content_in_small_chunks(store: Store) -> None:
    """Chunks of at most 4 MiB add up to what was written; a blob without content has none."""
    content = bytes(range(256)) * 4096 * 10 + b"end"
    etag, empty = store.write("a", content), store.write("empty", b"")
    chunks = list(store.stream("a", etag=etag))

    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 4 * MIB
    assert b"".join(store.stream("empty", etag=empty)) == b""


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5 * MIB])
def test_a_stream_of_another_version_does_not_begin(store: Store, content: bytes) -> None:
    """The ETag is asked for with the very first chunk."""
    old = store.write("a", content)
    store.write("a", content)

    with pytest.raises(Changed):
        next(store.stream("a", etag=old))


def test_a_stream_never_mixes_two_versions(store: Store) -> None:
    """A blob replaced while it is read ends the stream at the first chunk that would be new."""
    etag = store.write("a", b"1" * 11 * MIB)
    stream = store.stream("a", etag=etag)

    assert set(next(stream)) == {ord("1")}
    store.write("a", b"2" * 11 * MIB)
    with pytest.raises(Changed):
        list(stream)


def test_a_stream_of_a_blob_removed_in_the_middle_ends(store: Store) -> None:
    """What is gone is not found, rather than short."""
    etag = store.write("a", b"1" * 11 * MIB)
    stream = store.stream("a", etag=etag)

    assert set(next(stream)) == {ord("1")}
    store.delete("a")
    with pytest.raises(NotFound):
        list(stream)


def in_chunks(size: int = 9 * MIB) -> Iterator[bytes]:
    for start in range(0, size, 65_536):
        yield bytes([start >> 16 & 255]) * min(65_536, size - start)


def test_content_in_chunks_is_written_whole(store: Store) -> None:
    """An iterator's chunks are one blob, with metadata and the ETag that was told; no chunk is no content."""
    etag = store.write("a", in_chunks(), metadata={"status": "new"})

    assert store.read("a").content == b"".join(in_chunks())
    assert (store.stat("a").etag, store.stat("a").metadata) == (etag, {"status": "new"})
    store.write("a", iter(()))
    assert (store.read("a").content, store.stat("a").metadata) == (b"", {})


def test_content_in_chunks_keeps_the_conditions(store: Store) -> None:
    """Create-only, If-Match and leases hold for it as for any other."""
    first = store.write("a", in_chunks(10), create_only=True)

    with pytest.raises(AlreadyExists):
        store.write("a", in_chunks(), create_only=True)
    second = store.write("a", in_chunks(20), if_match=first)
    with pytest.raises(Changed):
        store.write("a", in_chunks(), if_match=first)
    lease = store.acquire("a")
    with pytest.raises(LeaseLost):
        store.write("a", in_chunks())
    assert store.stat("a").etag == second
    store.write("a", in_chunks(30), lease=lease)
    lease.release()
    assert store.stat("a").size == 30


def test_content_that_breaks_off_changes_nothing(store: Store) -> None:
    """Whole or not at all: what the iterator raises reaches the caller, and the old version stands."""
    etag = store.write("a", b"1")

    def broken() -> Iterator[bytes]:
        yield from in_chunks()
        raise NotFound("A part is gone.")

    with pytest.raises(NotFound, match="A part is gone"):
        store.write("a", broken())
    with pytest.raises(NotFound, match="A part is gone"):
        store.write("b", broken())

    assert [(blob.name, blob.etag) for blob in store.list()] == [("a", etag)]


def test_what_is_appended_stands_at_the_end(store: Store) -> None:
    """A blob that is only appended to is made where there is none."""
    for part in (b"one\n", b"two\n"):
        store.append("log/day", part)

    assert store.read("log/day").content == b"one\ntwo\n"
    assert [blob.name for blob in store.list("log/")] == ["log/day"]


def test_what_many_append_at_once_is_all_there_whole(store: Store) -> None:
    """Also to a blob that none of them has made yet."""
    lines = [b"%d" % number * 1000 + b"\n" for number in range(10)]

    with ThreadPoolExecutor(len(lines)) as pool:
        list(pool.map(lambda line: store.append("log", line), lines))

    assert sorted(store.read("log").content.splitlines(keepends=True)) == lines


@pytest.mark.parametrize("name", ["", "../log", "a//b", ".hidden"])
def test_nothing_is_appended_to_an_impossible_name(store: Store, name: str) -> None:
    with pytest.raises(InvalidRequest):
        store.append(name, b"line")
