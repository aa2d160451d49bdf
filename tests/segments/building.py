"""Writes segments by hand, as much or as little of them as a test needs."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.storage.folder import FolderStore
from shared.adapters.storage.store import Blob, BlobInfo, Level, Store
from shared.errors import InvalidSegment
from shared.segments import Segments

EXPORT = "CustomerInsights_1/Daily"
ACCOUNT = "https://acme.blob.core.windows.net/segments"
COLUMNS = ["CustomerId", "EMail"]
RUN = "2026/08/24/1433"
LATER = "2026/08/25/1433"


def partition(name: str, /, settings: object = None, **members: Any) -> dict[str, Any]:
    """A partition of model.json for the blob with this name."""
    return {"location": f"{ACCOUNT}/{name}", "fileFormatSettings": settings or {}} | members


def entity(name: str, partitions: Sequence[str | dict[str, Any]] = (), **members: Any) -> dict[str, Any]:
    """An entity of model.json with two columns."""
    return {
        "name": name,
        "attributes": [{"name": column, "dataType": "string"} for column in COLUMNS],
        "partitions": [partition(each) if isinstance(each, str) else each for each in partitions],
    } | members


def write_model(store: Store, *entities: object, folder: str = EXPORT, **members: Any) -> None:
    """Writes a model.json without `$type`, version and name."""
    store.write(f"{folder}/model.json".lstrip("/"), json.dumps({"entities": entities} | members).encode())


def write_csv(store: Store, *names: str, people: int = 1) -> None:
    """Writes a CSV of synthetic people with a header for each name."""
    lines = [",".join(COLUMNS), *(f"{number},p{number}@example.org" for number in range(people))]
    for name in names:
        store.write(name, "\n".join(lines).encode())


def lay(folder: Path, name: str, content: bytes) -> None:
    """Writes a file that is ten minutes old."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    changed = (datetime.now(UTC) - timedelta(minutes=10)).timestamp()
    os.utime(path, (changed, changed))


class Shelf(FolderStore):
    """A folder whose files can be given an age, by its own clock, and which records its calls."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.time = datetime.now(UTC)
        self.calls: list[str] = []

    def now(self) -> datetime:
        self.calls.append("now")
        return self.time

    def age(self, seconds: float, *names: str) -> None:
        """Makes the files this old: all of them, unless some are named."""
        changed = (self.time - timedelta(seconds=seconds)).timestamp()
        for name in names or [blob.name for blob in self.list()]:
            os.utime(self.folder / name, (changed, changed))
        self.calls.clear()

    def level(self, folder: str = "") -> Level:
        self.calls.append(f"level {folder}")
        return super().level(folder)

    def stat(self, name: str) -> BlobInfo:
        self.calls.append(f"stat {name}")
        return super().stat(name)

    def read(self, name: str, *, most: int | None = None) -> Blob:
        self.calls.append(f"read {name}")
        return super().read(name, most=most)


def files_of(store: Store, segment: str) -> list[str]:
    """The names of the newest snapshot's files."""
    return [partition.name for partition in Segments(store).newest(segment).partitions]


def refused(store: Store, segment: str, code: str = "incomplete_snapshot", match: str | None = None) -> None:
    """Asserts that the segment is refused with this code, and has no version."""
    with pytest.raises(InvalidSegment, match=match) as error:
        Segments(store).newest(segment)
    assert error.value.code == code
    assert Segments(store).versions([segment]) == {}
