"""What is particular to blobs: lost answers, broken leases, conditions on the wire, Azure's errors."""

import gzip
import random
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobLeaseClient, ContentSettings

from shared.adapters.storage import open_store
from shared.adapters.storage.blobs import BlobStore
from shared.adapters.storage.store import Store
from shared.errors import (
    AlreadyExists,
    Changed,
    Denied,
    LeaseLost,
    NotFound,
    StorageUnavailable,
)
from tests.support.azurite import Azurite, client
from tests.support.wire import Wire, wire_to

MIB = 1024 * 1024


@pytest.fixture
def wire(azurite: Azurite) -> Iterator[Wire]:
    """A wire to Azurite."""
    with wire_to(azurite.url) as wire:
        yield wire


@pytest.fixture
def far_store(wire: Wire, container_url: str) -> Store:
    """The same container as `blob_store`, at the other end of the wire."""
    return open_store(f"{wire.url}{urlsplit(container_url).path}")


def test_a_create_whose_answer_was_lost_is_ours(wire: Wire, far_store: Store) -> None:
    """The client repeats the write and meets its own first one: that is success, not AlreadyExists."""
    wire.lose_answer()
    etag = far_store.write("a", b"1", create_only=True, metadata={"status": "new"})

    assert [method for method, _ in wire.requests].count("PUT") == 2
    assert far_store.stat("a").etag == etag
    assert far_store.stat("a").metadata == {"status": "new"}
    with pytest.raises(AlreadyExists):
        far_store.write("a", b"1", create_only=True)


def test_a_replacement_whose_answer_was_lost_is_ours(wire: Wire, far_store: Store) -> None:
    """The same for a write under a lease with If-Match: a checkpoint survives a broken connection."""
    first = far_store.write("a", b"1")
    lease = far_store.acquire("a")
    wire.lose_answer()
    second = far_store.write("a", b"2", if_match=first, lease=lease)

    assert far_store.read("a").content == b"2"
    assert far_store.read("a").etag == second


@pytest.mark.parametrize("before", [0, 1, 2], ids=["first chunk", "second chunk", "commit"])
def test_a_write_in_chunks_whose_answer_was_lost_is_ours(wire: Wire, far_store: Store, before: int) -> None:
    """Whichever of its requests is repeated, the blob is whole and the write a success."""
    chunks = [b"1" * 3 * MIB, b"2" * 3 * MIB]
    wire.pass_on(before)
    wire.lose_answer()

    etag = far_store.write("a", iter(chunks), create_only=True)

    assert [method for method, _ in wire.requests].count("PUT") == 4
    assert far_store.read("a").content == b"".join(chunks)
    assert far_store.stat("a").etag == etag


def test_another_write_after_a_lost_answer_is_not_ours(
    wire: Wire, far_store: Store, blob_store: Store
) -> None:
    """Where somebody replaced or removed what we wrote, we learn that it changed."""
    etag = far_store.write("a", b"1")
    wire.lose_answer(meanwhile=lambda: blob_store.write("a", b"theirs"))
    with pytest.raises(Changed):
        far_store.write("a", b"ours", if_match=etag)
    assert far_store.read("a").content == b"theirs"

    etag = far_store.stat("a").etag
    wire.lose_answer(meanwhile=lambda: blob_store.delete("a"))
    with pytest.raises(Changed):
        far_store.write("a", b"ours", if_match=etag)


def test_a_lease_whose_answer_was_lost_is_ours(wire: Wire, far_store: Store) -> None:
    """The repeat brings the same id, so that nobody waits a minute for a hold without a holder."""
    far_store.write("a", b"1")
    wire.lose_answer()
    lease = far_store.acquire("a")

    lease.renew()
    far_store.write("a", b"2", lease=lease)


def test_a_renewal_fails_within_ten_seconds(wire: Wire, far_store: Store) -> None:
    """A storage that falls silent does not keep a holder from noticing that its time runs out."""
    far_store.write("a", b"1")
    lease = far_store.acquire("a")
    wire.fall_silent()
    began = time.monotonic()

    with pytest.raises(StorageUnavailable):
        lease.renew()
    assert time.monotonic() - began < 10


def test_what_storage_asks_to_wait_is_passed_on(wire: Wire, far_store: Store) -> None:
    """Retry-After reaches the caller, in seconds; letting go of a lease asks for nothing more."""
    far_store.write("a", b"1")
    lease = far_store.acquire("a")
    wire.answer(503, {"x-ms-error-code": "ServerBusy", "Retry-After": "12"})

    with pytest.raises(StorageUnavailable, match="503 ServerBusy") as busy:
        lease.renew()
    assert busy.value.retry_after == 12
    wire.answer(503, {"x-ms-error-code": "ServerBusy"})
    lease.release()


