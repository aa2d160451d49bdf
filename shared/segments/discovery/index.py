"""An index of the segments: their names, and which segment a name means."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import basename, dirname, join

from shared.errors import InvalidSegment
from shared.segments.discovery.entries import Entries, SegmentEntry, grouped
from shared.segments.discovery.failures import Failure
from shared.segments.discovery.file_names import MatchedFiles, match_beside_model
from shared.segments.discovery.layout import Layout, StoreCache, csv_files, holds_model, run_folders
from shared.segments.discovery.model import Model
from shared.segments.discovery.ownership import Ownership
from shared.text import listing, quoted

type Found = SegmentEntry | Failure


class SegmentIndex:
    """The segments of a layout, as its model.json files describe them at one moment.

    `failures` are the model.json files that are not valid, by their folders. `prefix` is the part of
    SEGMENTS_URL after its container, with a slash at its end, or blank.
    """

    def __init__(
        self,
        store: StoreCache,
        prefix: str,
        layout: Layout,
        models: Sequence[Model],
        failures: Mapping[str, Failure],
    ) -> None:
        self.store = store
        self._layout = layout
        self._models = {model.folder: model for model in models}
        self._failures = failures
        self._ownership = Ownership(layout, models, failures.keys(), prefix)
        self._entries = Entries(layout, models, self._ownership, prefix)
        self._beside: dict[str, dict[str, MatchedFiles]] = {}

    def find(self, segment: str) -> SegmentEntry | None:
        """The segment whose entity has this name, else the one whose folder has it.

        If several do, as many folders above as needed distinguish them. A folder without an entity is a
        segment only if no model.json is next to it or above. Raises InvalidSegment if the name is ambiguous,
        or if a model.json that describes the segment, or may describe it, is not valid: without it the
        columns have no types, and `only_if` compares by type.
        """
        found = self._by_entity_name(segment) or [
            *self._by_entity_folder(segment),
            *self._by_invalid_model(segment),
        ]
        described = {
            each.folder for _, each in found if isinstance(each, SegmentEntry) and each.is_in_one_folder
        }
        found += [
            (entry.folder, entry) for entry in self._without_model(segment) if entry.folder not in described
        ]
        if len(found) > 1:
            raise InvalidSegment(
                f"Several segments under SEGMENTS_URL are named {quoted(segment)}. Add the folders above to "
                f"the name: {listing(sorted(path for path, _ in found))}.",
                code="ambiguous_segment",
            )
        for _, each in found:
            if isinstance(each, Failure):
                raise each.error()
            return each
        for failure in self._failures.values():
            raise failure.error()
        return None

    def names(self) -> list[str]:
        """The segments' names, in order, whether they have a complete snapshot or not."""
        entities = (name for model in self._models.values() for name in model.entities)
        folders = (folder for folder in self._layout.folders if self._may_be_segment(folder))
        return sorted({*entities, *(basename(folder) for folder in folders if self._has_runs(folder))})

    def files_beside_model(self, entry: SegmentEntry) -> MatchedFiles:
        """The files next to the segment's model.json that no entity lists and that have its name."""
        folder = entry.model.folder if entry.model else ""
        if folder not in self._beside:
            files = csv_files(self.store, folder)
            unlisted = [file for file in files if not self._ownership.is_listed(file.name)]
            self._beside[folder] = match_beside_model(unlisted, self._entries.matchers[folder])
        return self._beside[folder].get(entry.name, MatchedFiles())

    def _by_entity_name(self, segment: str) -> list[tuple[str, Found]]:
        return [
            (join(model.folder, name), self._entries.entry(model, name))
            for model, name in self._by_path.get(segment, ())
        ]

    def _by_entity_folder(self, segment: str) -> Iterator[tuple[str, Found]]:
        for entry in self._by_folder.get(basename(segment), ()):
            if f"/{entry.folder}".endswith(f"/{segment}"):
                yield entry.path, entry

    def _by_invalid_model(self, segment: str) -> Iterator[tuple[str, Found]]:
        """The folders of this name next to a model.json that, or whose entity for them, is not valid."""
        for folder in self._folders.get(segment, ()):
            export = dirname(folder)
            if export in self._failures and self._may_be_segment(folder) and self._has_runs(folder):
                yield folder, self._failures[export]
            elif model := self._models.get(export):
                for name in sorted(self._ownership.similar(model, basename(folder))):
                    if isinstance(failure := self._entries.entry(model, name), Failure):
                        yield folder, failure

    def _without_model(self, segment: str) -> Iterator[SegmentEntry]:
        """The folders of this name that no model.json can describe."""
        for folder in self._folders.get(segment, ()):
            if self._ownership.export_of(folder) is None and self._has_runs(folder):
                yield SegmentEntry(basename(folder), folder)

    def _may_be_segment(self, folder: str) -> bool:
        """Whether no valid model.json rules out that the folder, which has no entity, is a segment's."""
        export = self._ownership.export_of(folder)
        return export is None or (export == dirname(folder) and export in self._failures and export != folder)

    def _has_runs(self, folder: str) -> bool:
        return not holds_model(self.store, folder) and any(run_folders(self.store, folder))

    @cached_property
    def _by_path(self) -> Mapping[str, Sequence[tuple[Model, str]]]:
        """The entities by name, alone and with the folders above."""
        return grouped(
            (path, (model, name))
            for model in self._models.values()
            for name in model.entities
            for path in (name, *(join(end, name) for end in _ends(model.folder)))
        )

    @cached_property
    def _folders(self) -> Mapping[str, Sequence[str]]:
        """The layout's folders, by the ends of their paths."""
        return grouped((end, folder) for folder in self._layout.folders for end in _ends(folder))

    @cached_property
    def _by_folder(self) -> Mapping[str, Sequence[SegmentEntry]]:
        """The valid entries by the last name of their folder, unless that is in another export's folder."""
        entries = [
            self._entries.entry(model, name) for model in self._models.values() for name in model.entities
        ]
        return grouped(
            (basename(entry.folder), entry)
            for entry in entries
            if isinstance(entry, SegmentEntry) and entry.model
            if entry.folder not in self._ownership.exports
            if self._ownership.export_of(entry.folder) in (None, entry.model.folder)
        )


def _ends(path: str) -> Iterator[str]:
    """The path's last name, its last two, and so on."""
    names = path.split("/") if path else []
    return ("/".join(names[start:]) for start in reversed(range(len(names))))
