"""The segments under SEGMENTS_URL, and the newest whole snapshot of each."""

from collections.abc import Iterable
from contextlib import suppress
from posixpath import dirname
from urllib.parse import unquote

from shared.adapters.storage.store import Store
from shared.errors import InvalidDocument, NotFound, PermanentError
from shared.segments.drafts import drafts, listed_version, unfinished
from shared.segments.layout import Layout, Listings, look
from shared.segments.looking import Look
from shared.segments.messages import invalid_model
from shared.segments.model import MOST_BYTES, Model
from shared.segments.snapshots import Snapshot
from shared.segments.tables import Table, Tables
from shared.text import shown


class Segments:
    """The segments under one store, for several threads.

    `prefix` is what SEGMENTS_URL has behind its container, as it stands there: a location in model.json
    counts from the container and has to lie below it.
    """

    def __init__(self, store: Store, prefix: str = "") -> None:
        self._store = store
        self._prefix = f"{unquote(prefix)}/" if prefix else ""
        self._layout: Layout | None = None
        # By a segment's path: the version and the files of the last one that was seen to be whole.
        self._whole: dict[str, tuple[str, tuple[str, ...]]] = {}

    def names(self) -> list[str]:
        """The names of all segments, in order."""
        return self.at_once().names()

    def newest(self, segment: str) -> Snapshot:
        """The newest whole snapshot of the segment; raises what Look.newest raises."""
        return self.at_once().newest(segment)

    def at_once(self) -> Look:
        """One look, for who asks for many segments."""
        tables, has_changed = self._tables(look(self._store))
        if has_changed:
            tables, _ = self._tables(look(self._store))
        return Look(self._store, tables)

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        """The versions of these segments' newest whole snapshots; what `newest` would refuse is left out.

        While nothing changes, this reads each model.json once and lists the run folders of those segments
        only whose files it does not list. For a name that is in none, the folders are looked through anew.
        """
        wanted = set(segments)
        found = None
        if self._layout is not None:
            tables, has_changed = self._tables(self._layout)
            found = _find(wanted, tables)
            if (
                has_changed
                or {name for name, table in found.items() if table is None or table.model} != wanted
            ):
                found = None
        if found is None:
            self._layout = look(self._store)
            tables, _ = self._tables(self._layout)
            found = _find(wanted, tables)
        versions = {name: self._version(tables, table) for name, table in found.items() if table}
        return {name: version for name, version in versions.items() if version}

    def _tables(self, layout: Layout) -> tuple[Tables, bool]:
        """What the layout's model.json files say, and whether one of them is not there any more."""
        models: dict[str, Model] = {}
        broken: dict[str, PermanentError] = {}
        has_changed = False
        for name in layout.models:
            folder = dirname(name)
            try:
                if folder in models or folder in broken:
                    raise invalid_model(f"There are several model.json in {shown(folder) or 'SEGMENTS_URL'}.")
                models[folder] = self._model(name)
            except PermanentError as error:
                has_changed |= isinstance(error, NotFound)
                models.pop(folder, None)
                broken[folder] = error
        listings = Listings(self._store)
        return Tables(listings, self._prefix, layout, list(models.values()), broken), has_changed

    def _model(self, name: str) -> Model:
        try:
            blob = self._store.read(name, most=MOST_BYTES)
        except InvalidDocument as error:
            raise invalid_model(error.message) from None
        return Model.read(name, blob.etag, blob.content)

    def _version(self, tables: Tables, table: Table) -> str | None:
        entity = table.entity
        listed = (listed_version(entity), entity.locations) if entity and entity.locations else None
        if listed and self._whole.get(table.path) == listed:
            return listed[0]
        with suppress(PermanentError):
            for draft in drafts(tables, table):
                if unfinished(self._store, draft, table.model) is None:
                    if listed and draft.is_listed:
                        self._whole[table.path] = listed
                    return draft.version
        return None


def _find(segments: set[str], tables: Tables) -> dict[str, Table | None]:
    """By name, what is known; None where the name or its model.json needs mending."""
    found: dict[str, Table | None] = {}
    for segment in segments:
        try:
            if table := tables.find(segment):
                found[segment] = table
        except PermanentError:
            found[segment] = None
    return found
