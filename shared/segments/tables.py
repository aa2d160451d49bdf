"""Which segments there are, and what a segment's name stands for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from posixpath import basename, dirname, join

from shared.errors import InvalidSegment, PermanentError
from shared.segments.layout import Layout, Listings, csv_files, holds_model, run_folders
from shared.segments.locations import segment_folder
from shared.segments.messages import invalid_model, listing, quoted
from shared.segments.model import Entity, Model
from shared.segments.naming import Names, Own, own_beside
from shared.segments.owners import Owners, letters

type Found = Table | PermanentError


@dataclass(frozen=True, slots=True)
class Table:
    """A segment: the folder of its run folders, and its entity where a model.json has one.

    The entity's locations are names in the store. With `is_sole`, all that lies in the folder is its own, as
    far as model.json files say; `names` are those of its export's tables.
    """

    name: str
    folder: str
    entity: Entity | None = None
    model: Model | None = None
    is_sole: bool = True
    names: Names | None = None

    @property
    def path(self) -> str:
        """The name that no other segment has."""
        return join(self.model.folder, self.name) if self.model else self.folder


class Tables:
    """The segments of a layout, as its model.json files describe them, for one look.

    `broken` says why others of these files can't be read, by the folders they lie in. `prefix` is what
    SEGMENTS_URL has behind its container, with a slash at its end, or nothing.
    """

    def __init__(
        self,
        listings: Listings,
        prefix: str,
        layout: Layout,
        models: Sequence[Model],
        broken: Mapping[str, PermanentError],
    ) -> None:
        self.listings = listings
        self._prefix = prefix
        self._layout = layout
        self._models = {model.folder: model for model in models}
        self._broken = broken
        self._owners = Owners(layout, models, broken.keys(), prefix)
        self._names = {model.folder: Names(basename(model.folder), model.tables) for model in models}
        self._beside: dict[str, dict[str, Own]] = {}
        self._by_path: dict[str, list[tuple[Model, str]]] = defaultdict(list)
        for model in models:
            for table in model.tables:
                for path in (table, *(join(end, table) for end in _ends(model.folder))):
                    self._by_path[path].append((model, table))

    def find(self, segment: str) -> Table | None:
        """The segment with this table name in a model.json, else the one in a folder of this name.

        Where several have it, the folders above, as many as it takes, tell them apart. A folder by itself is
        a segment only where no model.json lies beside it or above. Raises InvalidSegment where the name is
        ambiguous, or where a model.json that describes the segment, or may do so, can't be read: without it
        nobody knows the types that consent is told by.
        """
        found = self._described(segment) or [*self._placed(segment), *self._undescribed(segment)]
        described = {each.folder for _, each in found if isinstance(each, Table) and _is_in_one_folder(each)}
        found += [(table.folder, table) for table in self._bare(segment) if table.folder not in described]
        if len(found) > 1:
            raise InvalidSegment(
                f"There are several segments {quoted(segment)} under SEGMENTS_URL: say which by the folders "
                f"above. There are {listing(sorted(path for path, _ in found))}.",
                code="ambiguous_segment",
            )
        if not found and self._broken:
            raise next(iter(self._broken.values()))
        for _, each in found:
            if isinstance(each, Table):
                return each
            raise each
        return None

    def names(self) -> list[str]:
        """The segments' names, whether they have a whole snapshot or not, in order."""
        tables = (name for model in self._models.values() for name in model.tables)
        folders = (folder for folder in self._layout.folders if self._may_be_bare(folder))
        return sorted({*tables, *(basename(folder) for folder in folders if self._has_runs(folder))})

    def beside(self, table: Table) -> Own:
        """The files beside the table's model.json that no table lists and that have its name."""
        folder = table.model.folder if table.model else ""
        if folder not in self._beside:
            files = [
                file for file in csv_files(self.listings, folder) if not self._owners.is_listed(file.name)
            ]
            self._beside[folder] = own_beside(files, self._names[folder])
        return self._beside[folder].get(table.name, Own())

    def _described(self, segment: str) -> list[tuple[str, Found]]:
        """The tables of this name."""
        return [
            (join(model.folder, table), self._readable(model, table))
            for model, table in self._by_path.get(segment, ())
        ]

    def _placed(self, segment: str) -> Iterator[tuple[str, Found]]:
        """The tables whose folder has this name."""
        for table in self._by_folder.get(basename(segment), ()):
            if f"/{table.folder}".endswith(f"/{segment}"):
                yield table.path, table

    def _undescribed(self, segment: str) -> Iterator[tuple[str, Found]]:
        """The folders of this name beside a model.json that can't be read, or not their entity in it."""
        for folder in self._folders.get(segment, ()):
            export = dirname(folder)
            if export in self._broken and self._may_be_bare(folder) and self._has_runs(folder):
                yield folder, self._broken[export]
            elif model := self._models.get(export):
                for table in sorted(self._owners.alike(model, basename(folder))):
                    if not isinstance(error := self._readable(model, table), Table):
                        yield folder, error

    def _bare(self, segment: str) -> Iterator[Table]:
        """The folders of this name that no model.json can describe."""
        for folder in self._folders.get(segment, ()):
            if self._owners.home(folder) is None and self._has_runs(folder):
                yield Table(basename(folder), folder)

    def _may_be_bare(self, folder: str) -> bool:
        """Whether nobody knows of a model.json that says that the folder is none, or another's."""
        home = self._owners.home(folder)
        return home is None or (home == dirname(folder) and home in self._broken and home != folder)

    def _has_runs(self, folder: str) -> bool:
        return not holds_model(self.listings, folder) and any(run_folders(self.listings, folder))

    @cached_property
    def _folders(self) -> Mapping[str, Sequence[str]]:
        """The layout's folders, by the ends of their paths."""
        return _indexed((end, folder) for folder in self._layout.folders for end in _ends(folder))

    @cached_property
    def _by_folder(self) -> Mapping[str, Sequence[Table]]:
        """The tables that can be read, by the last name of their folder; none of another export's."""
        tables = [self._readable(model, name) for model in self._models.values() for name in model.tables]
        return _indexed(
            (basename(table.folder), table)
            for table in tables
            if isinstance(table, Table) and table.model and table.folder not in self._owners.exports
            if self._owners.home(table.folder) in (None, table.model.folder)
        )

    @cached_property
    def _folders_alike(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """The layout's folders, by the folder above and their letters."""
        return _indexed(
            ((dirname(folder), letters(basename(folder))), folder) for folder in self._layout.folders
        )

    def _readable(self, model: Model, name: str) -> Found:
        try:
            return self._table(model, name)
        except InvalidSegment as error:
            return error

    def _table(self, model: Model, name: str) -> Table:
        entity = model.entity(name)
        locations = tuple(self._below_prefix(model, name, location) for location in entity.locations)
        if fault := self._owners.fault(model, name):
            raise fault
        if not entity.columns:
            raise invalid_model(f"{model.where(name)}: it has no attributes, so its columns have no types.")
        folder = segment_folder(dirname(locations[0])) if locations else self._folder_beside(model, name)
        table = Table(
            name, folder, replace(entity, locations=locations), model, names=self._names[model.folder]
        )
        is_sole = _is_in_one_folder(table) and self._owners.is_sole(model, name, folder)
        return replace(table, is_sole=is_sole)

    def _below_prefix(self, model: Model, name: str, location: str) -> str:
        if not location.startswith(self._prefix):
            raise invalid_model(f"{model.where(name)}: it lies outside of SEGMENTS_URL's prefix.")
        return location.removeprefix(self._prefix)

    def _folder_beside(self, model: Model, name: str) -> str:
        """The entity's folder beside its model.json, which may differ in case and punctuation.

        Never one that another can claim, nor merely the only one that is left: it would send one segment's
        people to another's list.
        """
        exact = join(model.folder, name)
        alike = self._folders_alike.get((model.folder, letters(name)), ())
        if exact not in alike and len(alike) == 1 and self._owners.is_sole(model, name, alike[0]):
            return alike[0]
        return exact


def _is_in_one_folder(table: Table) -> bool:
    locations = table.entity.locations if table.entity else ()
    return {segment_folder(folder) for folder in set(map(dirname, locations))} <= {table.folder}


def _ends(path: str) -> Iterator[str]:
    """The path's last name, its last two, and so on."""
    names = path.split("/") if path else []
    return ("/".join(names[start:]) for start in reversed(range(len(names))))


def _indexed[Key, Value](pairs: Iterator[tuple[Key, Value]]) -> Mapping[Key, Sequence[Value]]:
    found: dict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
