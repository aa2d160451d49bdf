"""Whose the files and folders under SEGMENTS_URL are, as far as model.json files say."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from posixpath import basename, dirname, join

from shared.errors import InvalidSegment
from shared.segments.layout import Layout, above
from shared.segments.locations import segment_folder
from shared.segments.messages import invalid_model, quoted
from shared.segments.model import Model
from shared.text import shown

type Owner = tuple[str, str]
"""A table: the folder of its model.json, and its name, which is blank where it has none."""


class Owners:
    """Knows what each table lists, also those that can't be read otherwise.

    What lies in an export's folder, where its model.json is, is that export's: another's model.json can't
    claim what a table of it has. `broken` are the folders whose model.json can't be read, and `prefix` is
    what a location has before its name in the store.
    """

    def __init__(self, layout: Layout, models: Iterable[Model], broken: Collection[str], prefix: str) -> None:
        self.exports = {dirname(name) for name in layout.models}
        self._homes: dict[str, str | None] = {}
        self._files: dict[str, set[Owner]] = defaultdict(set)
        self._folders: dict[str, set[Owner]] = defaultdict(set)
        self._alike: dict[Owner, set[str]] = defaultdict(set)
        self._astray: dict[Owner, str] = {}
        self._models = {model.folder: model for model in models}
        elsewhere: list[tuple[Owner, str, str]] = []
        for model in self._models.values():
            for table in model.tables:
                self._alike[model.folder, letters(table)].add(table)
            for table, location in model.listed():
                name = location.removeprefix(prefix)
                home = self.home(dirname(name))
                if not location.startswith(prefix):
                    continue
                if home in (None, model.folder):
                    self._claim((model.folder, table), name)
                else:
                    elsewhere.append(((model.folder, table), name, home))
        # Those at home come first, whatever the others say.
        for owner, name, _ in [each for each in elsewhere if not self._may_have(*each[1:], broken)]:
            self._astray.setdefault(owner, name)
        for owner, name, _ in elsewhere:
            if owner not in self._astray:
                self._claim(owner, name)
        self._shared = {
            owner: name for name, owners in self._files.items() if len(owners) > 1 for owner in owners
        }

    def home(self, folder: str) -> str | None:
        """The export's folder that the folder is or lies in, the innermost; None where it is in none."""
        if folder not in self._homes:
            self._homes[folder] = next((each for each in above(folder) if each in self.exports), None)
        return self._homes[folder]

    def fault(self, model: Model, table: str) -> InvalidSegment | None:
        """Why what the table lists may not be its own."""
        owner = (model.folder, table)
        if name := self._astray.get(owner):
            return invalid_model(f"{model.where(table)}: {shown(name)} is in another export's folder.")
        if name := self._shared.get(owner):
            other = next(each for each in self._files[name] if each != owner)
            whose = f"entity {quoted(other[1])}" if other[1] else "an entity without a name"
            return invalid_model(f"{model.where(table)}: {whose} lists {shown(name)} too.")
        return None

    def is_sole(self, model: Model, table: str, folder: str) -> bool:
        """Whether all that lies in the folder can only be the table's.

        It is not where another table lists a file in it or is called like it, nor outside of the export.
        """
        owner = (model.folder, table)
        if folder in self.exports or self.home(folder) != model.folder:
            return False
        if self._folders.get(folder, {owner}) != {owner}:
            return False
        if folder == join(model.folder, table) or dirname(folder) != model.folder:
            return True
        return self.alike(model, basename(folder)) <= {table}

    def is_listed(self, name: str) -> bool:
        """Whether any table lists the file."""
        return name in self._files

    def alike(self, model: Model, name: str) -> set[str]:
        """The model's tables with this name, whatever its case and punctuation."""
        return self._alike.get((model.folder, letters(name)), set())

    def _claim(self, owner: Owner, name: str) -> None:
        self._files[name].add(owner)
        self._folders[segment_folder(dirname(name))].add(owner)

    def _may_have(self, name: str, home: str, broken: Collection[str]) -> bool:
        """Whether no table of the export at home has the file, or a claim to its folder."""
        if home in broken or home not in self._models:
            return False
        folder = segment_folder(dirname(name))
        below = name.removeprefix(f"{home}/") if home else name
        taken = {owner[0] for owner in (*self._files.get(name, ()), *self._folders.get(folder, ()))}
        return home not in taken and not self.alike(self._models[home], below.partition("/")[0])


def letters(name: str) -> str:
    """The name without case and punctuation, unless it has nothing else."""
    return "".join(filter(str.isalnum, name)).casefold() or name
