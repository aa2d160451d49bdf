"""Which entity the files and folders under SEGMENTS_URL belong to, according to the model.json files."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from posixpath import basename, dirname, join

from shared.errors import InvalidSegment
from shared.segments.discovery.failures import invalid_model
from shared.segments.discovery.layout import Layout, ancestors
from shared.segments.discovery.locations import segment_folder
from shared.segments.discovery.model import Model
from shared.text import quoted, shown

type Owner = tuple[str, str]
"""An entity: the folder of its model.json, and its name, which is blank if it has none."""


class Ownership:
    """Knows the files of each entity, even if the entity is otherwise not valid.

    Everything in an export's folder, where its model.json is, belongs to that export: another's model.json
    can't claim what an entity of it has. `invalid` are the folders whose model.json is not valid, and
    `prefix` is the part of a location before its name in the store.
    """

    def __init__(
        self, layout: Layout, models: Iterable[Model], invalid: Collection[str], prefix: str
    ) -> None:
        self.exports = {dirname(name) for name in layout.models}
        self._export_of: dict[str, str | None] = {}
        self._files: dict[str, set[Owner]] = defaultdict(set)
        self._folders: dict[str, set[Owner]] = defaultdict(set)
        self._similar: dict[Owner, set[str]] = defaultdict(set)
        self._misplaced: dict[Owner, str] = {}
        self._models = {model.folder: model for model in models}
        elsewhere: list[tuple[Owner, str, str]] = []
        for model in self._models.values():
            for entity in model.entities:
                self._similar[model.folder, normalized(entity)].add(entity)
            for entity, location in model.locations():
                name = location.removeprefix(prefix)
                export = self.export_of(dirname(name))
                if not location.startswith(prefix):
                    continue
                if export in (None, model.folder):
                    self._claim((model.folder, entity), name)
                else:
                    elsewhere.append(((model.folder, entity), name, export))
        # The claims of each export to its own folder come first.
        for owner, name, _ in [each for each in elsewhere if not self._can_claim(*each[1:], invalid)]:
            self._misplaced.setdefault(owner, name)
        for owner, name, _ in elsewhere:
            if owner not in self._misplaced:
                self._claim(owner, name)
        self._shared = {
            owner: name for name, owners in self._files.items() if len(owners) > 1 for owner in owners
        }

    def export_of(self, folder: str) -> str | None:
        """The innermost export's folder that is this folder or above it; None if there is none."""
        if folder not in self._export_of:
            self._export_of[folder] = next((each for each in ancestors(folder) if each in self.exports), None)
        return self._export_of[folder]

    def conflict(self, model: Model, entity: str) -> InvalidSegment | None:
        """Why the files that the entity lists may belong to another one."""
        owner = (model.folder, entity)
        if name := self._misplaced.get(owner):
            return invalid_model(f"{model.where(entity)}: {shown(name)} is in another export's folder.")
        if name := self._shared.get(owner):
            other = next(each for each in self._files[name] if each != owner)
            described = f"entity {quoted(other[1])}" if other[1] else "an entity without a name"
            return invalid_model(f"{model.where(entity)}: {described} lists {shown(name)} too.")
        return None

    def is_exclusive(self, model: Model, entity: str, folder: str) -> bool:
        """Whether everything in the folder can only belong to the entity.

        It can't if another entity lists a file in it or has its name, or if it is outside of the export.
        """
        owner = (model.folder, entity)
        if folder in self.exports or self.export_of(folder) != model.folder:
            return False
        if self._folders.get(folder, {owner}) != {owner}:
            return False
        if folder == join(model.folder, entity) or dirname(folder) != model.folder:
            return True
        return self.similar(model, basename(folder)) <= {entity}

    def is_listed(self, name: str) -> bool:
        """Whether an entity lists the file."""
        return name in self._files

    def similar(self, model: Model, name: str) -> set[str]:
        """The model's entities with this name, ignoring case and punctuation."""
        return self._similar.get((model.folder, normalized(name)), set())

    def _claim(self, owner: Owner, name: str) -> None:
        self._files[name].add(owner)
        self._folders[segment_folder(dirname(name))].add(owner)

    def _can_claim(self, name: str, export: str, invalid: Collection[str]) -> bool:
        """Whether no entity of the export whose folder contains the file has it, or a claim to its folder."""
        if export in invalid or export not in self._models:
            return False
        folder = segment_folder(dirname(name))
        below = name.removeprefix(f"{export}/") if export else name
        taken = {owner[0] for owner in (*self._files.get(name, ()), *self._folders.get(folder, ()))}
        return export not in taken and not self.similar(self._models[export], below.partition("/")[0])


def normalized(name: str) -> str:
    """The name without case and punctuation, unless it has nothing else."""
    return "".join(filter(str.isalnum, name)).casefold() or name
