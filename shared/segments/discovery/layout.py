"""The folders under SEGMENTS_URL.

Customer Insights writes CustomerInsights_<instance>/<export>/model.json, and next to it, for each table,
<table>/<yyyy>/<MM>/<dd>/<HHmm>/<table>_<partition>.csv. model.json calls a table an entity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Protocol

from shared.adapters.storage.store import BlobInfo, Level, Store
from shared.segments.discovery.locations import natural_order

# From SEGMENTS_URL down to the folder of an export; segments' folders are one level deeper.
DEPTH = 2
# yyyy/MM/dd/HHmm
RUN_DIGITS = (4, 2, 2, 4)


class Lister(Protocol):
    """Lists one level of folders."""

    def level(self, folder: str = "") -> Level: ...


class StoreCache:
    """Asks the store for each folder and each entry once: segments may share them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._levels: dict[str, Level] = {}
        self._blobs: dict[str, dict[str, BlobInfo]] = {}
        self._stats: dict[str, BlobInfo] = {}

    def level(self, folder: str = "") -> Level:
        if folder not in self._levels:
            self._levels[folder] = self._store.level(folder)
        return self._levels[folder]

    def blob(self, name: str) -> BlobInfo | None:
        """The blob of this name, from the listing of its folder."""
        folder = dirname(name)
        if folder not in self._blobs:
            self._blobs[folder] = {blob.name: blob for blob in self.level(folder).blobs}
        return self._blobs[folder].get(name)

    def stat(self, name: str) -> BlobInfo:
        if name not in self._stats:
            self._stats[name] = self._store.stat(name)
        return self._stats[name]


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of all model.json files, and of the folders that may be segments'."""

    models: tuple[str, ...]
    folders: tuple[str, ...]


def read_layout(store: Lister) -> Layout:
    """Walks the upper levels, also below a model.json, whose name may be in any case."""
    models: list[str] = []
    folders: list[str] = []

    def walk(folder: str, depth: int) -> None:
        level = store.level(folder)
        below = [name for name in level.folders if not _has_digits(name, RUN_DIGITS[0])]
        folders.extend(below)
        models.extend(blob.name for blob in level.blobs if is_model(blob.name))
        for name in below if depth > 0 else ():
            walk(name, depth - 1)

    walk("", DEPTH)
    return Layout(tuple(models), tuple(folders))


def is_model(name: str) -> bool:
    """Whether the blob is a model.json, in any case."""
    return basename(name).casefold() == "model.json"


def holds_model(store: Lister, folder: str) -> bool:
    """Whether the folder is an export's, below the levels of `read_layout`."""
    return any(is_model(blob.name) for blob in store.level(folder).blobs)


def ancestors(folder: str) -> Iterator[str]:
    """The folder itself, and those above it up to SEGMENTS_URL's, which is blank."""
    while folder:
        yield folder
        folder = dirname(folder)
    yield ""


def run_folders(store: Lister, folder: str, digits: Sequence[int] = RUN_DIGITS) -> Iterator[str]:
    """Yields the run folders of a segment's folder, newest first; lists no more than the caller takes."""
    if not digits:
        yield folder
        return
    for name in reversed(store.level(folder).folders):
        if _has_digits(name, digits[0]):
            yield from run_folders(store, name, digits[1:])


def csv_files(store: Lister, folder: str) -> list[BlobInfo]:
    """The CSV files directly in a folder, compressed or not, in the order of their numbers."""
    files = [blob for blob in store.level(folder).blobs if blob.name.lower().endswith((".csv", ".csv.gz"))]
    return sorted(files, key=lambda blob: natural_order(blob.name))


def _has_digits(folder: str, count: int) -> bool:
    name = basename(folder)
    return len(name) == count and name.isascii() and name.isdigit()
