"""Compressed files are recognized by their content, and bounded."""

import gzip
import random
import tracemalloc
from collections.abc import Callable

import pytest
from azure.storage.blob import ContentSettings

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments import CsvFormat, Partition, read_rows
from tests.segments.building import COLUMNS
from tests.support.azurite import client

MIB = 1024 * 1024
PLAIN = b"CustomerId,EMail\n1,a@example.org\n2,b@example.org\n"
ROWS = [["1", "a@example.org"], ["2", "b@example.org"]]


def rows_of(store: Store, name: str) -> list[object]:
    stat = store.stat(name)
    partition = Partition(name, stat.etag, stat.size)
    return [cells for _, _, cells in read_rows(store, partition, 0, CsvFormat(True, ","), COLUMNS)]


@pytest.mark.parametrize("name", ["1.csv.gz", "1.csv", "1.CSV.GZ"])
@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize("people", [2, 30_000], ids=["small", "of several chunks"])
def test_a_content_encoding_changes_no_bytes(
    container_url: str, blob_store: Store, name: str, pack: Callable[[bytes], bytes], people: int
) -> None:
    """A blob with that header is read as it is stored, also if it is longer than a download's chunk."""
    noise = random.Random(1)
    lines = [f"{noise.getrandbits(2_560):x},p{number}@example.org" for number in range(people)]
    content = pack("\n".join(["CustomerId,EMail", *lines]).encode())
    assert people == 2 or len(content) > 8 * MIB
    encoding = ContentSettings(content_encoding="gzip")
    client(container_url).upload_blob(name, content, content_settings=encoding)

    if pack is gzip.compress or name == "1.csv":
        assert rows_of(blob_store, name) == [line.split(",") for line in lines]
    else:
        with pytest.raises(InvalidSegment, match="is not a valid gzip file") as refused:
            rows_of(blob_store, name)
        assert refused.value.code == "invalid_csv"


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:]),
        gzip.compress(PLAIN) + b"\0" * 100_000,
        gzip.compress(b"") * 1000 + gzip.compress(PLAIN),
        b"".join(gzip.compress(PLAIN[place : place + 1]) for place in range(len(PLAIN))),
        gzip.compress(PLAIN, 0),
    ],
    ids=["one member", "two", "padded", "with empty ones", "one a byte", "stored"],
)
def test_gzip_files_are_read(folder_store: Store, content: bytes) -> None:
    """Several members are one file, and zeros may follow them."""
    folder_store.write("1.csv.gz", content)

    assert rows_of(folder_store, "1.csv.gz") == ROWS


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (gzip.compress(PLAIN)[:-1], "is not a valid gzip file"),
        (gzip.compress(PLAIN) + PLAIN, "is not a valid gzip file"),
        (gzip.compress(PLAIN) + b"\0x", "is not a valid gzip file"),
        (PLAIN, "is not a valid gzip file"),
        (gzip.compress(gzip.compress(PLAIN)), "is compressed twice"),
        (gzip.compress(b"") * 250_001, "has more than 250,000 gzip members"),
    ],
    ids=[
        "cut off",
        "with a tail",
        "with a tail behind zeros",
        "plain",
        "compressed twice",
        "too many members",
    ],
)
def test_invalid_gzip_files_are_refused(folder_store: Store, content: bytes, fault: str) -> None:
    """Trailing data may be people, so it is not ignored."""
    folder_store.write("1.csv.gz", content)

    with pytest.raises(InvalidSegment, match=f"^1.csv.gz {fault}") as refused:
        rows_of(folder_store, "1.csv.gz")
    assert refused.value.code == "invalid_csv"


@pytest.mark.parametrize("name", ["1.csv.gz", "1.csv"])
def test_a_bomb_is_refused_and_costs_no_memory(folder_store: Store, name: str) -> None:
    """A file that decompresses to over a thousand times its size is refused early."""
    folder_store.write(name, gzip.compress(b"\0" * 16 * MIB) * 20)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidSegment, match="decompresses to more than") as refused:
            rows_of(folder_store, name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refused.value.code == "invalid_csv"
    assert peak < 40 * MIB


def test_a_small_file_may_decompress_to_a_large_one(folder_store: Store) -> None:
    """Blank cells compress well, so small results have no bound by ratio."""
    folder_store.write("1.csv.gz", gzip.compress(b"CustomerId,EMail\n" + (b" " * 4000 + b",\n") * 4000))

    assert len(rows_of(folder_store, "1.csv.gz")) == 4000
