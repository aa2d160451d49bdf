"""Which segments there are, and what a segment's name stands for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from posixpath import basename, dirname, join

from shared.adapters.storage.store import Store
from shared.errors import InvalidSegment
from shared.segments.layout import Layout, run_folders
from shared.segments.locations import segment_folder
from shared.segments.model import Entity, Model


@dataclass(frozen=True, slots=True)
class Table:
    """A segment: the folder of its run folders, and its entity where a model.json has one.

    The entity's locations are names in the store.
    """

    name: str
    folder: str
    entity: Entity | None = None
    model: Model | None = None

    @property
    def path(self) -> str:
        """The name that no other segment has."""
        return join(self.model.folder, self.name) if self.model else self.folder


@dataclass(frozen=True, slots=True)
class Tables:
    """The segments of a layout, as its model.json files describe them.

    `broken` says why others of these files can't be read, by the folders they lie in. `prefix` is what
    SEGMENTS_URL has behind its container, with a slash at its end, or nothing.
    """

    store: Store
    prefix: str
    layout: Layout
    models: Sequence[Model]
    broken: Mapping[str, InvalidSegment]

    def find(self, segment: str) -> Table | None:
        """The segment with this table name in a model.json, else the one in a folder of this name.

        Where several have it, the folders above, as many as it takes, tell them apart. Raises
        InvalidSegment where the name is ambiguous, or where a model.json that describes the segment, or
        may do so, can't be read: without it nobody knows the types that consent is told by.
        """
        found = list(self._by_table(segment)) or list(self._by_folder(segment))
        if len(found) > 1:
            raise InvalidSegment(
                f"There are several segments {segment!r} under SEGMENTS_URL: say which by the folders above. "
                f"There are {', '.join(sorted(table.path for table in found))}.",
                code="ambiguous_segment",
            )
        if not found and self.broken:
            raise next(iter(self.broken.values()))
        return found[0] if found else None

    def names(self) -> list[str]:
        """The segments' names, whether they have a whole snapshot or not, in order."""
        tables = (name for model in self.models for name in model.tables)
        bare = (folder for folder in self._bare() if self._fault(folder) is None and self._has_runs(folder))
        return sorted({*tables, *map(basename, bare)})

    def _by_table(self, segment: str) -> Iterator[Table]:
        for model in self.models:
            for name in model.tables:
                if name == segment or _ends_with(join(model.folder, name), segment):
                    yield self._table(model, name)

    def _by_folder(self, segment: str) -> Iterator[Table]:
        for table in self._readable():
            if _ends_with(table.folder, segment):
                yield table
        for folder in self._bare():
            if _ends_with(folder, segment) and self._has_runs(folder):
                if fault := self.broken.get(dirname(folder)) or self._fault(folder):
                    raise fault
                yield Table(basename(folder), folder)

    def _bare(self) -> list[str]:
        """The folders that are no entity's, as far as we can see."""
        claimed = {table.folder for table in self._readable()}
        return [folder for folder in self.layout.folders if folder not in claimed]

    def _fault(self, folder: str) -> InvalidSegment | None:
        """Why the entity that is called like the folder beside it can't be read; None where none is."""
        for model in self.models:
            if model.folder == dirname(folder):
                for name in model.tables:
                    if _letters(name) == _letters(basename(folder)):
                        try:
                            self._table(model, name)
                        except InvalidSegment as error:
                            return error
        return None

    def _readable(self) -> Iterator[Table]:
        for model in self.models:
            for name in model.tables:
                with suppress(InvalidSegment):
                    yield self._table(model, name)

    def _table(self, model: Model, name: str) -> Table:
        entity = model.entity(name)
        locations = tuple(self._below_prefix(location, entity) for location in entity.locations)
        folder = dirname(locations[0]) if locations else self._folder_beside(model, name)
        return Table(name, segment_folder(folder), replace(entity, locations=locations), model)

    def _below_prefix(self, location: str, entity: Entity) -> str:
        if not location.startswith(self.prefix):
            raise InvalidSegment(
                f"model.json places the segment {entity.name!r} outside of SEGMENTS_URL's prefix.",
                code="invalid_model",
            )
        return location.removeprefix(self.prefix)

    def _folder_beside(self, model: Model, name: str) -> str:
        """The entity's folder beside its model.json, which may differ in case and punctuation.

        Never merely the only one that is left: it would send one segment's people to another's list.
        """
        exact = join(model.folder, name)
        alike = [
            folder
            for folder in self.layout.folders
            if dirname(folder) == model.folder and _letters(basename(folder)) == _letters(name)
        ]
        return alike[0] if exact not in alike and len(alike) == 1 else exact

    def _has_runs(self, folder: str) -> bool:
        return next(run_folders(self.store, folder), None) is not None


def _ends_with(path: str, names: str) -> bool:
    """Whether these are the last names of the path, or all of them."""
    return f"/{path}".endswith(f"/{names}")


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
