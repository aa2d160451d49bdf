"""The segments under SEGMENTS_URL, and the newest complete snapshot of each."""

from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote

from shared.adapters.storage.store import Store
from shared.errors import PermanentError
from shared.segments.discovery.candidates import candidates, listed_version, why_incomplete
from shared.segments.discovery.entries import SegmentEntry
from shared.segments.discovery.index import SegmentIndex
from shared.segments.discovery.layout import Layout, StoreCache, read_layout
from shared.segments.discovery.model import ModelReader
from shared.segments.discovery.view import SegmentsView
from shared.segments.snapshot import Snapshot


class Segments:
    """The segments under one store; safe to use from several threads.

    `prefix` is the part of SEGMENTS_URL after its container, unchanged: a location in model.json counts from
    the container, and must be below the prefix.
    """

    def __init__(self, store: Store, prefix: str = "") -> None:
        self._store = store
        self._prefix = f"{unquote(prefix)}/" if prefix else ""
        self._layout: Layout | None = None
        # By a segment's path: the version and the files of the last snapshot that was complete.
        self._complete: dict[str, tuple[str, tuple[str, ...]]] = {}

    def names(self) -> list[str]:
        """The names of all segments, in order."""
        return self.view().names()

    def newest(self, segment: str) -> Snapshot:
        """The newest complete snapshot of the segment; raises as SegmentsView.newest does."""
        return self.view().newest(segment)

    def view(self) -> SegmentsView:
        """The segments as they are now, for a caller that asks for several."""
        models = ModelReader(self._store)
        index = self._index(read_layout(self._store), models)
        if models.found_missing:
            index = self._index(read_layout(self._store), models)
        return SegmentsView(self._store, index)

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        """The versions of these segments' newest complete snapshots; leaves out those that `newest` refuses.

        Reads each model.json once, so one call for all segments costs far less than one for each. While
        nothing changes, it lists only the run folders of segments whose files model.json does not list. It
        walks the folders again, once, if a name is in no model.json.
        """
        wanted = set(segments)
        models = ModelReader(self._store)
        index, found = None, dict[str, SegmentEntry | None]()
        if self._layout is not None:
            index = self._index(self._layout, models)
            found = _find(wanted, index)
        settled = {name for name, entry in found.items() if entry is None or entry.model}
        if index is None or models.found_missing or settled != wanted:
            self._layout = read_layout(self._store)
            index = self._index(self._layout, models)
            found = _find(wanted, index)
        versions = {name: self._version(index, entry) for name, entry in found.items() if entry}
        return {name: version for name, version in versions.items() if version}

    def _index(self, layout: Layout, models: ModelReader) -> SegmentIndex:
        return SegmentIndex(StoreCache(self._store), self._prefix, layout, *models.read(layout.models))

    def _version(self, index: SegmentIndex, entry: SegmentEntry) -> str | None:
        entity = entry.entity
        listed = (listed_version(entity), entity.locations) if entity and entity.locations else None
        if listed and self._complete.get(entry.path) == listed:
            return listed[0]
        with suppress(PermanentError):
            for candidate in candidates(index, entry):
                if why_incomplete(self._store, index.store, candidate, entry.model) is None:
                    if listed and candidate.is_listed:
                        self._complete[entry.path] = listed
                    return candidate.version
        return None


def _find(segments: set[str], index: SegmentIndex) -> dict[str, SegmentEntry | None]:
    """The entries of the names that the index knows; None if the name or its model.json must be fixed."""
    found: dict[str, SegmentEntry | None] = {}
    for segment in segments:
        try:
            if entry := index.find(segment):
                found[segment] = entry
        except PermanentError:
            found[segment] = None
    return found
