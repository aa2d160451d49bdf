"""Makes an entry of the index for each entity of the model.json files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from posixpath import basename, dirname, join

from shared.errors import InvalidSegment
from shared.segments.discovery.entity import Entity
from shared.segments.discovery.failures import Failure, invalid_model
from shared.segments.discovery.file_names import NameMatcher
from shared.segments.discovery.layout import Layout
from shared.segments.discovery.locations import segment_folder
from shared.segments.discovery.model import Model
from shared.segments.discovery.ownership import Ownership, normalized


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment: the folder with its run folders, and its entity if a model.json has one.

    The entity's locations are names in the store. With `is_exclusive`, everything in the folder is the
    segment's, as far as the model.json files show. `matcher` knows the names of its export's entities.
    """

    name: str
    folder: str
    entity: Entity | None = None
    model: Model | None = None
    is_exclusive: bool = True
    matcher: NameMatcher | None = None

    @property
    def path(self) -> str:
        """The segment's unique name."""
        return join(self.model.folder, self.name) if self.model else self.folder

    @property
    def is_in_one_folder(self) -> bool:
        """Whether all listed files are in run folders of the segment's folder."""
        locations = self.entity.locations if self.entity else ()
        return {segment_folder(folder) for folder in set(map(dirname, locations))} <= {self.folder}


class Entries:
    """The entries of a layout's entities. `prefix` is the part of a location before its name in the store."""

    def __init__(self, layout: Layout, models: Iterable[Model], ownership: Ownership, prefix: str) -> None:
        self._layout = layout
        self._ownership = ownership
        self._prefix = prefix
        self.matchers = {
            model.folder: NameMatcher(basename(model.folder), model.entities) for model in models
        }

    def entry(self, model: Model, name: str) -> SegmentEntry | Failure:
        """The entry of the model's entity with this name, or why it is not valid."""
        try:
            return self._entry(model, name)
        except InvalidSegment as error:
            return Failure.of(error)

    def _entry(self, model: Model, name: str) -> SegmentEntry:
        entity = model.entity(name)
        locations = tuple(self._below_prefix(model, name, location) for location in entity.locations)
        if conflict := self._ownership.conflict(model, name):
            raise conflict
        if not entity.columns:
            raise invalid_model(f"{model.where(name)}: it has no attributes, so its columns have no types.")
        folder = segment_folder(dirname(locations[0])) if locations else self._unlisted_folder(model, name)
        entity = replace(entity, locations=locations)
        entry = SegmentEntry(name, folder, entity, model, matcher=self.matchers[model.folder])
        is_exclusive = entry.is_in_one_folder and self._ownership.is_exclusive(model, name, folder)
        return replace(entry, is_exclusive=is_exclusive)

    def _below_prefix(self, model: Model, name: str, location: str) -> str:
        if not location.startswith(self._prefix):
            raise invalid_model(f"{model.where(name)}: a location is outside the prefix of SEGMENTS_URL.")
        return location.removeprefix(self._prefix)

    def _unlisted_folder(self, model: Model, name: str) -> str:
        """The entity's folder next to its model.json, which may differ in case and punctuation.

        Never a folder that another entity can claim, nor simply the only one left: that could send one
        segment's people to another's list.
        """
        exact = join(model.folder, name)
        similar = self._similar_folders.get((model.folder, normalized(name)), ())
        if (
            exact not in similar
            and len(similar) == 1
            and self._ownership.is_exclusive(model, name, similar[0])
        ):
            return similar[0]
        return exact

    @cached_property
    def _similar_folders(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """The layout's folders, by the folder above and their normalized names."""
        return grouped(
            ((dirname(folder), normalized(basename(folder))), folder) for folder in self._layout.folders
        )


def grouped[Key, Value](pairs: Iterator[tuple[Key, Value]]) -> Mapping[Key, Sequence[Value]]:
    """The values by their keys."""
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