def test_every_chunk_of_a_stream_is_conditional(wire: Wire, far_store: Store) -> None:
    """Each request of a stream names the ETag and at most 4 MiB."""
    etag = far_store.write("a", b"1" * 9 * MIB)
    wire.requests.clear()

    assert sum(map(len, far_store.stream("a", etag=etag))) == 9 * MIB
    assert [headers["If-Match"] for _, headers in wire.requests] == [f'"{etag}"'] * 3
    ranges = [headers["x-ms-range"].removeprefix("bytes=").split("-") for _, headers in wire.requests]
    assert all(int(last) - int(first) < 4 * MIB for first, last in ranges)


@pytest.mark.parametrize("size", [100, 9 * MIB])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_content_encoding_changes_nothing(
    blob_store: Store, container_url: str, size: int, encoding: str
) -> None:
    """Bytes come as they are stored: chunks of what is packed can't be unpacked one by one."""
    content = gzip.compress(random.Random(1).randbytes(size))
    settings = ContentSettings(content_encoding=encoding)
    client(container_url).upload_blob("a", content, content_settings=settings)

    assert blob_store.read("a").content == content
    assert b"".join(blob_store.stream("a", etag=blob_store.stat("a").etag)) == content


def test_a_broken_lease_is_lost(blob_store: Store, container_url: str) -> None:
    """Whoever breaks a lease in the portal takes it: its holder finds out at its next call."""
    blob_store.write("a", b"1")
    lease = blob_store.acquire("a")
    BlobLeaseClient(client(container_url).get_blob_client("a")).break_lease(0)

    with pytest.raises(LeaseLost):
        lease.renew()
    with pytest.raises(LeaseLost):
        blob_store.write("a", b"2", lease=lease)
    blob_store.acquire("a").release()


def test_a_prefix_is_the_root_of_its_store(container_url: str) -> None:
    """What lies beside the prefix does not exist; names neither show nor take it."""
    whole, part = open_store(container_url), open_store(f"{container_url}/my%20exports/a/")
    whole.write("my exports/ab", b"")
    whole.write("my exports/a/b/c", b"1", metadata={"status": "new"})

    assert [blob.name for blob in part.list()] == ["b/c"]
    assert part.level().folders == ("b",)
    assert part.stat("b/c").metadata == {"status": "new"}
    assert part.read("b/c").content == b"1"
    part.acquire("b/c").release()
    part.write("d", b"2")
    assert whole.read("my exports/a/d").content == b"2"


def test_what_is_no_blob_of_ours_does_not_show(blob_store: Store, container_url: str) -> None:
    """The marks of Data Lake folders and names that can't be read are left out."""
    foreign = client(container_url)
    foreign.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
    foreign.upload_blob("folder//a", b"")
    foreign.upload_blob(".hidden", b"")
    blob_store.write("folder/a", b"")

    assert [blob.name for blob in blob_store.list()] == ["folder/a"]
    assert blob_store.level() == blob_store.level("")
    assert [blob.name for blob in blob_store.level().blobs] == []
    assert blob_store.level("folder").folders == ()
    with pytest.raises(NotFound):
        blob_store.stat("folder")


def test_a_hostile_name_hides_no_other(blob_store: Store, container_url: str) -> None:
    """A blob that no store of ours can name is left out of listings, and the rest is there."""
    foreign = client(container_url)
    for name in ("a\x85b/1.csv", "b\\c/1.csv", ".x/1.csv", "y//1.csv", "z.lock/1.csv", "x" * 1000 + "/1.csv"):
        foreign.upload_blob(name, b"")
    blob_store.write("ok/1.csv", b"")

    assert "ok" in blob_store.level().folders
    assert "ok/1.csv" in [blob.name for blob in blob_store.list()]


def test_a_missing_container_says_which_settings_to_check(azurite: Azurite) -> None:
    """Reading, writing and listing name the settings."""
    store = open_store(f"{azurite.url}/devstoreaccount1/nowhere")

    for call in (lambda: store.read("a"), lambda: store.write("a", b""), lambda: list(store.list())):
        with pytest.raises(NotFound, match="SEGMENTS_URL and STATE_URL"):
            call()


def test_a_wrong_key_is_denied(container_url: str) -> None:
    """The message has the code, and nothing of the key."""
    key = "d3Jvbmc="
    store = BlobStore(container_url, AzureNamedKeyCredential("devstoreaccount1", key))

    with pytest.raises(Denied, match="403") as denied:
        store.read("a")
    assert key not in denied.value.message
