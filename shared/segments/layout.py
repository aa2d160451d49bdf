"""What lies where under SEGMENTS_URL.

Customer Insights writes CustomerInsights_<instance>/<export>/model.json, and beside it
<table>/<yyyy>/<MM>/<dd>/<HHmm>/<table>_<partition>.csv.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Protocol

from shared.adapters.storage.store import BlobInfo, Level
from shared.segments.locations import natural_order

# From SEGMENTS_URL down to the folder of an export; segments' folders lie one deeper.
DEPTH = 2
# yyyy/MM/dd/HHmm
RUN_DIGITS = (4, 2, 2, 4)


class Folders(Protocol):
    """What can list a folder."""

    def level(self, folder: str = "") -> Level: ...


class Listings:
    """Lists each folder once, for one look: tables may share one."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._known: dict[str, Level] = {}
        self._blobs: dict[str, dict[str, BlobInfo]] = {}

    def level(self, folder: str = "") -> Level:
        if folder not in self._known:
            self._known[folder] = self._folders.level(folder)
        return self._known[folder]

    def blob(self, name: str) -> BlobInfo | None:
        """The blob of this name, from the listing of its folder."""
        folder = dirname(name)
        if folder not in self._blobs:
            self._blobs[folder] = {blob.name: blob for blob in self.level(folder).blobs}
        return self._blobs[folder].get(name)


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of all model.json files, and of the folders that can be segments'."""

    models: tuple[str, ...]
    folders: tuple[str, ...]


def look(store: Folders) -> Layout:
    """Walks the upper levels; a model.json hides none below it. Its name may be in any case."""
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
    """Whether the blob is a model.json, whoever spelled it."""
    return basename(name).casefold() == "model.json"


def holds_model(store: Folders, folder: str) -> bool:
    """Whether the folder is an export's, deeper than we look."""
    return any(is_model(blob.name) for blob in store.level(folder).blobs)


def above(folder: str) -> Iterator[str]:
    """The folder, and those above it up to SEGMENTS_URL's, which is blank."""
    while folder:
        yield folder
        folder = dirname(folder)
    yield ""


def run_folders(store: Folders, folder: str, digits: Sequence[int] = RUN_DIGITS) -> Iterator[str]:
    """The run folders of a segment's folder, the newest first; listed as far as they are asked for."""
    if not digits:
        yield folder
        return
    for name in reversed(store.level(folder).folders):
        if _has_digits(name, digits[0]):
            yield from run_folders(store, name, digits[1:])


def csv_files(store: Folders, folder: str) -> list[BlobInfo]:
    """The CSV files that lie directly in a folder, also those that gzip made smaller, by their numbers."""
    files = [blob for blob in store.level(folder).blobs if blob.name.lower().endswith((".csv", ".csv.gz"))]
    return sorted(files, key=lambda blob: natural_order(blob.name))


def _has_digits(folder: str, count: int) -> bool:
    name = basename(folder)
    return len(name) == count and name.isascii() and name.isdigit()
