"""What lies where under SEGMENTS_URL.

Customer Insights writes CustomerInsights_<instance>/<export>/model.json, and beside it
<table>/<yyyy>/<MM>/<dd>/<HHmm>/<table>_<partition>.csv.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename

from shared.adapters.storage.store import BlobInfo, Store
from shared.segments.locations import natural_order

# From SEGMENTS_URL down to the folder of an export; segments' folders lie one deeper.
DEPTH = 2
# yyyy/MM/dd/HHmm
RUN_DIGITS = (4, 2, 2, 4)


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of all model.json files, and of the folders that can be segments'."""

    models: tuple[str, ...]
    folders: tuple[str, ...]


def look(store: Store) -> Layout:
    """Walks the upper levels; below a model.json nothing else is looked for but its segments' folders."""
    models: list[str] = []
    folders: list[str] = []

    def walk(folder: str, depth: int) -> None:
        level = store.level(folder)
        model = f"{folder}/model.json".lstrip("/")
        below = [name for name in level.folders if not _has_digits(name, RUN_DIGITS[0])]
        folders.extend(below)
        if any(blob.name == model for blob in level.blobs):
            models.append(model)
        elif depth > 0:
            for name in below:
                walk(name, depth - 1)

    walk("", DEPTH)
    return Layout(tuple(models), tuple(folders))


def run_folders(store: Store, folder: str, digits: Sequence[int] = RUN_DIGITS) -> Iterator[str]:
    """The run folders of a segment's folder, the newest first; listed as far as they are asked for."""
    if not digits:
        yield folder
        return
    for name in reversed(store.level(folder).folders):
        if _has_digits(name, digits[0]):
            yield from run_folders(store, name, digits[1:])


def csv_files(store: Store, folder: str) -> list[BlobInfo]:
    """The CSV files that lie directly in a folder, also those that gzip made smaller, by their numbers."""
    files = [blob for blob in store.level(folder).blobs if blob.name.lower().endswith((".csv", ".csv.gz"))]
    return sorted(files, key=lambda blob: natural_order(blob.name))


def _has_digits(folder: str, count: int) -> bool:
    name = basename(folder)
    return len(name) == count and name.isascii() and name.isdigit()
